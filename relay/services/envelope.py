"""Stamp service messages without parsing what is inside them; pure functions (sockets-browsers.md 6.1)."""

from __future__ import annotations

from typing import Final

import msgspec

from relay.jsontext import dumps, loads

_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Envelope:
    """Hold the members of one envelope as JSON text; unknown ones pass through."""

    __slots__ = ("_head", "_members")

    def __init__(self, members: dict[str, bytes]) -> None:
        self._members = members
        self._head: bytes | None = None

    @classmethod
    def parse(cls, text: bytes) -> Envelope | None:
        """Read an envelope, valid UTF-8; None when it is no JSON object."""
        try:
            return cls({name: bytes(value) for name, value in _MEMBERS.decode(text).items()})
        except (msgspec.MsgspecError, RecursionError):
            pass
        # A lone surrogate somewhere: the slow parser takes it.
        try:
            value = loads(text)
            return cls({name: dumps(member) for name, member in value.items()}) if isinstance(value, dict) else None
        except (ValueError, RecursionError):
            return None

    def text(self, name: str) -> str | None:
        """Answer a member that is a non-empty string, else None."""
        member = self._members.get(name)
        if member is None or member[:1] != b'"':
            return None
        value = loads(member)
        return value if isinstance(value, str) and value else None

    def stamped(self, session_id: str) -> bytes:
        """Answer the envelope as JSON text with this `sessionId`, whatever it came with."""
        if self._head is None:
            members = [dumps(name) + b":" + text for name, text in self._members.items() if name != "sessionId"]
            self._head = b"{" + b"".join(member + b"," for member in members)
        return self._head + b'"sessionId":' + dumps(session_id) + b"}"
