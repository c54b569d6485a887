"""The tool processes: real engraving and sound, real bombs, and nothing left behind."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from xml.etree.ElementTree import fromstring

import mido
import psutil
import pytest

from collab.errors import (
    OperatingError,
    ToolFailed,
    ToolMissing,
    ToolOutOfMemory,
    ToolOutputTooLarge,
    ToolTimedOut,
    WorkerFailed,
)
from collab.limits import MIB
from persistence.worker_pool import PoolLimits
from tests.support.sheet import score
from workers.convert import TOOL_LIMITS, Converter, limits_of
from workers.formats import Format
from workers.installed import installed_tools, is_isolated
from workers.tools.failures import OutOfMemory, TimedOut, TooLarge
from workers.tools.options import ToolOptions
from workers.tools.paper import pdf_of
from workers.tools.programs import failure_of

PLAIN = ToolOptions()
TUNE = b"X:1\nT:Reel\nM:2/4\nL:1/8\nK:D\n|:D2 FA|d4:|\n"


@pytest.fixture
async def converter() -> AsyncIterator[Converter]:
    pool = Converter()
    yield pool
    await pool.aclose()


async def made(
    converter: Converter,
    target: Format,
    data: bytes = b"",
    source: Format = Format.MUSICXML,
    options: ToolOptions = PLAIN,
) -> list[bytes]:
    return await converter.convert(data or score().encode(), source, target, options)


def keys(midi: bytes) -> list[int]:
    file = mido.MidiFile(file=io.BytesIO(midi))
    return [event.note for event in file if event.type == "note_on" and event.velocity]


async def test_a_score_is_engraved_page_by_page_and_its_notes_keep_their_ids(
    converter: Converter,
) -> None:
    """TOOL-3, TOOL-4: 300 measures take several pages, each A4, and every note is on one."""
    heard: list[tuple[int, int]] = []
    pages = await converter.convert(
        score(300).encode(),
        Format.MUSICXML,
        Format.SVG,
        PLAIN,
        hear=lambda done, total: heard.append((done, total)),
    )
    assert len(pages) > 2
    assert heard == [(number, len(pages)) for number in range(1, len(pages) + 1)]
    roots = [fromstring(page) for page in pages]  # noqa: S314 - made here
    assert {(root.attrib["width"], root.attrib["height"]) for root in roots} == {("210mm", "297mm")}
    ids = [each.attrib.get("id") for root in roots for each in root.iter()]
    assert {f"n{number}" for number in range(1, 301)} <= set(ids)
    (mei,) = await made(converter, Format.MEI)
    assert b'xml:id="n3"' in mei
    assert fromstring(mei).tag == "{http://www.music-encoding.org/ns/mei}mei"  # noqa: S314


async def test_a_tempo_is_on_paper_as_it_is_on_the_page(
    converter: Converter, tmp_path: Path
) -> None:
    """No font that is installed has its note: a box as large as the page was drawn for it."""
    tempo = (
        "<direction><direction-type><words>Andante</words></direction-type><direction-type>"
        "<metronome><beat-unit>quarter</beat-unit><per-minute>84</per-minute></metronome>"
        "</direction-type></direction>"
    )
    tune = score(1).replace("<note ", f"{tempo}<note ", 1)
    (page,) = await made(converter, Format.SVG, tune.encode())
    assert "\ueca5" in page.decode()
    pdf_of([page], tmp_path)
    drawn = (tmp_path / "1.svg").read_text()
    assert not re.search("[\ue000-\uf8ff]", drawn)
    (left,) = re.findall(r"<path [^>]*translate\((\d+), \d+\) scale\(0\.72", drawn)
    begin = re.search(r'<text x="(\d+)"[^>]*font-weight="bold"', drawn)
    after = re.search(r'x="(\d+)">=', drawn)
    assert begin is not None
    assert after is not None
    # "Andante" is 3.67 times as wide as the size of its letters, 405, in Times; a blank a quarter.
    assert int(left) - int(begin[1]) == pytest.approx(3.92 * 405, abs=25)
    assert int(after[1]) - int(left) == pytest.approx(0.302 * 720 + 0.25 * 405, abs=10)


async def test_a_score_becomes_one_pdf_of_all_its_pages(converter: Converter) -> None:
    """TOOL-3: Of the size that was asked for."""
    pages = await made(converter, Format.SVG, score(300).encode())
    (pdf,) = await made(converter, Format.PDF, score(300).encode())
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", pdf)) == len(pages)
    (letter,) = await made(converter, Format.PDF, options=ToolOptions(page="letter"))
    sizes = [
        tuple(
            round(float(each)) for each in re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+)", x)[0]
        )
        for x in (pdf, letter)
    ]
    assert sizes == [(595, 842), (612, 792)]


async def test_a_score_becomes_pictures(converter: Converter) -> None:
    """TOOL-3: A4 at 100 dots to the inch is 827 by 1169; and there is ink on it."""
    (picture,) = await made(converter, Format.PNG, options=ToolOptions(dots_per_inch=100))
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert [int.from_bytes(picture[at : at + 4], "big") for at in (16, 20)] == [827, 1169]
    small = ToolOptions(dots_per_inch=100)
    (empty,) = await made(converter, Format.PNG, score(1).encode(), options=small)
    assert len(empty) < len(picture)


async def test_a_score_is_played(converter: Converter) -> None:
    """TOOL-3: C, D, E, F at two seconds each; what begins when; and as sound."""
    (midi,) = await made(converter, Format.MIDI)
    assert keys(midi) == [60, 62, 64, 65]
    assert mido.MidiFile(file=io.BytesIO(midi)).length == pytest.approx(8, abs=0.1)
    (timemap,) = await made(converter, Format.TIMEMAP)
    begins = {note: at["tstamp"] for at in json.loads(timemap) for note in at.get("on", ())}
    assert begins == {"n1": 0, "n2": 2000, "n3": 4000, "n4": 6000}
    (sound,) = await made(converter, Format.WAV)
    with wave.open(io.BytesIO(sound)) as file:
        assert file.getframerate() == 44_100
        assert 8 <= file.getnframes() / 44_100 < 14
        assert max(file.readframes(44_100)) > 0
    (encoded,) = await made(converter, Format.MP3)
    assert encoded[:2] == b"\xff\xfb"
    assert len(encoded) < len(sound) / 5


@pytest.mark.parametrize(
    ("source", "data"),
    [
        (Format.MUSICXML, b"\xef\xbb\xbf" + score().encode()),
        (Format.MUSICXML, score().replace("UTF-8", "UTF-16").encode("utf-16")),
    ],
)
async def test_what_verovio_refuses_by_itself_is_prepared(
    converter: Converter, source: Format, data: bytes
) -> None:
    """TOOL-3: Byte order marks and UTF-16; also packed, and from the other formats."""
    (midi,) = await made(converter, Format.MIDI, data, source)
    assert keys(midi) == [60, 62, 64, 65]


async def test_formats_go_through_each_other(converter: Converter) -> None:
    """TOOL-3, TOOL-7: MusicXML, packed, to MIDI, back to MusicXML, and as MIDI again."""
    (packed,) = await made(converter, Format.MXL)
    (midi,) = await made(converter, Format.MIDI, packed, Format.MXL)
    (imported,) = await made(converter, Format.MUSICXML, midi, Format.MIDI)
    (again,) = await made(converter, Format.MIDI, imported)
    assert keys(again) == [60, 62, 64, 65]
    (tune,) = await made(converter, Format.MIDI, TUNE, Format.ABC)
    assert keys(tune) == [62, 66, 69, 74] * 2
    (written,) = await made(converter, Format.MUSICXML, TUNE, Format.ABC)
    assert b"<work-title>Reel</work-title>" in written


@pytest.mark.parametrize("target", [Format.SVG, Format.MIDI, Format.MXL])
async def test_the_same_score_makes_the_same_bytes(converter: Converter, target: Format) -> None:
    """TOOL-6: In another process as well."""
    first = await made(converter, target)
    other = Converter()
    assert await made(other, target) == first
    await other.aclose()


async def test_repeats_are_played_if_these_fit_into_the_time(converter: Converter) -> None:
    """TOOL-5: Four measures of 2 s; twice each is 16 s, and without repeats 8 s."""
    repeated = score(repeats=True).encode()
    (whole,) = await made(converter, Format.MIDI, repeated)
    assert keys(whole) == [60, 60, 62, 62, 64, 64, 65, 65]
    (short,) = await made(converter, Format.MIDI, repeated, options=ToolOptions(midi_s_max=10))
    assert keys(short) == [60, 62, 64, 65]
    with pytest.raises(ToolFailed, match="lasts 8 s; 5 s may be"):
        await made(converter, Format.MIDI, repeated, options=ToolOptions(midi_s_max=5))


async def test_endless_midi_is_refused_before_it_is_played(converter: Converter) -> None:
    """TOOL-5: Thirteen days, in a file of 60 bytes."""
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(
        mido.MidiTrack(
            [
                mido.Message("note_on", note=60),
                mido.Message("note_off", note=60, time=13 * 86_400 * 2 * 480 // 8),
                *(mido.Message("note_on", note=60, velocity=0, time=134_784_000) for _ in range(7)),
            ]
        )
    )
    into = io.BytesIO()
    file.save(file=into)
    with pytest.raises(ToolFailed, match="may be"):
        await made(converter, Format.WAV, into.getvalue(), Format.MIDI)


async def test_a_million_measures_end_within_the_limits_and_the_next_score_is_engraved() -> None:
    """TOOL-5: Processor time or memory, whichever is used up first; told as what it is."""
    pool = Converter(limits_of(processes=1, memory_bytes=1024 * MIB, cpu_s=2))
    bomb = score(1).replace("</part>", '<measure number="2"/>' * 1_000_000 + "</part>")
    with pytest.raises((ToolTimedOut, ToolOutOfMemory)) as caught:
        await made(pool, Format.SVG, bomb.encode())
    assert isinstance(caught.value, OperatingError)
    assert len(await made(pool, Format.SVG)) == 1
    await pool.aclose()


async def test_what_lacks_memory_says_so() -> None:
    """TOOL-2: The library ends its process; that is still told."""
    pool = Converter(PoolLimits(memory_bytes=250 * MIB, cpu_s=30))
    large = score(1).replace("</part>", '<measure number="2"/>' * 1_000_000 + "</part>")
    with pytest.raises(ToolOutOfMemory, match="memory"):
        await made(pool, Format.SVG, large.encode())
    await pool.aclose()


async def test_what_takes_too_long_by_the_clock_is_killed_with_all_that_it_started() -> None:
    """TOOL-1, TOOL-2: A program that a tool process runs does not outlive it."""
    pool = Converter(PoolLimits(wall_s=8.0))
    await pool.warm()
    (pid,) = pool.worker_pids
    playing = asyncio.create_task(made(pool, Format.WAV, score(200).encode()))
    children: list[psutil.Process] = []
    while not children and not playing.done():
        children = psutil.Process(pid).children()
        await asyncio.sleep(0.01)
    assert children[0].name() == "fluidsynth"
    children[0].suspend()
    with pytest.raises(ToolTimedOut, match="took over 8 s"):
        await playing
    psutil.wait_procs(children, timeout=10)
    assert not children[0].is_running()
    await pool.aclose()


async def test_an_answer_beyond_the_bound_is_refused() -> None:
    """TOOL-2."""
    pool = Converter(PoolLimits(answer_bytes_max=1_000))
    with pytest.raises(ToolOutputTooLarge, match="1000 may be"):
        await made(pool, Format.SVG)
    await pool.aclose()


async def test_a_missing_program_is_told_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """TOOL-2."""
    monkeypatch.setenv("PATH", str(tmp_path))
    pool = Converter()
    with pytest.raises(ToolMissing, match=r"rsvg-convert is not installed: .*librsvg2-bin"):
        await made(pool, Format.PDF)
    options = ToolOptions(soundfont=str(tmp_path / "none.sf2"))
    with pytest.raises(ToolMissing, match=r"none\.sf2"):
        await made(pool, Format.WAV, options=options)
    assert len(await made(pool, Format.SVG)) == 1
    await pool.aclose()


async def test_the_message_of_a_tool_is_cut(converter: Converter) -> None:
    """TOOL-2: And one line."""
    track = b"MTrk" + (2_000).to_bytes(4, "big") + b"\n" * 2_000
    with pytest.raises(ToolFailed) as caught:
        await made(converter, Format.WAV, b"MThd\0\0\0\6\0\0\0\1\1\xe0" + track, Format.MIDI)
    assert "\n" not in str(caught.value)
    assert len(str(failure_of("tool", 1, "said\n" * 2_000))) == 400


@pytest.mark.parametrize(
    ("code", "said", "kind"),
    [
        (-signal.SIGXCPU, "", TimedOut),
        (-signal.SIGXFSZ, "", TooLarge),
        (-signal.SIGABRT, "GLib-ERROR **: failed to allocate 8192 bytes", OutOfMemory),
        (101, "memory allocation of 16 bytes failed", OutOfMemory),
    ],
)
def test_the_end_of_a_program_is_told_as_what_it_is(code: int, said: str, kind: type) -> None:
    """TOOL-2."""
    assert type(failure_of("tool", code, said)) is kind


async def test_a_tool_process_leaves_nothing_behind(converter: Converter) -> None:
    """TOOL-1: Its folder goes with it, however it ends; it has none of the server's secrets."""
    await made(converter, Format.PDF)
    (pid,) = converter.worker_pids
    worker = psutil.Process(pid)
    folder = Path(worker.cwd())
    assert folder.name.startswith("bandpro-")
    assert [each.name for each in folder.iterdir()] == ["log"]  # noqa: ASYNC240 - one folder
    assert not [name for name in worker.environ() if "SECRET" in name]
    os.kill(pid, signal.SIGKILL)
    worker.wait(10)
    try:
        await made(converter, Format.MEI)
    except WorkerFailed:  # its death was not heard of yet
        await made(converter, Format.MEI)
    await converter.aclose()
    assert not folder.exists()  # noqa: ASYNC240 - at once


