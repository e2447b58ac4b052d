"""Assemble a transcript from the events that a viewer gets, by sockets-browsers.md 7.7, independently of the relay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

JsonObject = Mapping[str, object]
#: Role, text and names of the tools called: one message as `essence` tells it.
Line = tuple[str, str, tuple[str, ...]]

_TOOL_ROLES: Final = frozenset({"toolResult", "tool_result", "toolresult", "tool"})
#: What waits while a chunked snapshot is being put together (7.7, 2).
_DEFERRED: Final = frozenset(
    {
        "message_start",
        "message_update",
        "message_end",
        "turn_end",
        "tool_execution_start",
        "tool_execution_update",
        "tool_execution_end",
    }
)


def as_object(value: object) -> JsonObject:
    """Answer a JSON object, or an empty one when the value is none."""
    return value if isinstance(value, Mapping) else {}


def as_objects(value: object) -> list[JsonObject]:
    """Answer the objects in a JSON list."""
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def text_of(message: JsonObject) -> str:
    """Answer the text parts of a message, joined."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text", "")) for part in as_objects(content) if part.get("type") == "text")


def tool_calls(message: JsonObject) -> list[tuple[str, str]]:
    """Answer id and name of each tool call in an assistant message."""
    parts = [part for part in as_objects(message.get("content")) if part.get("type") == "toolCall"]
    return [(str(part.get("id") or part.get("toolCallId")), str(part.get("name"))) for part in parts]


def essence(messages: Iterable[JsonObject]) -> list[Line]:
    """Answer role, text and tool calls of each message: what must agree between live assembly and a snapshot.

    The agent puts its system prompt into its snapshots as a message; no viewer shows it, so it is left out.
    """
    shown = [message for message in messages if message.get("role") != "system"]
    return [(str(m.get("role")), text_of(m), tuple(name for _id, name in tool_calls(m))) for m in shown]


def key_of(message: JsonObject, label: str) -> str:
    """Answer the identity of a message (7.7): it has no reliable id of its own."""
    role, call = str(message.get("role")), message.get("toolCallId")
    if role in _TOOL_ROLES and call:
        return f"tool-call:{call}"
    for name in ("id", "toolCallId", "timestamp"):
        if message.get(name):
            return f"{role}:{name}:{message[name]}"
    return f"{role}:{label}"


@dataclass(slots=True)
class _Item:
    key: str
    message: JsonObject


@dataclass(slots=True)
class _Buffer:
    """Collect the chunks of one snapshot."""

    snapshot_id: str
    chunks: dict[int, list[JsonObject]] = field(default_factory=dict)
    total: int | None = None
    final: bool = False
    deferred: list[JsonObject] = field(default_factory=list)


