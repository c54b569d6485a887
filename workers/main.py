"""The worker process: ``python -m workers.main MEMORY_BYTES CPU_SECONDS``.

It answers requests on its standard input, one after the other, until that ends. See
`persistence.worker_frames` for the frames and `persistence.offload` for the other side.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import BinaryIO, Final

from collab.errors import BandProError
from persistence.worker_frames import (
    LENGTH_BYTES,
    Operation,
    Status,
    decode_request,
    encode_answer,
)
from workers.clients import clients
from workers.comments import comments
from workers.compare import compare
from workers.content import describe
from workers.fingerprint import fingerprint
from workers.merge import merge, state, state_vector
from workers.restore import restore
from workers.sandbox import Pipes, allow_cpu, enter
from workers.titles import title

_OVER_ALL: Final[Mapping[Operation, Callable[[list[bytes]], bytes]]] = {
    Operation.MERGE: merge,
    Operation.CLIENTS: clients,
    Operation.FINGERPRINT: fingerprint,
    Operation.STATE: state,
    Operation.TITLE: title,
}
"""What takes any number of arguments, as one list."""

_OVER_EACH: Final[Mapping[Operation, Callable[..., bytes]]] = {
    Operation.STATE_VECTOR: state_vector,
    Operation.DESCRIBE: describe,
    Operation.COMPARE: compare,
    Operation.RESTORE: restore,
    Operation.COMMENTS: comments,
}
"""What takes so many arguments as it names; of scores, see `workers.score_requests`."""


def main(arguments: list[str]) -> int:
    """Limit this process, then serve until the server hangs up.

    Args:
        arguments: address space in bytes, and processor time for one request in seconds.
    """
    memory_bytes, cpu_s = map(int, arguments)
    serve(enter(memory_bytes=memory_bytes), cpu_s=cpu_s)
    return 0


def serve(pipes: Pipes, *, cpu_s: int) -> None:
    """Answer requests until the pipe ends."""
    while frame := _read_frame(pipes.requests):
        allow_cpu(cpu_s)
        answer = handle(frame)
        pipes.answers.write(answer)
        pipes.answers.flush()


def handle(frame: bytes) -> bytes:
    """Do what a request asks and return the answer with its length in front."""
    try:
        return encode_answer(Status.DONE, _work(*decode_request(frame)))
    except BandProError as error:
        return encode_answer(Status.REFUSED, f"{type(error).__name__}: {error}".encode())
    except BaseException as error:  # noqa: BLE001 - Rust panics are no Exception, and all is told
        # The name alone: messages of the library may quote content.
        return encode_answer(Status.REFUSED, type(error).__name__.encode())


def _work(operation: Operation, arguments: list[bytes]) -> bytes:
    over_all = _OVER_ALL.get(operation)
    if over_all:
        return over_all(arguments)
    return (_OVER_EACH.get(operation) or _of_scores()[operation])(*arguments)


def _of_scores() -> Mapping[Operation, Callable[..., bytes]]:
    """Imported when first needed: it takes longer than the rest of a worker's start."""
    from workers.score_requests import OF_SCORES  # noqa: PLC0415

    return OF_SCORES


def _read_frame(requests: BinaryIO) -> bytes:
    """One request without its length; empty when there are no more."""
    size_bytes = int.from_bytes(requests.read(LENGTH_BYTES), "big")
    return requests.read(size_bytes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
