"""What the API tells of nodes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from collab.limits import NODE_ID_CHARS_MAX
from gateway.api.answers import Answer, Count

Load = Annotated[float, Field(ge=0)]
NodeName = Annotated[str, Field(min_length=1, max_length=NODE_ID_CHARS_MAX)]
NodeState = Literal["serving", "draining", "drained"]


class Move(Answer):
    """What would go to another node."""

    node: NodeName = Field(description="The node where it is at home.")
    rooms: Count = Field(description="Live rooms.")
    sessions: Count = Field(description="Sessions in them.")


class Node(Answer):
    """One node, as it said of itself within the last seconds."""

    node: NodeName = Field(description="Its name.")
    boot: Count = Field(description="Its run; a later one is greater.")
    address: str | None = Field(description="Where clients reach it; null where nobody said so.")
    state: NodeState = Field(
        description="A draining node is at home for nothing and sends its clients away; a drained "
        "one is empty."
    )
    weight: float = Field(gt=0, description="Its share of rooms, beside the weights of others.")
    share: float = Field(ge=0, le=1, description="The part of all rooms that is at home there.")
    rooms: Count = Field(description="Live rooms there.")
    sessions: Count = Field(description="Sessions in them.")
    cpu: Load = Field(description="Processor time per second.")
    lag_ms: Load = Field(description="How late its event loop runs.")
    version: str = Field(description="Of the program.")
    is_here: bool = Field(description="Whether it is the node that answers.")
    moves: list[Move] = Field(description="What would move if every room were at home.")


class Nodes(Answer):
    """All nodes that live."""

    nodes: list[Node] = Field(description="In order of name.")


class Home(Answer):
    """Where a room is at home."""

    node: NodeName = Field(description="The node's name.")
    address: str | None = Field(
        description="Base URL to connect to for this room; only a hint, for any "
        "node serves it. Null where nobody said so."
    )
    is_here: bool = Field(description="Whether that is the node that answers.")
