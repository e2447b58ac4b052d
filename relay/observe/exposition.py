"""Write numbers in the text format that Prometheus reads (Prometheus text exposition format 0.0.4).

The format is a few lines, and the usual library brings a registry of its own with a lock per number. The parts of the
relay keep plain integers instead, which cost nothing until somebody looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from relay.histogram import Histogram

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Kind(Enum):
    """Say what a number is: it only grows, goes up and down, or is a distribution."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """Describe one metric; `label` is the name of its one label, None for a single number."""

    name: str
    kind: Kind
    text: str
    label: str | None = None


#: A number, numbers by the value of the label, or a histogram per value of the label.
Reading = float | Mapping[str, float] | Mapping[str, Histogram]


def render(readings: Iterable[tuple[Metric, Reading]]) -> str:
    """Answer the document."""
    lines: list[str] = []
    for metric, reading in readings:
        lines.append(f"# HELP {metric.name} {metric.text}")
        lines.append(f"# TYPE {metric.name} {metric.kind.value}")
        lines.extend(_samples(metric, reading))
    return "\n".join(lines) + "\n"


def _samples(metric: Metric, reading: Reading) -> Iterator[str]:
    if isinstance(reading, Mapping):
        for value, entry in reading.items():
            label = f'{metric.label}="{_escaped(value)}"'
            if isinstance(entry, Histogram):
                yield from _histogram(metric.name, label, entry)
            else:
                yield f"{metric.name}{{{label}}} {_number(entry)}"
    else:
        yield f"{metric.name} {_number(reading)}"


def _histogram(name: str, label: str, histogram: Histogram) -> Iterator[str]:
    below = 0
    for bound, count in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
        below += count
        yield f'{name}_bucket{{{label},le="{_number(bound)}"}} {below}'
    yield f"{name}_sum{{{label}}} {_number(histogram.total)}"
    yield f"{name}_count{{{label}}} {below}"


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if value == int(value) else repr(float(value))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
