"""Documents as they are stored: compressed by zstd, small ones with a dictionary.

A dictionary holds what scores have in common. It is a file of this package whose id stands in every
frame made with it, and is never changed: a better one is another file with another id, and what the
older one packed is read with the older one. `benchmarks.micro_compression` measures its worth.
"""

from __future__ import annotations

import functools
import threading
from importlib import resources
from typing import Final

import zstandard

from collab.errors import StoreUnavailable

LEVEL: Final = (
    3  # a score shrinks to a fifth at some 100 MB/s; higher levels cost more than they win
)
DICTIONARY_BYTES_MAX: Final = 5_000
"""Up to this size a dictionary saves a fifth and more; beyond it, a document is its own."""

CURRENT: Final = 40_001  # ids below 32,768 are kept for registered dictionaries
DICTIONARIES: Final = {40_001: "score-40001.zdict"}
"""File of each dictionary that anything was ever packed with."""

_FOLDER: Final = "dictionaries"
_loading: Final = threading.Lock()


def pack(update: bytes) -> bytes:
    """Compress an update; the frame holds its size, and the id of the dictionary if any."""
    if len(update) > DICTIONARY_BYTES_MAX:
        return zstandard.ZstdCompressor(level=LEVEL).compress(update)
    return zstandard.ZstdCompressor(level=LEVEL, dict_data=dictionary(CURRENT)).compress(update)


def unpack(frame: bytes, size_bytes: int) -> bytes:
    """The update in a frame.

    Args:
        frame: made by any version of `pack`.
        size_bytes: of the update; another one is damage, found before anything is unpacked.

    Raises:
        StoreUnavailable: the frame is damaged, or names a dictionary that this version lacks.
    """
    try:
        found = zstandard.get_frame_parameters(frame)
        if found.content_size != size_bytes:
            raise StoreUnavailable("a packed document is damaged: it has another size")
        if found.dict_id == 0:
            return zstandard.ZstdDecompressor().decompress(frame)
        if found.dict_id not in DICTIONARIES:
            raise StoreUnavailable(f"dictionary {found.dict_id} is not in this version")
        data = dictionary(found.dict_id)
        return zstandard.ZstdDecompressor(dict_data=data).decompress(frame)
    except zstandard.ZstdError as error:
        raise StoreUnavailable("a packed document is damaged") from error


def packed_size(frame: bytes) -> int:
    """The size of what is in a frame that is known to be whole."""
    return zstandard.frame_content_size(frame)


def dictionary(dictionary_id: int) -> zstandard.ZstdCompressionDict:
    """A dictionary of the package, digested once."""
    with _loading:  # two threads would else digest the same one at once
        return _loaded(dictionary_id)


@functools.cache
def _loaded(dictionary_id: int) -> zstandard.ZstdCompressionDict:
    file = resources.files(__package__) / _FOLDER / DICTIONARIES[dictionary_id]
    loaded = zstandard.ZstdCompressionDict(file.read_bytes())
    loaded.precompute_compress(level=LEVEL)
    return loaded
