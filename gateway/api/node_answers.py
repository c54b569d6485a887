"""What the API tells of nodes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from collab.limits import (
    BUSIEST_ROOMS_MAX,
    FOLLOW_ALONE_MS,
    FOLLOW_MS,
    GONE_NODE_MS_MAX,
    GONE_NODES_MAX,
    NODE_ID_CHARS_MAX,
)
from gateway.api.answers import Answer, Count, Name
from gateway.api.requests import RequestModel
from gateway.api.terms import ROOMS_LIMIT_MAX

Load = Annotated[float, Field(ge=0)]
NodeName = Annotated[str, Field(min_length=1, max_length=NODE_ID_CHARS_MAX)]
NodeState = Literal["serving", "draining", "drained", "silent"]


class Move(Answer):
    """What would go to another node."""

    node: NodeName = Field(description="The node where it is at home.")
    rooms: Count = Field(description="Live rooms.")
    sessions: Count = Field(description="Sessions in them.")


class BusHealth(Answer):
    """How a node hears of the others."""

    kind: Literal["off", "log", "redis"] = Field(
        description="`log` where only the store tells of others; `off` for a node by itself."
    )
    is_up: bool = Field(description="Whether the others hear it at once, and it them.")
    delay_ms: Load | None = Field(
        description="From saying something to hearing it back, at its last beat; null where "
        "nothing was heard yet, and while the bus is down."
    )
    peers: Count = Field(description="Other nodes that it hears.")
    gaps: Count = Field(
        description="Times since its start that the log held updates which the bus, although it "
        "was up, had not brought; large ones among them, which it never does."
    )
    interruptions: Count = Field(description="Times since its start that the bus was lost.")
    look_ms: Count = Field(
        description="How often at least it looks into the store for what others have appended: "
        f"{FOLLOW_MS} while the bus is up, {FOLLOW_ALONE_MS} without it; 0 for a node by itself."
    )


class Node(Answer):
    """One node, as it said of itself within the last seconds."""

    node: NodeName = Field(description="Its name.")
    boot: Count = Field(description="Its run; a later one is greater.")
    address: str | None = Field(description="Where clients reach it; null where nobody said so.")
    state: NodeState = Field(
        description="A draining node is at home for nothing and sends its clients away; a drained "
        "one is empty. Of a silent one nothing new was heard for three seconds."
    )
    weight: float = Field(gt=0, description="Its share of rooms, beside the weights of others.")
    share: float = Field(ge=0, le=1, description="The part of all rooms that is at home there.")
    rooms: Count = Field(description="Live rooms there.")
    sessions: Count = Field(description="Sessions in them.")
    cpu: Load = Field(description="Processor time per second.")
    lag_ms: Load = Field(description="How late its event loop runs.")
    version: str = Field(description="Of the program.")
    uptime_ms: Count | None = Field(
        description="Since it was started; null by versions that do not tell."
    )
    silent_ms: Count = Field(
        description="For how long nothing new had been heard of it when it was last looked."
    )
    store_problem: str | None = Field(
        description="What is wrong with its store, looked at every ten seconds; null for nothing."
    )
    bus: BusHealth | None = Field(
        description="How it hears of the others; null by versions that do not tell."
    )
    is_here: bool = Field(description="Whether it is the node that answers.")
    moves: list[Move] = Field(description="What would move if every room were at home.")


class GoneNode(Answer):
    """A node that was a member, and is none now."""

    node: NodeName = Field(description="Its name.")
    boot: Count = Field(description="Its run.")
    address: str | None = Field(description="Where clients reached it; null where nobody said so.")
    version: str = Field(description="Of the program.")
    has_left: bool = Field(
        description="Whether it ended in good order; otherwise it was killed, cut off or stopped."
    )
    silent_ms: Count = Field(description="How long ago it was last heard.")


class Nodes(Answer):
    """All nodes that live."""

    nodes: list[Node] = Field(description="In order of name.")
    gone: list[GoneNode] = Field(
        description=f"Up to {GONE_NODES_MAX} that were members in the last "
        f"{GONE_NODE_MS_MAX // 60_000} minutes, as far as this node has seen; the last to be "
        "heard first."
    )
    age_ms: Count = Field(
        description="How long ago the node that answers last looked at the others; over two "
        "seconds when the store does not answer."
    )


class OpenRoom(Answer):
    """Where a room is open."""

    node: NodeName = Field(description="The node's name.")
    sessions: Count = Field(description="Sessions in it there.")


class LiveRoom(Answer):
    """A room that is open on some node."""

    room: Name = Field(description="Its name.")
    home: NodeName | None = Field(
        description="The node where it is at home; null where every node drains."
    )
    sessions: Count = Field(description="Sessions in it, on all nodes.")
    open_on: list[OpenRoom] = Field(description="The nodes that have it open, in order of name.")


class LiveRooms(Answer):
    """The busiest rooms of all nodes."""

    rooms: list[LiveRoom] = Field(description="Those with the most sessions first.")
    is_whole: bool = Field(
        description=f"Whether these are all that are open. A node names its {BUSIEST_ROOMS_MAX} "
        "busiest, fewer where the names are long."
    )


class LiveRoomsQuery(RequestModel):
    """The query of the busiest rooms."""

    limit: int = Field(100, ge=1, le=ROOMS_LIMIT_MAX, description="How many at most.")


class Home(Answer):
    """Where a room is at home."""

    node: NodeName = Field(description="The node's name.")
    address: str | None = Field(
        description="Base URL to connect to for this room; only a hint, for any "
        "node serves it. Null where nobody said so."
    )
    is_here: bool = Field(description="Whether that is the node that answers.")
