"""What a process wrote to a folder, call by call, and what a power cut would have left of it.

strace records every call that changes a file or a folder, and every sync. The model is the strict
one of POSIX: content is on the disk once the file was synced after it was written, a name once its
folder was. What was not synced may be there all the same, wholly, partly or not at all: `Disk.cut`
leaves it away, or keeps what a draw says.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

CALLS: Final = (
    "?open,openat,write,pwrite64,ftruncate,fsync,fdatasync,?link,linkat,?rename,renameat,"
    "?renameat2,?unlink,unlinkat,?mkdir,mkdirat,?rmdir"
)
_STRING_BYTES_MAX: Final = 1 << 25
_SECTOR_BYTES: Final = 512

_LINE: Final = re.compile(r"(\d+) +(?:<\.\.\. (\w+) resumed>)?(.*)", re.DOTALL)
_HEX: Final = re.compile(r"(?:\\x[0-9a-f]{2})*")
_RESULT: Final = re.compile(r"\) += (-?\d+)")
_STDOUT: Final = 1


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the process.

    Attributes:
        name: of the system call.
        arguments: as strace shows them, up to where the call was interrupted or ended.
        begun: its place in the order of all beginnings and ends.
        ended: the same.
    """

    name: str
    arguments: str = field(repr=False)
    begun: int
    ended: int


def record(module: str, *args: str, log: Path) -> list[Call]:
    """Run a Python module to its end under strace; return the calls that succeeded."""
    assert shutil.which("strace"), "install strace, as make test does"
    options = ["-f", "-y", "-xx", "-s", str(_STRING_BYTES_MAX), "-e", "signal=none"]
    program = [sys.executable, "-m", module, *args]
    subprocess.run(
        ["strace", *options, "-e", f"trace={CALLS}", "-o", str(log), *program],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=110,
    )
    return sorted(_calls(log), key=lambda call: call.ended)


def _calls(log: Path) -> Iterator[Call]:
    waiting: dict[str, tuple[str, int]] = {}
    with log.open(encoding="ascii") as lines:
        for number, line in enumerate(lines):
            found = _LINE.match(line)
            if found is None:
                continue
            process, resumed, rest = found.groups()
            begun = number
            if resumed:
                before, begun = waiting.pop(process)
                rest = before + rest
            if "<unfinished ...>" in rest:
                waiting[process] = (rest.partition("<unfinished ...>")[0], begun)
                continue
            name, bracket, arguments = rest.partition("(")
            result = _RESULT.search(arguments)
            if bracket and result and int(result.group(1)) >= 0:
                yield Call(name, arguments, begun, number)


def _text(hexed: str) -> bytes:
    return bytes.fromhex(hexed.replace("\\x", ""))


def _descriptor(arguments: str) -> tuple[int, str]:
    """The number and the path of the descriptor that arguments begin with."""
    number, _, rest = arguments.partition("<")
    path = rest.partition(">")[0]
    return int(number), _text(path).decode() if _HEX.fullmatch(path) else path


def _strings(arguments: str) -> list[bytes]:
    return [_text(part) for part in arguments.split('"')[1::2] if _HEX.fullmatch(part)]


def _numbers(arguments: str) -> list[int]:
    """Numbers behind the last string."""
    behind = arguments.rpartition('"')[2] if '"' in arguments else arguments.partition(">")[2]
    return [int(each) for each in re.findall(r"-?\d+", behind.partition(") = ")[0])]


@dataclass(slots=True)
class _Write:
    offset: int
    data: bytes | None  # None: cut off there
    ended: int


