"""The network is back: everybody reconnects at once, each with something to tell."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Any, Final

import uvloop
from pycrdt import Doc

from benchmarks.edits import random_client_id
from benchmarks.figures import Latencies
from benchmarks.stress.arrivals import Seen, Written, all_arrived
from benchmarks.stress.documents import fingerprint, pasted_updates, score
from benchmarks.stress.session import Messages, Session, join_all, join_at_once, leave_all
from benchmarks.stress.stage import Checks, Gauge, Goal, Outcome, Stage
from benchmarks.stress.uploads import download, settled, upload
from benchmarks.targets import Target
from benchmarks.undisturbed import no_collector
from benchmarks.wires import Dialect
from collab.protocol.varint import Reader, write_uint

_EDIT_CHARACTERS: Final = 40
_WITHIN_S: Final = 30.0
_UPLOADS_AT_ONCE: Final = 20


@dataclass(frozen=True, slots=True)
class ReconnectStorm:
    """All lose their connection, write one edit each, and come back at once.

    Attributes:
        rooms: that are open.
        clients: in each of them.
        document_bytes: of each room's document, about.
    """

    rooms: int = 200
    clients: int = 5
    document_bytes: int = 20_000
    name: str = "reconnect-storm"
    goals: tuple[Goal, ...] = (Goal("synced_max_ms", 500.0),)

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.rooms * self.clients:,} clients of {self.rooms} rooms reconnect at once"

    def run(self, stage: Stage) -> Outcome:
        """Let them in, throw them out, let them come back."""
        with stage.target() as target:
            return uvloop.run(self._run(target, stage))

    async def _run(self, target: Target, stage: Stage) -> Outcome:
        source = random.Random(stage.seed)
        messages = Messages()
        scenes = [self._scene(target, number, messages, source) for number in range(self.rooms)]
        for first in range(0, len(scenes), _UPLOADS_AT_ONCE):
            batch = scenes[first : first + _UPLOADS_AT_ONCE]
            uploads = (upload(target, each.dialect, each.document) for each in batch)
            await leave_all(await asyncio.gather(*uploads))
        await settled(target)
        before = [Session(scene.dialect, Messages()) for scene in scenes for _ in scene.edits]
        await join_all(before, target.port)
        for session in before:
            session.drop()
        coming = [session for scene in scenes for session in scene.sessions]
        seen = [each for scene in scenes for each in scene.seen]
        async with Gauge(target) as gauge:
            with no_collector():
                begun_s = time.perf_counter()
                synced_s = await join_at_once(coming, target.port, _WITHIN_S)
                complete = await all_arrived(seen, _WITHIN_S)
        spread_s = [max(each.at_s) - begun_s for each in seen if not each.missing]
        checks = Checks()
        checks.count(len(coming), len(synced_s))
        others = self.clients - 1
        checks.count(len(seen) * others, sum(others - each.missing for each in seen))
        checks.fault("not everybody got all edits in time", not complete)
        await leave_all(coming)
        checks.count(self.rooms, await _kept(target, scenes))
        synced = Latencies.of([at_s - begun_s for at_s in synced_s])
        spread = Latencies.of(spread_s)
        return checks.outcome(
            {
                "synced_p50_ms": synced.p50_ms,
                "synced_p95_ms": synced.p95_ms,
                "synced_max_ms": synced.max_ms,
                "edits_everywhere_p50_ms": spread.p50_ms,
                "edits_everywhere_max_ms": spread.max_ms,
            }
            | gauge.figures()
        )

    def _scene(
        self, target: Target, number: int, messages: Messages, source: random.Random
    ) -> _Scene:
        document = score(self.document_bytes, number)
        edits = {}
        for client_id in (random_client_id(source) for _ in range(self.clients)):
            edits[client_id] = pasted_updates(client_id, 1, _EDIT_CHARACTERS, source)[0]
        return _Scene(target.dialect(f"back/{number}"), document, edits, messages)


class _Scene:
    """One room: its document, one offline edit of everybody, and how they come back."""

    def __init__(
        self, dialect: Dialect, document: bytes, edits: dict[int, bytes], messages: Messages
    ) -> None:
        known: Doc[Any] = Doc()
        known.apply_update(document)
        state_vector = known.get_state()
        written = Written(dialect, messages, dict.fromkeys(edits, 1), _EDIT_CHARACTERS)
        self.dialect = dialect
        self.document = document
        self.edits = edits
        self.sessions: list[Session] = []
        self.seen: list[Seen] = []
        for client_id, edit in edits.items():
            session = Session(dialect, messages, edit, known=_with(state_vector, client_id))
            self.sessions.append(session)
            self.seen.append(Seen(session, written, written.of(client_id)))


def _with(state_vector: bytes, client_id: int) -> bytes:
    """A state vector that knows the edit of one more client."""
    reader = Reader(state_vector)
    count = reader.read_uint()
    own = write_uint(client_id) + write_uint(_EDIT_CHARACTERS)
    return write_uint(count + 1) + state_vector[reader.at :] + own


async def _kept(target: Target, scenes: list[_Scene]) -> int:
    """How many rooms hold the document and all edits."""
    kept = 0
    for scene in scenes:
        expected = fingerprint(scene.document, *scene.edits.values())
        kept += fingerprint(await download(target, scene.dialect)) == expected
    return kept
