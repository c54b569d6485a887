"""What one node counts, in a registry of its own. No label ever holds a room, subject or token.

Every name is documented in ``docs/metrics.md``; labels come from fixed sets, so that the number of
series is bounded whatever clients send.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from gateway.observe.traffic import Traffic, TrafficCollector

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
LOOP_LAG_PERIOD_S: Final = 0.5
_NAMESPACE: Final = "bandpro"
_STORE_BUCKETS_S: Final = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
)


class Metrics:
    """All metrics of one node, as attributes.

    Attributes:
        registry: where they are collected; private to this node.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._traffic = TrafficCollector(_NAMESPACE)
        self.registry.register(self._traffic)
        self._message_kinds: dict[tuple[str, type], Counter] = {}
        self._define_traffic()
        self._define_rooms()
        self._define_store()
        self._define_blobs()
        self._define_versions()
        self._define_cluster()
        self._define_nodes()
        self._define_jobs()
        self._define_clients()
        self.http_requests = self._counter(
            "http_requests", "HTTP requests answered.", "method", "route", "status"
        )
        self.core_compiled = self._gauge(
            "core_compiled", "1 when the core runs compiled, 0 when it is plain Python."
        )
        self.loop_lag_seconds = Histogram(
            "loop_lag_seconds",
            "How late the event loop ran a timer.",
            namespace=_NAMESPACE,
            registry=self.registry,
            buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0),
        )

    def _define_traffic(self) -> None:
        self.connections = self._gauge("connections", "Open websockets.", "protocol")
        self.messages = self._counter("messages_received", "Messages by kind.", "protocol", "kind")
        self.closes = self._counter("closes", "Connections and sessions closed, by code.", "code")
        self.refused = self._counter("refused", "Messages and connections refused.", "reason")

    def _define_rooms(self) -> None:
        self.rooms = self._gauge("rooms", "Live rooms.")
        self.sessions = self._gauge("sessions", "Sessions in live rooms.")
        self.loads_failed = self._counter("room_loads_failed", "Rooms that could not be loaded.")
        self.rooms_quarantined = self._counter(
            "rooms_quarantined", "Loads refused because the room is out of service."
        )
        self.updates = self._counter("updates_accepted", "Updates applied to a room.")
        self.broadcasts = self._counter("broadcasts", "Messages fanned out to a room.")
        self.awareness = self._counter("awareness_updates", "Awareness changes fanned out.")
        self.fell_behind = self._counter(
            "outbox_overflows", "Slow sessions resynchronised instead of buffered."
        )

    def _define_store(self) -> None:
        self.append_seconds = self._seconds("append_seconds", "From an append to its commit.")
        self.ack_seconds = self._seconds(
            "ack_seconds", "From an update's arrival to its acknowledgement."
        )
        self.load_seconds = self._seconds("room_load_seconds", "From opening a room to serving it.")
        self.appends = self._counter("appends", "Appends to a log, each of one or more updates.")
        self.appends_failed = self._counter("appends_failed", "Appends given up after retries.")
        self.compactions = self._counter("compactions", "Compactions of a log.", "outcome")
        self.compactions_waiting = self._gauge(
            "compactions_waiting", "Compactions that wait until the node is less busy."
        )
        self.logs_bloated = self._gauge(
            "logs_bloated",
            "Live rooms whose log, beyond its snapshot, is over 3 times the document.",
        )

    def _define_nodes(self) -> None:
        self.nodes = self._gauge("nodes", "Nodes that hold a lease in the store.")
        self.leases = self._counter("leases", "Leases on once-only work, by outcome.", "outcome")

    def _define_jobs(self) -> None:
        self.notices = self._counter(
            "notices", "Events handed on to be told, and causes given up.", "kind", "outcome"
        )
        self.jobs_running = self._gauge("jobs_running", "Jobs that run here, by kind.", "kind")
        self.jobs = self._counter(
            "jobs_ended", "Jobs that no longer run here, by how that came.", "kind", "outcome"
        )
        self.job_seconds = Histogram(
            "job_seconds",
            "How long jobs ran, by kind.",
            ("kind",),
            namespace=_NAMESPACE,
            registry=self.registry,
            buckets=(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0),
        )

    def _define_clients(self) -> None:
        self.client_seconds = Histogram(
            "client_seconds",
            "What applications measured and reported with consent, by kind.",
            ("kind",),
            namespace=_NAMESPACE,
            registry=self.registry,
            buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
        )
        self.client_layout_shift = Histogram(
            "client_layout_shift",
            "Web vital CLS of pages that reported it.",
            namespace=_NAMESPACE,
            registry=self.registry,
            buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1.0),
        )

    def _define_blobs(self) -> None:
        self.orphans_collected = self._counter(
            "orphans_collected", "Files deleted because nothing names them, by kind.", "kind"
        )
        self.orphan_rounds = self._counter(
            "orphan_rounds", "Searches for such files, by how they ended.", "outcome"
        )

    def _define_versions(self) -> None:
        self.versions = self._counter("versions_made", "Versions of documents made.", "kind")
        self.versions_failed = self._counter(
            "versions_failed", "Automatic versions that could not be made."
        )
        self.versions_thinned = self._counter(
            "versions_thinned", "Automatic versions deleted as they aged."
        )
        self.restores = self._counter("restores", "Documents set back to a version.")
        self.forks = self._counter("forks", "Rooms made from a version of another.")
        self.comments = self._counter("comments", "Changes made in comments on scores.", "kind")

    def _define_cluster(self) -> None:
        self.bus_up = self._gauge("bus_up", "1 while other nodes hear this one and are heard.")
        self.bus_sent = self._counter("bus_envelopes_sent", "Said to other nodes.", "kind")
        self.bus_received = self._counter("bus_envelopes_received", "Heard of others.", "kind")
        self.bus_dropped = self._counter(
            "bus_envelopes_dropped", "Not sent, refused or not taken in, by reason.", "reason"
        )
        self.bus_commands = self._counter("bus_commands", "Commands sent to Redis.", "command")
        self.bus_send_seconds = self._seconds("bus_send_seconds", "From sending to Redis' answer.")
        self.bus_interruptions = self._counter("bus_interruptions", "Times that Redis was lost.")
        self.peers = self._gauge("peers", "Other nodes that are heard.")
        self.heads_compared = self._counter(
            "heads_compared", "Rooms whose log was compared with what is known of it."
        )
        self.log_looks = self._counter(
            "log_looks", "Logs read for what other nodes stored, by why.", "reason"
        )
        self.peer_rows = self._counter(
            "peer_rows", "Updates of other nodes taken in, by the way that they came.", "via"
        )

    def message(self, protocol: str, message: object) -> None:
        """Count one decoded message by the kind that it is."""
        key = (protocol, type(message))
        counted = self._message_kinds.get(key)
        if counted is None:
            counted = self.messages.labels(protocol, type(message).__name__)
            self._message_kinds[key] = counted
        counted.inc()

    def traffic(self, protocol: str) -> Traffic:
        """Where the frames of a protocol are counted."""
        return self._traffic.of(protocol)

    def exposition(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, namespace=_NAMESPACE, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, namespace=_NAMESPACE, registry=self.registry)

    def _seconds(self, name: str, text: str) -> Histogram:
        return Histogram(
            name,
            text,
            namespace=_NAMESPACE,
            registry=self.registry,
            buckets=_STORE_BUCKETS_S,
        )


async def watch_loop_lag(metrics: Metrics, told: Callable[[float], None]) -> None:
    """Measure, until cancelled, how late the event loop runs a timer.

    Args:
        metrics: what is counted.
        told: of each measurement, in seconds.
    """
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + LOOP_LAG_PERIOD_S
        await asyncio.sleep(LOOP_LAG_PERIOD_S)
        lag_s = max(0.0, loop.time() - due_s)
        metrics.loop_lag_seconds.observe(lag_s)
        told(lag_s)
