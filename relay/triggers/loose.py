"""Compare and convert JSON values as JavaScript does; pure functions (rest-runners.md 3.5, 3.8).

The services of a runner and the filters of its users were written for `==`, `Number()` and `String()`.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Final

#: What JavaScript trims before it reads a number; Python's own set differs (U+FEFF, U+0085, U+001C to U+001F).
_SPACE: Final = (
    "\t\n\v\f\r \u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_DECIMAL: Final = re.compile(r"[+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")
_RADIX: Final = re.compile(r"0(?:([xX])[0-9a-fA-F]+|([oO])[0-7]+|([bB])[01]+)")
#: A number is written without an exponent up to this many digits before and zeros behind the point.
_MAX_WHOLE: Final = 21
_MIN_FRACTION: Final = -6


def to_number(value: object) -> float:
    """Answer `Number(value)`, NaN where there is none."""
    if value is None:
        return 0.0
    if isinstance(value, bool | int | float):
        return _double(value)
    return _text_number(to_text(value))


def to_text(value: object) -> str:
    """Answer `String(value)`."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number_text(_double(value))
    if isinstance(value, list):
        return _joined(value)
    return "[object Object]"


def loosely_equal(left: object, right: object, *, case_sensitive: bool = True) -> bool:
    """Tell whether `left == right`; without `case_sensitive` two texts are equal in any case."""
    if left is None or right is None:
        return left is right
    if isinstance(left, list | dict):
        # Two objects are equal only when they are one, which values of two JSON texts never are.
        return not isinstance(right, list | dict) and loosely_equal(to_text(left), right, case_sensitive=case_sensitive)
    if isinstance(right, list | dict):
        return loosely_equal(left, to_text(right), case_sensitive=case_sensitive)
    if isinstance(left, str) and isinstance(right, str):
        return left == right if case_sensitive else left.lower() == right.lower()
    return to_number(left) == to_number(right)


def _double(value: float) -> float:
    """Answer a number as JavaScript holds it, whose integers are doubles too."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _text_number(text: str) -> float:
    text = text.strip(_SPACE)
    if not text:
        return 0.0
    if _DECIMAL.fullmatch(text):
        return float(text)
    radix = _RADIX.fullmatch(text)
    if radix is None:
        return math.nan
    return _double(int(text[2:], 16 if radix[1] else 8 if radix[2] else 2))


def _number_text(number: float) -> str:
    """Write a number by ECMA-262 6.1.6.1.20; Python's `repr` finds the same shortest digits."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    _, found, exponent = Decimal(repr(abs(number))).as_tuple()
    written = "".join(map(str, found))
    digits = written.rstrip("0")
    # The value is 0.digits times ten to the power of `point`.
    point = len(written) + int(exponent)
    if len(digits) <= point <= _MAX_WHOLE:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= _MAX_WHOLE:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if _MIN_FRACTION < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"


def _joined(items: list[object]) -> str:
    """Join an array as `String` does; without recursion, since a payload may nest a thousand deep."""
    parts: list[str] = []
    stack: list[object] = [items]
    while stack:
        item = stack.pop()
        if isinstance(item, list) and item:
            stack.extend(reversed(item))
        else:
            parts.append("" if item is None or isinstance(item, list) else to_text(item))
    return ",".join(parts)
