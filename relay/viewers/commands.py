"""Forward what viewers tell an agent (sockets-browsers.md 2.5 to 2.8; sockets-agents.md 2.14)."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

import msgspec

from relay import jsontext
from relay.events import Bus, SessionRemoved
from relay.realtime import Ack, Packet, Socket, SocketGone
from relay.sessions.broadcast import event_packet
from relay.sessions.heads import read
from relay.sessions.session import AgentSession
from relay.settings.hidden_models import is_hidden
from relay.storage import StorageError
from relay.viewers.hydration import generation_member
from relay.viewers.joining import Joining
from relay.viewers.limits import ViewerLimits
from relay.viewers.needs import ViewerNeeds
from relay.viewers.state import ViewerState

log = logging.getLogger(__name__)

_ATTACHMENT_FIELDS: Final = ("attachmentId", "mediaType", "filename", "url")
_DELIVERIES: Final = ("steer", "followUp")


class ExecHead(msgspec.Struct):
    """Hold the two fields of an `exec` that matter here."""

    id: object = None
    command: object = None


class Commands:
    """Pass input, model choices and commands to agents; collab mode gates all of them (1.4)."""

    def __init__(self, joining: Joining, needs: ViewerNeeds, limits: ViewerLimits, bus: Bus) -> None:
        self._joining = joining
        self._needs = needs
        self._limits = limits
        self._ends: dict[str, OrderedDict[str, None]] = {}
        bus.subscribe(SessionRemoved, self._removed)

    async def input(self, state: ViewerState, payload: object, ack: Ack) -> None:
        """Forward input and acknowledge it exactly once: silence of the agent counts as delivered (2.5).

        So does a user message that begins, since client 0.52.0 acknowledges only when its run ends.
        """
        agent, session = self._agent(state), self._joining.watched(state)
        body = forwarded_input(payload)
        if agent is None or session is None or body is None:
            ack(False)
            return
        answer, taken_up = agent.ask("input", body), session.user_messages.expect()

        def answered(done: asyncio.Future[list[object]]) -> None:
            if not done.cancelled():
                ack(_delivered(done))

        # From the callback, since a leaving agent's viewers are kicked in the very next moment.
        answer.add_done_callback(answered)
        waited_for: set[asyncio.Future[list[object]] | asyncio.Future[None]] = {answer, taken_up}
        try:
            await asyncio.wait(waited_for, timeout=self._needs.limits.input_ack, return_when=asyncio.FIRST_COMPLETED)
            ack(_delivered(answer))
        finally:
            answer.cancel()
            taken_up.cancel()

    async def model_set(self, state: ViewerState, payload: object) -> None:
        """Forward a model choice; one that the user hides is refused visibly, or the browser would wait (2.3)."""
        session = self._joining.watched(state)
        if session is None or not session.collab_mode or not isinstance(payload, dict):
            return
        provider, model = payload.get("provider"), payload.get("modelId")
        if not isinstance(provider, str) or not isinstance(model, str):
            return
        activation = state.activation
        hidden = await self._hidden(state.user_id)
        if not state.is_current(activation):
            return
        if is_hidden(hidden, provider, model):
            self._refuse_model(state, session, provider, model)
            return
        agent = self._agent(state)
        if agent is not None:
            agent.emit("model_set", {"provider": provider, "modelId": model})

    def exec(self, state: ViewerState, raw: bytes) -> None:
        """Forward a command as it came; the agent's `exec_result` goes to every viewer (2.8)."""
        session = self._joining.watched(state)
        agent = self._agent(state)
        head = read(ExecHead, raw)
        if session is None or agent is None or head is None:
            return
        if head.command == "end_session" and isinstance(head.id, str):
            pending = self._ends.setdefault(session.id, OrderedDict())
            pending[head.id] = None
            if len(pending) > self._limits.pending_ends:
                pending.popitem(last=False)
        agent.send(Packet.spliced(agent.namespace.name, "exec", raw))

    def exec_result(self, session: AgentSession, result: Mapping[str, object]) -> None:
        """Note whether the agent took an `end_session` that a viewer sent (sockets-agents.md 2.10)."""
        pending = self._ends.get(session.id)
        identifier = result.get("id")
        if pending is None or not isinstance(identifier, str) or identifier not in pending:
            return
        del pending[identifier]
        if not pending:
            del self._ends[session.id]
        if result.get("ok") is True:
            self._needs.ended_by_person(session.id)

    def _removed(self, event: SessionRemoved) -> None:
        self._ends.pop(event.session_id, None)

    def mcp_oauth_paste(self, state: ViewerState, payload: object, ack: Ack) -> None:
        """Forward a pasted authorisation code; acknowledge in every case (2.7)."""
        error = self._paste(state, payload if isinstance(payload, dict) else {})
        ack({"ok": True} if error is None else {"ok": False, "error": error})

    def _paste(self, state: ViewerState, fields: Mapping[str, object]) -> str | None:
        session = self._joining.watched(state)
        if session is None:
            return "No active session"
        if not session.collab_mode:
            return "Session not in collab mode"
        nonce, code, oauth_state = fields.get("nonce"), fields.get("code"), fields.get("state")
        if not isinstance(nonce, str) or not isinstance(code, str) or not nonce or not code:
            return "Missing nonce or code"
        agent = self._agent(state)
        if agent is None:
            return "Runner session unavailable"
        body: dict[str, object] = {"nonce": nonce, "code": code}
        if isinstance(oauth_state, str):
            body["state"] = oauth_state
        agent.emit("mcp_oauth_paste", body)
        return None

    def _agent(self, state: ViewerState) -> Socket | None:
        """Answer the agent that this viewer may command."""
        session = self._joining.watched(state)
        if session is None or not session.collab_mode or not session.connected:
            return None
        return session.socket

    async def _hidden(self, user_id: str) -> list[str]:
        try:
            return await self._needs.hidden_models(user_id)
        except StorageError:
            # The worker has its own list, so a choice is let through rather than lost.
            log.exception("hidden models cannot be read", extra={"user_id": user_id})
            return []

    @staticmethod
    def _refuse_model(state: ViewerState, session: AgentSession, provider: str, model: str) -> None:
        event = {
            "type": "model_set_result",
            "ok": False,
            "provider": provider,
            "modelId": model,
            "message": "This model is hidden in your settings.",
        }
        extra = generation_member(state)
        state.socket.send(event_packet(session.id, jsontext.dumps(event), extra=extra))


