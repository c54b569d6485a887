"""The page of the cluster in a real browser, against real nodes and a real Redis."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect

from tests.cluster.test_homes import acquainted, home_of
from tests.e2e.browsing import Visitor, browsing
from tests.support.access import mint
from tests.support.nodes import heard, running_nodes
from tests.support.redis_server import RedisServer, redis_server
from tests.support.server import Server, running_server
from tests.support.ws_client import join

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

CLUSTER: Final = "/inspect#cluster"
PHONE_PX: Final = 360


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def nodes(tmp_path: Path, redis: RedisServer) -> AsyncIterator[list[Server]]:
    """Two nodes that know and hear each other."""
    async with running_nodes(tmp_path, "ann", "bob", bus=redis.url) as started:
        await acquainted(*started)
        await heard(*started)
        yield started


def row(visitor: Visitor, node: str) -> Locator:
    return visitor.part("nodes").locator(f'[data-node="{node}"]')


def cell(visitor: Visitor, node: str, name: str) -> Locator:
    return row(visitor, node).locator(f'[data-name="{name}"]')


async def expect_live(visitor: Visitor) -> None:
    await expect(visitor.part("freshness")).to_have_attribute("data-state", "live")


async def test_a_node_that_is_killed_is_shown_as_dead_and_back_when_it_is(
    nodes: list[Server], redis: RedisServer, browser: Browser
) -> None:
    """PAGE-8: all of it without a reload, and the bus that is lost meanwhile."""
    ann, bob = nodes
    async with browsing(ann, browser) as visits:
        page = await visits.open(CLUSTER)
        await expect_live(page)
        for node in ("ann", "bob"):
            await expect(row(page, node)).to_have_attribute("data-state", "serving")
            await expect(cell(page, node, "Bus")).to_contain_text(re.compile(r"Up, .* ms"))
            await expect(cell(page, node, "Bus")).to_contain_text("hears 1 of 1")
            await expect(cell(page, node, "Store")).to_contain_text("Well")
        await expect(row(page, "ann")).to_contain_text("answers here")
        await expect(row(page, "bob")).to_contain_text(bob.url)
        await expect(page.part("headline")).to_have_attribute("data-tone", "good")

        redis.kill()
        await expect(cell(page, "ann", "Bus")).to_contain_text("Down")
        await expect(cell(page, "bob", "Bus")).to_contain_text("looks into the store every 2 s")
        await expect(page.part("headline")).to_have_attribute("data-tone", "warn")
        redis.start()
        await expect(page.part("headline")).to_have_attribute("data-tone", "good")
        await expect(cell(page, "ann", "Bus")).to_contain_text("lost once")

        bob.kill()
        await expect(row(page, "bob")).to_have_attribute("data-state", "dead")
        await expect(row(page, "bob")).to_contain_text("Dead")
        await expect(page.part("headline")).to_contain_text("bob is dead")
        await bob.start()
        await expect(row(page, "bob")).to_have_attribute("data-state", "serving")
        await expect(page.part("headline")).to_contain_text("All nodes are well.")
        await bob.terminate()
        await expect(row(page, "bob")).to_have_attribute("data-state", "left")
        await expect(page.part("headline")).to_have_attribute("data-tone", "good")


async def test_rooms_are_shown_with_their_home_and_the_sessions_of_all_nodes(
    nodes: list[Server], browser: Browser
) -> None:
    """PAGE-9: what a rebalance would move among them, and any other when it is asked for."""
    ann, bob = nodes
    names = [f"band/{number}" for number in range(30)]
    homes = {name: (await home_of(ann, name))["node"] for name in names}
    away = next(name for name in names if homes[name] == "bob")
    home = next(name for name in names if homes[name] == "ann")
    async with browsing(bob, browser) as visits:
        page = await visits.open(CLUSTER)
        await expect(page.part("rooms-count")).to_contain_text("No room is open.")
        async with (
            join(ann, "y-websocket", away),
            join(ann, "hocuspocus", away),
            join(bob, "y-websocket", away),
            join(ann, "y-websocket", home),
        ):
            moving = page.part("rooms").locator(f'[data-room="{away}"]')
            await expect(moving.locator('[data-name="Sessions"]')).to_contain_text("3")
            await expect(moving.locator('[data-name="At home on"]')).to_contain_text("bob")
            await expect(moving).to_contain_text(re.compile(r"ann\s*2"))
            await expect(moving).to_contain_text(re.compile(r"bob\s*1"))
            await expect(moving).to_contain_text("leaves ann for bob")
            staying = page.part("rooms").locator(f'[data-room="{home}"]')
            await expect(staying).to_contain_text("stays")
            moves = cell(page, "ann", "On a rebalance")
            await expect(moves).to_contain_text("1 room to bob")
            await expect(moves).to_contain_text("with 2 sessions")
            rows = page.part("rooms").locator("[data-room]")
            await expect(rows).to_have_count(2)
            await page.part("only-moving").check()
            await expect(rows).to_have_count(1)
            await page.part("only-moving").uncheck()
            await page.part("rooms-filter").fill(home)
            await expect(rows).to_have_count(1)
            await page.part("rooms-filter").fill("solo")
            await expect(rows).to_have_count(0)
            await page.part("home-lookup").click()
            told = (await home_of(ann, "solo"))["node"]
            await expect(page.part("home-answer")).to_contain_text(f"At home on {told}")
            await page.part("rooms-filter").fill("")
        await expect(page.part("headline")).to_have_attribute("data-tone", "good")


async def test_a_server_that_does_not_answer_is_told_and_the_last_figures_stay(
    nodes: list[Server], browser: Browser
) -> None:
    """PAGE-10."""
    ann, _ = nodes
    async with browsing(ann, browser) as visits:
        visits.outage_expected = True
        page = await visits.open(CLUSTER)
        await expect(row(page, "bob")).to_have_attribute("data-state", "serving")
        ann.kill()
        await expect(page.part("unreachable-notice")).to_be_visible()
        await expect(page.part("freshness")).to_contain_text("No answer")
        await expect(page.part("freshness")).to_contain_text(re.compile(r"figures \d+ s old"))
        await expect(row(page, "bob")).to_have_attribute("data-state", "serving")
        await ann.start()
        await expect_live(page)
        await expect(page.part("unreachable-notice")).to_have_count(0)


async def test_the_cluster_is_shown_to_owners_of_all_rooms_alone(
    tmp_path: Path, browser: Browser
) -> None:
    """PAGE-11: a token is asked for in the page, and never part of an address."""
    async with running_server(tmp_path, auth="token") as own, browsing(own, browser) as visits:
        visits.refusals_expected = True
        page = await visits.open(CLUSTER)
        await expect(page.part("refused-notice")).to_contain_text("401")
        await expect(page.part("nodes")).to_have_count(0)
        some, every = mint(own, {"band/*": "owner"}), mint(own, {"**": "owner"})
        await page.part("access-button").click()
        await page.part("access-input").fill(some)
        await page.part("access-submit").click()
        await expect(page.part("refused-notice")).to_contain_text("403")
        await page.part("access-button").click()
        await page.part("access-input").fill(every)
        await page.part("access-submit").click()
        await expect_live(page)
        await expect(page.part("nodes").locator("[data-node]")).to_have_count(1)
        assert not [url for url in visits.requests if every in url or some in url]


async def test_a_node_by_itself_says_so_and_how_to_start_several(
    tmp_path: Path, browser: Browser
) -> None:
    """PAGE-12: also on a phone, in the dark, by the keyboard alone."""
    env = {"BANDPRO_DEMO": "off"}
    async with running_server(tmp_path, env=env) as own, browsing(own, browser) as visits:
        page = await visits.open(CLUSTER, scheme="dark", width=PHONE_PX)
        await expect_live(page)
        await expect(page.part("alone")).to_contain_text("bandpro serve --workers")
        assert await page.page.evaluate("document.documentElement.scrollWidth") <= PHONE_PX
        nodes = page.page.get_by_role("table", name="Nodes")
        await expect(nodes.get_by_role("columnheader")).to_have_count(10)
        await expect(nodes.get_by_role("rowheader")).to_have_count(1)
        await expect(nodes.get_by_role("cell")).to_have_count(9)
        async with join(own, "y-websocket", "solo"):
            rooms = page.page.get_by_role("table", name="Rooms")
            await expect(rooms.get_by_role("rowheader")).to_contain_text("solo")
            await page.page.keyboard.press("/")
            await page.page.keyboard.type("sol")
            await expect(page.part("rooms-count")).to_contain_text("All rooms")
            await page.page.keyboard.press("Tab")
            await page.page.keyboard.press("Enter")
            await expect(
                rooms.get_by_role("columnheader", name="Room", exact=True)
            ).to_have_attribute("aria-sort", "ascending")
        await page.page.reload()
        await expect_live(page)
        await page.page.keyboard.press("o")
        await page.page.keyboard.press("Enter")
        await page.expect_live()
        await page.page.locator("body").press("c")
        await expect_live(page)
        await expect(page.page).to_have_title("Cluster · BandPro")