class Transcript:
    """Hold what a viewer shows.

    `needs_resync` is set when a chunk stream ended with holes. `partials` are the texts of the growing message, one
    per update, `runs` the assembled messages at each `agent_end`: the snapshot that follows must not differ.
    """

    def __init__(self) -> None:
        self._items: list[_Item] = []
        self._stream_key: str | None = None
        self._buffer: _Buffer | None = None
        self.active_tools: dict[str, str] = {}
        self.hydrated = False
        self.snapshots = 0
        self.has_more = False
        self.oldest_index = 0
        self.needs_resync = False
        self.partials: list[str] = []
        self.runs: list[list[JsonObject]] = []
        self.state: JsonObject = {}

    def messages(self) -> list[JsonObject]:
        """Answer the messages in the order of the transcript."""
        return [item.message for item in self._items]

    def texts(self, role: str) -> list[str]:
        """Answer the text of every message of a role."""
        return [text_of(message) for message in self.messages() if message.get("role") == role]

    def last_text(self) -> str:
        """Answer the text of the newest assistant message, finished or growing."""
        texts = self.texts("assistant")
        return texts[-1] if texts else ""

    def prepend(self, messages: list[JsonObject], oldest_index: int, has_more: bool) -> None:
        """Put a page of older messages in front (sockets-browsers.md 3.7)."""
        self._items[:0] = [_Item(key_of(m, f"page:{oldest_index + i}"), m) for i, m in enumerate(messages)]
        self.oldest_index, self.has_more = oldest_index, has_more

    def apply(self, event: JsonObject) -> None:
        """Take in one agent event."""
        kind = str(event.get("type"))
        if self._buffer is not None and kind in _DEFERRED:
            self._buffer.deferred.append(event)
            return
        match kind:
            case "session_active":
                self._session_active(event)
            case "session_messages_chunk":
                self._chunk(event)
            case "agent_end":
                self._agent_end(event)
            case "message_start":
                self._upsert(as_object(event.get("message")), kind)
            case "message_update":
                self._grow(event)
            case "message_end" | "turn_end":
                self._finish(as_object(event.get("message")), kind)
            case "tool_execution_start":
                self.active_tools[str(event.get("toolCallId"))] = str(event.get("toolName"))
            case "tool_execution_update":
                self._tool_output(event)
            case "tool_execution_end":
                self.active_tools.pop(str(event.get("toolCallId")), None)
            case _:
                pass

    def _session_active(self, event: JsonObject) -> None:
        state = as_object(event.get("state"))
        if state.get("chunked"):
            self._buffer = _Buffer(str(state.get("snapshotId")))
            return
        self.state = state
        self._replace(as_objects(state.get("messages")))
        self.has_more = state.get("hasMore") is True
        oldest = state.get("oldestLoadedIndex")
        self.oldest_index = oldest if isinstance(oldest, int) else 0

    def _agent_end(self, event: JsonObject) -> None:
        self.runs.append(self.messages())
        self._buffer = None
        if "messages" in event:
            self._replace(as_objects(event["messages"]))
            self.active_tools = {}
        else:
            self.hydrated = False

    def _replace(self, messages: list[JsonObject]) -> None:
        """Swap the whole transcript for a snapshot (7.7, 1)."""
        kept = _normalised(messages)
        self._items = [_Item(key_of(message, f"snapshot:{index}"), message) for index, message in enumerate(kept)]
        done = {str(m.get("toolCallId")) for m in kept if m.get("role") in _TOOL_ROLES}
        self.active_tools = {i: name for m in kept for i, name in tool_calls(m) if i not in done}
        self._stream_key = self._buffer = None
        self.hydrated = True
        self.snapshots += 1

    def _chunk(self, event: JsonObject) -> None:
        buffer, index = self._buffer, event.get("chunkIndex")
        if buffer is None or event.get("snapshotId") != buffer.snapshot_id or not isinstance(index, int):
            return
        buffer.chunks.setdefault(index, as_objects(event.get("messages")))
        total = event.get("totalChunks")
        if isinstance(total, int):
            buffer.total = total
        buffer.final = buffer.final or event.get("final") is True
        if not buffer.final:
            return
        if set(buffer.chunks) != set(range(buffer.total or 0)):
            self.needs_resync = True
            return
        self._replace([message for position in sorted(buffer.chunks) for message in buffer.chunks[position]])
        for waiting in buffer.deferred:
            self.apply(waiting)

    def _upsert(self, message: JsonObject, label: str) -> str:
        key = key_of(message, label)
        for item in self._items:
            if item.key == key:
                item.message = message
                return key
        self._items.append(_Item(key, message))
        return key

    def _grow(self, event: JsonObject) -> None:
        """Show the message so far: always the whole of it, never a delta appended (7.6)."""
        step = as_object(event.get("assistantMessageEvent"))
        partial = step.get("partial")
        if not isinstance(partial, Mapping):
            self._upsert(as_object(event.get("message")), "message_update")
            return
        self.partials.append(text_of(partial))
        bare = {name: value for name, value in partial.items() if name != "timestamp"}
        key = key_of(bare, "growing")
        last = self._items[-1] if self._items else None
        known = any(item.key == key for item in self._items)
        if (
            not known
            and last is not None
            and "timestamp" not in last.message
            and last.message.get("role") == bare.get("role")
        ):
            last.key, last.message = key, bare
        else:
            self._upsert(bare, "growing")
        self._stream_key = key

    def _finish(self, message: JsonObject, label: str) -> None:
        key = key_of(message, label)
        if self._stream_key is not None and self._stream_key != key and message.get("role") == "assistant":
            self._items = [item for item in self._items if item.key != self._stream_key]
            self._stream_key = None
        self._upsert(message, label)

    def _tool_output(self, event: JsonObject) -> None:
        if event.get("toolName") in ("AskUserQuestion", "plan_mode"):
            return
        partial = as_object(event.get("partialResult"))
        shown = {
            "role": "toolResult",
            "toolCallId": event.get("toolCallId"),
            "toolName": event.get("toolName"),
            "content": partial.get("content"),
            "partial": True,
        }
        self._upsert(shown, "tool_execution_update")


def _normalised(messages: list[JsonObject]) -> list[JsonObject]:
    """Drop the assistant drafts without a timestamp that a finished message stands for (7.7, 1)."""
    kept: list[JsonObject] = []
    for index, message in enumerate(messages):
        if message.get("role") == "assistant" and not message.get("timestamp"):
            later = [m for m in messages[index + 1 :] if m.get("role") == "assistant" and m.get("timestamp")]
            calls = {call for call, _name in tool_calls(message)}
            following = messages[index + 1] if index + 1 < len(messages) else {}
            replaced = following.get("role") == "assistant" and bool(following.get("timestamp"))
            shares = any(calls & {call for call, _name in tool_calls(m)} for m in messages if m.get("timestamp"))
            repeats = not calls and any(text_of(m).startswith(text_of(message)) for m in later)
            if replaced or shares or repeats:
                continue
        kept.append(message)
    return kept
