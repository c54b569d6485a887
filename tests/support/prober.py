"""A bystander in a process of its own: measures how long a room takes to answer.

    python -m tests.support.prober ws://127.0.0.1:8080/collab/room

It publishes an awareness state and waits until the server sends it back, over and over. For each
line on standard input it prints the longest and the number of round trips since the last line.
"""

import asyncio
import json
import sys
import time

from tests.support import wire
from tests.support.wire import State
from tests.support.ws_client import open_socket

CLIENT_ID = 4242
PAUSE_S = 0.005
ANSWER_WITHIN_S = 60.0


class Prober:
    """Counts round trips.

    Attributes:
        longest_s: the longest since it was last reported.
        trips: how many since then.
        answered: set at each.
    """

    def __init__(self) -> None:
        self.longest_s = 0.0
        self.trips = 0
        self.begun_s = time.perf_counter()
        self.clock = 0
        self.answered = asyncio.Event()

    async def run(self, url: str) -> None:
        """Ping for ever."""
        async with open_socket(url) as socket:
            while True:
                self.clock += 1
                self.begun_s = time.perf_counter()
                await socket.send(wire.awareness([State(CLIENT_ID, self.clock, {})]))
                while not self._is_answer(await socket.receive(within_s=ANSWER_WITHIN_S)):
                    pass
                self.longest_s = max(self.longest_s, time.perf_counter() - self.begun_s)
                self.trips += 1
                self.answered.set()
                await asyncio.sleep(PAUSE_S)

    def report(self) -> str:
        """One line of JSON, with the trip under way; starts counting anew."""
        line = json.dumps({"longest_ms": self.longest_s * 1000, "trips": self.trips})
        self.longest_s = 0.0
        self.trips = 0
        return line

    def _is_answer(self, frame: bytes) -> bool:
        reader = wire.Reader(frame)
        if reader.uint() != wire.AWARENESS:
            return False
        return any(
            entry.client_id == CLIENT_ID and entry.clock == self.clock
            for entry in wire.read_states(reader.blob())
        )


async def main(url: str) -> None:
    """Ping, and report whenever asked."""
    loop = asyncio.get_running_loop()
    prober = Prober()
    pinging = asyncio.create_task(prober.run(url))
    asked: asyncio.Task[str] = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    while not pinging.done():
        await asyncio.wait({pinging, asked}, return_when=asyncio.FIRST_COMPLETED)
        if asked.done():
            if not asked.result():
                break
            # The trip under way belongs to what is reported.
            prober.answered.clear()
            await prober.answered.wait()
            sys.stdout.write(prober.report() + "\n")
            sys.stdout.flush()
            asked = loop.create_task(asyncio.to_thread(sys.stdin.readline))
    pinging.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
