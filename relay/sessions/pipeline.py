"""Process one agent event: its effects on the session, then its delivery (sockets-agents.md 2.4).

Every step runs in the session's queue. Nothing here waits for anybody, except for the attachment store when a snapshot
carries a new inline image.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from relay.clock import Clock
from relay.sessions import prompts
from relay.sessions.broadcast import broadcast
from relay.sessions.effects import Effects
from relay.sessions.heads import (
    MessageEvent,
    MessageHead,
    ToolEvent,
    event_type,
    read,
    update_kind,
    without_context,
)
from relay.sessions.meta import PATCHES
from relay.sessions.session import AgentSession
from relay.sessions.snapshots import Snapshots

log = logging.getLogger(__name__)

_Step = Callable[[AgentSession, bytes], Awaitable[None] | None]
#: A tool runs a handful of calls at once; an agent that never ends them loses the oldest.
MAX_TOOL_UPDATES = 64


class Push(Protocol):
    """Hear of events after they were delivered (2.17); the push room implements it, tests listen with it."""

    def __call__(self, session: AgentSession, kind: str, event: bytes) -> None:
        """Take one delivered event."""


class Pipeline:
    """Dispatch events by type; types without an entry are delivered and cached as they are."""

    def __init__(self, clock: Clock, effects: Effects, snapshots: Snapshots) -> None:
        self._clock = clock
        self._effects = effects
        self._snapshots = snapshots
        self._observers: list[Push] = []
        #: Events taken since the start.
        self.events = 0
        steps: dict[str, _Step] = {
            "session_active": snapshots.active,
            "session_messages_chunk": snapshots.chunk,
            "heartbeat": effects.heartbeat,
            "session_metadata_update": effects.metadata,
            "capabilities": self._capabilities,
            "message_update": self._message_update,
            "message_start": self._message_start,
            "message_end": self._message_end,
            "turn_end": self._turn_end,
            "agent_start": self._agent_start,
            "agent_end": self._agent_end,
            "tool_execution_update": self._tool_update,
            "tool_execution_end": self._tool_end,
        }
        steps.update(dict.fromkeys(PATCHES, effects.meta_event))
        steps["mcp_startup_report"] = self._startup_report
        self._steps = steps

    def observe(self, observer: Push) -> None:
        """Let `observer` hear of every later event of the types that it may act on."""
        self._observers.append(observer)

    def push(self, session: AgentSession, token: str, event: bytes) -> None:
        """Queue an event of the agent that holds `token`; one whose token is no longer the session's is dropped."""

        def step() -> Awaitable[None] | None:
            if session.token != token:
                return None
            return self.process(session, event)

        session.queue.push(len(event), step)

    def runner_event(self, session: AgentSession, event: bytes) -> None:
        """Queue an event that the session's runner published for it (3.1, `runner_session_event`)."""
        self.events += 1
        session.queue.push(len(event), lambda: self._publish(session, event))

    def process(self, session: AgentSession, event: bytes) -> Awaitable[None] | None:
        """Run one event through the pipeline; runs in the session's queue."""
        self.events += 1
        self._effects.touch(session)
        kind = event_type(event)
        step = self._steps.get(kind, self._publish)
        rest = step(session, event)
        for observer in self._observers:
            observer(session, kind, event)
        return rest

    def _publish(self, session: AgentSession, event: bytes) -> None:
        """Number, cache and deliver an event: cache first, then broadcast."""
        broadcast(session, event, session.transcript.publish(event))

    def _capabilities(self, session: AgentSession, event: bytes) -> None:
        self._effects.capabilities(session, event)
        self._publish(session, event)

    def _startup_report(self, session: AgentSession, event: bytes) -> None:
        """Take a report as meta event; the flat form of an old client is an ordinary event (2.4, step D)."""
        if self._effects.has_report(event):
            self._effects.meta_event(session, event)
        else:
            self._publish(session, event)

    def _message_update(self, session: AgentSession, event: bytes) -> None:
        """Keep and show the newest partial message; it replaces a delta that waits for a slow viewer (3.1, rule 9)."""
        kind = update_kind(event)
        if kind in ("thinking_start", "thinking_end"):
            session.thinking.note(event, self._clock.monotonic())
        session.transcript.newest_update = event
        broadcast(session, event, supersedes=(session.id, "message") if kind.endswith("_delta") else None)

    def _message_start(self, session: AgentSession, event: bytes) -> None:
        self._forget_partial(session, event)
        self._publish(session, event)
        if session.first_prompt is None:
            self._effects.prompted(session, prompts.in_message(event))
        if session.user_messages and _role(event) == "user":
            session.user_messages.began()

    def _message_end(self, session: AgentSession, event: bytes) -> None:
        self._forget_partial(session, event)
        self._publish(session, session.thinking.finish(event))

    def _turn_end(self, session: AgentSession, event: bytes) -> None:
        session.transcript.newest_update = None
        self._publish(session, session.thinking.finish(without_context(event)))

    def _forget_partial(self, session: AgentSession, event: bytes) -> None:
        """Drop the newest partial message when an assistant's message begins or ends."""
        if session.transcript.newest_update is None:
            return
        if _role(event) == "assistant":
            session.transcript.newest_update = None

    def _agent_start(self, session: AgentSession, event: bytes) -> None:
        session.transcript.forget_cumulative()
        self._publish(session, event)

    def _agent_end(self, session: AgentSession, event: bytes) -> Awaitable[None] | None:
        session.transcript.forget_cumulative()
        return self._snapshots.agent_end(session, event)

    def _tool_update(self, session: AgentSession, event: bytes) -> None:
        """Keep and show the newest output of a running tool (3.1, rules 1, 3, 9)."""
        call = _call_id(event)
        if call is not None:
            updates = session.transcript.tool_updates
            updates.pop(call, None)
            updates[call] = event
            if len(updates) > MAX_TOOL_UPDATES:
                del updates[next(iter(updates))]
        broadcast(session, event, supersedes=(session.id, "tool", call) if call is not None else None)

    def _tool_end(self, session: AgentSession, event: bytes) -> None:
        if session.transcript.tool_updates:
            session.transcript.tool_updates.pop(_call_id(event) or "", None)
        self._publish(session, event)


def _call_id(event: bytes) -> str | None:
    tool = read(ToolEvent, event)
    return tool.toolCallId if tool is not None and isinstance(tool.toolCallId, str) else None


def _role(event: bytes) -> object:
    """Answer who speaks in a `message_start` or `message_end`."""
    outer = read(MessageEvent, event)
    message = read(MessageHead, outer.message) if outer is not None else None
    return message.role if message is not None else None
