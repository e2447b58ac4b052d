"""Hold one live agent session in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from relay.clock import iso
from relay.realtime import Room, Socket
from relay.sessions.audience import Audience
from relay.sessions.meta import MetaState
from relay.sessions.queue import SessionQueue
from relay.sessions.thinking import ThinkingTracker
from relay.sessions.transcript import Transcript


@dataclass(slots=True)
class SessionLinks:
    """Hold what ties a session to its runner and to its parent (sockets-agents.md 2.11)."""

    runner_id: str | None = None
    runner_name: str | None = None
    parent_id: str | None = None
    linked_parent_id: str | None = None


@dataclass(slots=True)
class Heartbeat:
    """Hold what the newest heartbeat said; `raw` is the whole event as JSON."""

    active: bool = False
    at_ms: int | None = None
    at: str | None = None
    model: object = None
    raw: bytes | None = None


class UserMessages:
    """Let those who forwarded input see that the agent took a user message up.

    Client 0.52.0 acknowledges `input` only when its run ends, but it publishes the message when the run begins.
    """

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def expect(self) -> asyncio.Future[None]:
        """Answer a future of the next user message; whoever does not wait any longer cancels it."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        waiter.add_done_callback(self._waiting.discard)
        return waiter

    def began(self) -> None:
        """Tell everybody who waits."""
        for waiter in list(self._waiting):
            if not waiter.done():
                waiter.set_result(None)


class AgentSession:
    """Own the state of one live or awaited session; changed only in its queue or between awaits.

    `socket` is the agent's `/relay` socket, None while the session is awaited after a restart (4.4).
    """

    def __init__(
        self,
        session_id: str,
        user_id: str,
        user_name: str,
        *,
        queue: SessionQueue,
        transcript: Transcript,
        meta: MetaState,
    ) -> None:
        self.id = session_id
        self.user_id = user_id
        self.user_name = user_name
        self.queue = queue
        self.transcript = transcript
        self.meta = meta
        self.audience = Audience()
        self.meta_audience = Room()
        self.thinking = ThinkingTracker()
        self.user_messages = UserMessages()
        self.links = SessionLinks()
        self.heartbeat = Heartbeat()
        self.socket: Socket | None = None
        self.token = ""
        self.generation = ""
        self.cwd = ""
        self.share_url = ""
        self.started_at = ""
        self.name: str | None = None
        #: What it was first asked, cut to 300 characters; None until its agent shows it.
        self.first_prompt: str | None = None
        #: When its agent last began or stopped working; None until it did (*ours*, for what is new to somebody).
        self.turned_at: str | None = None
        self.session_file: str | None = None
        self.collab_mode = True
        self.is_ephemeral = True
        self.acks_trigger = False
        self.expires_at_ms: int | None = None
        self.last_active_ms = 0
        self.nonce: str | None = None
        self.nonce_until = 0.0
        self.question_call_id: str | None = None
        #: Written to the database only through `persistence`; False while the stored state was not read yet.
        self.state_loaded = True

    @property
    def runner_id(self) -> str | None:
        """Answer the runner that the session is linked to."""
        return self.links.runner_id

    @property
    def parent_id(self) -> str | None:
        """Answer the confirmed parent."""
        return self.links.parent_id

    @property
    def is_active(self) -> bool:
        """Tell whether the agent is in a turn, as its last heartbeat said."""
        return self.heartbeat.active

    @property
    def connected(self) -> bool:
        """Tell whether the agent's socket is there."""
        return self.socket is not None and self.socket.connected

    def info(self) -> dict[str, object]:
        """Answer the SessionInfo of hub and REST lists (sockets-browsers.md 4.2, rest-runners.md 2.3)."""
        return {
            "sessionId": self.id,
            "shareUrl": self.share_url,
            "cwd": self.cwd,
            "startedAt": self.started_at,
            "viewerCount": 0,
            "userId": self.user_id,
            "userName": self.user_name,
            "sessionName": self.name,
            "isEphemeral": self.is_ephemeral,
            "expiresAt": iso(self.expires_at_ms) if self.expires_at_ms is not None else None,
            "isActive": self.is_active,
            "lastHeartbeatAt": self.heartbeat.at,
            "model": self.heartbeat.model,
            "runnerId": self.links.runner_id,
            "runnerName": self.links.runner_name,
            "parentSessionId": self.links.parent_id,
            **({} if self.turned_at is None else {"changedAt": self.turned_at}),
            **self._prompt(),
        }

    def status(self) -> dict[str, object]:
        """Answer the hub's `session_status` body (sockets-browsers.md 4.2)."""
        return {
            "sessionId": self.id,
            "isActive": self.is_active,
            "lastHeartbeatAt": self.heartbeat.at,
            "sessionName": self.name,
            "model": self.heartbeat.model,
            **self._prompt(),
        }

    def _prompt(self) -> dict[str, object]:
        """Answer the field *of ours* that lists name and find sessions by."""
        return {} if self.first_prompt is None else {"firstPrompt": self.first_prompt}
