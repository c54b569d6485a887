"""Rooms, sessions and updates to try them with, and what effects mean on the wire."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from collab.access import Claims, Grant, Role
from collab.ids import Milliseconds, RoomName, SessionId, Subject
from collab.protocol.messages import AwarenessEntry, AwarenessUpdate, SyncStep1, SyncStep2
from collab.protocol.messages import SyncUpdate as UpdateMessage
from collab.protocol.update_scan import scan_update
from collab.room.effects import Announce, Broadcast, Close, Effect, Persist, Refused, Send
from collab.room.room import Admitted, Room, RoomLimits
from collab.room.session import Session, Wire
from tests.support import wire
from tests.support.updates import STRING, Block, Deletes, after, text, update
from tests.support.wire import Reader, State

NAME = RoomName("room")
NOW = Milliseconds(1_000)
Y = Wire.Y_WEBSOCKET
HP = Wire.HOCUSPOCUS

A, B, C = SessionId("a"), SessionId("b"), SessionId("c")


@dataclass(frozen=True, slots=True)
class Told:
    """One message as a client reads it: what it is, and what it carries."""

    what: str
    payload: object = b""


def claims(subject: str = "u-1", role: Role = Role.EDITOR, *, verified: bool = True) -> Claims:
    """A subject's claims, the same role in every room."""
    return Claims(Subject(subject), subject.upper(), (Grant("**", role),), verified=verified)


def live_room(limits: RoomLimits | None = None) -> Room:
    """An empty room that has been loaded."""
    room = Room(NAME, limits or RoomLimits())
    room.loaded()
    return room


def join(
    room: Room,
    session_id: SessionId,
    on: Wire = Y,
    *,
    role: Role = Role.EDITOR,
    subject: str | None = None,
    verified: bool = True,
) -> list[Effect]:
    """Let a session in, of a subject of its own unless one is given."""
    who = claims(subject or f"u-{session_id}", role, verified=verified)
    return room.join(Session(session_id, who, on))


def edit(room: Room, session_id: SessionId, encoded: bytes) -> list[Effect]:
    """A session sends an update."""
    return _give(room, session_id, UpdateMessage(encoded))


def answer(room: Room, session_id: SessionId, encoded: bytes = wire.EMPTY_UPDATE) -> list[Effect]:
    """A session sends a step 2."""
    return _give(room, session_id, SyncStep2(encoded))


def ask(
    room: Room, session_id: SessionId, state_vector: bytes = wire.EMPTY_STATE_VECTOR
) -> list[Effect]:
    """A session sends a step 1."""
    return room.receive(session_id, SyncStep1(state_vector), NOW)


def show(
    room: Room, session_id: SessionId, *entries: AwarenessEntry, now_ms: int = NOW
) -> list[Effect]:
    """A session sends awareness."""
    return room.receive(session_id, AwarenessUpdate(entries), Milliseconds(now_ms))


def shown(room: Room, session_id: SessionId, client_id: int) -> list[Effect]:
    """A session shows a first state under a client id."""
    return show(room, session_id, AwarenessEntry(client_id, 1, "{}"))


def settled(room: Room, session_id: SessionId, on: Wire = Y, client_id: int | None = None) -> None:
    """A session joins, completes its handshake, and shows a client id if one is given."""
    join(room, session_id, on)
    if on is HP:
        ask(room, session_id)
    answer(room, session_id)
    if client_id is not None:
        shown(room, session_id, client_id)


def words(client: int, clock: int, content: str, *, origin: bool = False) -> bytes:
    """An update that writes some text, behind the client's last character or on its own."""
    struct = (
        after(STRING, wire.string(content), origin=(client, clock - 1)) if origin else text(content)
    )
    return update([Block(client, clock, [struct])])


def deletion(client: int, clock: int, length: int) -> bytes:
    """An update that deletes."""
    return update([], [Deletes(client, [(clock, length)])])


def sent(effects: Iterable[Effect], session_id: SessionId) -> list[Told]:
    """What a session is sent for itself, in order."""
    return [
        _read(effect.body)
        for effect in effects
        if isinstance(effect, Send) and effect.session_id == session_id
    ]


def broadcast(effects: Iterable[Effect]) -> list[tuple[Told, SessionId | None]]:
    """What everybody is sent, and who is left out."""
    return [(_read(e.body), e.skip) for e in effects if isinstance(e, Broadcast)]


def announced(effects: Iterable[Effect]) -> list[State]:
    """The states that everybody is told."""
    return [
        _state(entry)
        for effect in effects
        if isinstance(effect, Announce)
        for entry in effect.entries
    ]


def echoed(effects: Iterable[Effect], session_id: SessionId) -> list[State]:
    """The states that a session is told instead, with its own clocks."""
    return [
        _state(entry)
        for effect in effects
        if isinstance(effect, Announce)
        for entry in effect.own.get(session_id, ())
    ]


def stored(effects: Iterable[Effect]) -> list[tuple[bytes, int]]:
    """What is to be stored, and under which ticket."""
    return [(effect.update, effect.ticket) for effect in effects if isinstance(effect, Persist)]


def closed(effects: Iterable[Effect]) -> list[tuple[SessionId, int]]:
    """Who is closed, and with which code."""
    return [(e.session_id, int(e.code)) for e in effects if isinstance(e, Close)]


def refused(effects: Iterable[Effect]) -> list[tuple[SessionId, str]]:
    """Whose message was refused, and as what."""
    return [(e.session_id, e.reason) for e in effects if isinstance(e, Refused)]


def _give(room: Room, session_id: SessionId, message: UpdateMessage | SyncStep2) -> list[Effect]:
    admitted = room.admit(session_id, message, scan_update(message.update), NOW)
    return room.apply(admitted) if isinstance(admitted, Admitted) else admitted


def _read(body: bytes) -> Told:
    reader = Reader(body)
    kind = reader.uint()
    if kind == wire.SYNC:
        names = {wire.STEP_1: "step 1", wire.STEP_2: "step 2", wire.UPDATE: "update"}
        told = Told(names[reader.uint()], reader.blob())
    elif kind == wire.AWARENESS:
        told = Told("awareness", list(wire.read_states(reader.blob())))
    elif kind == wire.SYNC_STATUS:
        told = Told("saved" if reader.uint() == 1 else "not saved")
    else:
        assert kind == wire.AUTH
        names = {0: "denied", 2: "authenticated"}
        told = Told(names[reader.uint()], reader.string())
    assert not reader.rest
    return told


def _state(entry: AwarenessEntry) -> State:
    value = None if entry.state is None else json.loads(entry.state)
    return State(entry.client_id, entry.clock, value)