@dataclass(slots=True)
class _File:
    synced: bytearray = field(default_factory=bytearray)
    waiting: list[_Write] = field(default_factory=list)
    position: int = 0
    is_folder: bool = False

    def sync(self, before: int) -> None:
        done = [write for write in self.waiting if write.ended < before]
        self.waiting = [write for write in self.waiting if write.ended >= before]
        for write in done:
            _apply(self.synced, write)

    def after_a_cut(self, draw: random.Random | None) -> bytes:
        content = bytearray(self.synced)
        for write in self.waiting if draw else ():
            assert draw is not None
            match draw.choice(("kept", "lost", "torn")):
                case "kept":
                    _apply(content, write)
                case "torn" if write.data is not None:
                    sectors = draw.randint(0, len(write.data) // _SECTOR_BYTES)
                    _apply(content, _Write(write.offset, write.data[: sectors * _SECTOR_BYTES], 0))
        return bytes(content)


def _apply(content: bytearray, write: _Write) -> None:
    if write.data is None:
        del content[write.offset :]
        content.extend(bytes(write.offset - len(content)))
        return
    if len(content) < write.offset:
        content.extend(bytes(write.offset - len(content)))
    content[write.offset : write.offset + len(write.data)] = write.data


@dataclass(slots=True)
class _Name:
    """A change of a folder: a name given, or taken away."""

    path: str
    file: _File | None
    ended: int


class Disk:
    """A folder as it is on the disk while calls are replayed.

    Args:
        folder: what was written to; all else is ignored.

    Attributes:
        syncs: how many have been replayed.
        said: lines that the process wrote to its standard output, with the moment of each.
    """

    def __init__(self, folder: Path) -> None:
        self.syncs = 0
        self.said: list[tuple[int, bytes]] = []
        self._folder = str(folder)
        self._now: dict[str, _File] = {}
        self._synced: dict[str, _File] = {}
        self._waiting: list[_Name] = []

    def replay(self, call: Call) -> bool:
        """Take in one call, in the order of their ends; return whether it was a sync."""
        match call.name:
            case "openat" | "open":
                self._open(call)
            case "write" | "pwrite64" | "ftruncate":
                self._write(call)
            case "fsync" | "fdatasync":
                return self._sync(call)
            case "link" | "linkat" | "rename" | "renameat" | "renameat2":
                source, target = (path.decode() for path in _strings(call.arguments)[-2:])
                if source in self._now:
                    self._name(target, self._now[source], call)
                    if call.name.startswith("rename"):
                        self._name(source, None, call)
            case "mkdir" | "mkdirat":
                self._name(_strings(call.arguments)[-1].decode(), _File(is_folder=True), call)
            case "unlink" | "unlinkat" | "rmdir":
                path = _strings(call.arguments)[-1].decode()
                if path in self._now:
                    self._name(path, None, call)
        return False

    def cut(self, copy: Path, draw: random.Random | None = None) -> None:
        """Write down what a power cut now would leave.

        Args:
            copy: a folder that is made for it.
            draw: which of the writes and names that were not synced are kept; None for none.
        """
        names = dict(self._synced)
        for change in self._waiting if draw else ():
            assert draw is not None
            if draw.random() < 0.5:
                _rename(names, change)
        copy.mkdir(mode=0o700)
        for path, file in names.items():
            within = Path(path).relative_to(self._folder)
            folders = (str(Path(self._folder, folder)) for folder in within.parents[:-1])
            if file.is_folder or not all(folder in names for folder in folders):
                continue  # a file is found only if the names of its folders are on the disk too
            place = copy / within
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.write_bytes(file.after_a_cut(draw))

    def _open(self, call: Call) -> None:
        paths = _strings(call.arguments.partition(" = ")[0])
        path = paths[-1].decode() if paths else ""
        if not self._is_ours(path):
            return
        if "O_CREAT" in call.arguments and path not in self._now:
            self._name(path, _File(), call)
        if "O_TRUNC" in call.arguments and path in self._now:
            self._now[path].waiting.append(_Write(0, None, call.ended))
            self._now[path].position = 0

    def _write(self, call: Call) -> None:
        number, path = _descriptor(call.arguments)
        if number == _STDOUT:
            self.said += [(call.begun, line) for line in _strings(call.arguments)[0].splitlines()]
            return
        file = self._now.get(path)
        if file is None:
            return
        if call.name == "ftruncate":
            file.waiting.append(_Write(_numbers(call.arguments)[-1], None, call.ended))
            return
        data = _strings(call.arguments)[0]
        offset = _numbers(call.arguments)[-1] if call.name == "pwrite64" else file.position
        file.waiting.append(_Write(offset, data, call.ended))
        if call.name == "write":
            file.position += len(data)

    def _sync(self, call: Call) -> bool:
        _, path = _descriptor(call.arguments)
        if path in self._now and not self._now[path].is_folder:
            self._now[path].sync(call.begun)
        elif self._is_ours(path + "/"):
            late = []
            for change in self._waiting:
                if str(Path(change.path).parent) == path and change.ended < call.begun:
                    _rename(self._synced, change)
                else:
                    late.append(change)
            self._waiting = late
        else:
            return False
        self.syncs += 1
        return True

    def _name(self, path: str, file: _File | None, call: Call) -> None:
        if self._is_ours(path):
            change = _Name(path, file, call.ended)
            _rename(self._now, change)
            self._waiting.append(change)

    def _is_ours(self, path: str) -> bool:
        # The index of the log is shared memory: SQLite makes it anew after a crash.
        return path.startswith(self._folder + "/") and not path.endswith("-shm")


def _rename(names: dict[str, _File], change: _Name) -> None:
    if change.file is None:
        names.pop(change.path, None)
    else:
        names[change.path] = change.file
