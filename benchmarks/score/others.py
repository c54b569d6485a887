"""The same by others, each as a fresh process: music21, MuseScore, `bandpro convert`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

_WITHIN_S: Final = 300.0
_SUFFIXES: Final = {
    "musicxml": ".musicxml",
    "pdf": ".pdf",
    "midi": ".mid",
    "mp3": ".mp3",
}
_MUSESCORE_NAMES: Final = ("mscore3", "musescore3", "mscore", "musescore")
# Read and written in one process that has imported it before; only the work is timed.
_MUSIC21: Final = """
import json, sys, tempfile, time
import music21 as m
data, folder = sys.argv[1:]
told = {"version": m.__version__}
begun = time.perf_counter()
score = m.converter.parse(data, forceSource=True)
told["import"] = (time.perf_counter() - begun) * 1000
for form, name in (("musicxml", "musicxml"), ("midi", "midi")):
    begun = time.perf_counter()
    score.write(form, fp=folder + "/out." + name)
    told[name] = (time.perf_counter() - begun) * 1000
print(json.dumps(told))
"""


def music21(python: Path, file: Path) -> dict[str, float | str]:
    """Milliseconds that it takes to read a file, and to write it as MusicXML and as MIDI."""
    with tempfile.TemporaryDirectory() as folder:
        return _music21(python, file, folder)


def _music21(python: Path, file: Path, folder: str) -> dict[str, float | str]:
    command = [str(python), "-c", _MUSIC21, str(file), folder]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_WITHIN_S, check=True
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"not within {_WITHIN_S:g} s"}
    except subprocess.CalledProcessError as error:
        return {"failed": str(error.stderr).strip().splitlines()[-1]}
    told: dict[str, float | str] = json.loads(done.stdout.splitlines()[-1])
    return told


def musescore() -> str | None:
    """The program, where it is installed."""
    return next(filter(None, map(shutil.which, _MUSESCORE_NAMES)), None)


def by_musescore(program: str, file: Path) -> dict[str, float | str]:
    """Milliseconds from the start of MuseScore to its end, for each format."""
    return {form: _cold([program, "-o"], file, suffix, "") for form, suffix in _SUFFIXES.items()}


def by_command(file: Path) -> dict[str, float | str]:
    """The same of `bandpro convert`, with its start and that of its tool process."""
    command = [sys.executable, "-m", "gateway.launch", "convert"]
    return {form: _cold(command, file, suffix, "in") for form, suffix in _SUFFIXES.items()}


def musescore_version(program: str) -> str:
    """What it calls itself."""
    done = subprocess.run(
        [program, "--version"], capture_output=True, text=True, check=False, env=_environment()
    )
    return (done.stdout.strip() or done.stderr.strip()).splitlines()[-1]


def _cold(command: list[str], file: Path, suffix: str, first: str) -> float | str:
    """One conversion by a program; the file to read comes first or last among its arguments."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / f"out{suffix}"
        files = [str(file), str(made)] if first else [str(made), str(file)]
        begun_s = time.perf_counter()
        try:
            done = subprocess.run(
                [*command, *files],
                capture_output=True,
                text=True,
                timeout=_WITHIN_S,
                check=False,
                env=_environment(),
            )
        except subprocess.TimeoutExpired:
            return f"not within {_WITHIN_S:g} s"
        took_ms = round((time.perf_counter() - begun_s) * 1000, 1)
        if done.returncode or not made.exists():
            return " ".join((done.stderr or done.stdout).split())[-200:] or f"{done.returncode}"
        return took_ms


def _environment() -> dict[str, str]:
    return os.environ | {"QT_QPA_PLATFORM": "offscreen"}
