"""The links that tests break do the harm that they are said to do."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.tcp_proxy import TcpProxy

LATER_S = 0.2


@pytest.fixture
async def link() -> AsyncIterator[TcpProxy]:
    """A link to somebody who repeats what they hear."""

    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while heard := await reader.read(100):
            writer.write(heard)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(repeat, "127.0.0.1", 0)
    async with TcpProxy("127.0.0.1", server.sockets[0].getsockname()[1]) as made:
        yield made
    server.close()
    await server.wait_closed()


async def test_frozen_link_delivers_once_it_is_healed(link: TcpProxy) -> None:
    """Nothing is lost on it, and what was connected stays so."""
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    writer.write(b"a")
    assert await reader.read(100) == b"a"
    link.freeze()
    writer.write(b"b")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(100), LATER_S)
    link.heal()
    assert await reader.read(100) == b"b"
    writer.close()


async def test_hole_swallows_what_is_sent_and_tells_nobody(link: TcpProxy) -> None:
    """A connection from before stays half open once it is healed; a new one is whole."""
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    writer.write(b"a")
    assert await reader.read(100) == b"a"
    link.swallow()
    writer.write(b"b")
    fresh_reader, fresh_writer = await asyncio.open_connection("127.0.0.1", link.port)
    fresh_writer.write(b"c")
    await asyncio.sleep(LATER_S)
    link.heal()
    writer.write(b"d")
    for each in (reader, fresh_reader):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(each.read(100), LATER_S)
    later_reader, later_writer = await asyncio.open_connection("127.0.0.1", link.port)
    later_writer.write(b"e")
    assert await later_reader.read(100) == b"e"
    link.drop_connections()
    assert await reader.read(100) == b""
    for opened in (writer, fresh_writer, later_writer):
        opened.close()
