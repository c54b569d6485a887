"""The tool process: ``python -m workers.tools.main MEMORY_BYTES CPU_SECONDS FOLDER``.

It answers requests on its standard input, one after the other, until that ends. A request is a
frame of parts: source format, target format, options as JSON, the score. The answer is a frame with
a status and the files made, as parts, or for a failure what is to be said of it; meanwhile it tells
how many of how many pages are done. The other side is `workers.convert`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import BinaryIO, Final

from collab.limits import MIB
from persistence.worker_frames import (
    LENGTH_BYTES,
    Status,
    encode_answer,
    join_parts,
    split_parts,
)
from persistence.worker_pool import LOG
from workers.formats import Format
from workers.sandbox import Pipes, allow_cpu, enter, leave_network
from workers.tools.conversion import Conversion, Order
from workers.tools.failures import Failure, cut
from workers.tools.options import ToolOptions

FILE_BYTES_MAX: Final = 256 * MIB
"""Of one file that a tool writes."""


def main(arguments: list[str]) -> int:
    """Limit this process, then serve until the other side hangs up.

    Args:
        arguments: address space in bytes, processor time for one request in seconds, and a folder
            of its own, which is removed in the end.
    """
    memory_bytes, cpu_s = map(int, arguments[:2])
    folder = Path(arguments[2])
    leave_network()
    pipes = enter(memory_bytes=memory_bytes, file_bytes=FILE_BYTES_MAX, log=folder / LOG)
    os.chdir(folder)
    try:
        serve(pipes, Conversion(folder), cpu_s=cpu_s)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def serve(pipes: Pipes, conversion: Conversion, *, cpu_s: int) -> None:
    """Answer requests until the pipe ends."""
    with contextlib.suppress(Failure):  # whoever needs it is told then
        conversion.engraver.warm_up()
    while frame := _read_frame(pipes.requests):
        allow_cpu(cpu_s)
        os.truncate(LOG, 0)
        pipes.answers.write(handle(frame, conversion, pipes.answers))
        pipes.answers.flush()


def handle(frame: bytes, conversion: Conversion, answers: BinaryIO) -> bytes:
    """Do what a request asks and return the answer with its length in front."""

    def tell(done: int, total: int) -> None:
        answers.write(encode_answer(Status.PROGRESS, f"{done}/{total}".encode()))
        answers.flush()

    try:
        source, target, options, data = split_parts(frame)
        order = Order(
            Format(source.decode()), Format(target.decode()), ToolOptions.decode(options), data
        )
        return encode_answer(Status.DONE, join_parts(conversion.run(order, tell)))
    except Failure as failure:
        return encode_answer(failure.status, str(failure).encode(errors="replace"))
    except MemoryError:
        return encode_answer(Status.OUT_OF_MEMORY, b"it needs more memory than it may have")
    except RecursionError:
        return encode_answer(Status.TOOL_FAILED, b"it is nested too deeply")
    except BaseException as error:  # noqa: BLE001 - Rust panics are no Exception, and all is told
        message = cut(f"{type(error).__name__}: {error}")
        return encode_answer(Status.TOOL_FAILED, message.encode(errors="replace"))


def _read_frame(requests: BinaryIO) -> bytes:
    """One request without its length; empty when there are no more."""
    size_bytes = int.from_bytes(requests.read(LENGTH_BYTES), "big")
    return requests.read(size_bytes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
