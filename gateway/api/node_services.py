"""What the API needs to know of nodes."""

from __future__ import annotations

from typing import Protocol

from collab.cluster.attendance import Roll
from collab.cluster.envelope import NodeId
from collab.cluster.members import NodeReport
from collab.ids import RoomKey


class Nodes(Protocol):
    """The nodes of a cluster, seen from one of them."""

    async def roll(self) -> Roll:
        """All that are known or were, and what is wished of them."""

    def home(self, room: RoomKey) -> NodeReport | None:
        """Where a room is at home; None where nobody is home for anything."""

    def is_here(self, report: NodeReport) -> bool:
        """Whether that is the node that was asked."""

    async def drain(self, node: NodeId, *, drains: bool) -> bool:
        """Wish that a node be emptied, or take that back; False where there is no such node.

        Raises:
            StateConflict: there is no other node that serves.
            StoreUnavailable: the outcome is unknown.
        """

    async def rebalance(self) -> None:
        """Wish that all rooms go home.

        Raises:
            StateConflict: there is only one node.
            StoreUnavailable: the outcome is unknown.
        """
