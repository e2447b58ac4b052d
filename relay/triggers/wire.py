"""Read and write triggers as they travel, and their history entries; pure functions (rest-runners.md 2.5, 2.6)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Final

from relay import jsontext
from relay.sessions.session import AgentSession

#: What a child publishes when it is done; the parent's worker acts on the answer, the child does not (14.3).
COMPLETIONS: Final = frozenset({"session_complete", "lifecycle:session_complete"})
#: How older workers and the web UI call what client 0.52.0 publishes (rest-runners.md 14.1, Mapping to T).
OLD_NAMES: Final[Mapping[str, str]] = {
    "lifecycle:ask_question": "ask_user_question",
    "lifecycle:plan_review": "plan_review",
    "lifecycle:session_complete": "session_complete",
    "lifecycle:session_error": "session_error",
    "lifecycle:escalation": "escalate",
}
#: Starts the source of every trigger that comes from no session.
EXTERNAL: Final = "external:"
#: Bytes of a payload kept in a history entry; the panel shows a summary of it.
MAX_PAYLOAD: Final = 64 * 1024

Json = dict[str, object]


def history_entry(trigger: Mapping[str, object], now: str, summary: object = "") -> Json:
    """Answer the inbound history entry of a trigger; a payload too large for a panel is left out.

    `summary` is what the publisher gave, None for nothing; by default it is the trigger's source name.
    """
    payload = trigger.get("payload")
    entry: Json = {
        "triggerId": trigger.get("triggerId"),
        "type": old_name(trigger.get("type")),
        "source": trigger.get("sourceSessionId"),
        "payload": payload if isinstance(payload, dict) and len(jsontext.dumps(payload)) <= MAX_PAYLOAD else {},
        "deliverAs": "steer" if trigger.get("deliverAs") == "steer" else "followUp",
        "ts": trigger.get("ts") if isinstance(trigger.get("ts"), str) else now,
        "direction": "inbound",
    }
    shown = trigger.get("sourceSessionName") if summary == "" else summary
    if isinstance(shown, str) and shown:
        entry["summary"] = shown
    return entry


def linked_entry(child: AgentSession, now: str) -> Json:
    """Answer the entry of a parent that got a new child (sockets-agents.md 2.3, step 7)."""
    entry: Json = {
        "triggerId": f"linked_{child.id.replace('-', '')[:16]}",
        "type": "session_linked",
        "source": child.id,
        "payload": {},
        "deliverAs": "followUp",
        "ts": now,
        "direction": "inbound",
    }
    if child.name is not None:
        entry["summary"] = child.name
    return entry


def response_entry(response: object, action: str | None, now: str) -> Json:
    """Answer the `response` of a history entry."""
    text = response if isinstance(response, str) else jsontext.dumps(response).decode()
    return {"text": text, "ts": now, **({"action": action} if action is not None else {})}


def answer_body(trigger_id: str, response: object, action: str | None) -> Json:
    """Answer the body of a `trigger_response` event to a worker."""
    body: Json = {"triggerId": trigger_id, "response": response}
    if action is not None:
        body["action"] = action
    return body


def is_completion(kind: object) -> bool:
    """Tell whether a trigger of this type reports the end of a child's work."""
    return isinstance(kind, str) and kind in COMPLETIONS


def is_external(source_id: str) -> bool:
    """Tell whether a source is no session."""
    return source_id.startswith(EXTERNAL)


def old_name(kind: object) -> str:
    """Answer the name of a type that the web UI and older workers know; other types stay what they are."""
    return OLD_NAMES.get(kind, kind) if isinstance(kind, str) else ""


def for_worker(session: AgentSession, trigger: Json) -> Json:
    """Answer a trigger as the session's worker understands it: one that acknowledges triggers knows the new names."""
    kind = trigger.get("type")
    if session.acks_trigger or not isinstance(kind, str) or kind not in OLD_NAMES:
        return trigger
    return {**trigger, "type": OLD_NAMES[kind]}


def wire_id(user_id: str, fire_id: str, session_id: str) -> str:
    """Answer the id under which a session's worker gets an event; a repeat of the event has the same one (14.1)."""
    name = "\0".join((user_id, fire_id, session_id)).encode("utf-8", "surrogatepass")
    return f"dlv_{hashlib.sha256(name).hexdigest()[:16]}"


def fresh_id(prefix: str = "ext") -> str:
    """Make a trigger id: `ext_` and 16 hex digits (2.9)."""
    return f"{prefix}_{secrets.token_hex(8)}"
