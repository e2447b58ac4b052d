"""Let viewers choose what they watch, and bring them back when it returns (sockets-browsers.md 2.4, 3.2, 3.8)."""

from __future__ import annotations

import asyncio
import logging

from relay import jsontext
from relay.events import Bus, SessionAdded
from relay.sessions.audience import Watcher
from relay.sessions.broadcast import event_packet
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.sessions.transcript import Page, Snapshot
from relay.storage import StorageError
from relay.viewers.hydration import Hydration
from relay.viewers.needs import ViewerNeeds
from relay.viewers.state import Switch, ViewerState, ViewerStates

log = logging.getLogger(__name__)

#: A session may be registered anew while its stored state is read; nobody registers that often.
_LOAD_TRIES = 3


class Joining:
    """Move viewers between audiences."""

    def __init__(
        self, registry: SessionRegistry, states: ViewerStates, hydration: Hydration, needs: ViewerNeeds, bus: Bus
    ) -> None:
        self._registry = registry
        self._states = states
        self._hydration = hydration
        self._needs = needs
        self._tasks: set[asyncio.Task[None]] = set()
        bus.subscribe(SessionAdded, self._added)

    async def close(self) -> None:
        """Stop reviving viewers."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def watched(self, state: ViewerState) -> AgentSession | None:
        """Answer the session that a viewer watches now."""
        if state.session_id is None:
            return None
        session = self._registry.get(state.session_id)
        return session if session is not None and state.socket in session.audience.room else None

    def leave(self, state: ViewerState) -> None:
        """Take a viewer out of the audience it is in."""
        session = None if state.session_id is None else self._registry.get(state.session_id)
        if session is not None:
            session.audience.discard(state.socket)
        state.session_id = None

    async def switch(self, state: ViewerState, switch: Switch) -> None:
        """Do 3.2; everything after the stored state of an awaited session is read happens in one step."""
        activation = state.begin(switch.generation)
        self._states.stop_waiting(state)
        if state.session_id != switch.session_id:
            self.leave(state)
        session = await self.loaded(switch.session_id, state.user_id)
        if not state.is_current(activation):
            return
        if session is None:
            self.leave(state)
            self._states.wait_for(state, switch)
            body = {"reason": "Session ended", "code": "session_ended", "sessionId": switch.session_id}
            state.socket.emit("disconnected", state.stamped({**body}))
            return
        if session.user_id != state.user_id:
            self.leave(state)
            state.socket.emit("error", state.stamped({"message": "Session not found"}))
            return
        state.session_id = session.id
        session.audience.add(Watcher(state.socket, session.id, switch.generation))
        self._needs.touch(session)
        self._hydration.start(state, session, switch.last_seq)

    async def bootstrap(self, state: ViewerState, session_id: str) -> None:
        """Serve a client that names its session in the handshake: live as by a switch, else as a replay (3.8)."""
        session = self._registry.get(session_id)
        if session is not None and session.user_id == state.user_id:
            await self.switch(state, Switch(session_id, 0))
        elif session is not None:
            self._refuse(state, "Session not found")
        else:
            await self._replay(state, session_id)

    async def loaded(self, session_id: str, user_id: str) -> AgentSession | None:
        """Answer a live or awaited session; that of `user_id` with its stored state read, if that can be done."""
        session = self._registry.get(session_id)
        for _ in range(_LOAD_TRIES):
            if session is None or session.state_loaded or session.user_id != user_id:
                break
            try:
                await self._needs.states.load(session)
            except StorageError:
                log.exception("stored state cannot be read", extra={"session_id": session_id})
                return self._registry.get(session_id)
            session = self._registry.get(session_id)
        return session

    async def ended_page(self, state: ViewerState, session_id: str, before: float, limit: float) -> Page | None:
        """Answer a page of an ended session that this viewer asked to watch; None for any other (*ours*).

        Upstream pages through live sessions only, so that of an ended one nobody sees more than the end.
        """
        if state.asked is None or state.asked.session_id != session_id:
            return None
        try:
            row = await self._needs.store.row(session_id)
            if row is None or row.user_id != state.user_id:
                return None
            stored = await self._needs.store.state(session_id)
        except StorageError:
            log.exception("stored session cannot be read", extra={"session_id": session_id})
            return None
        return Page(b"[]", 0, False) if stored is None else Snapshot(stored.state).page(before, limit)

    async def _replay(self, state: ViewerState, session_id: str) -> None:
        """Show an ended session once and close the socket, with a code that stops the browser's reconnects."""
        try:
            row = await self._needs.store.row(session_id)
            stored = None if row is None else await self._needs.store.state(session_id)
        except StorageError:
            log.exception("stored session cannot be read", extra={"session_id": session_id})
            self._refuse(state, "Failed to load session snapshot")
            return
        if row is None or row.user_id != state.user_id:
            self._refuse(state, "Session not found")
            return
        state.socket.emit("connected", {"sessionId": session_id, "replayOnly": True, "generation": 0})
        if stored is None:
            self._refuse(state, "Session snapshot not available")
            return
        overlay = jsontext.loads(stored.overlay) if stored.overlay else {}
        tail = Snapshot(stored.state).tail(overlay if isinstance(overlay, dict) else {})
        event = b'{"type":"session_active","state":' + tail + b"}"
        state.socket.send(event_packet(session_id, event, extra=b',"replay":true,"generation":0'))
        reason = "Session is no longer live (snapshot replay)."
        body = {"reason": reason, "code": "snapshot_replay", "sessionId": session_id, "generation": 0}
        state.socket.emit("disconnected", body)
        state.socket.disconnect()

    @staticmethod
    def _refuse(state: ViewerState, message: str) -> None:
        state.socket.emit("error", {"message": message})
        state.socket.disconnect()

    def _added(self, event: SessionAdded) -> None:
        """Revive who asked for this session while it was gone: the unasked `connected` makes the browser go live (2.4).

        It happens after the registration that announces it, which still has something to say to the agent.
        """
        waiting = [state for state in self._states.waiting_for(event.session_id) if state.user_id == event.user_id]
        for state in waiting:
            task = asyncio.get_running_loop().create_task(self._revive(state, event.session_id), name="revive viewer")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _revive(self, state: ViewerState, session_id: str) -> None:
        switch = state.asked
        if switch is None or switch.session_id != session_id or not state.socket.connected:
            return
        await self.switch(state, switch)
        log.info("viewer revived", extra={"session_id": session_id})
