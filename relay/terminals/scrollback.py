"""Keep the last output of a shell for browsers that come later."""

from __future__ import annotations

import binascii
from collections import deque
from collections.abc import Iterator
from typing import Final

#: Bytes of output in a joined message; small enough for the oldest to be dropped without losing much.
_PIECE: Final = 16_384


class Scrollback:
    """Hold messages of output, each the JSON string (quotes included) of Base64 text, within two bounds.

    Over `most_messages` neighbours are joined, so that a thousand keystrokes do not push the screen out; over
    `most_bytes` the oldest are dropped. What is no plain Base64 is kept as it came.
    """

    __slots__ = ("_messages", "_most_bytes", "_most_messages", "_size")

    def __init__(self, most_messages: int, most_bytes: int) -> None:
        self._most_messages = most_messages
        self._most_bytes = most_bytes
        self._messages: deque[bytes] = deque()
        self._size = 0

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._messages)

    @property
    def size(self) -> int:
        """Answer the bytes held, never more than `most_bytes`."""
        return self._size

    def add(self, message: bytes) -> None:
        """Append a message; one that is larger than the bound leaves nothing behind."""
        self._messages.append(message)
        self._size += len(message)
        if len(self._messages) > self._most_messages:
            self._join()
        while self._size > self._most_bytes or len(self._messages) > self._most_messages:
            self._size -= len(self._messages.popleft())

    def _join(self) -> None:
        joined: deque[bytes] = deque()
        run = bytearray()
        for message in self._messages:
            output = _output(message)
            if run and (output is None or len(run) + len(output) > _PIECE):
                joined.append(_message(run))
                run = bytearray()
            if output is None:
                joined.append(message)
            else:
                run += output
        if run:
            joined.append(_message(run))
        self._messages = joined
        self._size = sum(map(len, joined))


def _output(message: bytes) -> bytes | None:
    """Answer the output in a message, None when it is no canonical Base64 text."""
    try:
        return binascii.a2b_base64(message[1:-1], strict_mode=True)
    except binascii.Error:
        return None


def _message(output: bytes | bytearray) -> bytes:
    return b'"' + binascii.b2a_base64(output, newline=False) + b'"'
