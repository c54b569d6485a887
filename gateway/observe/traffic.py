"""Frames and bytes over websockets: counted as plain numbers, for this is done for every frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector


@dataclass(slots=True)
class Traffic:
    """What went over the connections of one protocol; bytes are of messages, without framing."""

    frames_in: int = 0
    bytes_in: int = 0
    frames_out: int = 0
    bytes_out: int = 0

    def received(self, size_bytes: int) -> None:
        """Count one frame from a client."""
        self.frames_in += 1
        self.bytes_in += size_bytes

    def sent(self, size_bytes: int) -> None:
        """Count one frame to a client."""
        self.frames_out += 1
        self.bytes_out += size_bytes


class TrafficCollector(Collector):
    """Tells Prometheus of the traffic, by protocol.

    Args:
        namespace: begins every name.
    """

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._by_protocol: dict[str, Traffic] = {}

    def of(self, protocol: str) -> Traffic:
        """The numbers of one protocol, to be counted up."""
        return self._by_protocol.setdefault(protocol, Traffic())

    def collect(self) -> Iterator[Metric]:
        """The numbers as they are now."""
        traffic = self._by_protocol
        yield self._family(
            "frames_received",
            "Frames from clients.",
            {name: each.frames_in for name, each in traffic.items()},
        )
        yield self._family(
            "received_bytes",
            "Bytes from clients.",
            {name: each.bytes_in for name, each in traffic.items()},
        )
        yield self._family(
            "frames_sent",
            "Frames to clients.",
            {name: each.frames_out for name, each in traffic.items()},
        )
        yield self._family(
            "sent_bytes",
            "Bytes to clients.",
            {name: each.bytes_out for name, each in traffic.items()},
        )

    def _family(self, name: str, text: str, values: dict[str, int]) -> Metric:
        family = CounterMetricFamily(f"{self._namespace}_{name}", text, labels=("protocol",))
        for protocol, value in values.items():
            family.add_metric((protocol,), value)
        return family
