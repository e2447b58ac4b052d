"""Encode a message once, to bytes that every connection of a broadcast shares (realtime.md, Speed and memory)."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache

from relay.realtime import frames
from relay.realtime.engine_codec import encode_binary_part
from relay.realtime.json_codec import dumps

_CONNECT = b"0"
_DISCONNECT = b"1"
_EVENT = b"2"
_ACK = b"3"
_CONNECT_ERROR = b"4"
_BINARY_EVENT = b"5"
_BINARY_ACK = b"6"


class Packet:
    """Hold one encoded packet: ``wire`` is its finished WebSocket frames; treat it as immutable.

    Not a frozen dataclass, because its construction is on the hot path and that would triple its cost.
    ``supersedes`` is a key: in a backlogged connection, a packet that still waits is dropped when a successor with
    the same key is sent (which then stands at the successor's place).
    """

    __slots__ = ("_attachments", "_text_end", "_text_start", "supersedes", "wire")

    def __init__(
        self,
        text: bytes | tuple[bytes | memoryview, ...],
        attachments: tuple[bytes, ...] = (),
        supersedes: Hashable | None = None,
    ) -> None:
        """Frame ``text`` (UTF-8, whole or in pieces that are joined once) and the binary ``attachments`` that follow
        it.
        """
        pieces = (text,) if isinstance(text, bytes) else text
        length = sum(map(len, pieces))
        head = frames.header(frames.TEXT, length)
        self._text_start = len(head)
        self._text_end = self._text_start + length
        self._attachments = attachments
        self.supersedes = supersedes
        if attachments:
            tail = [part for item in attachments for part in (frames.header(frames.BINARY, len(item)), item)]
            self.wire = b"".join((head, *pieces, *tail))
        else:
            self.wire = b"".join((head, *pieces))

    @classmethod
    def control(cls, wire: bytes) -> Packet:
        """Wrap a finished WebSocket control frame, so that it keeps its place among packets; it has no text."""
        packet = cls.__new__(cls)
        packet.wire = wire
        packet._text_start = packet._text_end = 0
        packet._attachments = ()
        packet.supersedes = None
        return packet

    @classmethod
    def binary(cls, data: bytes) -> Packet:
        """Encode a bare binary Engine.IO message."""
        packet = cls.control(frames.frame(frames.BINARY, data))
        packet._attachments = (data,)
        return packet

    @property
    def text(self) -> bytes:
        """Answer the text of the packet with its Engine.IO type, e.g. ``b'42["event"]'``."""
        return self.wire[self._text_start : self._text_end]

    @property
    def polling_parts(self) -> list[bytes]:
        """Answer the packet as parts of a polling payload: its text, then its attachments in Base64."""
        parts = [self.text] if self._text_end else []
        parts.extend(map(encode_binary_part, self._attachments))
        return parts

    @property
    def attachments(self) -> tuple[bytes, ...]:
        """Answer the binary attachments in the order of their placeholders."""
        return self._attachments

    @classmethod
    def event(cls, namespace: str, event: str, *args: object, supersedes: Hashable | None = None) -> Packet:
        """Encode an event with JSON-able arguments; bytes in them become attachments. Raises TypeError for other
        values.
        """
        return cls._array(namespace, _EVENT, _BINARY_EVENT, b"", [event, *args], supersedes)

    @classmethod
    def spliced(
        cls, namespace: str, event: str, json_bytes: bytes | memoryview, supersedes: Hashable | None = None
    ) -> Packet:
        """Encode an event whose single argument is ready JSON text, valid UTF-8, copied once and not parsed."""
        return cls((_event_head(namespace, event), json_bytes, b"]"), supersedes=supersedes)

    @classmethod
    def call(cls, namespace: str, ack_id: int, event: str, args: tuple[object, ...]) -> Packet:
        """Encode an event that asks for an acknowledgement under the number ``ack_id``."""
        return cls._array(namespace, _EVENT, _BINARY_EVENT, b"%d" % ack_id, [event, *args], None)

    @classmethod
    def ack(cls, namespace: str, ack_id: int, args: tuple[object, ...]) -> Packet:
        """Encode the acknowledgement of the event with the number ``ack_id``."""
        return cls._array(namespace, _ACK, _BINARY_ACK, b"%d" % ack_id, list(args), None)

    @classmethod
    def connect(cls, namespace: str, sid: str) -> Packet:
        """Encode the answer to an accepted CONNECT; without ``pid``, since nothing is ever recovered."""
        return cls(b"4" + _CONNECT + _address(namespace) + dumps({"sid": sid}))

    @classmethod
    def connect_error(cls, namespace: str, message: str, data: object = None) -> Packet:
        """Encode the answer to a refused CONNECT; ``data`` is left out when it is None."""
        body = {"message": message} if data is None else {"message": message, "data": data}
        return cls(b"4" + _CONNECT_ERROR + _address(namespace) + dumps(body))

    @classmethod
    def disconnect(cls, namespace: str) -> Packet:
        """Encode the end of one namespace."""
        return cls(b"4" + _DISCONNECT + _address(namespace))

    @classmethod
    def _array(
        cls, namespace: str, kind: bytes, binary_kind: bytes, ack_id: bytes, items: list[object], supersedes: Hashable
    ) -> Packet:
        attachments: list[bytes] = []
        body = dumps(items, attachments)
        if attachments:
            head = b"4%b%d-%b%b" % (binary_kind, len(attachments), _address(namespace), ack_id)
        else:
            head = b"4" + kind + _address(namespace) + ack_id
        return cls((head, body), tuple(attachments), supersedes)


@lru_cache(maxsize=512)
def _event_head(namespace: str, event: str) -> bytes:
    """Answer what stands before the argument of an event; there are few events, and each is sent very often."""
    return b"4" + _EVENT + _address(namespace) + b"[" + dumps(event) + b","


def _address(namespace: str) -> bytes:
    """Answer the namespace as it stands in a packet: nothing for the main one, else its name and a comma."""
    return b"" if namespace == "/" else namespace.encode() + b","
