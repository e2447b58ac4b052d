"""Validate the bodies of the auth endpoints and complain in the auth library's words (rest-account.md 2.1).

Values that pass are handed out through typed getters, so that handlers never see a wrong type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from relay.accounts.tokens import well_formed

#: Answers what is wrong with a value of the right kind, None for nothing.
Check = Callable[[object], str | None]


class Kind(Enum):
    """Name the JSON types; the value is the word in messages."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Field:
    """Describe one field of a body."""

    name: str
    kind: Kind
    required: bool = False
    nullable: bool = False
    checks: tuple[Check, ...] = field(default=())


def type_name(value: object) -> str:
    """Name the JSON type of a parsed value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def problems(fields: tuple[Field, ...], body: Mapping[str, object], where: str = "body") -> str | None:
    """Answer the complaint about a body, several joined by `; `, or None."""
    found = []
    for entry in fields:
        complaint = _problem(entry, body)
        if complaint is not None:
            found.append(f"[{where}.{entry.name}] {complaint}")
    return "; ".join(found) or None


def _problem(entry: Field, body: Mapping[str, object]) -> str | None:
    if entry.name not in body:
        if not entry.required:
            return None
        return f"Invalid input: expected {entry.kind.value}, received undefined"
    value = body[entry.name]
    if entry.kind is Kind.ANY or (value is None and entry.nullable):
        return None
    received = type_name(value)
    if received != entry.kind.value:
        return f"Invalid input: expected {entry.kind.value}, received {received}"
    for check in entry.checks:
        complaint = check(value)
        if complaint is not None:
            return complaint
    return None


def not_empty(value: object) -> str | None:
    """Refuse the empty string."""
    return None if value else "Too small: expected string to have >=1 characters"


def at_least(least: int) -> Check:
    """Refuse smaller numbers."""

    def check(value: object) -> str | None:
        small = isinstance(value, int | float) and value < least
        return f"Too small: expected number to be >={least}" if small else None

    return check


class Fields:
    """Read validated values; lone surrogates are replaced, because no column could hold them."""

    def __init__(self, body: Mapping[str, object]) -> None:
        self._body = body

    def __contains__(self, name: str) -> bool:
        return name in self._body

    def __bool__(self) -> bool:
        return bool(self._body)

    def text(self, name: str) -> str:
        """Answer a string, empty when it is missing."""
        return self.text_or_none(name) or ""

    def text_or_none(self, name: str) -> str | None:
        """Answer a string, None when it is missing or null."""
        value = self._body.get(name)
        return well_formed(value) if isinstance(value, str) else None

    def flag(self, name: str, *, default: bool) -> bool:
        """Answer a boolean."""
        value = self._body.get(name)
        return value if isinstance(value, bool) else default

    def number_or_none(self, name: str) -> float | None:
        """Answer a number, None when it is missing or null."""
        value = self._body.get(name)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def raw(self, name: str) -> object:
        """Answer whatever was sent."""
        return self._body.get(name)
