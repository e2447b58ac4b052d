"""Read and write Engine.IO 4 packets and the payloads of HTTP long-polling; pure functions (realtime.md, Protocol)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final

import orjson

from relay.realtime.errors import CodecError

# First byte of a text packet.
OPEN: Final = 0x30
CLOSE: Final = 0x31
PING: Final = 0x32
PONG: Final = 0x33
MESSAGE: Final = 0x34
UPGRADE: Final = 0x35
NOOP: Final = 0x36

SEPARATOR: Final = b"\x1e"
"""Between the packets of one payload (Engine.IO protocol 4, HTTP long-polling)."""
_BINARY_MARK: Final = b"b"


@dataclass(frozen=True, slots=True)
class EnginePacket:
    """Hold one received packet: its type byte and its content; ``binary`` is True for a binary message."""

    kind: int
    data: bytes
    binary: bool = False


def decode_text(text: bytes) -> EnginePacket:
    """Decode a text packet; raise CodecError when it is empty or of an unknown type."""
    if not text or not OPEN <= text[0] <= NOOP:
        raise CodecError("unknown Engine.IO packet type")
    return EnginePacket(text[0], text[1:])


def encode_text(packet: EnginePacket) -> bytes:
    """Encode a packet for a payload: type and content, or ``b`` and Base64 for a binary message."""
    if packet.binary:
        return _BINARY_MARK + base64.b64encode(packet.data)
    return bytes((packet.kind,)) + packet.data


def decode_payload(body: bytes) -> list[EnginePacket]:
    """Decode the body of a POST into its packets; raise CodecError on the first that is none."""
    return [_decode_part(part) for part in body.split(SEPARATOR)]


def _decode_part(part: bytes) -> EnginePacket:
    if part[:1] != _BINARY_MARK:
        return decode_text(part)
    try:
        return EnginePacket(MESSAGE, base64.b64decode(part[1:], validate=True), binary=True)
    except binascii.Error as error:
        raise CodecError("a binary packet is not Base64") from error


def encode_binary_part(data: bytes) -> bytes:
    """Encode a binary message as a part of a payload."""
    return _BINARY_MARK + base64.b64encode(data)


def encode_open(sid: str, upgrades: list[str], ping_interval: float, ping_timeout: float, max_payload: int) -> bytes:
    """Encode the open packet; times in seconds are announced in milliseconds."""
    return b"0" + orjson.dumps(
        {
            "sid": sid,
            "upgrades": upgrades,
            "pingInterval": round(ping_interval * 1000),
            "pingTimeout": round(ping_timeout * 1000),
            "maxPayload": max_payload,
        }
    )
