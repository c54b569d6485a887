"""Whether a bus can be used: asked before a server is started."""

from __future__ import annotations

from typing import Final

from gateway.cluster.redis_places import places

CHANNEL: Final = "bandpro:probe"


async def probe_bus(url: str) -> str:
    """Find the servers, have each answer, publish and subscribe; a line about what was found.

    Raises:
        RedisError: a server cannot be found, does not answer in time, or refuses a command.
        OSError: a name or an address leads nowhere.
    """
    found = places(url)
    addresses = await found.find()
    for address in addresses:
        connection = found.connection(address)
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
            commands: list[tuple[str, ...]] = [("PING",)]
            if found.place_of(CHANNEL) == address:
                commands += [(found.says, CHANNEL, ""), (found.hears, CHANNEL)]
            for command in commands:
                await connection.send_command(*command)
                await connection.read_response()
        finally:
            await connection.disconnect(nowait=True)
    count = len(addresses)
    return f"{count} server{'s' if count > 1 else ''}, by {found.says}"
