"""Find the first prompt of a session in what its agent publishes; lists name and find sessions by it (*ours*)."""

from __future__ import annotations

from itertools import islice
from typing import Final

import msgspec

from relay import jsontext
from relay.sessions.heads import NULL, MessageEvent, read, split_array
from relay.sessions.transcript import Snapshot

#: A name shows 60 characters of it, a search looks at what a person may remember.
MAX_PROMPT: Final = 300
#: Notices and summaries may stand before the first prompt, never this many.
_LOOKED_AT: Final = 20
#: Pictures stand inline in a message; the text comes before them.
_PARTS: Final = 8


class _Said(msgspec.Struct):
    role: object = None
    content: msgspec.Raw = NULL


class _Part(msgspec.Struct):
    type: object = None
    text: object = None


def in_message(event: bytes) -> str | None:
    """Answer the prompt of a `message_start` or `message_end` of the user, trimmed and cut; None for any other."""
    outer = read(MessageEvent, event)
    return None if outer is None else _prompt(outer.message)


def in_snapshot(snapshot: Snapshot) -> str | None:
    """Answer the first prompt in a complete state, None when its beginning has none."""
    found = (_prompt(message) for message in islice(snapshot.messages, _LOOKED_AT))
    return next((prompt for prompt in found if prompt is not None), None)


def _prompt(message: bytes | msgspec.Raw) -> str | None:
    said = read(_Said, message)
    if said is None or said.role != "user":
        return None
    text = _text(said.content).encode("utf-8", "replace").decode().strip()
    return text[:MAX_PROMPT] or None


def _text(content: msgspec.Raw) -> str:
    """Answer the text of a message's content: a string, or the first part that is text."""
    if bytes(content).startswith(b'"'):
        plain = jsontext.loads(bytes(content))
        return plain if isinstance(plain, str) else ""
    for part in islice(split_array(content) or [], _PARTS):
        known = read(_Part, part)
        if known is not None and known.type == "text" and isinstance(known.text, str):
            return known.text
    return ""
