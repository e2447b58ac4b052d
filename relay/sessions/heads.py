"""Decode the few fields of an agent's event that the pipeline needs; everything else stays bytes.

One decode takes the packet apart, a shallow second one names the event (../design.md, How data flows). A message with a
lone surrogate, which msgspec refuses, is read by the standard library and written again with escapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from relay import jsontext

S = TypeVar("S", bound=msgspec.Struct)

NULL = msgspec.Raw(b"null")


class EventPacket(msgspec.Struct):
    """Hold the body of an `event` packet (sockets-agents.md 2.4)."""

    token: object = None
    seq: object = None
    event: msgspec.Raw = NULL


class EventHead(msgspec.Struct):
    """Hold the type of an event."""

    type: object = None


class MessageHead(msgspec.Struct):
    """Hold what decides about a message: who speaks."""

    role: object = None


class MessageEvent(msgspec.Struct):
    """Hold the message of `message_start`, `message_end` and `turn_end`."""

    message: msgspec.Raw = NULL


class UpdateKind(msgspec.Struct):
    """Hold the kind of a streaming delta and the content part that it belongs to (sockets-browsers.md 7.6)."""

    type: object = None
    contentIndex: object = None  # noqa: N815 - the contract's name


class UpdateEvent(msgspec.Struct):
    """Hold the kind of a `message_update`."""

    assistantMessageEvent: UpdateKind | None = None  # noqa: N815 - the contract's name


class ToolEvent(msgspec.Struct):
    """Hold the call that a `tool_execution_*` event belongs to."""

    toolCallId: object = None  # noqa: N815 - the contract's name
    toolName: object = None  # noqa: N815 - the contract's name


class ActiveState(msgspec.Struct):
    """Hold the fields of `session_active.state` that have effects on arrival (2.6)."""

    chunked: object = None
    snapshotId: object = None  # noqa: N815 - the contract's name
    sessionName: object = msgspec.UNSET  # noqa: N815 - the contract's name
    sessionFile: object = None  # noqa: N815 - the contract's name


class ActiveEvent(msgspec.Struct):
    """Hold a `session_active` event: its state as bytes and the nonce that it echoes."""

    state: msgspec.Raw = NULL
    recoveryNonce: object = None  # noqa: N815 - the contract's name


class ChunkEvent(msgspec.Struct):
    """Hold a `session_messages_chunk` (2.6.2)."""

    snapshotId: object = None  # noqa: N815 - the contract's name
    chunkIndex: object = None  # noqa: N815 - the contract's name
    totalChunks: object = None  # noqa: N815 - the contract's name
    messages: msgspec.Raw = NULL
    final: object = None


class MessagesEvent(msgspec.Struct):
    """Hold the messages of an old client's `agent_end`."""

    messages: msgspec.Raw = NULL


_TYPE_FIRST: Final = b'{"type":"'
_KIND: Final = b'"assistantMessageEvent":{"type":"'
_CONTEXT: Final = b'"context":'
_LONGEST_TYPE: Final = 100
_PACKET = msgspec.json.Decoder(EventPacket)
_HEAD = msgspec.json.Decoder(EventHead)
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_packet(data: bytes) -> EventPacket | None:
    """Take an `event` packet apart; answer None when it is no JSON object."""
    try:
        return _PACKET.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return _slowly(EventPacket, data)


def event_type(event: bytes) -> str:
    """Answer the type of an event, or "" when it has none or is no object.

    `event` is valid JSON already, so where the type comes first, as every known agent writes it, a slice is enough.
    """
    if event.startswith(_TYPE_FIRST):
        end = event.find(b'"', len(_TYPE_FIRST), len(_TYPE_FIRST) + _LONGEST_TYPE)
        name = event[len(_TYPE_FIRST) : end]
        if end > 0 and b"\\" not in name:
            return name.decode()
    try:
        kind = _HEAD.decode(event).type
    except (msgspec.DecodeError, RecursionError):
        head = _slowly(EventHead, event)
        kind = head.type if head is not None else None
    return kind if isinstance(kind, str) else ""


