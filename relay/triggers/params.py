"""Validate the params and filters of a subscription; pure functions (rest-runners.md 8.6)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from relay import jsontext
from relay.runners.profile import too_deep
from relay.triggers.loose import loosely_equal, to_number, to_text
from relay.triggers.records import Filter, Json, Mode

#: Bytes of JSON that params or filters may have; every snapshot of the runner carries them.
MAX_BYTES: Final = 256 * 1024
_CRON_FIELDS: Final = 5
_CRON: Final = re.compile(r"[0-9*/?,-]+")
_AT: Final = re.compile(
    r"[0-9]{1,2}:[0-9]{2} *UTC"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{3})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})",
    re.IGNORECASE,
)
_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Checked:
    """Hold coerced params, None when nothing was left, and what was wrong with them."""

    params: Json | None
    problems: tuple[str, ...] = ()


class _Bad(Exception):
    """Carry what is wrong with one param."""


class _Skipped(Exception):
    """Say that a param counts as not given."""


def schedule_problem(trigger_type: str, params: Mapping[str, object]) -> str | None:
    """Answer what keeps the time service from carrying out a schedule with these params, None for nothing."""
    if trigger_type == "time:cron":
        cron = params.get("cron")
        fields = cron.split() if isinstance(cron, str) else []
        if len(fields) != _CRON_FIELDS or not all(_CRON.fullmatch(field) for field in fields):
            return "time:cron needs params.cron with 5 fields of digits and * / ? , -, such as '*/30 * * * *'"
    if trigger_type == "time:at":
        at = params.get("at")
        if isinstance(at, str) and not _AT.fullmatch(at.strip()):
            return "time:at needs params.at such as '14:30 UTC' or '2026-01-31T14:30:00Z'"
    if trigger_type == "time:timer_fired" and not isinstance(params.get("duration"), str):
        return "time:timer_fired needs params.duration as a string, such as '10m'"
    return None


def check_params(definition: Json | None, params: object, *, change: bool = False) -> Checked:
    """Validate and coerce params against a definition; without one all of them are undeclared.

    A `change` asks for no required param while there are no params, and keeps of undeclared ones only primitives and
    arrays of them.
    """
    declared = _declared(definition)
    if not isinstance(params, dict):
        missing = [] if change else [name for name, one in declared.items() if one.get("required") is True]
        return Checked(None, tuple(f"Missing required param '{name}'" for name in missing))
    too_much = oversize("params", params)
    if too_much is not None:
        return Checked(None, (too_much,))
    kept: Json = {}
    problems: list[str] = []
    for name, one in declared.items():
        try:
            kept[name] = _coerced(name, one, params.get(name))
        except _Skipped:
            continue
        except _Bad as bad:
            problems.append(str(bad))
    for name, value in params.items():
        if name not in declared and value is not None and (not change or _is_plain(value)):
            kept[name] = value
    return Checked(kept or None, tuple(problems))


def read_filters(
    definition: Json | None, value: object, *, route: bool = False
) -> tuple[tuple[Filter, ...], list[str]]:
    """Read the filters of a request; answer them and what was wrong. Anything but an array counts as none.

    Whether case counts is settled here: as a filter says, else as its face of the interface has it (3.6).
    """
    if not isinstance(value, list) or not value:
        return (), []
    too_much = oversize("filters", value)
    if too_much is not None:
        return (), [too_much]
    fields = _schema_fields(definition)
    filters: list[Filter] = []
    problems: list[str] = []
    for number, item in enumerate(value):
        field = item.get("field") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(field, str) or not field:
            problems.append(f"filters[{number}] needs a field")
        elif item.get("value") is None:
            problems.append(f"filters[{number}] needs a value")
        elif fields is not None and field not in fields and field.partition(".")[0] not in fields:
            problems.append(f"filters[{number}]: the payload has no field '{field}'")
        else:
            filters.append(_filter(field, item, route=route))
    return tuple(filters), problems


def oversize(noun: str, value: object) -> str | None:
    """Answer what is too much about JSON that is to be stored and sent to the runner, None for nothing."""
    if too_deep(value):
        return f"{noun} are nested too deeply"
    if len(jsontext.dumps(value)) > MAX_BYTES:
        return f"{noun} are larger than {MAX_BYTES} bytes"
    return None


def read_mode(value: object) -> Mode | None:
    """Answer a filter mode, None for anything that is none."""
    if value == "or":
        return "or"
    return "and" if value == "and" else None


def _filter(field: str, item: Json, *, route: bool) -> Filter:
    value, case = item["value"], item.get("caseSensitive")
    if isinstance(value, list):
        value = [one for one in value if isinstance(one, str | int | float)]
    elif isinstance(value, dict):
        value = to_text(value)
    if item.get("op") == "contains":
        return Filter(field, value, "contains", case if isinstance(case, bool) else False)
    return Filter(field, value, "eq", case if isinstance(case, bool) else not route)


def _coerced(name: str, one: Json, value: object) -> object:
    """Answer the value of a declared param; raises _Bad and _Skipped."""
    required, kind = one.get("required") is True, one.get("type")
    if value is None:
        raise _absent(name, required=required)
    given = one.get("enum")
    members = given if isinstance(given, list) and given else None
    if one.get("multiselect") is True and members is not None:
        return _several(name, kind, value, members, required=required)
    if kind == "json":
        return value
    if kind == "boolean":
        flag = _boolean(value)
        if flag is None:
            raise _Bad(f"Param '{name}' must be a boolean")
        return flag
    coerced: object = to_text(value)
    if kind == "number":
        coerced = _number(value)
        if coerced is None:
            raise _Bad(f"Param '{name}' must be a number")
    if members is not None and not _is_member(coerced, members):
        raise _Bad(f"Param '{name}' must be one of {_listed(members)}")
    return coerced


def _several(name: str, kind: object, value: object, members: Sequence[object], *, required: bool) -> list[object]:
    items = value if isinstance(value, list) else [value]
    if kind in ("number", "boolean"):
        read = _number if kind == "number" else _boolean
        coerced: list[object] = [one for one in map(read, items) if one is not None]
    else:
        coerced = [to_text(one) for one in items]
    wrong = [one for one in coerced if not _is_member(one, members)]
    if wrong:
        raise _Bad(f"Param '{name}' has no value {_listed(wrong)}; it may have {_listed(members)}")
    if not coerced:
        raise _absent(name, required=required)
    return coerced


def _absent(name: str, *, required: bool) -> Exception:
    return _Bad(f"Missing required param '{name}'") if required else _Skipped()


def _boolean(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return _BOOLEANS.get(value) if isinstance(value, str) else None


def _number(value: object) -> float | int | None:
    """Answer `Number(value)` as JSON writes it; None for what JSON has no number for."""
    number = jsontext.finite(to_number(value))
    return int(number) if number is not None and float(number).is_integer() else number


def _is_member(value: object, members: Sequence[object]) -> bool:
    return any(loosely_equal(value, member) for member in members)


def _is_plain(value: object) -> bool:
    items = value if isinstance(value, list) else [value]
    return all(isinstance(one, str | int | float) for one in items)


def _listed(values: Sequence[object]) -> str:
    return ", ".join(to_text(one) for one in values)


def _declared(definition: Json | None) -> dict[str, Json]:
    """Answer the ParamDefs of a definition by name; the first of a name counts."""
    found: dict[str, Json] = {}
    params = definition.get("params") if definition is not None else None
    for one in params if isinstance(params, list) else ():
        name = one.get("name") if isinstance(one, dict) else None
        if isinstance(one, dict) and isinstance(name, str):
            found.setdefault(name, one)
    return found


def _schema_fields(definition: Json | None) -> Mapping[str, object] | None:
    """Answer the fields that the payload of a definition has; None when it does not say."""
    schema = definition.get("schema") if definition is not None else None
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else None
