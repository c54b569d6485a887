"""The composition root: everything that runs is put together here, and taken apart again."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import structlog
import uvloop
from starlette.types import ASGIApp

from collab.access import Claims
from collab.errors import Unauthenticated
from collab.ids import room_key, room_name
from collab.score.chorale import CHORALE_ROOM, chorale_facets
from collab.score.seed import seed_update
from gateway.api.api import ApiServices
from gateway.app import AppParts, build_admin_app, build_app, build_readiness, build_sockets
from gateway.auth.build import SYSTEM_CLOCKS, AuthParts, build_auth
from gateway.auth.revocation_file import Revocation
from gateway.banner import show_ready
from gateway.cluster.build import Clustered, build_cluster
from gateway.cluster.joining import Place, share_revocations, take_place
from gateway.compiled.form import running_form
from gateway.garbage import watch_garbage
from gateway.jobs import Jobs
from gateway.node_settings import (
    compaction_limits,
    connection_limits,
    gate_limits,
    orphan_rules,
    request_pace,
    runner_settings,
    version_rules,
)
from gateway.notices import build_notices
from gateway.observe.logs import configure_logging
from gateway.observe.metrics import Metrics, watch_loop_lag
from gateway.processes.leash import Inherited
from gateway.rooms.comments import CommentServices
from gateway.rooms.compactor import Compactor
from gateway.rooms.job_presence import JobPresence
from gateway.rooms.new_scores import NewScores
from gateway.rooms.node_load import NodeLoad
from gateway.rooms.orphan_collector import OrphanCollector
from gateway.rooms.registry import RoomRegistry
from gateway.rooms.score_edits import ScoreEdits
from gateway.rooms.score_jobs import ScoreJobs
from gateway.rooms.scores import ScoreServices
from gateway.rooms.services import RoomServices
from gateway.rooms.titles import TitleKeeper
from gateway.rooms.version_keeper import VersionKeeper
from gateway.rooms.versions import VersionServices
from gateway.rooms.witnesses import all_witnesses
from gateway.served_store import served_store
from gateway.setting_types import BusKind
from gateway.settings import Settings
from gateway.store_settings import store_settings
from gateway.transport.doors import Doors
from gateway.transport.gate import Gate
from gateway.transport.handshake import Entrance
from gateway.transport.sweeper import PERIOD_S, Sweeper
from gateway.web_server import WebServer, listen, web_config
from persistence.offload import Offload
from persistence.score_record import change_score_record
from persistence.stores import Stores
from workers.notices.mails import Mails
from workers.notices.relay import Relay

_log = structlog.stdlib.get_logger(__name__)
_WALL: Final = SYSTEM_CLOCKS.wall
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def run(settings: Settings, inherited: Inherited | None = None) -> int:
    """Serve until SIGTERM or SIGINT, or until a supervisor says so.

    Args:
        settings: checked.
        inherited: what a worker has from its supervisor; None for a server by itself.

    Returns:
        The process's exit code: 0 when everything that was accepted is durable.

    Raises:
        SettingsError: a port is taken or the data folder cannot be used.
        BlobsNotOwned: the place for blobs is another store's.
        StoreUnavailable: the store cannot be opened.
    """
    configure_logging(settings.log_format, settings.log_level)
    if inherited is not None:
        structlog.contextvars.bind_contextvars(node=settings.node)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, inherited))


async def _serve(settings: Settings, inherited: Inherited | None) -> int:
    async with contextlib.AsyncExitStack() as stack:
        listeners = stack.enter_context(_listening(settings, inherited))
        stores = await stack.enter_async_context(served_store(store_settings(settings)))
        offloads = Offloads(Offload(), Offload(), Offload())
        for offload in offloads:
            stack.push_async_callback(offload.aclose)
        node = build_node(settings, stores, offloads)
        stack.push_async_callback(node.auth.authenticator.aclose)
        await share_revocations(settings, stores, node.clustered, node.place, node.auth)
        stack.push_async_callback(node.keeper.aclose)
        stack.push_async_callback(node.titles.aclose)
        stack.push_async_callback(node.jobs.aclose)
        if settings.jobs:
            node.jobs.start()
        if settings.seeds_demo:
            await seed_demo(node)
        return await _run_servers(settings, node, listeners, inherited)


@dataclass(frozen=True, slots=True)
class Node:
    """One node, put together but not yet listening."""

    registry: RoomRegistry
    keeper: VersionKeeper
    titles: TitleKeeper
    compactor: Compactor
    collector: OrphanCollector
    load: NodeLoad
    auth: AuthParts
    gate: Gate
    sweeper: Sweeper
    metrics: Metrics
    app: ASGIApp
    admin_app: ASGIApp
    entrances: tuple[Entrance, ...]
    clustered: Clustered
    place: Place
    jobs: Jobs
    job_presence: JobPresence
    relay: Relay
    mails: Mails


class Offloads(NamedTuple):
    """Worker processes by what must not wait for what; each is started when it is first needed.

    Attributes:
        merging: for joins and compactions.
        content: what reads documents, and may take its whole time.
        comments: what people wait for while they write, and is short.
    """

    merging: Offload
    content: Offload
    comments: Offload


def build_node(settings: Settings, stores: Stores, offloads: Offloads) -> Node:
    """Put a node together over an open store."""
    offload, content = offloads.merging, offloads.content
    metrics = Metrics()
    metrics.core_compiled.set(running_form().is_compiled)
    auth = build_auth(settings)
    load = NodeLoad(lambda: sum(runner.unsaved_bytes for runner in registry.live()))
    clustered = build_cluster(settings, metrics, stores)
    place = take_place(settings, stores, clustered, load, metrics)
    keeper, titles, compactor, collector = _upkeep(settings, stores, offloads, metrics, load, place)
    registry = _registry(settings, stores, offload, metrics, clustered, keeper, titles, compactor)
    place.settle(registry)
    auth.revocations.observe(lambda revocation: _apply_revocation(registry, auth, revocation))
    gate = Gate(gate_limits(settings))
    sweeper = Sweeper(min(PERIOD_S, settings.heartbeat_ms / 2000))
    doors = _doors(settings, registry, auth, gate, metrics, sweeper)
    services = RoomServices(registry, settings.update_bytes_max, offload)
    maker = NewScores(stores, registry, content, _WALL, settings.document_bytes_max)
    jobs = Jobs(settings, stores, metrics, maker)
    notices = build_notices(settings, stores, jobs, metrics)
    versions = VersionServices(registry, content, metrics, _WALL, notices.announcer)
    edits = ScoreEdits(registry, services, content)
    scores = ScoreServices(registry, services, edits, versions, content, _WALL, maker, titles)
    comments = CommentServices(services, offloads.comments, metrics, _wall_ms, notices.announcer)
    api = ApiServices(
        directory=services,
        documents=services,
        nodes=place.nodes,
        mails=notices.deliveries.mails,
        versions=versions,
        scores=scores,
        score_edits=edits,
        jobs=ScoreJobs(
            jobs, stores, scores, maker, lambda: registry.is_draining, notices.announcer
        ),
        webhooks=notices.deliveries.webhooks,
        announced=notices.announcer,
        comments=comments,
        auth=auth,
        clocks=SYSTEM_CLOCKS,
        metrics=metrics,
        update_bytes_max=settings.update_bytes_max,
        allowed_origins=settings.allowed_origins,
        pace=request_pace(settings),
        trusted_proxies=settings.trusted_proxies,
        link_s=settings.job_link_s,
    )
    parts = AppParts(doors, api, build_readiness(registry, lambda: place.is_draining))
    sockets = build_sockets(doors)
    return Node(
        registry=registry,
        keeper=keeper,
        titles=titles,
        compactor=compactor,
        collector=collector,
        load=load,
        auth=auth,
        gate=gate,
        sweeper=sweeper,
        metrics=metrics,
        app=build_app(parts, sockets),
        admin_app=build_admin_app(parts),
        entrances=sockets.entrances,
        clustered=clustered,
        place=place,
        jobs=jobs,
        job_presence=_job_presence(settings, registry, jobs),
        relay=notices.relay(all_witnesses(comments.read, stores, jobs.ledger)),
        mails=notices.deliveries.mails,
    )


def _registry(
    settings: Settings,
    stores: Stores,
    offload: Offload,
    metrics: Metrics,
    clustered: Clustered,
    keeper: VersionKeeper,
    titles: TitleKeeper,
    compactor: Compactor,
) -> RoomRegistry:
    return RoomRegistry(
        stores,
        runner_settings(settings),
        metrics,
        compactor.compact,
        offload.merge,
        duties=(keeper.tick, titles.tick, compactor.observe),
        neighbours=clustered.cluster,
    )


def _job_presence(settings: Settings, registry: RoomRegistry, jobs: Jobs) -> JobPresence:
    """What shows jobs in rooms; a node without a bus is the only one that is asked for any."""
    is_alone = settings.bus.kind is BusKind.OFF
    return JobPresence(registry.live, jobs.ledger, jobs.asked, jobs.pause, is_alone=is_alone)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _upkeep(
    settings: Settings,
    stores: Stores,
    offloads: Offloads,
    metrics: Metrics,
    load: NodeLoad,
    place: Place,
) -> tuple[VersionKeeper, TitleKeeper, Compactor, OrphanCollector]:
    """What is done in the background; all but titles once for all nodes."""
    once_only = place.once_only
    merge = offloads.merging.merge
    compactor = Compactor(
        stores, merge, compaction_limits(settings), metrics, load, once_only=once_only
    )
    collector = OrphanCollector(stores, orphan_rules(settings), metrics, load, once_only=once_only)
    keeper = VersionKeeper(
        stores,
        offloads.merging.state,
        version_rules(settings),
        metrics,
        SYSTEM_CLOCKS.wall,
        once_only=once_only,
    )
    titles = TitleKeeper(stores, offloads.content.title, load)
    return keeper, titles, compactor, collector


def _doors(
    settings: Settings,
    registry: RoomRegistry,
    auth: AuthParts,
    gate: Gate,
    metrics: Metrics,
    sweeper: Sweeper,
) -> Doors:
    return Doors(
        registry=registry,
        auth=auth,
        gate=gate,
        limits=connection_limits(settings),
        metrics=metrics,
        clocks=SYSTEM_CLOCKS,
        update_bytes_max=settings.update_bytes_max,
        document_bytes_max=settings.document_bytes_max,
        queue_before_auth_bytes_max=settings.queue_before_auth_bytes_max,
        queue_before_auth_messages_max=settings.queue_before_auth_messages_max,
        documents_per_socket_max=settings.documents_per_socket_max,
        trusted_proxies=settings.trusted_proxies,
        sweeper=sweeper,
    )


async def seed_demo(node: Node) -> None:
    """Put the chorale into the demo room if that was never stored.

    The seed is the same bytes each time, so even a second one would add nothing; but a room that
    people have used is left alone.
    """
    name = room_name(CHORALE_ROOM)
    if await node.registry.stores.manifests.get(room_key(name)) is not None:
        return
    runner = await node.registry.open(name)
    facets = chorale_facets()
    await runner.append(seed_update(facets))
    title = str(facets["meta"]["title"])
    await change_score_record(node.registry.stores, name, lambda known: replace(known, title=title))
    _log.info("demo.seeded")


def _apply_revocation(registry: RoomRegistry, auth: AuthParts, revocation: Revocation) -> None:
    def judge(claims: Claims) -> Claims | None:
        try:
            return auth.revocations.effective_claims(claims)
        except Unauthenticated:
            return None

    registry.review(revocation.subject, judge)


# Servers --------------------------------------------------------------------------------------


class _Listeners(NamedTuple):
    """The sockets of the main port and, if there is one, of the admin port."""

    main: socket.socket
    admin: socket.socket | None


@contextmanager
def _listening(settings: Settings, inherited: Inherited | None) -> Iterator[_Listeners]:
    with contextlib.ExitStack() as stack:
        if inherited is not None:
            stack.enter_context(inherited.listener)
            if inherited.admin_listener is not None:
                stack.enter_context(inherited.admin_listener)
            yield _Listeners(inherited.listener, inherited.admin_listener)
            return
        main = stack.enter_context(listen(settings.host, settings.port, "port"))
        admin = None
        if settings.admin_port is not None:
            admin = stack.enter_context(listen("127.0.0.1", settings.admin_port, "admin_port"))
        yield _Listeners(main, admin)


async def _run_servers(
    settings: Settings, node: Node, listeners: _Listeners, inherited: Inherited | None
) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in _STOP_SIGNALS:
        loop.add_signal_handler(signal_number, stop.set)
    server = WebServer(web_config(settings, node.app, node.entrances))
    running = [asyncio.create_task(server.serve(sockets=[listeners.main]))]
    servers = [server]
    if listeners.admin is not None:
        admin = WebServer(web_config(settings, node.admin_app))
        servers.append(admin)
        running.append(asyncio.create_task(admin.serve(sockets=[listeners.admin])))
    ticking = asyncio.create_task(node.registry.run())
    watching = [
        asyncio.create_task(watch_loop_lag(node.metrics, node.load.lagged)),
        asyncio.create_task(node.compactor.walk(node.registry.is_here)),
        asyncio.create_task(node.collector.run()),
        asyncio.create_task(node.sweeper.run()),
        asyncio.create_task(node.job_presence.run()),
        asyncio.create_task(node.relay.run()),
        asyncio.create_task(node.mails.digests.run()),
        asyncio.create_task(watch_garbage(lambda: node.registry.is_deserted)),
        *(asyncio.create_task(duty()) for duty in node.clustered.duties + node.place.duties),
    ]
    _announce(settings, node, listeners, inherited)
    if inherited is not None:
        inherited.watch(quiet=server.accept_no_more, stop=stop.set)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait((stopped, ticking, *running), return_when=asyncio.FIRST_COMPLETED)
    leaving = asyncio.create_task(node.place.leave())
    saved = await node.registry.drain(settings.drain_timeout_ms / 1000)
    await leaving
    for each in servers:
        each.stop()
    await asyncio.wait(running)
    broke = ticking.done()
    ticking.cancel()
    for watch in watching:
        watch.cancel()
    _log.info("node.stopped", saved=saved)
    return 0 if saved and stop.is_set() and not broke else 1


def _announce(
    settings: Settings, node: Node, listeners: _Listeners, inherited: Inherited | None
) -> None:
    port = listeners.main.getsockname()[1]
    admin_port = listeners.admin.getsockname()[1] if listeners.admin else None
    _log.info(
        "node.ready" if inherited is None else "worker.ready",
        host=settings.host,
        port=port,
        admin_port=admin_port,
        store=node.registry.stores.description,
        auth=settings.auth.value,
        core=running_form().name,
    )
    if inherited is not None:
        inherited.say_ready()
    else:
        show_ready(settings, port, admin_port)
