"""Build WebSocket frames of a server (RFC 6455 5.2): unmasked, unfragmented, the same bytes for everybody."""

from __future__ import annotations

from struct import Struct
from typing import Final

TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PONG: Final = 0xA

_FIN: Final = 0x80
_SHORT: Final = Struct("!BB").pack
_MEDIUM: Final = Struct("!BBH").pack
_LONG: Final = Struct("!BBQ").pack


def header(opcode: int, length: int) -> bytes:
    """Answer the header of a final frame with ``length`` bytes of payload: 2, 4 or 10 bytes."""
    if length < 126:
        return _SHORT(_FIN | opcode, length)
    if length < 65536:
        return _MEDIUM(_FIN | opcode, 126, length)
    return _LONG(_FIN | opcode, 127, length)


def frame(opcode: int, payload: bytes) -> bytes:
    """Answer a whole final frame."""
    return header(opcode, len(payload)) + payload


def close_frame(code: int) -> bytes:
    """Answer a close frame with a status code (RFC 6455 7.4) and no text."""
    return frame(CLOSE, code.to_bytes(2, "big"))
