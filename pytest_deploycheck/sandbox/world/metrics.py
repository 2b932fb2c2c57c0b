"""The metrics of CloudWatch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime


class MetricName(NamedTuple):
    """The full name of a metric: each combination of dimensions is a metric of its own.

    Attributes:
        region: The region it is in.
        namespace: Its namespace, such as `AWS/ApplicationELB`.
        name: Its name.
        dimensions: Names and values of its dimensions.
    """

    region: str
    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Sample:
    """Values that were reported for one moment.

    Attributes:
        at: The moment.
        total: Their sum.
        count: How many they are.
        least: The smallest.
        most: The largest.
        unit: Their unit, such as `Count`.
    """

    at: datetime
    total: float
    count: float
    least: float
    most: float
    unit: str = "None"

    @classmethod
    def of(cls, value: float, at: datetime, unit: str = "None") -> Sample:
        """Return the sample that one value is."""
        return cls(at, value, 1, value, value, unit)


STATISTICS: Mapping[str, Callable[[Sequence[Sample]], float]] = {
    "Sum": lambda samples: sum(sample.total for sample in samples),
    "SampleCount": lambda samples: sum(sample.count for sample in samples),
    "Average": lambda samples: sum(sample.total for sample in samples) / sum(sample.count for sample in samples),
    "Minimum": lambda samples: min(sample.least for sample in samples),
    "Maximum": lambda samples: max(sample.most for sample in samples),
}
"""The functions from the samples of a period to a value, by the name of the statistic."""


@dataclass(slots=True)
class MetricStore:
    """All metrics.

    Attributes:
        samples: The samples of each metric.
    """

    samples: dict[MetricName, list[Sample]] = field(default_factory=dict)

    def put(self, metric: MetricName, sample: Sample) -> None:
        """Add a sample."""
        self.samples.setdefault(metric, []).append(sample)

    def of(self, metric: MetricName, unit: str | None) -> Iterable[Sample]:
        """Return the samples of a metric, of one unit or of any."""
        return [sample for sample in self.samples.get(metric, ()) if unit in {None, sample.unit}]


def metric_name(region: str, namespace: str, name: str, dimensions: Mapping[str, str]) -> MetricName:
    """Return the full name of a metric."""
    return MetricName(region, namespace, name, frozenset(dimensions.items()))
