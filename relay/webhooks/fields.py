"""Read the bodies of the calls that make and change webhooks; pure functions (rest-runners.md 9.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from relay.http.errors import (
    WEBHOOK_FILTER_INVALID,
    WEBHOOK_NAME_INVALID,
    WEBHOOK_OVERLAP_INVALID,
    WEBHOOK_SOURCE_INVALID,
)
from relay.sessions.spawn_order import Model, read_model
from relay.webhooks.records import Webhook
from relay.webhooks.webhooks import NewWebhook


def read_new(body: Mapping[str, object]) -> NewWebhook:
    """Answer what is wanted of a new webhook; blank and wrong-typed optional fields count as absent.

    Raises ApiError 400 for a missing name or source, then for a filter that is no list of strings.
    """
    name, source = _text(body, "name"), _text(body, "source")
    if name is None:
        raise WEBHOOK_NAME_INVALID()
    if source is None:
        raise WEBHOOK_SOURCE_INVALID()
    return NewWebhook(
        name=name,
        source=source,
        event_filter=_filter(body.get("eventFilter")),
        runner_id=_text(body, "runnerId"),
        cwd=_text(body, "cwd"),
        prompt=_text(body, "prompt"),
        model=wanted_model(body),
    )


def changed(before: Webhook, body: Mapping[str, object]) -> Webhook:
    """Answer a webhook with the members that a body has; raises ApiError 400 for a filter of another shape.

    A runner, folder or prompt that is there and no text is cleared; a name, source or model of no use is ignored.
    """
    after = replace(before, name=_text(body, "name") or before.name, source=_text(body, "source") or before.source)
    if "eventFilter" in body:
        after = replace(after, event_filter=_filter(body["eventFilter"]))
    enabled = body.get("enabled")
    if isinstance(enabled, bool):
        after = replace(after, enabled=enabled)
    if "runnerId" in body:
        after = replace(after, runner_id=_text(body, "runnerId"))
    if "cwd" in body:
        after = replace(after, cwd=_text(body, "cwd"))
    if "prompt" in body:
        after = replace(after, prompt=_text(body, "prompt"))
    if "model" in body:
        after = replace(after, model=None if body["model"] is None else wanted_model(body) or before.model)
    return after


def read_overlap(body: Mapping[str, object], longest: float) -> float:
    """Answer the seconds of an overlap, 0 for none; raises ApiError 400 unless they are a number up to `longest`."""
    value = body.get("overlapSeconds")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= longest:
        raise WEBHOOK_OVERLAP_INVALID(longest=int(longest))
    return float(value)


def wanted_model(body: Mapping[str, object]) -> Model | None:
    """Answer the model that a body names; None for none and for one of no use."""
    value = body.get("model")
    model = read_model(value) if isinstance(value, dict) else None
    return Model(storable(model.provider), storable(model.id)) if isinstance(model, Model) else None


def _filter(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise WEBHOOK_FILTER_INVALID()
    return tuple(value)


def _text(body: Mapping[str, object], key: str) -> str | None:
    """Answer a trimmed text; None for a blank one and for anything else."""
    value = body.get(key)
    return storable(value.strip()) or None if isinstance(value, str) else None


def storable(text: str) -> str:
    """Answer text that SQLite takes: half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode()
