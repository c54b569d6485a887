"""What tests do with hostile bytes: send them, and see what comes back."""

from tests.support import wire
from tests.support.closes import Closed
from tests.support.server import Server
from tests.support.wire import State, blob, uint
from tests.support.ws_client import Member, join


async def send_and_be_closed(server: Server, protocol: str, room: str, message: bytes) -> Closed:
    """Join, send one message, and tell how the server closed."""
    async with join(server, protocol, room) as member:
        await member.send(message)
        return await member.until_closed()


async def settle(member: Member) -> None:
    """Wait until the server has dealt with all that a member sent: it answers, or has closed.

    Raises:
        AssertionError: it closed, but not with a code that blames the member.
    """
    query = uint(wire.AWARENESS) + blob(
        wire.awareness_payload([State(member.doc.client_id, 2**20, {"settled": True})])
    )
    await member.send(query)
    await member.until(
        lambda: member.ended is not None or member.doc.client_id in member.present(),
        what="the server has dealt with everything",
        within_s=60,
    )
    assert member.ended is None or 4400 <= member.ended.code < 4500, member.ended
