"""Read and write JSON fast, without losing what JavaScript can send.

JavaScript can put a lone surrogate (a truncated emoji) into a string. The fast parsers refuse it both ways; an event is
never lost for that, so the standard library's json takes such a text over (realtime.md, Speed and memory).
"""

from __future__ import annotations

import json
import math

import msgspec
import orjson


def loads(text: bytes | bytearray | memoryview | str) -> object:
    """Parse JSON; raises ValueError when it is none."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        plain = text if isinstance(text, str) else bytes(text).decode("utf-8")
        try:
            return json.loads(plain, parse_constant=_refuse)
        except RecursionError as error:
            raise ValueError("JSON is nested too deeply") from error


def dumps(value: object) -> bytes:
    """Write compact JSON as UTF-8 bytes; `msgspec.Raw` and `orjson.Fragment` inside pass unchanged.

    A lone surrogate is written as its escape, so the bytes are always valid UTF-8.
    """
    try:
        return orjson.dumps(value, default=_fragment)
    except orjson.JSONEncodeError:
        return json.dumps(value, separators=(",", ":"), default=_parsed).encode("ascii")


def finite(value: object) -> int | float | None:
    """Answer a parsed JSON number that a double can hold, None for anything else; booleans are no numbers."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        # The standard library's parser reads hundreds of digits as an integer; JavaScript reads Infinity there.
        return None


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")


def _fragment(value: object) -> object:
    if isinstance(value, msgspec.Raw):
        return orjson.Fragment(bytes(value))
    raise TypeError(f"{type(value).__name__} is not JSON")


def _parsed(value: object) -> object:
    if isinstance(value, msgspec.Raw):
        return loads(bytes(value))
    if isinstance(value, orjson.Fragment):
        # A fragment does not show its text; writing it alone does.
        return loads(orjson.dumps(value))
    raise TypeError(f"{type(value).__name__} is not JSON")
