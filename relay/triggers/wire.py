"""Read and write triggers as they travel, and their history entries; pure functions (rest-runners.md 2.5, 2.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from relay import jsontext
from relay.sessions.session import AgentSession

#: What a child publishes when it is done; the parent's worker acts on the answer, the child does not (14.3).
COMPLETIONS: Final = frozenset({"session_complete", "lifecycle:session_complete"})
#: Bytes of a payload kept in a history entry; the panel shows a summary of it.
MAX_PAYLOAD: Final = 64 * 1024

Json = dict[str, object]


def history_entry(trigger: Mapping[str, object], now: str) -> Json:
    """Answer the inbound history entry of a trigger; a payload too large for a panel is left out."""
    payload = trigger.get("payload")
    entry: Json = {
        "triggerId": trigger.get("triggerId"),
        "type": trigger.get("type") if isinstance(trigger.get("type"), str) else "",
        "source": trigger.get("sourceSessionId"),
        "payload": payload if isinstance(payload, dict) and len(jsontext.dumps(payload)) <= MAX_PAYLOAD else {},
        "deliverAs": "steer" if trigger.get("deliverAs") == "steer" else "followUp",
        "ts": trigger.get("ts") if isinstance(trigger.get("ts"), str) else now,
        "direction": "inbound",
    }
    summary = trigger.get("sourceSessionName")
    if isinstance(summary, str) and summary:
        entry["summary"] = summary
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
