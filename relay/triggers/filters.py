"""Decide whether a payload passes filters; pure functions (rest-runners.md 3.6, 3.7, 14.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from relay.triggers.loose import loosely_equal
from relay.triggers.records import Filter, Mode

#: A param of this ending asks for a part of the value (3.7).
_CONTAINS: Final = "contains"


def passes(filters: Sequence[Filter], mode: Mode, payload: Mapping[str, object]) -> bool:
    """Tell whether a payload passes: with no filters always, in mode `or` by any of them, else by all."""
    if not filters:
        return True
    results = (matches(one, payload) for one in filters)
    return any(results) if mode == "or" else all(results)


def matches(one: Filter, payload: Mapping[str, object]) -> bool:
    """Tell whether a payload passes one filter."""
    actual = field_of(payload, one.field)
    if one.op == "contains":
        return _contains(actual, one.value, case_sensitive=one.case_sensitive)
    return _equals(actual, one.value, case_sensitive=one.case_sensitive)


def field_of(payload: Mapping[str, object], field: str) -> object:
    """Answer a field by its name, or else by its dot path; None when there is neither."""
    if field in payload:
        return payload[field]
    value: object = payload
    for part in field.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def param_filters(params: Mapping[str, object]) -> tuple[Filter, ...]:
    """Answer what the params of a listener ask of a payload, all of it together (3.7)."""
    return tuple(_from_param(key, value) for key, value in params.items())


def _from_param(key: str, value: object) -> Filter:
    if key.lower().endswith(_CONTAINS) and len(key) > len(_CONTAINS):
        return Filter(key[: -len(_CONTAINS)], value, "contains", case_sensitive=False)
    return Filter(key, value, "eq", case_sensitive=True)


def _equals(actual: object, expected: object, *, case_sensitive: bool) -> bool:
    mine = actual if isinstance(actual, list) else [actual]
    wanted = expected if isinstance(expected, list) else [expected]
    return any(loosely_equal(one, other, case_sensitive=case_sensitive) for one in mine for other in wanted)


def _contains(actual: object, expected: object, *, case_sensitive: bool) -> bool:
    wanted = list(_texts(expected, case_sensitive=case_sensitive))
    return any(part in text for text in _texts(actual, case_sensitive=case_sensitive) for part in wanted)


def _texts(value: object, *, case_sensitive: bool) -> Iterable[str]:
    """Answer a text, or the texts of an array, in the form that is compared."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            yield item if case_sensitive else item.lower()
