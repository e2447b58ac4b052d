"""Read and write the binary frames that a runner may ask for (README.md, Binary framing).

A frame is one byte for its kind, four for the number of the stream, most significant first, and the bytes themselves.
The kinds begin above ASCII, so that no such frame can be taken for the JSON that binary messages may hold too.
"""

from __future__ import annotations

import struct
from typing import Final

#: The name by which `register` asks for this framing and `registered` grants it.
NAME: Final = "binary-1"

REQUEST_DATA: Final = 0x81
RESPONSE_DATA: Final = 0x82
WS_TEXT: Final = 0x83
WS_BINARY: Final = 0x84
_KINDS: Final = frozenset({REQUEST_DATA, RESPONSE_DATA, WS_TEXT, WS_BINARY})
_HEAD: Final = struct.Struct(">BI")
HEAD_SIZE: Final = _HEAD.size
MAX_NUMBER: Final = 2**32 - 1


def encode(kind: int, number: int, data: bytes) -> bytes:
    """Write one frame."""
    return _HEAD.pack(kind, number) + data


def is_binary(data: bytes) -> bool:
    """Tell whether a message is a binary frame."""
    return len(data) >= HEAD_SIZE and data[0] in _KINDS


def head(data: bytes) -> tuple[int, int]:
    """Answer kind and stream number of a binary frame."""
    kind, number = _HEAD.unpack_from(data)
    return int(kind), int(number)
