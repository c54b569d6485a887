"""``python -m benchmarks.editor --music21 PYTHON``: a quartet in the web editor, in Chromium.

A real server, the page that it serves, and a score of some thousand notes. Measured is what a
person sees: from a key to the frame that shows it, and from an edit of somebody else to the frame
that shows that; and what the page holds in memory after all of it. Each edit makes a state that
was not there before: the page keeps the pictures of those that were, and would engrave nothing.

``--music21`` names an interpreter that has music21, whose corpus has the score; without it, the
lock of ``tests/services/scores`` makes one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from playwright.async_api import Browser, CDPSession, Page, async_playwright

from bandpro_client import Score, open_score
from benchmarks.figures import Latencies
from benchmarks.machine import Cores, load_average
from benchmarks.score.works import EDITED, WORKS, corpus_of
from benchmarks.targets import Target, bandpro
from benchmarks.visits import Visited, visit
from collab.score.intervals import WrittenPitch
from collab.score.operations.operations import InsertMeasures, Repitch

_ROOM: Final = "bench/quartet"
_WITHIN_MS: Final = 60_000
_BETWEEN_S: Final = (0.06, 0.18)
"""A pause after each edit was seen: nobody types faster for long."""
_WARM_UP: Final = 20
_BYTES_IN_MB: Final = 1_000_000
_STEPS: Final = "CDEFGAB"
_TUNE: Final = "cdefgabagfed"
"""Each is the nearest to the one before, and the last to the first: it stays on the staff."""
_WATCH_KEY: Final = "name => {{ window.echo = window.seen.foreseen(); window.last = {0}; }}"
_TIMES: Final = """
async () => {
  const engraved = await window.last;
  return [await window.echo, engraved].map(time => time - window.seen.key);
}
"""
_KEYS: Final = "rows => rows.map(row => row.dataset.row)"
_ARGUMENTS: Final = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_WATCH: Final = """
() => {
  const sheet = document.querySelector('[data-testid=sheet]');
  const seen = window.seen = { key: 0, looks: [], known: new Set() };
  document.addEventListener('keydown', event => { seen.key = event.timeStamp; }, true);
  // After the frame that shows it: a message comes when it has been painted.
  const painted = tell => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => tell(performance.now());
    channel.port2.postMessage(null);
  });
  new MutationObserver(() => {
    for (const each of seen.looks.filter(({ look }) => look())) {
      seen.looks.splice(seen.looks.indexOf(each), 1);
      painted(each.done);
    }
  }).observe(sheet, { subtree: true, childList: true, attributes: true });
  const watch = look => new Promise(done => seen.looks.push({ look, done }));
  // Against the staff, which makes room for a note: then that stays where it was on the page.
  const downOf = (element, attribute) =>
    Number(element?.getAttribute(attribute)?.match(/-?[0-9.]+/g)?.[1] ?? NaN);
  const heightOf = id => {
    const note = document.getElementById(id);
    return downOf(note?.closest('.staff')?.querySelector(':scope > path'), 'd')
      - downOf(note?.querySelector('.notehead use'), 'transform');
  };
  // Each resolves with the time of the paint, by the clock of the page.
  seen.moved = id => {
    const before = heightOf(id);
    if (Number.isNaN(before)) throw new Error(`${id} is not drawn`);
    return watch(() => { const now = heightOf(id); return !Number.isNaN(now) && now !== before; });
  };
  // The head of a note where it will be, over the older picture. The frame is asked for before the
  // page asks for it, so that what the page does after the frame is not counted.
  const head = sheet.querySelector('.foreseen');
  seen.foreseen = () => new Promise(done => {
    const look = () => requestAnimationFrame(() => {
      if (head.style.opacity !== '1') return look();
      const channel = new MessageChannel();
      channel.port1.onmessage = () => done(performance.now());
      channel.port2.postMessage(null);
    });
    addEventListener('keydown', look, { capture: true, once: true });
  });
  const drawn = () => [...sheet.querySelectorAll('g.note')];
  // Notes of rows that come into sight are none that were entered.
  seen.added = () => {
    for (const note of drawn()) seen.known.add(note.id);
    return watch(() => drawn().some(note => !seen.known.has(note.id)));
  };
  seen.inSight = () => drawn().filter(note => {
    const { top, bottom } = note.getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight;
  }).map(note => note.id);
}
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured.

    Attributes:
        notes: of the score that take time, with those that were entered.
        first_visit: from the request for the page to the frame with the first notes, each time in
            a browser profile of its own.
        next_visit: the same in a profile that had the score open before.
        change_shown: from a key that moves the selected note to the frame with its head there.
        changed: the same, to the frame with the note engraved there.
        entry_shown: from a letter on empty time to the frame with the new note's head.
        entered: the same, to the frame with the note engraved.
        remote: from an edit of another client to the frame with it.
        heap_mb: of the page after a collection: before the edits, and after them.
        nodes: of the page's documents: before the edits, and after them.
    """

    notes: int
    first_visit: Latencies
    next_visit: Latencies
    change_shown: Latencies
    changed: Latencies
    entry_shown: Latencies
    entered: Latencies
    remote: Latencies
    heap_mb: tuple[float, float]
    nodes: tuple[int, int]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.editor", description=__doc__)
    parser.add_argument(
        "--music21",
        type=Path,
        default=Path("tests/services/scores/.venv/bin/python"),
        help="an interpreter that has music21",
    )
    parser.add_argument(
        "--edits", type=int, default=200, help="of each kind; the first 20 do not count"
    )
    parser.add_argument("--visits", type=int, default=10, help="of each kind")
    parser.add_argument("--work", choices=WORKS, default=EDITED, help="which score")
    arguments = parser.parse_args()
    score = corpus_of(arguments.music21) / WORKS[arguments.work].file
    before = load_average()
    cores = Cores.choose()
    with bandpro(cores) as target:
        figures = asyncio.run(
            _measured(target, score.read_bytes(), arguments.edits, arguments.visits)
        )
    told = {"load_average": [before, load_average()], **asdict(figures)}
    print(json.dumps(told, indent=2))
    return 0


async def _measured(target: Target, file: bytes, edits: int, visits: int) -> Figures:
    url = f"http://127.0.0.1:{target.port}"
    async with httpx.AsyncClient(timeout=_WITHIN_MS / 1000) as client:
        path = f"{url}/v1/scores/{_ROOM.replace('/', '%2F')}/file"
        content = {"content-type": "application/octet-stream"}
        (await client.post(path, content=file, headers=content)).raise_for_status()
    # A whole Chromium makes a window for each profile, which takes longer than the page in it.
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if program is None:
        sys.exit("Chromium is needed: make chromium")
    address = f"{url}/#/{_ROOM.replace('/', '%2F')}"
    async with open_score(url, _ROOM) as other, async_playwright() as playwright:
        visited = await visit(program, _ARGUMENTS, address, visits)
        browser = await playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        try:
            return await _in_browser(browser, address, other, edits, visited)
        finally:
            await browser.close()


async def _in_browser(
    browser: Browser, address: str, other: Score, edits: int, visited: Visited
) -> Figures:
    context = await browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(_WITHIN_MS)
    page = await context.new_page()
    await page.goto(address)
    await page.locator("g.note").first.wait_for()
    session = await context.new_cdp_session(page)
    await page.evaluate(_WATCH)
    heap, nodes = await memory_of(session)
    names: list[str] = await page.evaluate("() => window.seen.inSight()")
    changed = await _change(page, names, edits)
    remote = await _edit_elsewhere(page, other, names, edits)
    entered = await _enter(page, other, edits)
    heap_after, nodes_after = await memory_of(session)
    return Figures(
        notes=sum(1 for _ in other.notes()),
        first_visit=Latencies.of(visited.first),
        next_visit=Latencies.of(visited.second),
        change_shown=Latencies.of([shown for shown, _ in changed[_WARM_UP:]]),
        changed=Latencies.of([engraved for _, engraved in changed[_WARM_UP:]]),
        entry_shown=Latencies.of([shown for shown, _ in entered[_WARM_UP:]]),
        entered=Latencies.of([engraved for _, engraved in entered[_WARM_UP:]]),
        remote=Latencies.of(remote[_WARM_UP:]),
        heap_mb=(heap, heap_after),
        nodes=(nodes, nodes_after),
    )


async def _change(page: Page, names: Sequence[str], edits: int) -> list[tuple[float, float]]:
    """Move note after note up by a key, and again; in seconds until each is shown and painted."""
    await page.locator("g.note").first.click()
    found: list[tuple[float, float]] = []
    for number in range(edits):
        name = names[number % len(names)]
        await page.locator(f'[id="{name}"]').dispatch_event("click")
        await page.evaluate(_WATCH_KEY.format("window.seen.moved(name)"), name)
        await page.keyboard.press("ArrowUp")
        found.append(await _since_key(page))
        await _pause()
    return found


async def _edit_elsewhere(
    page: Page, other: Score, names: Sequence[str], edits: int
) -> list[float]:
    """Another client does the same; in seconds from its edit until that is painted."""
    pitches = {note.id: note.pitch for note in other.notes()}
    found: list[float] = []
    for number in range(edits):
        name = names[number % len(names)]
        pitches[name] = _step_up(pitches[name])
        await page.evaluate("name => { window.last = window.seen.moved(name); }", name)
        begun_ms = time.time() * 1000
        other.edit(Repitch(event=name, pitch=pitches[name]))
        async with asyncio.timeout(_WITHIN_MS / 1000):
            seen_ms = await page.evaluate("async () => performance.timeOrigin + await window.last")
        found.append((float(seen_ms) - begun_ms) / 1000)
        await _pause()
    return found


def _step_up(pitch: WrittenPitch) -> WrittenPitch:
    at = _STEPS.index(pitch.step) + 1
    return WrittenPitch(_STEPS[at % len(_STEPS)], pitch.octave + at // len(_STEPS))


async def _enter(page: Page, other: Score, edits: int) -> list[tuple[float, float]]:
    """Write eighths into empty measures at the end; in seconds until each is shown and painted."""
    known = [note.id for note in other.notes()]
    await page.evaluate("known => { window.seen.known = new Set(known); }", known)
    last = other.view.measures[-1].id
    other.edit(InsertMeasures(after=last, count=edits // 2))
    await other.saved()
    at = {measure.id: place for place, measure in enumerate(other.view.measures)}
    first = at[last] + 1
    start = other.view.measures[first].id
    # Rows are known by their first measures, and drawn near what is seen only.
    rows: list[str] = await page.locator("[data-row]").evaluate_all(_KEYS)
    row = max((key for key in rows if at.get(key, first + 1) <= first), key=lambda key: at[key])
    await page.locator(f'[data-row="{row}"]').scroll_into_view_if_needed()
    await page.locator(f'g[id="{start}"] .mRest').first.click()
    await page.keyboard.press("4")
    found: list[tuple[float, float]] = []
    for number in range(edits):
        await page.evaluate(_WATCH_KEY.format("window.seen.added()"))
        await page.keyboard.press(_TUNE[number % len(_TUNE)])
        found.append(await _since_key(page))
        await _pause()
    return found


async def _since_key(page: Page) -> tuple[float, float]:
    """Seconds until the head of the note was shown, and until the note was engraved."""
    async with asyncio.timeout(_WITHIN_MS / 1000):
        shown_ms, engraved_ms = await page.evaluate(_TIMES)
    return float(shown_ms) / 1000, float(engraved_ms) / 1000


async def _pause() -> None:
    await asyncio.sleep(random.uniform(*_BETWEEN_S))


async def memory_of(session: CDPSession) -> tuple[float, int]:
    """What the page holds after a collection: megabytes of its heap, and nodes."""
    await session.send("HeapProfiler.collectGarbage")
    await session.send("Performance.enable")
    answer: dict[str, Any] = await session.send("Performance.getMetrics")
    values = {each["name"]: each["value"] for each in answer["metrics"]}
    return round(values["JSHeapUsedSize"] / _BYTES_IN_MB, 1), int(values["Nodes"])


if __name__ == "__main__":
    sys.exit(main())
