"""Print what was measured, for people and, with `--json`, for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field


@dataclass(slots=True)
class Report:
    """Collect one row: what was done, and the numbers in the order in which they are printed.

    `wrong` counts lost and reordered events and failed requests; a run with any is a failed run.
    """

    title: str
    numbers: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    wrong: int = 0

    def show(self, *, as_json: bool) -> None:
        """Print the row."""
        if as_json:
            print(json.dumps(asdict(self)), flush=True)
            return
        print(self.title)
        for name, value in self.numbers.items():
            print(f"  {name:<44} {_plain(value):>14}")
        for note in self.notes:
            print(f"  ({note})")
        print(f"  {'lost, reordered or failed':<44} {self.wrong:>14}", flush=True)


def percentile(values: Sequence[float], percent: float) -> float:
    """Answer a percentile by the nearest rank; not a number without values."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def rate(count: float, seconds: float) -> float:
    """Answer a rate; infinite when the time was too short to be measured."""
    return count / seconds if seconds > 0 else math.inf


def _plain(value: float) -> str:
    if not math.isfinite(value):
        return "too short to tell"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.3g}"
