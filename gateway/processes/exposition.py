"""The metrics of several processes as one text, each sample with its process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

LABEL: Final = "worker"


def merged(texts: Mapping[str, str]) -> bytes:
    """Put expositions together; nothing is added up, so that counters stay what they are.

    Args:
        texts: one exposition for each process, by the value of its label ``worker``. A sample that
            has such a label keeps it.
    """
    families: dict[str, Metric] = {}
    for process, text in texts.items():
        for family in text_string_to_metric_families(text):
            kept = families.setdefault(
                family.name, Metric(family.name, family.documentation, family.type)
            )
            kept.samples.extend(_labelled(process, family.samples))
    registry = CollectorRegistry()
    registry.register(_Families(families.values()))
    return generate_latest(registry)


def _labelled(process: str, samples: Iterable[Sample]) -> Iterable[Sample]:
    for sample in samples:
        yield sample._replace(labels={LABEL: process, **sample.labels})


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
