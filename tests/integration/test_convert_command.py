"""`bandpro convert` as a person runs it."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.command import bandpro
from tests.support.sheet import score


def converted(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return bandpro("convert", *args, cwd=folder)


def test_suffixes_say_what_is_made(tmp_path: Path) -> None:
    """TOOL-8: One file; what is there already is not replaced unless asked to."""
    (tmp_path / "song.xml").write_text(score())
    done = converted(tmp_path, "song.xml", "song.PDF")
    assert (done.returncode, done.stdout) == (0, "")
    assert "Wrote song.PDF" in done.stderr
    assert (tmp_path / "song.PDF").read_bytes().startswith(b"%PDF-")
    again = converted(tmp_path, "song.xml", "song.PDF")
    assert again.returncode == 2
    assert "song.PDF is there already" in again.stderr
    assert converted(tmp_path, "song.xml", "song.PDF", "--force").returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["song.PDF", "song.xml"]


def test_pages_are_files_with_numbers(tmp_path: Path) -> None:
    """TOOL-8."""
    (tmp_path / "song.musicxml").write_text(score(150))
    done = converted(tmp_path, "song.musicxml", "page.svg")
    assert done.returncode == 0, done.stderr
    pages = sorted(path.name for path in tmp_path.glob("*.svg"))
    assert pages[0] == "page-1.svg"
    assert f"page-1.svg to page-{len(pages)}.svg, {len(pages)} pages" in done.stderr


@pytest.mark.parametrize(
    ("source", "target", "content", "said"),
    [
        ("song.doc", "song.pdf", "", "song.doc: no suffix of a file that is read"),
        ("song.xml", "song.abc", "", "song.abc: no suffix of a file that is written"),
        ("gone.xml", "song.pdf", None, "gone.xml cannot be read: No such file"),
        ("song.xml", "song.pdf", "<score-partwise>\n<part", "line 2: not well-formed XML"),
        ("song.mxl", "song.mid", "PK", "not well-formed XML"),
    ],
)
def test_what_cannot_be_converted_is_said_in_plain_words(
    tmp_path: Path, source: str, target: str, content: str | None, said: str
) -> None:
    """TOOL-8: With the line, where there is one."""
    if content is not None:
        (tmp_path / source).write_text(content)
    done = converted(tmp_path, source, target)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert re.search(said, done.stderr), done.stderr
    assert not (tmp_path / target).exists()