def update_kind(event: bytes) -> str:
    """Answer the kind of a `message_update`, such as `text_delta`, or "".

    A quote inside a JSON string is escaped, so the pattern can only be found at a real member.
    """
    start = event.find(_KIND)
    if start >= 0:
        start += len(_KIND)
        end = event.find(b'"', start, start + _LONGEST_TYPE)
        if end > 0:
            return event[start:end].decode()
    update = read(UpdateEvent, event)
    kind = (
        update.assistantMessageEvent.type if update is not None and update.assistantMessageEvent is not None else None
    )
    return kind if isinstance(kind, str) else ""


def without_context(event: bytes) -> bytes:
    """Answer a `turn_end` without its `context`, which no viewer reads.

    Client 0.52.0 repeats the whole conversation there, four times over: a transcript of 6 MB makes turn ends of 24 MB,
    after every tool call. One of them would empty the event cache, two would cut every viewer that is not the quickest.
    """
    if _CONTEXT not in event:
        return event
    members = split_object(event)
    if members is None or members.pop("context", None) is None:
        return event
    return join_object({**members})


def read(kind: type[S], event: bytes | msgspec.Raw) -> S | None:
    """Decode the named fields of `event`; answer None when they have shapes that the contract does not know."""
    try:
        return msgspec.json.decode(event, type=kind)
    except (msgspec.DecodeError, RecursionError):
        return _slowly(kind, event)


def split_array(text: bytes | msgspec.Raw) -> list[msgspec.Raw] | None:
    """Split a JSON array into its elements, unparsed; answer None when it is no array."""
    try:
        return _ARRAY.decode(text)
    except (msgspec.DecodeError, RecursionError):
        parsed = _parsed(text)
        return [msgspec.Raw(jsontext.dumps(item)) for item in parsed] if isinstance(parsed, list) else None


def split_object(text: bytes | msgspec.Raw) -> dict[str, msgspec.Raw] | None:
    """Split a JSON object into its members, unparsed; answer None when it is no object."""
    try:
        return _OBJECT.decode(text)
    except (msgspec.DecodeError, RecursionError):
        parsed = _parsed(text)
        if not isinstance(parsed, dict):
            return None
        return {key: msgspec.Raw(jsontext.dumps(value)) for key, value in parsed.items()}


def join_object(members: dict[str, bytes | msgspec.Raw]) -> bytes:
    """Write a JSON object from its members' texts."""
    return b"{" + b",".join([jsontext.dumps(key) + b":" + bytes(value) for key, value in members.items()]) + b"}"


def join_array(items: Sequence[bytes | msgspec.Raw]) -> bytes:
    """Write a JSON array from its elements' texts."""
    return b"[" + b",".join([bytes(item) for item in items]) + b"]"


def _parsed(text: bytes | msgspec.Raw) -> object:
    try:
        return jsontext.loads(bytes(text))
    except (ValueError, RecursionError):
        return None


def _slowly(kind: type[S], text: bytes | msgspec.Raw) -> S | None:
    """Read what msgspec refuses: a lone surrogate somewhere, or a field of another shape than the contract's."""
    parsed = _parsed(text)
    return _fitted(kind, parsed) if isinstance(parsed, dict) else None


def _fitted(kind: type[S], parsed: dict[str, object]) -> S:
    values: dict[str, object] = {}
    for field in msgspec.structs.fields(kind):
        if field.name not in parsed:
            continue
        value = parsed[field.name]
        if field.type is msgspec.Raw:
            values[field.name] = msgspec.Raw(jsontext.dumps(value))
        elif field.type is object:
            values[field.name] = value
        elif isinstance(value, dict):
            values[field.name] = _fitted(UpdateKind, value)
    return kind(**values)
