"""What the HTTP API may ask of the rooms: the two protocols of ``gateway/api/services.py``."""

from __future__ import annotations

import heapq

import structlog

from collab.access import Action, Claims, Role, decide, role_in
from collab.errors import AccessDenied, LimitExceeded, RoomUnavailable, StoreUnavailable
from collab.ids import ClientId, RoomName, Sequence, SessionId, room_key
from collab.ports import Manifest, RoomStatus
from collab.protocol.close_codes import CloseCode
from collab.protocol.state_vector import EMPTY_STATE_VECTOR, decode_state_vector
from collab.room.session import Session, Wire
from gateway.api.services import (
    RoomDescription,
    RoomState,
    RoomSummary,
    SessionInfo,
    WireProtocol,
)
from gateway.rooms.registry import RoomRegistry
from gateway.rooms.runner import RoomRunner
from persistence.erasure import Erased, ErasureMode, Rewriter, erase, stored_comments
from persistence.manifests import release

_log = structlog.stdlib.get_logger(__name__)
_WIRES = {
    Wire.Y_WEBSOCKET: WireProtocol.Y_WEBSOCKET,
    Wire.HOCUSPOCUS: WireProtocol.HOCUSPOCUS,
}


class RoomServices:
    """Directory and documents over one registry."""

    def __init__(
        self, registry: RoomRegistry, update_bytes_max: int, rewriter: Rewriter | None = None
    ) -> None:
        self._registry = registry
        self._rewriter = rewriter
        self._stores = registry.stores
        self._update_bytes_max = update_bytes_max

    # Directory --------------------------------------------------------------------------------

    async def list_rooms(self, *, after: RoomName | None, limit: int) -> tuple[RoomSummary, ...]:
        """Rooms in order of name, live and stored; see ``RoomDirectory``."""
        stored = {m.name: m for m in await self._stores.manifests.list(after=after, limit=limit)}
        live = (r.name for r in self._registry.live() if after is None or r.name > after)
        names = heapq.nsmallest(limit, {*stored, *live})
        return tuple([await self._summary(name, stored.get(name)) for name in names])

    async def describe(self, name: RoomName) -> RoomDescription | None:
        """One room; see ``RoomDirectory``."""
        manifest = await self._stores.manifests.get(room_key(name))
        runner = self._registry.get(name)
        if runner is None and manifest is None:
            return None
        known = manifest or (runner.appender.manifest if runner else None)
        if known is None:
            return None
        sessions = runner.room.sessions.values() if runner else ()
        return RoomDescription(
            summary=await self._summary(name, manifest),
            epoch=known.epoch,
            snapshot_sequence=known.snapshots[0].sequence if known.snapshots else Sequence(0),
            reason=known.status_reason,
            sessions=tuple(self._session(runner, session) for session in sessions if runner),
        )

    async def close_session(self, name: RoomName, session_id: SessionId) -> bool:
        """Close one session; see ``RoomDirectory``."""
        runner = self._registry.get(name)
        if runner is None:
            return False
        return runner.expel(session_id, CloseCode.FORBIDDEN, "closed by an operator")

    async def release(self, name: RoomName, *, accept_loss: bool) -> bool:
        """Make a quarantined room openable again; see ``RoomDirectory``."""
        released = await release(self._stores, name, accept_loss=accept_loss)
        if released:
            _log.info("room.released", room=room_key(name)[:12], accept_loss=accept_loss)
        return released

    async def erase(self, name: RoomName, mode: ErasureMode, *, accept_loss: bool) -> Erased:
        """Erase a room; see ``RoomDirectory``."""
        if self._rewriter is None:
            raise RoomUnavailable("this node has no workers")
        async with self._registry.closed(name):
            erased = await erase(self._stores, name, self._rewriter, mode, accept_loss=accept_loss)
        _log.info("room.erased", room=room_key(name)[:12], mode=mode.value, epoch=erased.epoch)
        comments = await self.comments_of(name)
        if comments is not None:
            await self.erase(comments, mode, accept_loss=accept_loss)
        return erased

    async def comments_of(self, name: RoomName) -> RoomName | None:
        """The room with the comments on a room, if there is one."""
        return await stored_comments(self._stores, name)

    # Documents --------------------------------------------------------------------------------

    async def document(self, name: RoomName, *, state_vector: bytes | None) -> bytes | None:
        """The document, or what it has beyond a state vector; see ``RoomDocuments``."""
        if state_vector is not None:
            decode_state_vector(state_vector)
        runner = await self._existing(name)
        if runner is None:
            return None
        return await self.state_of(runner, state_vector or EMPTY_STATE_VECTOR)

    async def state_vector(self, name: RoomName) -> bytes | None:
        """The document's state vector; see ``RoomDocuments``."""
        runner = await self._existing(name)
        return None if runner is None else runner.room.doc.state_vector()

    async def append(self, name: RoomName, update: bytes, claims: Claims) -> Sequence:
        """An edit by the server; see ``RoomDocuments``."""
        if not decide(claims, name, Action.EDIT):
            raise AccessDenied("this token may not edit this room")
        self.check_size(update)
        runner = await self.open(name)
        self._registry.archived.check(runner)
        return await runner.append(update)

    def check_size(self, update: bytes) -> None:
        """Refuse an edit that no client could send.

        Raises:
            LimitExceeded: it is larger than that.
        """
        if len(update) > self._update_bytes_max:
            raise LimitExceeded(
                f"an update may have {self._update_bytes_max} bytes", limit="update_bytes_max"
            )

    async def open(self, name: RoomName) -> RoomRunner:
        """A live room, loaded now if need be.

        Raises:
            RoomQuarantined: an operator must release it first.
            RoomUnavailable: it cannot be loaded now.
        """
        try:
            return await self._registry.open(name)
        except StoreUnavailable as error:
            raise RoomUnavailable("the store does not answer") from error

    def check_editable(self, name: RoomName) -> None:
        """Refuse to have a live room edited by the API.

        Raises:
            StateConflict: the score is archived.
        """
        runner = self._registry.get(name)
        if runner is not None:
            self._registry.archived.check(runner)

    async def state_of(self, runner: RoomRunner, state_vector: bytes = EMPTY_STATE_VECTOR) -> bytes:
        """A live room's document, or what it has beyond a (checked) state vector."""
        runner.busy += 1
        try:
            return await self._registry.joins.read(runner.room, state_vector)
        finally:
            runner.busy -= 1

    # Inside -----------------------------------------------------------------------------------

    async def _existing(self, name: RoomName) -> RoomRunner | None:
        runner = self._registry.get(name)
        if runner is not None:
            return runner
        try:
            if await self._stores.manifests.get(room_key(name)) is None:
                return None
        except StoreUnavailable as error:
            raise RoomUnavailable("the store does not answer") from error
        return await self.open(name)

    async def _summary(self, name: RoomName, manifest: Manifest | None) -> RoomSummary:
        runner = self._registry.get(name)
        if runner is not None:
            saved = runner.appender.head
            unsaved = runner.room.last_ticket - runner.room.durable_ticket
            is_bloated = runner.tail.outgrows(runner.room.doc)
            return RoomSummary(
                name=name,
                state=RoomState.CLOSING if self._registry.is_draining else RoomState.LIVE,
                sessions=len(runner.seats),
                head=Sequence(saved + unsaved),
                saved=saved,
                size_bytes=runner.room.doc.size_bytes,
                log_bytes=runner.tail.size_bytes,
                is_bloated=is_bloated,
            )
        head = await self._stores.log.head(room_key(name))
        snapshots = manifest.snapshots if manifest else ()
        return RoomSummary(
            name=name,
            state=self._stored_state(name, manifest),
            sessions=0,
            head=head,
            saved=head,
            size_bytes=snapshots[0].size_bytes if snapshots else 0,
        )

    def _stored_state(self, name: RoomName, manifest: Manifest | None) -> RoomState:
        if manifest is not None and manifest.status is RoomStatus.QUARANTINED:
            return RoomState.QUARANTINED
        return RoomState.LOADING if self._registry.is_opening(name) else RoomState.STORED

    def _session(self, runner: RoomRunner, session: Session) -> SessionInfo:
        owned = runner.room.awareness.owned_by(session.session_id)
        return SessionInfo(
            session_id=session.session_id,
            subject=session.claims.subject,
            role=role_in(session.claims, runner.name) or Role.VIEWER,
            protocol=_WIRES[session.wire],
            client_ids=tuple(sorted(ClientId(client) for client in owned)),
            joined_at=runner.seats[session.session_id].joined_at,
        )
