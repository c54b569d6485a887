"""What scan, integration check and document shape let through never harms the CRDT library.

The library runs in a process of its own, which may crash or hang without taking the tests along.
"""

import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from random import Random

import pytest

from collab.errors import PeerError
from collab.protocol.update_scan import scan_update
from tests.property.protocol.hostile import History, entries, kept, mutated, real_updates
from tests.support.counts import repeats
from tests.support.form import same_form_environment

_ANSWER_TIMEOUT_S = 20
_SEED = Random().randrange(2**32)

REAL = real_updates()


class Victim:
    """The process, started again whenever it has died."""

    def __init__(self) -> None:
        self._process = self._start()

    def ask(self, updates: list[bytes]) -> str:
        """Have a row of updates applied; returns ``ok`` or what went wrong."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        case = b"".join(len(update).to_bytes(4, "big") + update for update in updates)
        process.stdin.write(len(updates).to_bytes(4, "big") + case)
        if not select.select([process.stdout], [], [], _ANSWER_TIMEOUT_S)[0]:
            self.close()
            self._process = self._start()
            return "hung"
        answer = process.stdout.readline().decode().strip()
        if not answer:
            answer = f"died with {process.wait()}"
            self.close()
            self._process = self._start()
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "tests.property.protocol.victim"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=same_form_environment(),
            bufsize=0,
        )


@pytest.fixture
def victim() -> Iterator[Victim]:
    running = Victim()
    yield running
    running.close()


def _contradicting(random: Random) -> list[bytes]:
    return History(random).draw()


def _damaged(random: Random) -> list[bytes]:
    whole = [random.choice(REAL) for _ in range(random.randint(0, 2))]
    return whole + [mutated(random, REAL) for _ in range(random.randint(1, 6))]


def _is_scanned(update: bytes) -> bool:
    """Whether the scan accepts an update; anything but its own errors fails the test."""
    try:
        scan_update(update)
    except PeerError:
        return False
    return True


@pytest.mark.prove
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("draw", [_contradicting, _damaged, entries, kept])
def test_the_library_survives_all_that_is_let_through(
    draw: Callable[[Random], list[bytes]],
    victim: Victim,
    record_property: Callable[[str, object], None],
) -> None:
    """SCAN-1: No crash, panic, hang or refusal, and a document that reloads as it was."""
    accepted = 0
    cases = repeats(1500, proof=100_000)
    for number in range(cases):
        updates = [u for u in draw(Random(_SEED + number)) if _is_scanned(u)]
        accepted += len(updates)
        answer = victim.ask(updates)
        told = [update.hex() for update in updates]
        assert answer == "ok", f"seed {_SEED + number}: {answer}: {told}"
    assert accepted > 500
    record_property("kind", draw.__name__.strip("_"))
    record_property("cases", cases)
    record_property("updates let through", accepted)


def test_the_victim_tells_of_harm(victim: Victim) -> None:
    """The check above can fail: an update that the scan refuses is reported, not ignored."""
    assert victim.ask([b"\xff"]).startswith("MalformedUpdate")
    assert victim.ask([]) == "ok"
