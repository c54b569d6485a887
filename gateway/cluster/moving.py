"""Moving rooms and clients to other nodes: emptying this one, or sending rooms home.

Nothing is moved but people: their sessions are closed with a code after which every client comes
back by itself, one after the other, and whoever stays goes on editing. Rooms follow, for a room
that nobody is in is unloaded once the log holds all of it.

======================  ==========================================================================
a drain is wished       not ready from now on, so that load balancers send nobody; home for nothing
2 s later               nobody new is let in, and sessions are closed in random order within 15 s
nobody is here          rooms are unloaded; the node is empty, and waits for SIGTERM
the wish is taken back  ready again, and home as before
a rebalance is wished   sessions in rooms that are at home elsewhere are closed, once, within 15 s
======================  ==========================================================================
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from collab.cluster.members import Members
from gateway.cluster.membership import Membership
from gateway.rooms.registry import RoomRegistry
from gateway.rooms.runner import RoomRunner

_log = structlog.stdlib.get_logger(__name__)
NOTICE_S: Final = 2.0
"""How long a load balancer has to notice that the node is not ready."""

SPREAD_S: Final = 15.0
PAUSE_S_MAX: Final = 0.25


class Mover:
    """Does to one node what operators wish.

    Args:
        membership: tells what is wished.
        registry: the rooms of this node.
    """

    def __init__(self, membership: Membership, registry: RoomRegistry) -> None:
        self._sender = membership.sender
        self._membership = membership
        self._registry = registry
        self._rebalanced: int | None = None
        self._draining: asyncio.Task[None] | None = None
        self._going_home: asyncio.Task[None] | None = None
        membership.watch(self.heed)

    @property
    def is_draining(self) -> bool:
        """Whether this node is being emptied, or is empty."""
        return self._draining is not None

    @property
    def is_drained(self) -> bool:
        """Whether it is empty, and stays so."""
        task = self._draining
        return task is not None and task.done() and not self._registry.live()

    def heed(self, members: Members) -> None:
        """Begin, or stop, what is wished."""
        wishes = members.wishes
        is_wished = self._sender in wishes.draining
        if is_wished and self._draining is None:
            self._draining = asyncio.create_task(self._drain())
        elif not is_wished and self._draining is not None:
            self._draining.cancel()
            self._draining = None
            self._registry.is_leaving = False
            _log.info("node.drain_taken_back")
        if self._rebalanced is not None and wishes.rebalance > self._rebalanced:
            self._going_home = asyncio.create_task(self._send_home())
        self._rebalanced = wishes.rebalance

    def stop(self) -> None:
        """The node is shutting down, which empties it faster."""
        for task in (self._draining, self._going_home):
            if task is not None:
                task.cancel()

    async def _drain(self) -> None:
        registry = self._registry
        _log.info("node.draining_for_operator", rooms=len(registry.live()))
        await asyncio.sleep(NOTICE_S)
        registry.is_leaving = True
        while not registry.is_deserted:
            await registry.close_in_turn(registry.live(), SPREAD_S, PAUSE_S_MAX)
            await asyncio.sleep(PAUSE_S_MAX)  # for those whose join was under way
        _log.info("node.deserted")

    async def _send_home(self) -> None:
        away = [runner for runner in self._registry.live() if self._is_away(runner)]
        _log.info("node.sends_rooms_home", rooms=len(away))
        await self._registry.close_in_turn(away, SPREAD_S, PAUSE_S_MAX)

    def _is_away(self, runner: RoomRunner) -> bool:
        home = self._membership.members.home(runner.key)
        return home is not None and home.node != self._sender.node
