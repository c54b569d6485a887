"""The nodes of a cluster: who is there, where rooms are at home, and moving them."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from collab.access import Action
from collab.cluster.envelope import NodeId
from collab.cluster.members import Members, NodeReport
from collab.ids import room_key
from gateway.api.answers import NoQuery
from gateway.api.api import ApiServices
from gateway.api.endpoints import JSON, Body, Endpoint, room_of
from gateway.api.node_answers import Home, Move, Node, Nodes, NodeState
from gateway.api.openapi import schema_of
from gateway.api.problems import Problem, ProblemError
from gateway.api.requests import empty_response, json_response, read_query

_TAG: Final = "Nodes"
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
        members = self._services.nodes.members()
        nodes = [self._node(members, members.reports[name]) for name in sorted(members.reports)]
        return json_response(Nodes(nodes=nodes).model_dump())

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

    def _node(self, members: Members, report: NodeReport) -> Node:
        return Node(
            node=report.node,
            boot=report.boot,
            address=report.address or None,
            state=_state(members, report),
            weight=report.weight,
            share=members.share(report),
            rooms=report.rooms,
            sessions=report.sessions,
            cpu=report.cpu,
            lag_ms=report.lag_ms,
            version=report.version,
            is_here=self._services.nodes.is_here(report),
            moves=[
                Move(node=node, rooms=away.rooms, sessions=away.sessions)
                for node, away in sorted(report.away.items())
            ],
        )


def _state(members: Members, report: NodeReport) -> NodeState:
    if not members.drains(report):
        return "serving"
    return "drained" if report.is_drained else "draining"


def node_endpoints(services: ApiServices) -> list[Endpoint]:
    """The operations on nodes."""
    api = NodesApi(services)
    for_owners = "Needs the role of an owner in ** (all rooms)."
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
            "Those that live, with their rooms, sessions and load, and what would move if every "
            f"room were at home. {for_owners}",
            answer=Body(JSON, schema_of(Nodes)),
        ),
        Endpoint(
            "POST",
            "/nodes/{node}/drain",
            api.drain,
            "drainNode",
            _TAG,
            "Empty a node",
            "It is not ready and home for nothing from now on; after two seconds its sessions are "
            "closed one by one, within 15 s, with a code after which clients come back by "
            f"themselves, and its rooms are unloaded. Its next run is not drained. {for_owners}",
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
            f"Takes a drain back, whether or not it has ended. {for_owners}",
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
            f"where their room is at home. {for_owners}",
            status=204,
            problems=(Problem.CONFLICT,),
        ),
    ]
