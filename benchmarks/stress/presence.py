"""Everybody's cursor moves: how soon, and at what price, everybody else sees it."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import uvloop

from benchmarks.edits import random_client_id
from benchmarks.figures import Latencies
from benchmarks.stress.session import Messages, Session, join_all, leave_all
from benchmarks.stress.stage import Checks, Gauge, Goal, Outcome, Stage
from benchmarks.targets import Target
from benchmarks.undisturbed import no_collector, sleep_until
from collab.protocol.varint import write_string, write_uint

_STATE: Final = re.compile(rb"person (\d+) at (\d+)")
"""How a state says whose it is and which of theirs; found by its content, not by its clock."""

_SETTLE_S: Final = 3.0
_NEWEST_WITHIN_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Presence:
    """All clients of one room publish where they are, again and again.

    Attributes:
        clients: in the room.
        states_per_s: that each publishes.
        lasts_s: for how long.
    """

    clients: int = 500
    states_per_s: float = 1.0
    lasts_s: float = 12.0
    name: str = "presence"
    goals: tuple[Goal, ...] = (Goal("seen_p95_ms", 50.0), Goal("server_busy", 0.5))

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.clients} clients in one room move {self.states_per_s:g} time(s) a second"

    def run(self, stage: Stage) -> Outcome:
        """Fill the room, let everybody publish, and wait until everybody has seen the last."""
        with stage.target() as target:
            return uvloop.run(self._run(target, stage))

    async def _run(self, target: Target, stage: Stage) -> Outcome:
        source = random.Random(stage.seed)
        messages = Messages()
        dialect = target.dialect("presence")
        people = [
            _Person(Session(dialect, messages), number, random_client_id(source))
            for number in range(self.clients)
        ]
        sessions = [person.session for person in people]
        await join_all(sessions, target.port)
        plan = self._plan(source)
        with no_collector():
            await _publish(people, self._first(source))
            await asyncio.sleep(_SETTLE_S)
            before_bytes = sum(session.heard_bytes for session in sessions)
            measured_from_s = time.perf_counter()
            async with Gauge(target) as gauge:
                late_s = await _publish(people, plan)
            received = sum(session.heard_bytes for session in sessions) - before_bytes
            complete = await _until_newest(people, messages)
        lost = sum(not session.is_connected for session in sessions)
        await leave_all(sessions)
        seen = Seen(people, messages, measured_from_s)
        checks = Checks(self.clients * (self.clients - 1), seen.newest)
        checks.fault("connections lost", lost)
        checks.fault("the newest states were not everywhere in time", not complete)
        latencies = Latencies.of(seen.latencies_s)
        return checks.outcome(
            {
                "seen_p50_ms": latencies.p50_ms,
                "seen_p95_ms": latencies.p95_ms,
                "seen_p99_ms": latencies.p99_ms,
                "samples": latencies.samples,
                "received_mb_per_s": round(received / self.lasts_s / 1e6, 2),
                "messages_per_client_per_s": round(seen.messages / self.clients / self.lasts_s, 1),
                "late_p99_ms": Latencies.of(late_s).p99_ms,
            }
            | gauge.figures()
        )

    def _first(self, source: random.Random) -> list[tuple[float, int]]:
        """Everybody shows up once, spread over some seconds, before anything is measured."""
        return sorted((source.random() * _SETTLE_S, number) for number in range(self.clients))

    def _plan(self, source: random.Random) -> list[tuple[float, int]]:
        """Who publishes when, in seconds from the start: evenly, each from a phase of its own."""
        pause_s = 1 / self.states_per_s
        each = int(self.lasts_s * self.states_per_s)
        phases = [source.random() * pause_s for _ in range(self.clients)]
        return sorted(
            (phase + at * pause_s, number)
            for number, phase in enumerate(phases)
            for at in range(each)
        )


@dataclass(slots=True)
class _Person:
    """Somebody in the room; `sent_s` says when each state was published."""

    session: Session
    number: int
    client_id: int
    sent_s: list[float] = field(default_factory=list)

    def publish(self) -> float:
        at = len(self.sent_s)
        state = {
            "user": {"name": f"person {self.number} at {at}", "color": "#30bced"},
            "cursor": {"part": "p1", "measure": f"m{at}", "onset": [at % 16, 4]},
        }
        entry = write_uint(self.client_id) + write_uint(at + 1)
        self.sent_s.append(time.perf_counter())
        text = json.dumps(state, separators=(",", ":"))
        self.session.send_awareness(b"\x01" + entry + write_string(text))
        return self.sent_s[-1]


async def _publish(people: list[_Person], plan: list[tuple[float, int]]) -> list[float]:
    """Keep to the plan; returns by how much each publication was late, in seconds."""
    begun_s = time.perf_counter()
    late_s = []
    for due_s, number in plan:
        await sleep_until(begun_s + due_s)
        late_s.append(people[number].publish() - begun_s - due_s)
    return late_s


async def _until_newest(people: list[_Person], messages: Messages) -> bool:
    """Wait until everybody has the newest state of everybody, a while at most."""
    wanted = {(person.number, len(person.sent_s) - 1) for person in people}
    reader = _Reader(messages)
    give_up_s = time.perf_counter() + _NEWEST_WITHIN_S
    missing = {person.number: set(wanted) for person in people}
    read = dict.fromkeys(missing, 0)
    while missing and time.perf_counter() < give_up_s:
        await asyncio.sleep(0.1)
        for person in people:
            left = missing.get(person.number)
            if left is None:
                continue
            heard = person.session.heard
            for at in range(read[person.number], len(heard)):
                left.difference_update(reader.states(heard[at]))
            read[person.number] = len(heard)
            left.discard((person.number, len(person.sent_s) - 1))
            if not left:
                del missing[person.number]
    return not missing


class _Reader:
    """Takes each message apart once."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._known: dict[int, list[tuple[int, int]]] = {}

    def states(self, number: int) -> list[tuple[int, int]]:
        """Whose states, and which of theirs, a message brings."""
        found = self._known.get(number)
        if found is None:
            message = self._messages.kept[number]
            found = [(int(who), int(at)) for who, at in _STATE.findall(message)]
            self._known[number] = found
        return found


