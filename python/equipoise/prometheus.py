"""
Numbers of a `Scorer` for `prometheus_client`, which is optional and must be installed for this module.

`prometheus_client.REGISTRY.register(ScorerCollector(scorer))` is all that a service needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from ._native import metric_series

if TYPE_CHECKING:
    from ._native import Scorer

# What Prometheus wants a unit to be called, and a name of that unit to end with.
_UNITS = {"s": "seconds", "By": "bytes"}


class ScorerCollector(Collector):
    """
    Reads every number of a scorer, by one call a scrape.

    Names are those of `equipoise.metric_series()` with underscores, the unit where it is seconds or bytes, and
    Prometheus's own suffixes: `equipoise_score_requests_total`, `equipoise_score_duration_seconds_bucket`.
    `labels` are added to each, to tell several scorers of a process apart.
    """

    def __init__(self, scorer: Scorer, labels: dict[str, str] | None = None) -> None:
        """Collect the numbers of `scorer`; nothing is read yet."""
        self._scorer = scorer
        self._labels = dict(labels or {})

    def describe(self) -> Iterator[Metric]:
        """Yield every family without values, so that registering costs no scrape and finds names that are taken."""
        return self._families([0.0] * len(metric_series()))

    def collect(self) -> Iterator[Metric]:
        """Yield every family with the values of this moment."""
        return self._families([value for _, _, value in self._scorer.metrics()])

    def _families(self, values: list[float]) -> Iterator[Metric]:
        own = list(self._labels.values())
        plain: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        histograms: list[Metric] = []
        buckets: dict[str, list[tuple[str, float]]] = {}
        for (name, labels, kind, unit, text), value in zip(metric_series(), values, strict=True):
            flat = name.replace(".", "_")
            keys = [*self._labels, *(key for key in labels if key != "le")]
            if kind == "bucket":
                buckets.setdefault(flat, []).append((labels["le"], value))
            elif kind == "sum":
                histogram = HistogramMetricFamily(flat, text, labels=keys, unit=_UNITS.get(unit, ""))
                histogram.add_metric(own, buckets[flat], value)
                histograms.append(histogram)
            else:
                if flat not in plain:
                    of = CounterMetricFamily if kind == "counter" else GaugeMetricFamily
                    plain[flat] = of(flat, text, labels=keys, unit=_UNITS.get(unit, ""))
                plain[flat].add_metric([*own, *labels.values()], value)
        return iter([*plain.values(), *histograms])
