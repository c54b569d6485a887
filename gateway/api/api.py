"""What the handlers of the API share: the parts they work with and the check before every deed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from starlette.requests import Request

from collab.access import Action, Claims, decide
from collab.errors import AccessDenied
from collab.ids import RoomName
from gateway.api.comment_services import RoomComments
from gateway.api.job_services import RoomJobs
from gateway.api.node_services import Nodes
from gateway.api.problems import Problem, ProblemError
from gateway.api.score_edit_services import RoomScoreEdits
from gateway.api.score_services import RoomScores
from gateway.api.services import RoomDirectory, RoomDocuments
from gateway.api.version_services import RoomVersions
from gateway.auth.authenticator import Clocks
from gateway.auth.build import AuthParts
from gateway.observe.metrics import Metrics
from gateway.setting_types import Networks
from gateway.transport.rates import Pace
from workers.notices.mails import Mails
from workers.notices.relay import Announced
from workers.notices.webhooks import Webhooks

EVERYWHERE: Final = "**"
NO_ROOM: Final = "no room of this name is live or stored"
_ANY_ROOM: Final = RoomName("any")


@dataclass(frozen=True, slots=True)
class ApiServices:
    """The parts that the API works with.

    Attributes:
        directory: the rooms.
        documents: what is in them.
        versions: what was in them.
        comments: what is said about them.
        scores: what is told beside them.
        score_edits: how they are edited.
        jobs: what is made of them, and they of, later.
        webhooks: who is told of what happens in them.
        announced: where that is written down.
        mails: who is told of what by mail.
        nodes: who else is there.
        auth: who gets in.
        clocks: the time.
        metrics: what is counted.
        update_bytes_max: the largest update that may be appended.
        allowed_origins: web origins that get CORS headers.
        pace: how fast each address may ask; None to let everybody.
        trusted_proxies: networks whose forwarded address is believed.
        link_s: how long a link to a result is good, in seconds.
    """

    directory: RoomDirectory
    documents: RoomDocuments
    versions: RoomVersions
    comments: RoomComments
    scores: RoomScores
    score_edits: RoomScoreEdits
    jobs: RoomJobs
    webhooks: Webhooks
    announced: Announced
    mails: Mails
    nodes: Nodes
    auth: AuthParts
    clocks: Clocks
    metrics: Metrics
    update_bytes_max: int
    allowed_origins: tuple[str, ...] = ()
    pace: Pace | None = None
    trusted_proxies: Networks = ()
    link_s: int = 3_600

    async def require(self, request: Request, room: RoomName, action: Action) -> Claims:
        """Recognise whoever asks, and let them do one thing in one room or nothing.

        Raises:
            Unauthenticated: nobody was recognised.
            AccessDenied: the policy says no; whether the room exists is not told.
        """
        claims = await self.auth.authenticator.authenticate_request(request.headers)
        if not decide(claims, room, action):
            raise AccessDenied(f"the token does not allow to {action.value} in this room")
        return claims

    async def require_room(self, room: RoomName) -> None:
        """Refuse what is about a room that is neither live nor stored.

        Raises:
            ProblemError: it is about none.
        """
        if not await self.versions.exists(room):
            raise ProblemError(Problem.NOT_FOUND, NO_ROOM)

    async def require_everywhere(self, request: Request, action: Action) -> Claims:
        """The same for what concerns all rooms: only a grant for ``**`` allows it."""
        claims = await self.auth.authenticator.authenticate_request(request.headers)
        wide = tuple(grant for grant in claims.grants if grant.pattern == EVERYWHERE)
        if not decide(replace(claims, grants=wide, rulings=()), _ANY_ROOM, action):
            raise AccessDenied(f"the token does not allow to {action.value} in all rooms")
        return claims
