"""Clean and compare service announces; pure functions (sockets-agents.md 3.6, sockets-browsers.md 6.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from relay.jsontext import dumps
from relay.runners.profile import Item, objects, strings
from relay.runners.runner import ANNOUNCE_LISTS

#: The member by which entries of a list are told apart.
KEYS: Final[Mapping[str, str]] = {
    "panels": "serviceId",
    "triggerDefs": "type",
    "sigilDefs": "type",
    "sessionModes": "id",
}


def clean_announce(payload: Mapping[str, object]) -> Item:
    """Answer the lists that the announce has, their entries untouched; `serviceIds` is always among them.

    Entries of the wrong type, without their key, or nested too deeply are dropped.
    """
    announce: Item = {"serviceIds": strings(payload.get("serviceIds"))}
    for name in ANNOUNCE_LISTS[1:]:
        value = payload.get(name)
        if isinstance(value, list):
            key = KEYS.get(name)
            announce[name] = (
                strings(value) if key is None else [entry for entry in objects(value) if _key(entry, key) is not None]
            )
    return announce


def announce_delta(before: Item, after: Item) -> Item | None:
    """Answer `{added, removed, updated}` between two cleaned announces, None when all three are empty.

    `disabledServiceIds` and the order of entries are no part of it.
    """
    old_ids, new_ids = strings(before.get("serviceIds")), strings(after.get("serviceIds"))
    added: dict[str, list[object]] = {"serviceIds": [service for service in new_ids if service not in set(old_ids)]}
    removed: dict[str, list[object]] = {"serviceIds": [service for service in old_ids if service not in set(new_ids)]}
    updated: dict[str, list[object]] = {}
    for name, key in KEYS.items():
        old, new = _by_key(before.get(name), key), _by_key(after.get(name), key)
        added[name] = [entry for entry_key, entry in new.items() if entry_key not in old]
        removed[name] = [entry_key for entry_key in old if entry_key not in new]
        updated[name] = [
            entry for entry_key, entry in new.items() if entry_key in old and not same(old[entry_key], entry)
        ]
    if not any(list_ for part in (added, removed, updated) for list_ in part.values()):
        return None
    return {"added": added, "removed": removed, "updated": updated}


def same(left: object, right: object) -> bool:
    """Tell whether two JSON values are written alike: order counts, and `1` is not `true`."""
    return dumps(left) == dumps(right)


def _by_key(value: object, key: str) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for entry in objects(value):
        name = _key(entry, key)
        if name is not None:
            found[name] = entry
    return found


def _key(entry: Item, key: str) -> str | None:
    value = entry.get(key)
    return value if isinstance(value, str) and value else None
