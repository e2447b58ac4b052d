"""Measure how long an agent thought, part by part (sockets-agents.md 2.7.3)."""

from __future__ import annotations

import math
from typing import Final

import msgspec

from relay import jsontext
from relay.sessions.heads import UpdateEvent, join_object, read, split_array, split_object

#: A message has a handful of parts; an agent that claims more starts over.
_MAX_PARTS: Final = 1000


class ThinkingTracker:
    """Remember when each thinking part of the message under way began and how long it took, in whole seconds."""

    def __init__(self) -> None:
        self._started: dict[int, float] = {}
        self._seconds: dict[int, int] = {}

    def note(self, event: bytes | msgspec.Raw, now: float) -> None:
        """Take a `message_update`; `now` is monotonic seconds."""
        update = read(UpdateEvent, event)
        kind = update.assistantMessageEvent if update is not None else None
        if kind is None or not isinstance(kind.contentIndex, int):
            return
        if kind.type == "thinking_start":
            if len(self._started) + len(self._seconds) >= _MAX_PARTS:
                self.clear()
            self._started[kind.contentIndex] = now
        elif kind.type == "thinking_end" and kind.contentIndex in self._started:
            self._seconds[kind.contentIndex] = math.ceil(now - self._started.pop(kind.contentIndex))

    def finish(self, event: bytes) -> bytes:
        """Add the durations to a `message_end` or `turn_end` and forget them; answer the event to publish."""
        if not self._seconds:
            self._started.clear()
            return event
        rewritten = _with_durations(event, self._seconds)
        self.clear()
        return rewritten

    def clear(self) -> None:
        """Forget everything."""
        self._started.clear()
        self._seconds.clear()


def _with_durations(event: bytes, seconds: dict[int, int]) -> bytes:
    members = split_object(event)
    message = split_object(members["message"]) if members and "message" in members else None
    parts = split_array(message["content"]) if message and "content" in message else None
    if members is None or message is None or parts is None:
        return event
    changed = False
    for index, duration in seconds.items():
        if not 0 <= index < len(parts):
            continue
        part = jsontext.loads(bytes(parts[index]))
        if isinstance(part, dict) and part.get("type") == "thinking" and part.get("durationSeconds") is None:
            part["durationSeconds"] = duration
            parts[index] = msgspec.Raw(jsontext.dumps(part))
            changed = True
    if not changed:
        return event
    content: dict[str, bytes | msgspec.Raw] = {**message, "content": b"[" + b",".join(map(bytes, parts)) + b"]"}
    return join_object({**members, "message": join_object(content)})