def _delivered(answer: asyncio.Future[list[object]]) -> bool:
    """Judge an agent's acknowledgement of input; none yet counts as delivered."""
    if not answer.done():
        return True
    try:
        values = answer.result()
    except SocketGone:
        return False
    return bool(values) and values[0] is True


def forwarded_input(payload: object) -> dict[str, object] | None:
    """Reduce a viewer's `input` to what agents know (2.5, steps 2 and 3); answer None when it says nothing."""
    if not isinstance(payload, dict):
        return None
    text = payload.get("text")
    attachments = _attachments(payload.get("attachments"))
    if text is None and attachments:
        text = ""
    if not isinstance(text, str):
        return None
    body: dict[str, object] = {"text": text, "attachments": attachments}
    client, deliver_as, request_id = payload.get("client"), payload.get("deliverAs"), payload.get("requestId")
    if isinstance(client, str) and client:
        body["client"] = client
    if deliver_as in _DELIVERIES:
        body["deliverAs"] = deliver_as
    if isinstance(request_id, str):
        body["requestId"] = request_id
    return body


def _attachments(value: object) -> list[dict[str, str]]:
    if not isinstance(value, list):
        return []
    kept: list[dict[str, str]] = []
    for entry in value:
        if not isinstance(entry, dict):
            continue
        fields = {key: entry[key] for key in _ATTACHMENT_FIELDS if isinstance(entry.get(key), str)}
        if fields.get("attachmentId") or fields.get("url"):
            kept.append(fields)
    return kept