def test_tools_have_no_network_and_write_no_large_files(tmp_path: Path) -> None:
    """TOOL-1: Tried by a process under the same limits."""
    assert is_isolated()
    trial = (
        "import socket, sys\n"
        "from pathlib import Path\n"
        "from workers.sandbox import enter, leave_network\n"
        "assert leave_network()\n"
        "pipes = enter(memory_bytes=1 << 30, file_bytes=1000, log=Path('log'))\n"
        "told = []\n"
        "try: socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=5)\n"
        "except OSError: told.append('unreachable')\n"
        "try: Path('large').write_bytes(bytes(1001))\n"
        "except OSError: told.append('too large')\n"
        "pipes.answers.write(','.join(told).encode())\n"
        "pipes.answers.flush()\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-c", trial, str(port)],
            cwd=tmp_path,
            env={"PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            check=True,
        )
    assert done.stdout == b"unreachable,too large"


def test_all_tools_are_installed_where_they_are_tested() -> None:
    """TOOL-9: What `bandpro doctor` goes by."""
    assert [tool.name for tool in installed_tools(PLAIN) if not tool.found] == []


async def test_a_warm_process_answers_without_being_started() -> None:
    """TOOL-3: The process is the one that was started before, for one request after the other."""
    pool = Converter(TOOL_LIMITS)
    await pool.warm()
    pids = pool.worker_pids
    for _ in range(3):
        await made(pool, Format.PDF)
    assert pool.worker_pids == pids
    await pool.aclose()
