"""Read and write the JSON of packets, lone surrogates included.

JavaScript may send half a surrogate pair (a truncated emoji). msgspec and orjson refuse such strings in both
directions, so both fall back to the standard library for that one message (realtime.md, Speed and memory).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import NoReturn

import msgspec
import orjson

from relay.realtime.errors import CodecError

_WHITESPACE = re.compile(r"[ \t\n\r]*")
_RAW_LIST = msgspec.json.Decoder(list[msgspec.Raw])


def _refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and the infinities, which the standard library would accept."""
    raise ValueError(f"{name} is not JSON")


_SLOW = json.JSONDecoder(parse_constant=_refuse_constant)


def check_utf8(text: bytes) -> None:
    """Raise CodecError unless ``text`` is valid UTF-8; ASCII, the common case, costs no decoding."""
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError as error:
            raise CodecError("text is not UTF-8") from error


def loads(text: bytes) -> object:
    """Decode one JSON value; raise CodecError when it is none."""
    try:
        value: object = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        # Only an escape can spell a lone surrogate in valid UTF-8; anything else stays the error it is.
        if b"\\u" not in text:
            raise CodecError("not JSON") from error
    else:
        return value
    try:
        value = _SLOW.decode(text.decode())
    except (ValueError, RecursionError) as error:
        raise CodecError("not JSON") from error
    return value


def split_array(text: bytes) -> list[bytes | msgspec.Raw]:
    """Split a JSON array into the texts of its elements, unparsed but checked; raise CodecError when it is no array.

    Elements answer the buffer protocol; UTF-8 is not checked here (see ``check_utf8``).
    """
    try:
        return _RAW_LIST.decode(text)  # type: ignore[return-value]  # list is invariant; the list is not written to
    except RecursionError as error:
        raise CodecError("nested too deeply") from error
    except msgspec.MsgspecError as error:
        if b"\\u" not in text:
            raise CodecError("not a JSON array") from error
    try:
        return _split_slow(text.decode())
    except (ValueError, IndexError, RecursionError) as error:
        raise CodecError("not a JSON array") from error


def _split_slow(text: str) -> list[bytes | msgspec.Raw]:
    """Split with the standard library; raise ValueError or IndexError on anything but one array."""

    def skip(at: int) -> int:
        found = _WHITESPACE.match(text, at)
        return found.end() if found else at

    at = skip(0)
    if text[at] != "[":
        raise ValueError("not an array")
    at = skip(at + 1)
    parts: list[bytes | msgspec.Raw] = []
    if text[at] != "]":
        while True:
            _, end = _SLOW.raw_decode(text, at)
            parts.append(text[at:end].encode())
            at = skip(end)
            if text[at] == "]":
                break
            if text[at] != ",":
                raise ValueError("no comma between elements")
            at = skip(at + 1)
    if skip(at + 1) != len(text):
        raise ValueError("something follows the array")
    return parts


def dumps(value: object, attachments: list[bytes] | None = None) -> bytes:
    """Encode ``value`` as JSON text in ASCII or UTF-8.

    bytes-like values become placeholders and are appended to ``attachments`` (Socket.IO protocol 5, binary packets);
    without that list they raise TypeError, as everything that is not JSON does. ``msgspec.Raw`` and
    ``orjson.Fragment`` are spliced in.
    """
    taken = len(attachments) if attachments is not None else 0

    def other(item: object) -> object:
        if isinstance(item, msgspec.Raw):
            return orjson.Fragment(bytes(item))
        return _placeholder(item, attachments)

    try:
        return orjson.dumps(value, default=other)
    except orjson.JSONEncodeError:
        if attachments is not None:
            del attachments[taken:]
    return json.dumps(value, default=_slow_default(attachments), separators=(",", ":")).encode()


def _placeholder(item: object, attachments: list[bytes] | None) -> dict[str, object]:
    """Move a bytes-like value into ``attachments`` and answer what stands for it; raise TypeError for other values."""
    if attachments is None or not isinstance(item, (bytes, bytearray, memoryview)):
        raise TypeError(f"{type(item).__name__} is not JSON")
    attachments.append(bytes(item))
    return {"_placeholder": True, "num": len(attachments) - 1}


def _slow_default(attachments: list[bytes] | None) -> Callable[[object], object]:
    """Answer the standard library's hook for what it does not know: spliced JSON is parsed, bytes become
    placeholders.
    """

    def other(item: object) -> object:
        if isinstance(item, msgspec.Raw):
            return loads(bytes(item))
        if isinstance(item, orjson.Fragment):
            return loads(orjson.dumps(item))
        return _placeholder(item, attachments)

    return other
