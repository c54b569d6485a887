"""The bus ends when it is told to, whatever else happens at that moment."""

import asyncio

import pytest
from redis.asyncio import Connection
from redis.exceptions import RedisError

from collab.cluster.envelope import BootEpoch, Envelope, NodeId, Sender
from collab.ids import RoomKey
from gateway.cluster.bus_url import Address
from gateway.cluster.redis_bus import RedisBus
from gateway.cluster.redis_lane import Heard, Lane
from gateway.cluster.redis_places import places
from gateway.observe.metrics import Metrics


class LostAsItEnds:
    """Servers that are lost in the very moment in which whoever looks for them is cancelled."""

    says, hears = "PUBLISH", "SUBSCRIBE"

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def find(self) -> list[Address]:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise RedisError("lost") from None
        return []

    def place_of(self, channel: str) -> Address:
        raise AssertionError(channel)

    def connection(self, address: Address) -> Connection:
        raise AssertionError(address)


class Nobody:
    """Is told nothing."""

    def delivered(self, envelope: Envelope) -> None:
        raise AssertionError(envelope)

    def listening(self, room: RoomKey) -> None:
        raise AssertionError(room)

    def interrupted(self) -> None:
        raise AssertionError


def told_nothing(*told: object) -> None:
    raise AssertionError(told)


def test_a_channel_has_moved_only_where_it_was_left_less_often_than_that_is_said() -> None:
    """BUS-5: who leaves a room twice before a slow server says so does not lose the bus."""
    address = Address("127.0.0.1", 6379)
    lane = Lane(places("redis://127.0.0.1"), address, Metrics(), Heard(told_nothing, told_nothing))
    for channel in ("one", "one", "two"):
        lane.unsubscribe(channel)
    for channel in ("one", "two", "one"):
        lane._check_left(channel)
    for channel in ("one", "two", "three"):
        with pytest.raises(RedisError, match="moved"):
            lane._check_left(channel)


async def scope() -> bytes:
    return b"store"


async def test_a_bus_that_is_lost_as_it_is_cancelled_ends() -> None:
    """BUS-5: a failure that takes the place of the cancellation does not make it begin anew."""
    servers = LostAsItEnds()
    sender = Sender(NodeId("ann"), BootEpoch(1))
    bus = RedisBus(servers, b"k" * 32, scope, sender, Metrics(), Nobody())
    running = asyncio.create_task(bus.run())
    await servers.asked.wait()
    running.cancel()
    servers.asked.clear()
    await asyncio.wait((running,), timeout=5)
    assert running.done(), "it went on"
    assert not servers.asked.is_set()
    with pytest.raises(asyncio.CancelledError):
        await running
