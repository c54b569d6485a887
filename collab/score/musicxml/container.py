"""The ``.mxl`` archive: a zip file whose ``META-INF/container.xml`` names the score in it."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Final

from collab.errors import InvalidScore, LimitExceeded
from collab.limits import (
    MIB,
    SCORE_ARCHIVE_ENTRIES_MAX,
    SCORE_ARCHIVE_RATIO_MAX,
    SCORE_XML_BYTES_MAX,
)

_MAGIC: Final = b"PK\x03\x04"
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""What the format knows; others are inflated whole, however large, before a byte comes out."""
_END_MAGIC: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_LARGE_MAGIC: Final = b"PK\x06\x07"
_LARGE_BYTES: Final = 20
"""Of what stands before the end in archives of over 4 GiB, and says otherwise than the end."""
_COMMENT_BYTES_MAX: Final = 0xFFFF
_DIRECTORY_BYTES_MAX: Final = 1 * MIB
_RATIO_BYTES_MIN: Final = 1 * MIB  # of what is smaller, no ratio does harm
_CONTAINER: Final = "META-INF/container.xml"
_CONTAINER_BYTES_MAX: Final = MIB
_SUFFIXES: Final = (".musicxml", ".xml")


def is_archive(data: bytes) -> bool:
    """Whether the bytes begin as a zip file does."""
    return data.startswith(_MAGIC)


class Archive:
    """An opened archive, of which nothing was inflated yet.

    Args:
        data: the whole file.

    Raises:
        InvalidScore: it is no zip file.
        LimitExceeded: it has too many entries.
    """

    def __init__(self, data: bytes) -> None:
        _check_directory(data)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise InvalidScore(f"the archive cannot be read: {error}") from error
        self._names = [info.filename for info in self._zip.infolist()]
        if len(self._names) > SCORE_ARCHIVE_ENTRIES_MAX:
            raise _too_many_entries()

    @property
    def container(self) -> bytes | None:
        """What names the score, if the archive has it."""
        return self.read(_CONTAINER, _CONTAINER_BYTES_MAX) if _CONTAINER in self._names else None

    def score_name(self, named: str | None) -> str:
        """Find the entry that holds the score.

        Args:
            named: the name that the container gives, if it gives one.

        Raises:
            InvalidScore: there is none.
        """
        if named in self._names:
            return str(named)
        for name in self._names:
            if name.lower().endswith(_SUFFIXES) and not name.startswith("META-INF/"):
                return name
        raise InvalidScore("the archive holds no score")

    def others(self, score_name: str) -> list[str]:
        """Name the files beside the score, such as images."""
        kept = {score_name, "mimetype"}
        return [
            name
            for name in self._names
            if name not in kept and not name.startswith("META-INF/") and not name.endswith("/")
        ]

    def read(self, name: str, bytes_max: int = SCORE_XML_BYTES_MAX) -> bytes:
        """Inflate one entry, and no more of it than is allowed.

        Raises:
            InvalidScore: it is damaged, encrypted, or packed in a way that is not known.
            LimitExceeded: it is larger than allowed, or shrank more than text does.
        """
        info = self._zip.getinfo(name)
        if info.compress_type not in _METHODS:
            raise InvalidScore("an entry of the archive is packed in a way that is not known")
        try:
            with self._zip.open(info) as stream:
                content = stream.read(bytes_max + 1)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
            raise InvalidScore(f"an entry of the archive cannot be read: {error}") from error
        except (zlib.error, EOFError, ValueError) as error:
            raise InvalidScore("an entry of the archive is damaged") from error
        if len(content) > bytes_max:
            raise LimitExceeded(
                f"the score in the archive has more than {bytes_max} bytes",
                limit="SCORE_XML_BYTES_MAX",
            )
        shrank_max = SCORE_ARCHIVE_RATIO_MAX * max(info.compress_size, 1)
        if len(content) > max(_RATIO_BYTES_MIN, shrank_max):
            raise LimitExceeded(
                f"the score in the archive is packed more than {SCORE_ARCHIVE_RATIO_MAX} to one",
                limit="SCORE_ARCHIVE_RATIO_MAX",
            )
        return content


def packed(score: bytes) -> bytes:
    """Make an archive of one score; equal scores give equal bytes."""
    out = io.BytesIO()
    container = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<container><rootfiles>'
        '<rootfile full-path="score.musicxml"'
        ' media-type="application/vnd.recordare.musicxml+xml"/></rootfiles></container>\n'
    )
    entries = (
        ("mimetype", b"application/vnd.recordare.musicxml", zipfile.ZIP_STORED),
        (_CONTAINER, container.encode(), zipfile.ZIP_DEFLATED),
        ("score.musicxml", score, zipfile.ZIP_DEFLATED),
    )
    with zipfile.ZipFile(out, "w") as archive:
        for name, content, method in entries:
            info = zipfile.ZipInfo(name)  # of the year 1980, whenever it is made
            info.compress_type = method
            archive.writestr(info, content)
    return out.getvalue()


def _check_directory(data: bytes) -> None:
    """Refuse a long list of entries before each of them becomes an object."""
    last = len(data) - _END_BYTES
    start = data.rfind(_END_MAGIC, max(0, last - _COMMENT_BYTES_MAX), last + len(_END_MAGIC))
    if start < 0:
        raise InvalidScore("the archive has no end: the file is cut off or damaged")
    if data.startswith(_LARGE_MAGIC, max(0, start - _LARGE_BYTES)):
        raise InvalidScore("the archive is one of those for more than a score may have")
    entries = int.from_bytes(data[start + 10 : start + 12], "little")
    directory_bytes = int.from_bytes(data[start + 12 : start + 16], "little")
    if entries > SCORE_ARCHIVE_ENTRIES_MAX or directory_bytes > _DIRECTORY_BYTES_MAX:
        raise _too_many_entries()


def _too_many_entries() -> LimitExceeded:
    return LimitExceeded(
        f"the archive has more than {SCORE_ARCHIVE_ENTRIES_MAX} entries",
        limit="SCORE_ARCHIVE_ENTRIES_MAX",
    )
