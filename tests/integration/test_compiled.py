"""The compiled form of the core: it runs where it belongs, and nowhere else."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from gateway.compiled.build import build, obstacle
from gateway.compiled.form import FORM_VARIABLE, FORMS_FOLDER, form_folder, sources_key
from tests.support.command import fresh_environment
from tests.support.server import serving
from tests.support.sources import ROOT

PACKAGES = ("collab", "gateway", "persistence", "workers")
NEEDS_COMPILER = pytest.mark.skipif(bool(obstacle()), reason=f"cannot compile: {obstacle()}")

MERGE_AND_SHOW = """
import asyncio, os
from pathlib import Path
from gateway.compiled.form import choose
choose(os.environ)
from persistence.offload import Offload

async def main():
    offload = Offload()
    await offload.merge([bytes(2), bytes(2)])
    for pid in (os.getpid(), *offload.worker_pids):
        print(Path(f"/proc/{pid}/maps").read_text().count("__mypyc") > 0)
    await offload.aclose()

asyncio.run(main())
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources in a folder of their own, where a test may edit them; nothing is compiled.

    What Python keeps beside them goes along: without it each test would translate all of them.
    """
    for package in PACKAGES:
        leave = shutil.ignore_patterns("*.pyc.*", "static")  # others may be writing the former
        shutil.copytree(ROOT / package, tmp_path / "copy" / package, ignore=leave)
    (tmp_path / "copy" / "Makefile").touch()
    return tmp_path / "copy"


@pytest.fixture
def compiled_copy(copy: Path) -> Path:
    """The sources, and what was compiled of them."""
    leave = shutil.ignore_patterns("__pycache__")  # others may be writing into it
    shutil.copytree(build(ROOT), form_folder(copy), ignore=leave)
    return copy


def run(root: Path, *command: str, form: str = "auto") -> subprocess.CompletedProcess[str]:
    """Run Python with the packages of one folder."""
    return subprocess.run(
        [sys.executable, "-P", *command],
        cwd=root.parent,
        env=fresh_environment() | {"PYTHONPATH": str(root), FORM_VARIABLE: form, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def core(root: Path, form: str = "auto", *, check: str = "core") -> dict[str, str]:
    """What `bandpro doctor` says about the core, or another thing."""
    ports = ("--port", "0", "--admin-port", "off")
    done = run(root, "-m", "gateway.launch", "doctor", "--json", *ports, form=form)
    assert done.returncode == 0, done
    (found,) = (each for each in json.loads(done.stdout) if each["check"] == check)
    return {name: str(text) for name, text in found.items()}


@NEEDS_COMPILER
def test_compiled_code_of_other_sources_never_runs(compiled_copy: Path) -> None:
    """FORM-1: An edit is what runs at the next start; taken back, the compiled form runs again."""
    assert core(compiled_copy)["found"] == "compiled"
    edited = compiled_copy / "collab" / "protocol" / "varint.py"
    before = edited.read_text()
    edited.write_text(before.replace('"""', '"""Edited. ', 1))
    program = (
        "import os; from gateway.compiled.form import choose; choose(os.environ);"
        "import collab.protocol.varint as varint; print(varint.__doc__)"
    )
    assert run(compiled_copy, "-c", program).stdout.startswith("Edited.")
    found = core(compiled_copy)
    assert found["verdict"] == "warning"
    assert "sources changed" in found["found"]
    assert found["advice"] == "Run: make compiled"
    edited.write_text(before)
    assert core(compiled_copy)["found"] == "compiled"


@pytest.mark.parametrize(
    "path",
    ["collab/ports.py", "collab/score/x.py", "gateway/compiled/x.py", "gateway/lines/lines.c"],
)
def test_each_source_and_the_recipe_are_part_of_the_key(copy: Path, path: str) -> None:
    """FORM-1: Also what is not compiled itself, for constants are copied into what is."""
    before = sources_key(copy)
    file = copy / path
    file.write_text((file.read_text() if file.exists() else "") + "\nX = 1\n")
    changed = sources_key(copy)
    moved = file.rename(file.with_name("y.py"))
    assert len({before, changed, sources_key(copy)}) == 3
    moved.unlink()


@NEEDS_COMPILER
def test_the_plain_form_can_be_asked_for(compiled_copy: Path) -> None:
    """FORM-2: With 0 it runs although there is a compiled form."""
    found = core(compiled_copy, form="0")
    assert found["found"] == f"plain Python: {FORM_VARIABLE} is 0"
    assert core(compiled_copy, form="1")["found"] == "compiled"


@NEEDS_COMPILER
def test_the_doctor_tells_what_writes_broadcasts(compiled_copy: Path) -> None:
    """FORM-5: C along with the compiled core; where that part cannot be loaded, Python."""
    assert core(compiled_copy, check="broadcasts")["found"] == "written in C"
    found = core(compiled_copy, form="0", check="broadcasts")
    assert found["found"] == "written in Python, as the core is"
    (library,) = (compiled_copy / FORMS_FOLDER).glob("*/bandpro_lines.*")
    library.write_bytes(b"no library")
    found = core(compiled_copy, check="broadcasts")
    assert (found["verdict"], found["advice"]) == ("warning", "Run: make compiled")


@pytest.mark.parametrize("form", ["1", "yes"])
def test_what_cannot_be_had_stops_the_start(copy: Path, form: str) -> None:
    """FORM-2: Insisting on a form that is not there, and a word that is no form."""
    done = run(copy, "-m", "gateway.launch", "version", form=form)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"Error: {FORM_VARIABLE}={form}")
    assert "Traceback" not in done.stderr


@NEEDS_COMPILER
def test_a_library_that_cannot_be_loaded_leaves_the_plain_form(compiled_copy: Path) -> None:
    """FORM-2: Unless the compiled form is insisted on: then the start says what is wrong."""
    for library in (compiled_copy / FORMS_FOLDER).glob("*/*__mypyc*"):
        library.write_bytes(b"no library")
    found = core(compiled_copy)
    assert found["verdict"] == "warning"
    assert "not loaded" in found["found"]
    done = run(compiled_copy, "-m", "gateway.launch", "version", form="1")
    assert done.returncode == 2
    assert "cannot be loaded" in done.stderr


@NEEDS_COMPILER
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc")
def test_workers_run_the_form_of_their_server(compiled_copy: Path) -> None:
    """FORM-3: The libraries are in the memory of both, or of none."""
    program = compiled_copy.parent / "merge.py"
    program.write_text(MERGE_AND_SHOW)
    assert run(compiled_copy, str(program)).stdout.split() == ["True", "True"]
    assert run(compiled_copy, str(program), form="0").stdout.split() == ["False", "False"]


def test_without_a_compiler_that_is_said_in_one_line(copy: Path) -> None:
    """FORM-4: The build succeeds, makes nothing, and the core runs plain."""
    program = (
        "import shutil, sys; shutil.which = lambda name: None;"
        "from gateway.compiled.build import main; sys.exit(main([]))"
    )
    done = run(copy, "-c", program)
    assert done.returncode == 0, done
    assert done.stdout.startswith("The core runs as plain Python: ")
    assert done.stdout.count("\n") == 1
    assert not (copy / FORMS_FOLDER).exists()
    assert core(copy)["found"] == "plain Python: it is not compiled"


@NEEDS_COMPILER
def test_a_core_that_does_not_compile_leaves_nothing_behind(copy: Path) -> None:
    """FORM-4: What the compiler said is told, and no half of a form is found later."""
    # It looks at all of the core before it says anything: a part of it is told the same sooner.
    for folder in ("cluster", "history", "score"):
        shutil.rmtree(copy / "collab" / folder)
    for path in [*(copy / "collab" / "room").glob("*.py"), copy / "collab" / "ports.py"]:
        path.unlink()
    with (copy / "collab" / "limits.py").open("a") as file:
        file.write("NONE: int = 'no number'\n")
    told = run(copy, "-m", "gateway.compiled.build")
    assert told.returncode == 0
    assert re.search(r"limits\.py:\d+: error", told.stderr), told
    assert "it did not compile" in told.stderr
    assert list((copy / FORMS_FOLDER).iterdir()) == []


@NEEDS_COMPILER
def test_a_running_server_says_which_form_it_runs(tmp_path: Path) -> None:
    """FORM-5: In the log line `node.ready`, and as a metric."""
    build(ROOT)
    for form, name in (("1", "compiled"), ("0", "plain")):
        home = tmp_path / name
        home.mkdir()
        args = ["--log-format", "json"]
        with serving(home, env={FORM_VARIABLE: form}, args=args) as server:
            metrics = httpx.get(f"{server.admin_url}/metrics").text.splitlines()
            assert f"bandpro_core_compiled {float(name == 'compiled')}" in metrics
            lines = [
                json.loads(line) for line in server.log_text.splitlines() if line.startswith("{")
            ]
            (ready,) = (line for line in lines if line.get("event") == "node.ready")
            assert ready["core"] == name
