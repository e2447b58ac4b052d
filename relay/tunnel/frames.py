"""Read and write the JSON frames of the runner's socket (tunnel.md 1.5 to 1.7).

Measured on 64 KiB bodies, decode to bytes, MB per CPU-second on one core: random bytes fastsimdjson 730, msgspec 126,
orjson 112, json 112; text fastsimdjson 3,400, orjson 2,900, msgspec 2,650, json 1,050. So fastsimdjson reads where it
is installed; it also takes lone surrogates, for which orjson needs the standard library. orjson writes: random 318
(msgspec 196), text 5,070 (msgspec 2,860).
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from relay import jsontext

Frame = dict[str, object]

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
#: What a header value may hold: no control characters but tab; lone surrogates would be lost on the way out.
_VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]*")
_MAX_REASON: Final = 123


class BadFrame(Exception):
    """Say what is wrong with a frame; the exchange that it names fails with it (tunnel.md 1.6, BEAT)."""


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """Hold a response's head: lower-case names, in the order and number in which they came."""

    status: int
    headers: tuple[tuple[str, str], ...]


def _fastest_reader() -> Callable[[bytes], object]:
    try:
        import fastsimdjson
    except ImportError:
        return jsontext.loads
    loads: Callable[[bytes], object] = fastsimdjson.loads
    return loads


_loads: Final = _fastest_reader()


def decode(data: bytes) -> Frame | None:
    """Read one frame: a JSON object in UTF-8; None for anything else, which is ignored."""
    try:
        frame = _loads(data)
    except (ValueError, RecursionError):
        return None
    return frame if isinstance(frame, dict) else None


def encode(frame: Mapping[str, object]) -> bytes:
    """Write one frame."""
    return jsontext.dumps(frame)


def request_data(stream_id: str, piece: bytes) -> bytes:
    """Write a piece of a request body, each byte as the character of the same number (1.7)."""
    return orjson.dumps({"type": "request-data", "id": stream_id, "data": piece.decode("latin-1")})


def body_bytes(frame: Frame) -> bytes:
    """Answer the bytes of a `response-data` frame; raises BadFrame for characters above U+00FF."""
    data = frame.get("data")
    if not isinstance(data, str):
        raise BadFrame("response-data without data")
    try:
        return data.encode("latin-1")
    except UnicodeEncodeError as error:
        raise BadFrame("response-data holds characters that are no bytes") from error


def response_head(frame: Frame) -> ResponseHead:
    """Read a `response-start`; raises BadFrame for a status outside 200 to 599.

    Headers that HTTP can't carry are left out one by one, as browsers' own APIs do (2.5).
    """
    status, headers = frame.get("statusCode"), frame.get("headers")
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise BadFrame("response-start with an invalid status")
    if not isinstance(headers, dict):
        raise BadFrame("response-start without headers")
    kept: list[tuple[str, str]] = []
    for name, value in headers.items():
        values = value if isinstance(value, list) else (value,)
        if _TOKEN.fullmatch(name) is None:
            continue
        kept.extend((name.lower(), text) for one in values if (text := header_text(one)) is not None)
    return ResponseHead(status, tuple(kept))


def header_text(value: object) -> str | None:
    """Answer a header value for aiohttp, which writes UTF-8: what the service sent comes out as the same bytes (9)."""
    if not isinstance(value, str):
        return None
    if not value.isascii():
        # What is no UTF-8 of the service's leaves as UTF-8 of what was received.
        with contextlib.suppress(UnicodeError):
            value = value.encode("latin-1").decode("utf-8")
    value = value.strip(" \t")
    return value if _VALUE.fullmatch(value) else None


def ws_message(frame: Frame) -> str | bytes:
    """Answer the message of a `ws-data` frame: text, or bytes when `binary`; raises BadFrame."""
    data = frame.get("data")
    if not isinstance(data, str):
        raise BadFrame("ws-data without data")
    if frame.get("binary") is not True:
        return data
    try:
        # With or without line breaks and padding (6.4 T21).
        return base64.b64decode(data + "=" * (-len(data) % 4))
    except (binascii.Error, ValueError) as error:
        raise BadFrame("ws-data is no base64") from error


def ws_data(stream_id: str, message: str | bytes) -> bytes:
    """Write a WebSocket message: text as it is, binary as base64."""
    if isinstance(message, str):
        return encode({"type": "ws-data", "id": stream_id, "data": message})
    return orjson.dumps(
        {"type": "ws-data", "id": stream_id, "data": base64.b64encode(message).decode("ascii"), "binary": True}
    )


def ws_close(stream_id: str, code: int | None, reason: str) -> bytes:
    """Write a close; code and reason that the runner's validation would refuse are left out, never null (6.4 T1)."""
    frame: Frame = {"type": "ws-close", "id": stream_id}
    if code is not None and (1000 <= code <= 1015 or 3000 <= code <= 4999):
        frame["code"] = code
    if reason:
        frame["reason"] = cut_reason(reason)
    return encode(frame)


def close_code(frame: Frame) -> tuple[int, str]:
    """Answer code and reason for the browser of a runner's `ws-close`; what can't be sent on becomes 1000 (4)."""
    code, reason = frame.get("code"), frame.get("reason")
    text = cut_reason(reason) if isinstance(reason, str) else ""
    if isinstance(code, bool) or not isinstance(code, int):
        return 1000, text
    if code == 1006:
        return 1011, text
    valid = 3000 <= code <= 4999 or (1000 <= code <= 1014 and code not in {1004, 1005, 1006})
    return (code, text) if valid else (1000, text)


def cut_reason(reason: str) -> str:
    """Cut a close reason to the 123 bytes of a close frame, between characters (RFC 6455 5.5)."""
    raw = reason.encode("utf-8", "replace")
    return raw[:_MAX_REASON].decode("utf-8", "ignore")


def is_token(text: str) -> bool:
    """Tell whether a text is a token of RFC 9110 5.6.2: a method, a header name, a subprotocol."""
    return _TOKEN.fullmatch(text) is not None
