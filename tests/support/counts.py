"""How often a test repeats itself: briefly in every run, at length in `make prove`."""

import os


def proving() -> bool:
    """Whether this run is `make prove`, which sets BANDPRO_PROVE=1."""
    return os.environ.get("BANDPRO_PROVE") == "1"


def repeats(usual: int, *, proof: int) -> int:
    """The number of rounds, frames or examples that a test should go through.

    Args:
        usual: The count in `make check` and `make test`.
        proof: The count in `make prove`.

    Returns:
        One of both, according to BANDPRO_PROVE.
    """
    return proof if proving() else usual
