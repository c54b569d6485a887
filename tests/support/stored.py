"""What is stored, as somebody would read it who goes through files or objects."""

from __future__ import annotations

import zstandard

from persistence.packing import DICTIONARIES, dictionary


def legible(stored: bytes) -> bytes:
    """The bytes as they are, and what is in them if they are a whole frame of zstd."""
    try:
        names = zstandard.get_frame_parameters(stored).dict_id
        if names not in {0, *DICTIONARIES}:
            return stored
        data = dictionary(names) if names else None
        return stored + zstandard.ZstdDecompressor(dict_data=data).decompress(stored)
    except zstandard.ZstdError:
        return stored
