"""Literal bytes made by the real implementations; `generate.mjs` says how."""

import json
from pathlib import Path
from typing import Any


def load(name: str) -> Any:  # noqa: ANN401 -- JSON
    """The contents of one file of vectors, by its name without the ending."""
    return json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8"))
