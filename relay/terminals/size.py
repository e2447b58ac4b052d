"""Read what clients say of a terminal's size (rest-runners.md 5.4, sockets-browsers.md 5.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from relay.terminals.terminal import Size

#: Columns and rows are clamped to 1..1000 (rest-runners.md 5.4).
LARGEST: Final = 1000


def measured(wanted: Mapping[str, object], otherwise: Size) -> Size:
    """Answer `cols` and `rows` of a resize; what is no positive number is taken from `otherwise`."""
    return Size(
        _positive(wanted.get("cols"), otherwise.cols),
        _positive(wanted.get("rows"), otherwise.rows),
    )


def clamped(value: object, default: int) -> int:
    """Answer a number within the bounds, `default` when it is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return default
    return int(min(max(value, 1), LARGEST))


def _positive(value: object, otherwise: int) -> int:
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0
    return clamped(value, otherwise) if number else otherwise
