"""Write and read bare WebSocket frames, right ones and wrong ones (RFC 6455 5.2)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from dataclasses import dataclass
from typing import Final

CONTINUATION: Final = 0
TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

MASK: Final = b"\x37\xfa\x21\x3d"
WAIT: Final = 20.0


@dataclass(frozen=True, slots=True)
class Piece:
    """Be one frame; `rsv` are its three reserved bits as a number."""

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0

    def encode(self, *, masked: bool) -> bytes:
        """Write it as a client does, or as a server."""
        first = bytes((self.fin << 7 | self.rsv << 4 | self.opcode,))
        bit, size = masked << 7, len(self.payload)
        if size < 126:
            length = bytes((bit | size,))
        elif size < 2**16:
            length = bytes((bit | 126,)) + size.to_bytes(2, "big")
        else:
            length = bytes((bit | 127,)) + size.to_bytes(8, "big")
        if not masked:
            return first + length + self.payload
        return first + length + MASK + mask(self.payload, MASK)


def mask(payload: bytes, key: bytes) -> bytes:
    """Mask or unmask."""
    size = len(payload)
    repeated = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")


def close(code: int, reason: bytes = b"") -> Piece:
    """Answer a close frame."""
    return Piece(CLOSE, code.to_bytes(2, "big") + reason)


async def read_frame(reader: asyncio.StreamReader, *, masked: bool) -> Piece:
    """Read one frame, which must be masked or not; raises IncompleteReadError at the end of the connection."""
    async with asyncio.timeout(WAIT):
        first, second = await reader.readexactly(2)
        assert bool(second & 0x80) is masked
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
        key = await reader.readexactly(4) if masked else b""
        payload = await reader.readexactly(size)
    return Piece(first & 0x0F, mask(payload, key) if masked else payload, bool(first & 0x80), first >> 4 & 7)


async def read_close(reader: asyncio.StreamReader, *, masked: bool) -> int | None:
    """Answer the code of the next close frame, 0 for none in it, None when the connection ends without a close."""
    try:
        while (frame := await read_frame(reader, masked=masked)).opcode != CLOSE:
            pass
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return int.from_bytes(frame.payload[:2], "big")


def accept_of(key: str) -> str:
    """Answer the value of `Sec-WebSocket-Accept` (RFC 6455 4.2.2)."""
    digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()
