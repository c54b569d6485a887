"""The nodes of a cluster: who is there, where rooms are at home, and moving them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from typing import Final
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from collab.access import Action
from collab.cluster.attendance import SILENT_MS, Gone, Roll
from collab.cluster.envelope import NodeId
from collab.cluster.members import BusReport, Members, NodeReport
from collab.ids import RoomName, room_key
from collab.limits import FOLLOW_ALONE_MS, FOLLOW_MS
from gateway.api.answers import NoQuery
from gateway.api.api import ApiServices
from gateway.api.endpoints import JSON, Body, Endpoint, room_of
from gateway.api.node_answers import (
    BusHealth,
    GoneNode,
    Home,
    LiveRoom,
    LiveRooms,
    LiveRoomsQuery,
    Move,
    Node,
    Nodes,
    NodeState,
    OpenRoom,
)
from gateway.api.openapi import parameters_of, schema_of
from gateway.api.problems import Problem, ProblemError
from gateway.api.requests import empty_response, json_response, read_query
from gateway.setting_types import BusKind

_TAG: Final = "Nodes"
_FOR_OWNERS: Final = "Needs the role of an owner in ** (all rooms)."
_NO_NODE: Final = "there is no node of this name"


class NodesApi:
    """The handlers.

    Args:
        services: what they work with.
    """

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    async def list_nodes(self, request: Request) -> Response:
        """GET /nodes."""
        await self._services.require_everywhere(request, Action.MANAGE)
        read_query(request, NoQuery)
        roll = await self._services.nodes.roll()
        answer = Nodes(
            nodes=[self._node(roll, report) for report in _reports(roll)],
            gone=[_gone(each, roll.now_ms) for each in roll.gone],
            age_ms=int(roll.age_ms),
        )
        return json_response(answer.model_dump())

    async def list_live_rooms(self, request: Request) -> Response:
        """GET /nodes/rooms."""
        await self._services.require_everywhere(request, Action.MANAGE)
        query = read_query(request, LiveRoomsQuery)
        reports = _reports(await self._services.nodes.roll())
        open_on: defaultdict[RoomName, list[OpenRoom]] = defaultdict(list)
        for report in reports:
            for name, sessions in report.busiest:
                open_on[name].append(OpenRoom(node=report.node, sessions=sessions))
        names = sorted(open_on, key=lambda name: (-_sessions(open_on[name]), name))
        answer = LiveRooms(
            rooms=[self._live_room(name, open_on[name]) for name in names[: query.limit]],
            is_whole=len(names) <= query.limit and all(report.names_all for report in reports),
        )
        return json_response(answer.model_dump())

    async def home(self, request: Request) -> Response:
        """GET /rooms/{room}/node."""
        name = room_of(request)
        await self._services.require(request, name, Action.READ)
        read_query(request, NoQuery)
        found = self._services.nodes.home(room_key(name))
        if found is None:
            raise ProblemError(Problem.UNAVAILABLE, "no node is home for anything now")
        is_here = self._services.nodes.is_here(found)
        answer = Home(node=found.node, address=found.address or None, is_here=is_here)
        return json_response(answer.model_dump())

    async def drain(self, request: Request) -> Response:
        """POST /nodes/{node}/drain."""
        return await self._wish(request, drains=True)

    async def undrain(self, request: Request) -> Response:
        """DELETE /nodes/{node}/drain."""
        return await self._wish(request, drains=False)

    async def rebalance(self, request: Request) -> Response:
        """POST /rebalance."""
        await self._services.require_everywhere(request, Action.MANAGE)
        read_query(request, NoQuery)
        await self._services.nodes.rebalance()
        return empty_response()

    async def _wish(self, request: Request, *, drains: bool) -> Response:
        await self._services.require_everywhere(request, Action.MANAGE)
        read_query(request, NoQuery)
        node = NodeId(unquote(request.path_params["node"]))
        if not await self._services.nodes.drain(node, drains=drains):
            raise ProblemError(Problem.NOT_FOUND, _NO_NODE)
        return empty_response()

    def _live_room(self, name: RoomName, places: list[OpenRoom]) -> LiveRoom:
        home = self._services.nodes.home(room_key(name))
        return LiveRoom(
            room=name,
            home=None if home is None else home.node,
            sessions=_sessions(places),
            open_on=places,
        )

    def _node(self, roll: Roll, report: NodeReport) -> Node:
        members, is_here = roll.members, self._services.nodes.is_here(report)
        silent_ms = 0 if is_here else int(roll.silent_ms.get(report.node, 0))
        return Node(
            node=report.node,
            boot=report.boot,
            address=report.address or None,
            state="silent" if silent_ms > SILENT_MS else _state(members, report),
            weight=report.weight,
            share=members.share(report),
            rooms=report.rooms,
            sessions=report.sessions,
            cpu=report.cpu,
            lag_ms=report.lag_ms,
            version=report.version,
            uptime_ms=report.uptime_ms or None,
            silent_ms=silent_ms,
            store_problem=report.store_problem or None,
            bus=_bus(report.bus),
            is_here=is_here,
            moves=[
                Move(node=node, rooms=away.rooms, sessions=away.sessions)
                for node, away in sorted(report.away.items())
            ],
        )


def _state(members: Members, report: NodeReport) -> NodeState:
    if not members.drains(report):
        return "serving"
    return "drained" if report.is_drained else "draining"


def _reports(roll: Roll) -> list[NodeReport]:
    """Of all members in order of name; of the node that answers as it is now, member or not."""
    reports = {**roll.members.reports, roll.here.node: roll.here}
    return [reports[name] for name in sorted(reports)]


def _sessions(places: list[OpenRoom]) -> int:
    return sum(place.sessions for place in places)


def _gone(gone: Gone, now_ms: float) -> GoneNode:
    report = gone.report
    return GoneNode(
        node=report.node,
        boot=report.boot,
        address=report.address or None,
        version=report.version,
        has_left=gone.has_left,
        silent_ms=int(now_ms - gone.heard_ms),
    )


def _bus(bus: BusReport | None) -> BusHealth | None:
    if bus is None or bus.kind not in set(BusKind):
        return None  # of an older version, or of a newer one
    look_ms = FOLLOW_MS if bus.is_up else FOLLOW_ALONE_MS
    return BusHealth(**asdict(bus), look_ms=0 if bus.kind == BusKind.OFF else look_ms)


def node_endpoints(services: ApiServices) -> list[Endpoint]:
    """The operations on nodes."""
    api = NodesApi(services)
    return [*_of_views(api), *_of_moves(api)]


def _of_views(api: NodesApi) -> list[Endpoint]:
    return [
        Endpoint(
            "GET",
            "/rooms/{room}/node",
            api.home,
            "getRoomNode",
            _TAG,
            "Tell where a room is at home",
            "A hint: whoever connects there finds the room in memory, and any other node serves it "
            "as well. Ask again after a close with a retryable code. The room need not exist.",
            answer=Body(JSON, schema_of(Home)),
            problems=(Problem.UNAVAILABLE,),
        ),
        Endpoint(
            "GET",
            "/nodes",
            api.list_nodes,
            "listNodes",
            _TAG,
            "List the nodes",
            "Those that live, with their rooms, sessions, load, bus and store, and what would move "
            f"if every room were at home; and those that lived until lately. {_FOR_OWNERS}",
            answer=Body(JSON, schema_of(Nodes)),
        ),
        Endpoint(
            "GET",
            "/nodes/rooms",
            api.list_live_rooms,
            "listLiveRooms",
            _TAG,
            "List the busiest rooms of all nodes",
            "Where each is at home and where it is open, with the sessions of all nodes; what each "
            f"node said within the last seconds, put together. {_FOR_OWNERS}",
            answer=Body(JSON, schema_of(LiveRooms)),
            parameters=parameters_of(LiveRoomsQuery),
        ),
    ]


def _of_moves(api: NodesApi) -> list[Endpoint]:
    return [
        Endpoint(
            "POST",
            "/nodes/{node}/drain",
            api.drain,
            "drainNode",
            _TAG,
            "Empty a node",
            "It is not ready and home for nothing from now on; after two seconds its sessions are "
            "closed one by one, within 15 s, with a code after which clients come back by "
            f"themselves, and its rooms are unloaded. Its next run is not drained. {_FOR_OWNERS}",
            status=204,
            problems=(Problem.NOT_FOUND, Problem.CONFLICT),
        ),
        Endpoint(
            "DELETE",
            "/nodes/{node}/drain",
            api.undrain,
            "undrainNode",
            _TAG,
            "Let a node serve again",
            f"Takes a drain back, whether or not it has ended. {_FOR_OWNERS}",
            status=204,
            problems=(Problem.NOT_FOUND, Problem.CONFLICT),
        ),
        Endpoint(
            "POST",
            "/rebalance",
            api.rebalance,
            "rebalance",
            _TAG,
            "Send rooms home",
            "Each node closes, once and within 15 s, the sessions in rooms that are at home "
            "elsewhere. Where they come back to is for the load balancer, or for clients that ask "
            f"where their room is at home. {_FOR_OWNERS}",
            status=204,
            problems=(Problem.CONFLICT,),
        ),
    ]
