"""Run one response body through decoding, the look at its first bytes, and the rewriter of its language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from relay.tunnel.rewrite.decode import STEP, BrokenEncoding, Decoder
from relay.tunnel.rewrite.kinds import Kind

__all__ = ["BrokenEncoding", "StreamRewriter", "Transform"]

_UTF8_MARK: Final = b"\xef\xbb\xbf"
#: Byte order marks of UTF-16 and UTF-32 outrank every label (Encoding standard, "decode"): nothing is touched then.
_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")


class Transform(Protocol):
    """Rewrite one document, in pieces of any size."""

    def feed(self, data: bytes) -> bytes:
        """Answer what can be told of the output so far."""

    def finish(self) -> bytes:
        """Answer the rest; the document is over."""


class StreamRewriter:
    """Rewrite one body: `feed` its bytes as they come, then `finish`; never holds more than the token in hand.

    `kind` is its language; `injects` says whether the interceptor is put into it (then the policy must allow it).
    Not for use after `finish` or after BrokenEncoding.
    """

    def __init__(self, kind: Kind, transform: Transform, decoder: Decoder | None, *, injects: bool) -> None:
        self.kind: Final = kind
        self.injects: Final = injects
        self.decodes: Final = decoder is not None
        self._transform: Transform | None = transform
        self._decoder = decoder
        self._head: bytes | None = b""

    def feed(self, data: bytes) -> bytes:
        """Answer the output that this input completes; raises BrokenEncoding where the encoding is broken.

        A compressed piece may grow a thousandfold; whoever must bound that takes `pieces`.
        """
        return b"".join(self.pieces(data))

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield the same output in pieces of about 64 KiB, none empty, each computed when it is asked for.

        Take them all before the next `feed`, and give the loop a turn between them (tunnel.md 9, "CPU").
        """
        for plain in self._decoded(data):
            done = self._rewrite(plain)
            if done:
                yield done

    def finish(self) -> bytes:
        """Answer the rest of the output; raises BrokenEncoding where a compressed body was cut."""
        if self._decoder is not None:
            self._decoder.finish()
        head, self._head = self._head, None
        if self._transform is None:
            return head or b""
        rest = self._transform.feed(head) if head else b""
        return rest + self._transform.finish()

    def _decoded(self, data: bytes) -> Iterator[bytes]:
        """Yield the decoded body in steps that do not hold the loop for long."""
        if self._decoder is not None:
            yield from self._decoder.feed(data)
        elif len(data) <= STEP:
            yield data
        else:
            for start in range(0, len(data), STEP):
                yield data[start : start + STEP]

    def _rewrite(self, data: bytes) -> bytes:
        """Answer the output for decoded bytes; the first four tell UTF-16 and UTF-32 from the rest."""
        if self._head is None:
            return data if self._transform is None else self._transform.feed(data)
        data = self._head + data
        if len(data) < 4 and any(mark.startswith(data) or data.startswith(mark) for mark in (*_WIDE_MARKS, _UTF8_MARK)):
            self._head = data
            return b""
        self._head = None
        if data.startswith(_WIDE_MARKS):
            self._transform = None
            return data
        mark = _UTF8_MARK if data.startswith(_UTF8_MARK) else b""
        return mark + (self._transform.feed(data[len(mark) :]) if self._transform is not None else b"")
