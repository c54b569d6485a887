"""The application for phones: drawing and device; all of it where React Native is installed."""

import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.support.access import mint
from tests.support.counts import proving
from tests.support.server import serving
from tests.support.typescript import CLIENTS, run_in, run_tests

MOBILE: Final = CLIENTS / "mobile"
HERMES: Final = MOBILE / "node_modules" / "hermes-compiler" / "hermesc" / "linux64-bin" / "hermesc"
IN_PROOFS = pytest.mark.skipif(not proving(), reason="React Native is installed by `make mobile`")
# Of Hermes' bytecode; see its include/hermes/BCGen/HBC/BytecodeFileFormat.h.
MAGIC: Final = (0x1F1903C103BC1FC6).to_bytes(8, "little")


def test_drawing_and_device() -> None:
    """Bears MOBILE-1 and MOBILE-2: in plain Node."""
    run_tests(MOBILE)


@IN_PROOFS
@pytest.mark.prove
def test_application_against_a_server(tmp_path: Path) -> None:
    """Bears MOBILE-3, MOBILE-4 and MOBILE-5: under React Native's own preset, with the real SDK."""
    with serving(tmp_path, auth="token") as server:
        token = mint(server, {"scores/**": "owner"}, subject="u-anna", name="Anna")
        _run("test", BANDPRO_URL=server.url, BANDPRO_TOKEN=token)


@IN_PROOFS
@pytest.mark.prove
def test_bundle(tmp_path: Path) -> None:
    """Bears MOBILE-6: types, lint, and what Android would load."""
    for script in ("types", "lint", "bundle"):
        _run(script)
    compiled = tmp_path / "index.hbc"
    bundle = MOBILE / "dist" / "index.android.js"
    subprocess.run(
        [HERMES, "-emit-binary", "-O", "-out", compiled, bundle], check=True, timeout=300
    )
    assert compiled.read_bytes().startswith(MAGIC)


def _run(script: str, **environment: str) -> None:
    run_in(MOBILE, "npm", "run", "--silent", script, **environment)
