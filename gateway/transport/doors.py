"""What a websocket endpoint needs of its node, and the way from there into a room."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from collab.access import Action, Claims, decide
from collab.errors import AccessDenied, LimitExceeded
from collab.ids import RoomName, SessionId
from collab.limits import FRAME_OVERHEAD_BYTES_MAX
from collab.protocol.y_sync import FrameKind
from gateway.auth.authenticator import Clocks
from gateway.auth.build import AuthParts
from gateway.observe.metrics import Metrics
from gateway.rooms.registry import RoomRegistry
from gateway.rooms.runner import RoomRunner
from gateway.setting_types import Networks
from gateway.transport.connection import ConnectionLimits
from gateway.transport.gate import Gate
from gateway.transport.sweeper import Sweeper


def random_session_id() -> SessionId:
    """A session id of the operating system's randomness."""
    return SessionId(secrets.token_hex(8))


@dataclass(frozen=True, slots=True)
class Doors:
    """The parts of a node that a websocket endpoint needs.

    Attributes:
        registry: the live rooms.
        auth: who gets in.
        gate: how many connections.
        limits: bounds on each connection.
        metrics: what is counted.
        clocks: the time.
        update_bytes_max: one update.
        document_bytes_max: one step 2.
        queue_before_auth_bytes_max: kept for a document until its sign-in.
        queue_before_auth_messages_max: the same in messages.
        documents_per_socket_max: documents on one Hocuspocus connection.
        trusted_proxies: networks whose forwarded address is believed.
        sweeper: looks after the connections.
        new_session_id: makes one that nobody can guess and no other session of this node has.
    """

    registry: RoomRegistry
    auth: AuthParts
    gate: Gate
    limits: ConnectionLimits
    metrics: Metrics
    clocks: Clocks
    update_bytes_max: int
    document_bytes_max: int
    queue_before_auth_bytes_max: int
    queue_before_auth_messages_max: int
    documents_per_socket_max: int
    trusted_proxies: Networks
    sweeper: Sweeper
    new_session_id: Callable[[], SessionId] = random_session_id

    def check_size(self, kind: FrameKind, frame: bytes) -> None:
        """Refuse a frame that is larger than its kind may be.

        A step 2 may carry a whole document: stock clients send a long offline session in one.

        Raises:
            LimitExceeded: it is.
        """
        step2 = kind is FrameKind.STEP2
        payload_bytes_max = self.document_bytes_max if step2 else self.update_bytes_max
        if len(frame) > payload_bytes_max + FRAME_OVERHEAD_BYTES_MAX:
            raise LimitExceeded(
                f"such a message may have {payload_bytes_max} bytes", limit="update_bytes_max"
            )

    def check_join(self, claims: Claims, room: RoomName) -> None:
        """Refuse whoever may not join a room.

        Raises:
            AccessDenied: the claims give nothing here.
        """
        if not decide(claims, room, Action.JOIN):
            raise AccessDenied("this token does not open this room")

    async def open_room(self, name: RoomName, claims: Claims) -> tuple[RoomRunner, Claims]:
        """Open a room for somebody who may join it.

        Loading takes time in which the claims may be revoked or expire, and no live session is
        there yet to be told: so they are weighed again behind it. Join before the next await.

        Raises:
            BandProError: they may not join, or the room cannot be opened.
        """
        self.check_join(claims, name)
        runner = await self.registry.open(name)
        claims = self.auth.authenticator.still_valid(claims)
        self.check_join(claims, name)
        runner.check_join()
        return runner, claims

    def room_at_once(self, name: RoomName, claims: Claims) -> RoomRunner | None:
        """A room that is live here, for somebody who may join it; None where one has to wait.

        Args:
            name: of the room.
            claims: as they are at this moment. Join before the next await.

        Raises:
            BandProError: as :meth:`open_room`.
        """
        self.check_join(claims, name)
        runner = self.registry.get(name)
        if runner is None or self.registry.refuses:
            return None
        runner.check_join()
        return runner

    def claims_in(self, runner: RoomRunner, claims: Claims) -> Claims:
        """Claims as they count in a live room: nobody edits an archived one."""
        return self.registry.archived.capped(runner, claims)

    def expires_in_s(self, claims: Claims) -> float | None:
        """Seconds until claims hold no longer (their leeway is in them); None for never."""
        if claims.expires_at is None:
            return None
        return max(0.0, float(claims.expires_at - self.clocks.wall()))
