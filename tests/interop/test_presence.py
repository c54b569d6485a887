"""Who is here: awareness between stock clients of every kind."""

from contextlib import AsyncExitStack

import pytest

from tests.interop.stock import ALL_CLIENTS, HOCUSPOCUS, Option, Stock, stock
from tests.support.access import mint, ticket
from tests.support.server import Server


async def test_everybody_sees_everybody(server: Server, room: str) -> None:
    """AWR-1: States reach all clients of all kinds, those who come later as well."""
    async with AsyncExitStack() as stack:
        members: list[Stock] = []
        for index, kind in enumerate(ALL_CLIENTS):
            member = await stack.enter_async_context(stock(server, kind, room))
            await member.until_synced()
            await member.do("setState", state=state_of(index))
            members.append(member)
        for member in members:
            for index, other in enumerate(members):
                await member.until("awareness", str(other.client_id), equals=state_of(index))
        await members[0].do("setState", state={"user": {"name": "新しい"}})
        for member in members:
            await member.until(
                "awareness", str(members[0].client_id), "user", "name", equals="新しい"
            )


def state_of(index: int) -> dict[str, object]:
    """A state such as editors publish, different for each client."""
    return {"user": {"name": f"Björk {index} 🎻", "color": "#30bced"}, "cursor": [index, None]}


@pytest.mark.parametrize("how", ["go_offline", "destroy", "cut", "kill"])
@pytest.mark.parametrize("kind", ALL_CLIENTS)
async def test_who_leaves_disappears(server: Server, room: str, kind: str, how: str) -> None:
    """AWR-2: A state goes with its owner, however it leaves: long before the 30 s of its expiry."""
    async with stock(server, kind, room) as leaver, stock(server, "y-websocket-3", room) as stays:
        await leaver.do("setState", state={"here": True})
        await stays.until_present(leaver.client_id)
        if how == "kill":
            leaver.driver.kill()
        elif how == "go_offline":
            await leaver.go_offline()
        elif how == "cut":
            await leaver.do("disconnect")
            await leaver.do("cut")
        else:
            await leaver.do("destroy")
        await stays.until_present(leaver.client_id, present=False)


@pytest.mark.parametrize("kind", ALL_CLIENTS)
async def test_who_comes_back_is_seen_again(server: Server, room: str, kind: str) -> None:
    """AWR-3: After a broken connection the same client's state is shown again."""
    async with stock(server, kind, room) as member, stock(server, "hocuspocus-3", room) as other:
        await member.do("setState", state={"turn": 1})
        await other.until("awareness", str(member.client_id), equals={"turn": 1}, within_s=40)
        await member.go_offline()
        await other.until_present(member.client_id, present=False)
        await member.go_online()
        await member.until_synced()
        await other.until("awareness", str(member.client_id), equals={"turn": 1}, within_s=40)


@pytest.mark.parametrize("kind", ["y-websocket-3", "hocuspocus-4"])
async def test_name_shown_to_others_is_the_tokens(
    token_server: Server, room: str, kind: str
) -> None:
    """AWR-5: With tokens, nobody appears under another's name or id."""
    token = mint(token_server, {room: "editor"}, subject="u-clara", name="Clara")
    async with (
        stock(token_server, kind, room, **await sign_in(token_server, kind, room, token)) as member,
        stock(token_server, "hocuspocus-3", room, token=token) as other,
    ):
        await member.do("setState", state={"user": {"id": "root", "name": "Admin", "color": "red"}})
        await other.until("awareness", str(member.client_id), present=True)
        await other.until("awareness", str(member.client_id), "user", "name", equals="Clara")
        await other.until("awareness", str(member.client_id), "user", "id", equals="u-clara")
        await other.until("awareness", str(member.client_id), "user", "color", equals="red")


async def sign_in(server: Server, kind: str, room: str, token: str) -> dict[str, Option]:
    """A provider's options that carry the token, or a ticket bought with it."""
    if kind in HOCUSPOCUS:
        return {"token": token}
    return {"params": {"ticket": await ticket(server, room, token)}}
