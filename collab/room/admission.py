"""What must hold before an update may be applied: room for it, and nobody else's client ids.

========================================  ========================================================
new structs under a client id             outcome
========================================  ========================================================
the sender's own, or nobody's             accepted
of the same person's other session        accepted
of somebody who has not yet brought all   accepted in a step 2: after a crash, what somebody wrote
of it, or is a reader by now              may come back through others first, or only
of another subject's session              refused: `ClientIdTaken`, the sender must pick another
the same, but GC or Skip structs          refused: `MalformedUpdate`; a few bytes of them would
                                          discard all that its owner is going to write
========================================  ========================================================

In open mode all subjects are the same, and prove nothing: there only GC and Skip are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from collab.awareness import AwarenessTable, Publisher
from collab.errors import ClientIdTaken, LimitExceeded, MalformedUpdate
from collab.history.retired import RetiredClients
from collab.ids import Milliseconds, SessionId
from collab.limits import (
    AWARENESS_CLIENTS_PER_SESSION_MAX,
    AWARENESS_STATE_BYTES_MAX,
    DOCUMENT_BYTES_MAX,
    DOCUMENT_CLIENTS_MAX,
    PENDING_UPDATES_BYTES_MAX,
    SESSIONS_PER_ROOM_MAX,
)
from collab.protocol.update_scan import ScannedUpdate
from collab.room.doc import RoomDoc
from collab.room.session import Session


@dataclass(frozen=True, slots=True)
class RoomLimits:
    """What one room may hold; sizes in bytes."""

    document_bytes_max: int = DOCUMENT_BYTES_MAX
    pending_bytes_max: int = PENDING_UPDATES_BYTES_MAX
    sessions_max: int = SESSIONS_PER_ROOM_MAX
    awareness_clients_per_session_max: int = AWARENESS_CLIENTS_PER_SESSION_MAX
    awareness_state_bytes_max: int = AWARENESS_STATE_BYTES_MAX
    document_clients_max: int = DOCUMENT_CLIENTS_MAX


@dataclass(frozen=True, slots=True)
class Admitted:
    """An update that may be applied: what :meth:`Room.admit` decided about it.

    Attributes:
        session_id: the sender; None for an edit by the server itself.
        update: the bytes as received.
        scanned: their scan.
        is_step2: whether it answers a step 1.
        acknowledgements: how many the sender is owed for it.
        adds: whether it holds anything new; if not, nothing is applied or stored.
        now_ms: when it came.
    """

    session_id: SessionId | None
    update: bytes
    scanned: ScannedUpdate
    is_step2: bool
    acknowledgements: int
    adds: bool
    now_ms: Milliseconds


def check_client_ids(
    sender: Session | None,
    scanned: ScannedUpdate,
    known: Mapping[int, int],
    awareness: AwarenessTable,
    unsettled: Mapping[SessionId, Session],
) -> None:
    """Refuse new structs under somebody else's client id, by the table above.

    Args:
        sender: None for the server.
        scanned: the update.
        known: the document's clocks.
        awareness: who owns which id.
        unsettled: the sessions whose ids are not protected from this update unless they are
            settled; empty for all but a step 2.

    Raises:
        MalformedUpdate: GC or Skip structs of another session's id.
        ClientIdTaken: any other structs of another subject's id.
    """
    if sender is not None and len(scanned.ranges) == 1:
        owner = awareness.owner_of(scanned.ranges[0].client)
        if owner is None or owner.session_id == sender.session_id:
            return  # a keystroke
    used = awareness.owned_among(client for client, _, _ in scanned.ranges)
    if not used:
        return
    me = None if sender is None else sender.publisher
    for structs in (scanned.fillers, scanned.ranges):
        is_filler = structs is scanned.fillers
        for client, _, end in structs:
            owner = used.get(client)
            if owner is None or end <= known.get(client, 0):
                continue
            if me is not None and not _is_foreign(owner, me, is_filler):
                continue
            session = unsettled.get(owner.session_id)
            if session is not None and not session.is_settled:
                continue
            if is_filler:
                raise MalformedUpdate("GC or Skip structs under a client id in use elsewhere")
            raise ClientIdTaken("new edits under a client id in use by somebody else")


def _is_foreign(owner: Publisher, sender: Publisher, is_filler: bool) -> bool:  # noqa: FBT001
    if owner.session_id == sender.session_id:
        return False
    if owner.subject != sender.subject:
        return True
    return is_filler and not (owner.stamped and sender.stamped)


def holds_retired(scanned: ScannedUpdate, retired: RetiredClients) -> bool:
    """Whether an update has structs or deletions under retired client ids, or builds on such."""
    for span in scanned.ranges:
        if span.client in retired:
            return True
    for span in scanned.deletes:
        if span.client in retired:
            return True
    return any(client in retired for client in scanned.needs)


def check_size(update: bytes, scanned: ScannedUpdate, doc: RoomDoc, limits: RoomLimits) -> None:
    """Refuse an update for which there is no room.

    Args:
        update: its bytes.
        scanned: its scan.
        doc: the document.
        limits: of the room.

    Raises:
        LimitExceeded: the document, or what waits, would grow too large.
    """
    most = limits.pending_bytes_max
    if doc.waiting_bytes + len(update) > most and doc.may_wait(scanned):
        raise LimitExceeded(
            f"updates that wait for others may take {most} bytes",
            limit="pending_updates_bytes_max",
        )
    _check_clients(scanned, doc, limits)
    doc.require_room(len(update))


def _check_clients(scanned: ScannedUpdate, doc: RoomDoc, limits: RoomLimits) -> None:
    # Whoever joins must send a state vector of all of them, and that is bounded too.
    most = limits.document_clients_max
    known = doc.clocks
    kept_bytes = doc.waiting_bytes  # each part that waits takes more than a hundred
    if len(known) + kept_bytes // 100 + len(scanned.ranges) <= most:
        return
    clients = doc.clients()
    clients.update(client for client, _, _ in scanned.ranges)
    if len(clients) > most and any(client not in known for client, _, _ in scanned.ranges):
        raise LimitExceeded(
            f"the document may have at most {most} client ids", limit="document_clients_max"
        )
