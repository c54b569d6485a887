"""Notifications of a node or of a worker, put together: what is told, to whom, by which jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.auth.build import SYSTEM_CLOCKS
from gateway.jobs import Jobs
from gateway.mails import build_mails
from gateway.observe.metrics import Metrics
from gateway.settings import Settings
from persistence.stores import Stores
from workers.notices import webhooks
from workers.notices.events import EventKind
from workers.notices.mails import Mails
from workers.notices.outbox import Outbox
from workers.notices.relay import Announcer, Relay, Sink, Witness
from workers.notices.webhooks import WebhookHandler, Webhooks


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The ways by which people and other systems are told.

    Attributes:
        webhooks: of the store.
        mails: of the store.
        sinks: what each event is handed to; each has it told by jobs.
    """

    webhooks: Webhooks
    mails: Mails
    sinks: tuple[Sink, ...]


def build_deliveries(settings: Settings, stores: Stores, jobs: Jobs) -> Deliveries:
    """Every way of telling, each with its sink, and its jobs among those that are done here."""
    hosts = settings.webhook_hosts
    hooks = Webhooks(stores.records, jobs.submit, SYSTEM_CLOCKS.wall, hosts)
    jobs.handle(webhooks.KIND, WebhookHandler(hooks, hosts))
    mails = build_mails(settings, stores, jobs)
    return Deliveries(hooks, mails, (hooks, mails))


@dataclass(frozen=True, slots=True)
class Notices:
    """What a node needs to tell of what happens on it.

    Attributes:
        announcer: where deeds are announced.
        outbox: where they are written down.
        deliveries: how they are told.
        metrics: what is counted.
    """

    announcer: Announcer
    outbox: Outbox
    deliveries: Deliveries
    metrics: Metrics

    def relay(self, witnesses: Mapping[EventKind, Witness]) -> Relay:
        """What hands on, from now on.

        Args:
            witnesses: know what became of each kind of cause.
        """

        def watch(kind: EventKind, outcome: str) -> None:
            self.metrics.notices.labels(kind.value, outcome).inc()

        sinks = self.deliveries.sinks
        return Relay(self.outbox, self.announcer.due, witnesses, sinks, watch)


def build_notices(settings: Settings, stores: Stores, jobs: Jobs, metrics: Metrics) -> Notices:
    """Put it together over an open store."""
    outbox = Outbox(stores.records)
    return Notices(Announcer(outbox), outbox, build_deliveries(settings, stores, jobs), metrics)