class Seen:
    """Who saw what when.

    A state counts as seen when it, or a newer one of the same person, has come: what was
    overtaken on its way need not come itself.

    Args:
        people: who published and who saw.
        messages: all that they heard.
        measured_from_s: what was published before belongs to the warm-up.

    Attributes:
        latencies_s: from publishing to another's seeing it.
        newest: how many newest states were seen, by each of the others.
        messages: how many came since then that brought states.
    """

    def __init__(self, people: list[_Person], messages: Messages, measured_from_s: float) -> None:
        self.latencies_s = array("d")
        self.newest = 0
        self.messages = 0
        self._people = people
        self._from_s = measured_from_s
        reader = _Reader(messages)
        for person in people:
            self._read(person, reader)

    def _read(self, receiver: _Person, reader: _Reader) -> None:
        shown = [-1] * len(self._people)
        session = receiver.session
        for number, at_s in zip(session.heard, session.heard_s, strict=True):
            states = reader.states(number)
            self.messages += bool(states) and at_s >= self._from_s
            for who, at in states:
                if at > shown[who]:
                    if who != receiver.number:
                        self.latencies_s.extend(self._since(who, shown[who] + 1, at, at_s))
                    shown[who] = at
        self.newest += sum(
            shown[person.number] == len(person.sent_s) - 1
            for person in self._people
            if person is not receiver
        )

    def _since(self, who: int, begin: int, end: int, at_s: float) -> Iterator[float]:
        sent_s = self._people[who].sent_s
        return (at_s - sent_s[at] for at in range(begin, end + 1) if sent_s[at] >= self._from_s)
