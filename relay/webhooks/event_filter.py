"""Decide which types of events fire a webhook; pure functions (rest-runners.md 9.3, step 12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

#: The type of a body that names none.
UNNAMED: Final = "webhook"


def event_type(body: Mapping[str, object], github_event: str | None = None) -> str | None:
    """Answer the type of an event; None for a type that is no text, which is in no filter.

    GitHub names the type in a header and not in the body: `github_event` stands in for a missing type.
    """
    kind = body.get("type")
    if kind is None:
        return github_event or UNNAMED
    return kind if isinstance(kind, str) else None


def fires(event_filter: Sequence[str] | None, kind: str | None) -> bool:
    """Tell whether an event of this type passes; no filter and an empty one let everything through."""
    return not event_filter or kind in event_filter
