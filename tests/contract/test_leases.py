"""What every store promises of leases."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from collab.cluster.leases import Lease, LeaseHolder, LeaseName
from collab.errors import InvariantViolated, LeaseLost
from collab.limits import LEASE_VALUE_BYTES_MAX
from persistence.build import Stores
from tests.contract.backends import StoreUnderTest, nodes

ROOM = LeaseName("room/one")
ANN, BEN = LeaseHolder("ann:1"), LeaseHolder("ben:1")
LONG_MS = 600_000
SHORT_MS = 1


async def taken(stores: Stores, name: LeaseName, holder: LeaseHolder, ttl_ms: int) -> Lease:
    """Take a lease as soon as it is free."""
    while True:
        lease = await stores.leases.acquire(name, holder, ttl_ms=ttl_ms)
        if lease is not None:
            return lease
        await asyncio.sleep(0.001)


async def test_held_lease_is_given_to_nobody_else(stores: Stores) -> None:
    """NODE-2."""
    lease = await stores.leases.acquire(ROOM, ANN, ttl_ms=LONG_MS, value=b"\x00\xff$mark")
    assert lease is not None
    assert await stores.leases.acquire(ROOM, BEN, ttl_ms=LONG_MS) is None
    assert await stores.leases.acquire(ROOM, ANN, ttl_ms=LONG_MS) is None
    (held,) = await stores.leases.held("room/")
    assert (held.name, held.holder, held.token, held.value) == (ROOM, ANN, 1, b"\x00\xff$mark")
    assert 0 < held.left_ms <= LONG_MS


async def test_of_many_who_ask_at_once_one_gets_it(store: StoreUnderTest) -> None:
    """NODE-2."""
    async with AsyncExitStack() as stack:
        opened = await nodes(store, stack, 3)
        for number in range(5):
            name = LeaseName(f"room/{number}")
            given = await asyncio.gather(
                *(
                    each.leases.acquire(name, LeaseHolder(f"{node}:{turn}"), ttl_ms=LONG_MS)
                    for turn in range(4)
                    for node, each in enumerate(opened)
                )
            )
            assert [lease.token for lease in given if lease is not None] == [1]


async def test_lease_ends_by_the_clock_of_the_store(stores: Stores) -> None:
    """NODE-2."""
    first = await taken(stores, ROOM, ANN, SHORT_MS)
    second = await taken(stores, ROOM, BEN, LONG_MS)
    assert second.token > first.token
    with pytest.raises(LeaseLost):
        await stores.leases.renew(first, ttl_ms=LONG_MS)
    await stores.leases.release(first)
    assert [lease.holder for lease in await stores.leases.held("")] == [BEN]


async def test_lease_that_is_over_is_not_renewed_although_nobody_else_took_it(
    stores: Stores,
) -> None:
    """NODE-2."""
    lease = await taken(stores, ROOM, ANN, SHORT_MS)
    while await stores.leases.held(ROOM):  # noqa: ASYNC110 - the store tells nobody
        await asyncio.sleep(0.001)
    with pytest.raises(LeaseLost):
        await stores.leases.renew(lease, ttl_ms=LONG_MS)


async def test_renewed_lease_is_held_for_longer_and_says_something_else(stores: Stores) -> None:
    lease = await taken(stores, ROOM, ANN, 60_000)
    renewed = await stores.leases.renew(lease, ttl_ms=LONG_MS, value=b"busy")
    assert (renewed.token, renewed.value) == (lease.token, b"busy")
    (held,) = await stores.leases.held("room/")
    assert held.left_ms > 60_000
    assert held.value == b"busy"


async def test_tokens_grow_for_ever(store: StoreUnderTest) -> None:
    """NODE-2: also over releases, and when the store is closed and opened."""
    tokens = []
    for _ in range(3):
        async with await store.open() as stores:
            for _ in range(2):
                lease = await taken(stores, ROOM, ANN, LONG_MS)
                tokens.append(lease.token)
                await stores.leases.release(lease)
                assert await stores.leases.held("") == ()
    assert tokens == [1, 2, 3, 4, 5, 6]


async def test_only_leases_of_that_prefix_are_told(stores: Stores) -> None:
    for text in ("node/b", "node/a~", "node", "nodes/x", "room/node/", "node/a"):
        assert await stores.leases.acquire(LeaseName(text), ANN, ttl_ms=LONG_MS)
    told = [lease.name for lease in await stores.leases.held("node/")]
    assert told == ["node/a", "node/a~", "node/b"]


@pytest.mark.parametrize("spelled", ["", "a b", "é", "x" * 201])
async def test_name_that_some_store_could_not_keep_is_refused(stores: Stores, spelled: str) -> None:
    with pytest.raises(InvariantViolated):
        await stores.leases.acquire(LeaseName(spelled), ANN, ttl_ms=LONG_MS)


async def test_lease_says_no_more_than_it_may(stores: Stores) -> None:
    most = b"x" * LEASE_VALUE_BYTES_MAX
    lease = await stores.leases.acquire(ROOM, ANN, ttl_ms=LONG_MS, value=most)
    assert lease is not None
    assert lease.value == most
    with pytest.raises(InvariantViolated):
        await stores.leases.renew(lease, ttl_ms=LONG_MS, value=most + b"x")
