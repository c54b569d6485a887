"""Which broker carries the messages; the one place that names those of other makers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from taskiq import AsyncBroker

from collab.errors import SettingsError

QUEUE: Final = "bandpro-turns"
_MESSAGES_MAX: Final = 10_000
_BLOCK_MS: Final = 2_000
_LOCK_S: Final = 10.0
_REGION: Final = "us-east-1"


@dataclass(frozen=True, slots=True)
class BrokerChoice:
    """What carries messages between processes.

    Attributes:
        url: ``redis://`` or ``rediss://`` with one server, ``sqs:`` for a queue of
            the usual name, or ``sqs://<region>/<queue>``; credentials of the latter come from the
            environment, and so does the address of a service other than Amazon's.
        name: of this process, the same after a restart.
        unheard_s: a message that a worker took and never did is given to another one after this.
    """

    url: str
    name: str
    unheard_s: float = 60.0


def build_broker(choice: BrokerChoice) -> AsyncBroker:
    """The broker that a choice names; it connects when it is started.

    Raises:
        SettingsError: it names none.
    """
    match choice.url.partition(":")[0]:
        case "redis" | "rediss":
            # Its client takes its time to import, and a node by itself does not need it.
            from taskiq_redis import RedisStreamBroker  # noqa: PLC0415

            return RedisStreamBroker(
                choice.url,
                queue_name=QUEUE,
                consumer_group_name=QUEUE,
                consumer_name=choice.name,
                consumer_id="0",  # what was told before the first worker came, too
                xread_count=1,
                xread_block=_BLOCK_MS,
                maxlen=_MESSAGES_MAX,
                idle_timeout=int(choice.unheard_s * 1000),
                unacknowledged_lock_timeout=_LOCK_S,
            )
        case "sqs":
            from taskiq_aio_sqs import SQSBroker  # noqa: PLC0415

            place = urlsplit(choice.url)
            region = place.netloc or os.environ.get("AWS_DEFAULT_REGION", _REGION)
            endpoint = os.environ.get("AWS_ENDPOINT_URL_SQS") or os.environ.get("AWS_ENDPOINT_URL")
            return SQSBroker(
                place.path.strip("/") or QUEUE,
                region_name=region,
                endpoint_url=endpoint,
                visibility_timeout=int(choice.unheard_s),
            )
        case _:
            raise SettingsError("no broker has such a URL")
