"""Which rooms somebody is shown, found without looking at all that are stored."""

from __future__ import annotations

from typing import Final

from collab.access import Action, Claims, decide
from collab.ids import RoomName
from gateway.api.api import ApiServices
from gateway.api.services import RoomSummary

_SCAN_SIZE_MIN: Final = 50


async def visible_rooms(
    services: ApiServices,
    claims: Claims,
    action: Action,
    after: RoomName | None,
    wanted: int,
) -> list[RoomSummary]:
    """Rooms after a name in which the claims allow an action, in order, `wanted` at most."""
    # What stands before the first wildcard bounds the names that need to be read.
    prefixes = [grant.pattern.partition("*")[0] for grant in claims.grants]
    below_all = RoomName(min(prefixes, default="")[:-1])
    after = max(after or RoomName(""), below_all) or None
    found: list[RoomSummary] = []
    while prefixes and len(found) < wanted:
        size = max(wanted - len(found), _SCAN_SIZE_MIN)
        page = await services.directory.list_rooms(after=after, limit=size)
        found += (room for room in page if decide(claims, room.name, action))
        if len(page) < size or all(_is_past(page[-1].name, prefix) for prefix in prefixes):
            break
        after = page[-1].name
    return found[:wanted]


def _is_past(name: RoomName, prefix: str) -> bool:
    return name > prefix and not name.startswith(prefix)
