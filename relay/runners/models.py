"""Leave out the models that a user has hidden; pure functions (rest-runners.md 3.3)."""

from __future__ import annotations

from collections.abc import Iterable

from relay.runners.profile import objects


def model_key(provider: str, model_id: str) -> str | None:
    """Answer the key `provider/id` of a model, both parts trimmed; None when either is empty."""
    provider, model_id = provider.strip(), model_id.strip()
    return f"{provider}/{model_id}" if provider and model_id else None


def hidden_keys(entries: Iterable[str]) -> frozenset[str]:
    """Answer stored entries in the form of keys: split at `/`, each part trimmed, joined again."""
    return frozenset("/".join(part.strip() for part in entry.split("/")) for entry in entries)


def visible_models(models: object, hidden: Iterable[str]) -> list[object]:
    """Answer a runner's model list without the hidden ones, every field of the others kept; no list reads as empty."""
    keys = hidden_keys(hidden)
    return [model for model in objects(models) if not _is_hidden(model, keys)]


def _is_hidden(model: dict[str, object], keys: frozenset[str]) -> bool:
    provider, model_id = model.get("provider"), model.get("id")
    if not isinstance(provider, str) or not isinstance(model_id, str):
        return False
    key = model_key(provider, model_id)
    return key is not None and key in keys
