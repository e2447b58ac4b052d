"""Read events and triggers as callers publish them, and make what goes to a worker (rest-runners.md 8.2, 14.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from relay.http.errors import (
    DELIVER_AS_INVALID,
    FIRE_ID_INVALID,
    PAYLOAD_INVALID,
    TARGET_INVALID,
    TRIGGER_TYPE_INVALID,
)
from relay.runners.profile import too_deep
from relay.sessions.links.links import usable_id
from relay.triggers.records import PSEUDO_SESSION
from relay.triggers.wire import EXTERNAL, Json

DeliverAs = Literal["steer", "followUp"]

ESCALATION: Final = "lifecycle:escalation"
#: What a parent that is only away is waited for with: their senders do not try again (14.1, Hold).
HELD: Final = frozenset({"lifecycle:ask_question", "lifecycle:plan_review", "lifecycle:session_error"})
#: The longest seen is a listener id between a prefix and a time.
MAX_FIRE_ID: Final = 1024
#: A one-shot schedule that fires names itself: `os:` or `at:`, its route id, which has colons too, and a time (14.1).
_ONE_SHOT: Final = re.compile(r"(?:os|at):(.+):\d+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Source:
    """Name who publishes: a session, or a service, the scheduler or whoever calls (`kind` other than `session`)."""

    kind: str = "service"
    id: str = "api"
    name: str | None = None

    @property
    def is_session(self) -> bool:
        """Tell whether the id is a session's."""
        return self.kind == "session"

    @property
    def is_scheduler(self) -> bool:
        """Tell whether the source tries again with the same id, and so is told of silence (sockets-agents.md 2.13)."""
        return self.kind == "scheduler"

    @property
    def wire_id(self) -> str:
        """Answer the source as workers and histories have it; only a session stands without prefix (8.2, History)."""
        return self.id if self.is_session else f"{EXTERNAL}{self.id}"


@dataclass(frozen=True, slots=True)
class Direct:
    """Name one session that gets an event, or the pseudo-session of a listener (8.3)."""

    session_id: str
    deliver_as: DeliverAs = "steer"
    wake: bool = False

    @property
    def is_listener(self) -> bool:
        """Tell whether the target is a listener."""
        return self.session_id.startswith(PSEUDO_SESSION)


@dataclass(frozen=True, slots=True)
class Event:
    """Hold a published event.

    `expects` offers the agent an answer; with `tracked` it is a delivery of its own, which lives until it is answered
    (14.3), and after `note_after` milliseconds without an answer the parent's viewers are told.
    """

    type: str
    payload: Json
    summary: str | None = None
    source: Source = Source()
    target: Direct | None = None
    fire_id: str | None = None
    expects: bool = False
    tracked: bool = False
    note_after: float | None = None

    @property
    def one_shot(self) -> str | None:
        """Answer the schedule that fires with this event and never again."""
        match = _ONE_SHOT.fullmatch(self.fire_id or "")
        return match[1] if match else None

    @property
    def history_summary(self) -> str | None:
        """Answer the summary of a history entry: a session's name, else what the publisher gave."""
        return (self.source.name if self.source.is_session else None) or self.summary

    def trigger(
        self,
        trigger_id: str,
        ts: str,
        *,
        target_id: str,
        deliver_as: str,
        name: str | None,
        payload: Json | None = None,
    ) -> Json:
        """Make the trigger on the wire (2.5)."""
        return {
            "type": self.type,
            "sourceSessionId": self.source.wire_id,
            "sourceSessionName": name,
            "targetSessionId": target_id,
            "payload": self.payload if payload is None else payload,
            "deliverAs": deliver_as,
            "expectsResponse": self.expects,
            "triggerId": trigger_id,
            "ts": ts,
        }

    def shown_name(self, kind: str) -> str:
        """Answer what a worker shows as the sender when it is no session; `kind` stands before the bare id."""
        return self.summary or self.source.name or f"{kind} ({self.source.id})"


def read_event(body: Mapping[str, object]) -> Event:
    """Read the body of `POST /api/events`; raises ApiError 400."""
    contract = body.get("responseContract")
    expects = isinstance(contract, dict)
    ttl = contract.get("ttlMs") if isinstance(contract, dict) and contract.get("escalate") is True else None
    is_time = isinstance(ttl, int | float) and not isinstance(ttl, bool) and 0 < ttl < 10**12
    return Event(
        type=_type(body),
        payload=_payload(body),
        summary=_text(body, "summary"),
        source=_source(body.get("source")),
        target=_target(body.get("target")),
        fire_id=_fire_id(body.get("fireId")),
        expects=expects,
        tracked=expects,
        note_after=float(ttl) if is_time and isinstance(ttl, int | float) else None,
    )


def read_trigger(body: Mapping[str, object], target: str | None, *, deliver_as: DeliverAs, source: str) -> Event:
    """Read the body of `…/trigger` or, without a target, `…/trigger-broadcast`, with the defaults of the call.

    The way it is delivered is in `target`, or else what `read_deliver_as` answers. Raises ApiError 400 (8.2).
    """
    kind, payload = _type(body), _payload(body)
    how = read_deliver_as(body, deliver_as)
    wake = body.get("wakeSession") is True
    return Event(
        type=kind,
        payload=payload,
        summary=_text(body, "summary"),
        source=Source(id=_text(body, "source") or source),
        target=None if target is None else Direct(target, how, wake),
        expects=body.get("expectsResponse") is True,
    )


def read_deliver_as(body: Mapping[str, object], default: DeliverAs) -> DeliverAs:
    """Read the way of delivery; null counts as absent. Raises ApiError 400."""
    match body.get("deliverAs"):
        case None:
            return default
        case "steer":
            return "steer"
        case "followUp":
            return "followUp"
    raise DELIVER_AS_INVALID()


def _type(body: Mapping[str, object]) -> str:
    kind = body.get("type")
    if not isinstance(kind, str) or not kind.strip():
        raise TRIGGER_TYPE_INVALID()
    return kind


def _payload(body: Mapping[str, object]) -> Json:
    payload = body.get("payload")
    if not isinstance(payload, dict) or too_deep(payload):
        raise PAYLOAD_INVALID()
    return payload


def _source(value: object) -> Source:
    if not isinstance(value, dict):
        return Source()
    kind, name = _text(value, "kind") or "service", _text(value, "name")
    source_id = value.get("id")
    if not isinstance(source_id, str) or not usable_id(source_id):
        # A session without an id is nobody's; the ownership check refuses it.
        return Source(kind, "" if kind == "session" else "api", name)
    return Source(kind, source_id, name)


def _target(value: object) -> Direct | None:
    if value is None:
        return None
    session_id = value.get("sessionId") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(session_id, str) or not session_id:
        raise TARGET_INVALID()
    return Direct(session_id, read_deliver_as(value, "steer"), value.get("wake") is True)


def _fire_id(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_FIRE_ID or not _storable(value):
        raise FIRE_ID_INVALID()
    return value


def _storable(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _text(body: Mapping[str, object], key: str) -> str | None:
    value = body.get(key)
    return value if isinstance(value, str) and value else None
