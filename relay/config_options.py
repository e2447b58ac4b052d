"""Describe options: where each may be set and how its text is read."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

T = TypeVar("T")

_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZES: Final = {"": 1, "b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_QUANTITY: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})

#: Read a value from the file (any TOML type) or from text; raises ValueError that says what is expected.
Reader = Callable[[object], object]


@dataclass(frozen=True, slots=True)
class Alias:
    """Name an upstream environment variable; `read` answers None for a text that upstream would ignore."""

    name: str
    read: Callable[[str], object | None]


@dataclass(frozen=True, slots=True)
class Option:
    """Say how one option is read: its `RELAY_*` name, its upstream aliases, its reader."""

    env: str
    read: Reader
    aliases: tuple[Alias, ...] = ()


def option(default: T, read: Reader, env: str, *aliases: Alias) -> T:
    """Declare a field of a settings dataclass; its value is `default` unless set somewhere."""
    # dataclasses.field is typed as the field's value, which is what a declaration needs.
    return cast("T", dataclasses.field(default=cast("Any", default), metadata={"option": Option(env, read, aliases)}))


def text(value: object) -> str:
    """Read a string."""
    if isinstance(value, str):
        return value.strip()
    raise ValueError("a text in quotes is expected")


def url(value: object) -> str:
    """Read an http or https URL without its trailing slashes, or an empty text."""
    address = text(value).rstrip("/")
    parts = urlsplit(address)
    if address and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise ValueError("a URL such as https://relay.example.com is expected")
    return address


def choice(*allowed: str) -> Reader:
    """Read one of a few words."""

    def read(value: object) -> str:
        if isinstance(value, str) and value.strip().lower() in allowed:
            return value.strip().lower()
        raise ValueError(f"one of {', '.join(allowed)} is expected")

    return read


def flag(value: object) -> bool:
    """Read a boolean; as text `1/true/yes/on` and `0/false/no/off` (rest-account.md 4.1)."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _TRUE | _FALSE:
            return word in _TRUE
    raise ValueError("true or false is expected")


def number(least: int, most: int) -> Reader:
    """Read a whole number between `least` and `most`."""

    def read(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"\s*\d+\s*", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"a whole number from {least} to {most} is expected")
        return value

    return read


def duration(value: object) -> float:
    """Read a length of time in seconds: a number, or a text such as "250 ms", "90 s", "10 m", "1 h", "30 d"."""
    quantity = _quantity(value, _UNITS, "s")
    if quantity is None or quantity <= 0:
        raise ValueError('a time such as 30, "10 m", "1 h" or "30 d" is expected')
    return quantity


def duration_or_none(value: object) -> float:
    """Read a length of time in seconds; 0 stands for none."""
    return 0.0 if str(value).strip() == "0" else duration(value)


def size(value: object) -> int:
    """Read a size in bytes: a number, or a text such as "512 KiB" or "10 MiB"."""
    quantity = _quantity(value, _SIZES, "")
    if quantity is None or quantity < 1:
        raise ValueError('a size such as 1048576, "512 KiB" or "10 MiB" is expected')
    return int(quantity)


def size_or_none(value: object) -> int:
    """Read a size in bytes; 0 stands for none."""
    return 0 if str(value).strip() == "0" else size(value)


def words(value: object) -> tuple[str, ...]:
    """Read a list of strings; as text they are separated by commas."""
    if isinstance(value, str):
        return tuple(word.strip() for word in value.split(",") if word.strip())
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return tuple(word.strip() for word in value if word.strip())
    raise ValueError("a list of texts is expected")


def same(name: str, read: Reader) -> Alias:
    """Alias that reads like the option itself; what can't be read counts as unset, as upstream has it."""

    def attempt(value: str) -> object | None:
        try:
            return read(value)
        except ValueError:
            return None

    return Alias(name, attempt)


def milliseconds(name: str) -> Alias:
    """Alias for a time in milliseconds: a positive whole number, anything else counts as unset."""
    return Alias(name, lambda value: int(value) / 1000 if re.fullmatch(r"0*[1-9]\d*", value.strip()) else None)


def _quantity(value: object, units: dict[str, float] | dict[str, int], default: str) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if not isinstance(value, str):
        return None
    match = _QUANTITY.fullmatch(value)
    if match is None:
        return None
    unit = units.get(match[2].lower() or default)
    return None if unit is None else float(match[1]) * unit
