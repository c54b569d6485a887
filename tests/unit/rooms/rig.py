"""A registry over a faulty memory store, and seats that remember what they were sent."""

import asyncio
import time
from dataclasses import dataclass, field

from pycrdt import Doc, Map, Text

from collab.access import ANYBODY, Claims
from collab.history.compaction import CompactionLimits
from collab.ids import RoomName, SessionId, UnixSeconds
from collab.protocol.close_codes import CloseCode
from collab.protocol.messages import SyncUpdate
from collab.protocol.websocket_frames import Frame
from collab.room.room import RoomLimits
from collab.room.session import Session, Wire
from gateway.observe.metrics import Metrics
from gateway.rooms.appender import AppendLimits
from gateway.rooms.applying import ApplyLimits
from gateway.rooms.commit_pace import CommitPace
from gateway.rooms.joins import Merge
from gateway.rooms.neighbours import Neighbours
from gateway.rooms.registry import RoomRegistry
from gateway.rooms.runner import RoomRunner
from gateway.rooms.runner_settings import RunnerSettings
from persistence.memory import MemoryStore
from persistence.stores import Stores
from tests.support.faulty_store import Faults, faulty

NAME = RoomName("quartet")
SYNC_UPDATE = b"\x00\x02"  # y-protocols: outer type 0 (sync), inner type 2 (update)


@dataclass(slots=True)
class Seat:
    """A seat without a socket."""

    prefix: bytes = b""
    joined_at: UnixSeconds = UnixSeconds(0)
    frames: list[bytes] = field(default_factory=list)
    closed: list[CloseCode] = field(default_factory=list)
    told: asyncio.Event = field(default_factory=asyncio.Event)
    unread: int = 0
    pause_s: float = 0.0

    def push(self, frame: bytes) -> None:
        """Take a frame."""
        self.frames.append(frame)
        self.told.set()

    def offer(self, frame: Frame, taken: int = 0) -> bool:
        """Take a broadcast, in the time that it takes."""
        if self.pause_s:
            time.sleep(self.pause_s)
        self.frames.append(frame.payload)
        self.told.set()
        return True

    def line(self) -> None:
        """There is no socket."""
        return

    def unread_bytes(self) -> int:
        """Everything is read at once, unless a test says otherwise."""
        return self.unread

    def close(self, code: CloseCode, detail: str) -> None:
        """Remember why it ended."""
        del detail
        self.closed.append(code)

    def updates(self) -> list[bytes]:
        """The sync updates it was sent, frames as they came."""
        return [frame for frame in self.frames if frame.startswith(SYNC_UPDATE)]


@dataclass(slots=True)
class Rig:
    """One node's rooms over a store that fails on request."""

    stores: Stores
    faults: Faults
    registry: RoomRegistry
    compacted: list[RoomName] = field(default_factory=list)

    async def join(
        self, session: str, *, name: RoomName = NAME, claims: Claims = ANYBODY
    ) -> tuple[RoomRunner, Seat]:
        """Seat a y-websocket session."""
        seat = Seat()
        runner = await self.registry.open(name)
        runner.join(Session(SessionId(session), claims, Wire.Y_WEBSOCKET), seat)
        return runner, seat


def rig(
    *,
    store: MemoryStore | None = None,
    attempts_max: int = 3,
    retry_ms_max: int = 200,
    unload_after_ms: int = 0,
    sessions_max: int = 10,
    unsaved_bytes_max: int = 1 << 20,
    tail_updates: int = 1000,
    join_bytes_in_flight_max: int = 1 << 25,
    loads_at_once_max: int = 8,
    merge: Merge | None = None,
    apply: ApplyLimits | None = None,
    pace: CommitPace | None = None,
    neighbours: Neighbours | None = None,
    metrics: Metrics | None = None,
) -> Rig:
    """A registry with small limits."""
    faults = Faults()
    stores = faulty((store or MemoryStore()).stores(), faults)
    settings = RunnerSettings(
        room=RoomLimits(sessions_max=sessions_max),
        append=AppendLimits(attempts_max, retry_ms_max, unsaved_bytes_max),
        unload_after_ms=unload_after_ms,
        compaction=CompactionLimits(tail_updates=tail_updates),
        join_bytes_in_flight_max=join_bytes_in_flight_max,
        loads_at_once_max=loads_at_once_max,
        apply=apply or ApplyLimits(),
        pace=pace or CommitPace(),
    )
    compacted: list[RoomName] = []

    async def compact(runner: RoomRunner) -> None:
        compacted.append(runner.name)

    registry = RoomRegistry(
        stores, settings, metrics or Metrics(), compact, merge, neighbours=neighbours
    )
    return Rig(stores, faults, registry, compacted)


def edit(doc: Doc[Map[object]], key: str, value: object) -> SyncUpdate:
    """Set a key of the map ``ev`` and return the update that says so."""
    before = doc.get_state()
    doc.get("ev", type=Map)[key] = value
    return SyncUpdate(doc.get_update(before))


def typed(doc: Doc[Text], text: str) -> SyncUpdate:
    """Append to the text ``t`` and return the update that says so."""
    before = doc.get_state()
    shared = doc.get("t", type=Text)
    shared += text
    return SyncUpdate(doc.get_update(before))


def content(update: bytes) -> dict[str, object]:
    """The map ``ev`` of a document, read by the CRDT library."""
    doc: Doc[Map[object]] = Doc()
    doc.apply_update(update)
    return doc.get("ev", type=Map).to_py() or {}
