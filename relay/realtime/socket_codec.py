"""Read Socket.IO 5 packets; pure functions. What the server writes is in ``packet.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from relay.realtime.errors import CodecError
from relay.realtime.json_codec import loads

CONNECT: Final = 0x30
DISCONNECT: Final = 0x31
EVENT: Final = 0x32
ACK: Final = 0x33
CONNECT_ERROR: Final = 0x34
BINARY_EVENT: Final = 0x35
BINARY_ACK: Final = 0x36

_MAX_ACK_DIGITS: Final = 16
"""Digits of an acknowledgement number: 2**53 has 16, JavaScript counts no further."""
_MAX_NAMESPACE: Final = 512
"""Bytes of a namespace's name, query included; ours have 9 at most."""
_DASH: Final = 0x2D
_SLASH: Final = 0x2F


class Head:
    """Hold the decoded head of a packet: type, namespace name, ack number (or None), attachment count and JSON text.

    A plain class with slots, since one is made for every event.
    """

    __slots__ = ("ack_id", "attachments", "body", "kind", "namespace")

    def __init__(self, kind: int, namespace: bytes, ack_id: int | None, attachments: int, body: bytes) -> None:
        self.kind = kind
        self.namespace = namespace
        self.ack_id = ack_id
        self.attachments = attachments
        self.body = body


def decode(text: bytes, start: int = 0) -> Head:
    """Decode the packet that starts at ``start``; raise CodecError when its head is malformed.

    The JSON text (``body``) is neither parsed nor checked for UTF-8. The query of a namespace (``/name?x=1``) is
    dropped.
    """
    size = len(text)
    if size <= start:
        raise CodecError("empty packet")
    kind = text[start]
    if not CONNECT <= kind <= BINARY_ACK:
        raise CodecError("unknown Socket.IO packet type")
    at = start + 1
    attachments = 0
    if kind >= BINARY_EVENT:
        end = at
        while end < size and 0x30 <= text[end] <= 0x39:
            end += 1
        if end in (at, size) or end - at > 4 or text[end] != _DASH:
            raise CodecError("malformed attachment count")
        attachments = int(text[at:end])
        at = end + 1
    namespace = b"/"
    if at < size and text[at] == _SLASH:
        end = text.find(b",", at, at + _MAX_NAMESPACE)
        if end < 0:
            if size - at > _MAX_NAMESPACE:
                raise CodecError("the namespace's name is too long")
            end = size
        namespace = text[at:end]
        if (query := namespace.find(b"?")) >= 0:
            namespace = namespace[:query]
        at = end + 1
    ack_id = None
    end = at
    while end < size and 0x30 <= text[end] <= 0x39:
        end += 1
    if end > at:
        if end - at > _MAX_ACK_DIGITS:
            raise CodecError("the acknowledgement number is too long")
        ack_id = int(text[at:end])
    return Head(kind, namespace, ack_id, attachments, text[end:])


def fill_placeholders(value: object, attachments: Sequence[bytes]) -> object:
    """Answer ``value`` with every ``{"_placeholder": true, "num": n}`` replaced by the n-th attachment.

    Raises CodecError when a placeholder names no attachment.
    """
    if isinstance(value, list):
        return [fill_placeholders(item, attachments) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("_placeholder") is not True:
        return {key: fill_placeholders(item, attachments) for key, item in value.items()}
    number = value.get("num")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < len(attachments):
        raise CodecError("a placeholder names no attachment")
    return attachments[number]


def decode_array(body: bytes, attachments: Sequence[bytes] = ()) -> list[object]:
    """Decode the arguments of an event or acknowledgement; raise CodecError when the body is no array."""
    value = loads(body)
    if not isinstance(value, list):
        raise CodecError("arguments are no array")
    if not attachments:
        return value
    try:
        filled = fill_placeholders(value, attachments)
    except RecursionError as error:
        raise CodecError("nested too deeply") from error
    return filled if isinstance(filled, list) else []


def decode_auth(body: bytes) -> dict[str, object]:
    """Decode the payload of CONNECT: an object, or nothing, which reads as an empty one; raise CodecError otherwise."""
    if not body:
        return {}
    value = loads(body)
    if not isinstance(value, dict):
        raise CodecError("the payload of CONNECT is no object")
    return value
