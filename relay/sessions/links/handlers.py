"""Answer the `/relay` events about parents and children (sockets-agents.md 2.11)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from relay import jsontext
from relay.clock import Clock, parse_iso
from relay.events import Bus, SessionRemoved
from relay.realtime import Ack, AckTimeout, Namespace, Socket, SocketGone
from relay.sessions.callers import FOREIGN_TARGET, NOT_THE_PARENT, CallFailed, Payload, answered, sender, text
from relay.sessions.limits import SessionLimits
from relay.sessions.links.links import Links
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession

log = logging.getLogger(__name__)

#: The reason of a teardown by the parent; the daemon compares it literally (2.10).
ACKNOWLEDGED: Final = "Parent acknowledged completion"
#: `parent_delinked` goes to this many children at once.
_AT_ONCE: Final = 32

#: Send an event to a runner by its id; False when it is not connected.
ToRunner = Callable[[str, str, dict[str, object]], bool]
#: Note that a session was ended on purpose: its next disconnect is final (2.10).
ExpectEnd = Callable[[AgentSession], None]
#: Note in the durable row that the parents of a session changed.
MarkRow = Callable[[AgentSession], None]


class EndSession(Protocol):
    """Tear a session down, queued behind its events (2.10)."""

    def __call__(
        self, session: AgentSession, reason: str, *, terminal: bool, ended_by: str | None
    ) -> Awaitable[None]: ...


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Gather what these events set off elsewhere."""

    end: EndSession
    to_runner: ToRunner
    expect_end: ExpectEnd
    mark_row: MarkRow


class LinkHandlers:
    """Own `get_linked_child_count`, `delink_children`, `delink_own_parent` and `cleanup_child_session`."""

    def __init__(
        self,
        registry: SessionRegistry,
        links: Links,
        clock: Clock,
        limits: SessionLimits,
        bus: Bus,
        neighbours: Neighbours,
    ) -> None:
        self._registry = registry
        self._links = links
        self._clock = clock
        self._limits = limits
        self._neighbours = neighbours
        self._leaving: dict[str, set[asyncio.Event]] = {}
        bus.subscribe(SessionRemoved, self._removed)

    def attach(self, namespace: Namespace) -> None:
        """Add the events to `/relay`."""
        namespace.on("get_linked_child_count", answered(self.count))
        namespace.on("delink_children", answered(self.delink_children), waiting=True)
        namespace.on("delink_own_parent", answered(self.delink_own_parent))
        namespace.on("cleanup_child_session", answered(self.cleanup), waiting=True)

    async def count(self, socket: Socket, payload: Payload, ack: Ack) -> None:
        """Count the live children that name the caller as their parent; no answer would block auto-close."""
        parent = sender(self._registry, socket, payload)
        live = [self._registry.get(child) for child in self._links.children(parent.id)]
        linked = [
            child
            for child in live
            if child is not None
            and child.user_id == parent.user_id
            and parent.id in (child.links.parent_id, child.links.linked_parent_id)
        ]
        ack({"ok": True, "count": len(linked)})

    async def delink_children(self, socket: Socket, payload: Payload, ack: Ack) -> None:
        """Sever the children of a parent that starts over, and tell each of them.

        The record of a child keeps its parent: a cancelling answer sent just before must still pass its check. Raises
        CallFailed when a connected child did not confirm; the caller tries again.
        """
        parent = sender(self._registry, socket, payload)
        chosen = self._severed(parent.id, _epoch(payload.get("epoch")))
        await self._links.delink(parent.id, chosen)
        gate = asyncio.Semaphore(_AT_ONCE)
        results = await asyncio.gather(*(self._tell(parent, child, gate) for child in chosen))
        await self._links.told(parent.id, [child for child, told in zip(chosen, results, strict=True) if told])
        missing = results.count(False)
        if missing:
            raise CallFailed(f"{missing} of {len(chosen)} children did not confirm parent_delinked", tell=False)

    def _severed(self, parent_id: str, epoch: float) -> list[str]:
        """Answer which children to sever: the set and the unconfirmed, without those spawned after `epoch` (ms)."""
        ids = list(dict.fromkeys([*self._links.children(parent_id), *self._links.unconfirmed(parent_id)]))
        return [child for child in ids if epoch <= 0 or self._older(parent_id, child, epoch)]

    def _older(self, parent_id: str, child_id: str, epoch: float) -> bool:
        record = self._registry.get(child_id)
        if record is None:
            return True
        started = parse_iso(record.started_at)
        return started is None or started <= epoch or self._links.severed_by(child_id) == parent_id

    async def _tell(self, parent: AgentSession, child_id: str, gate: asyncio.Semaphore) -> bool:
        """Tell one child; answer whether it needs no further telling."""
        child = self._registry.get(child_id)
        if child is None or child.socket is None or not child.connected or child.user_id != parent.user_id:
            return True
        if not child.collab_mode:
            # A mirror never acknowledges; the note reaches it all the same (2.11, quirk).
            child.socket.emit("parent_delinked", {"parentSessionId": parent.id})
            return True
        async with gate:
            try:
                answer = await child.socket.call(
                    "parent_delinked", {"parentSessionId": parent.id}, timeout=self._limits.delink_ack
                )
            except SocketGone:
                return True
            except AckTimeout:
                return False
        return not (answer and isinstance(answer[0], dict) and answer[0].get("ok") is False)

    async def delink_own_parent(self, socket: Socket, payload: Payload, ack: Ack) -> None:
        """Let a child that starts over leave its parent; without a known one, the parent that it names."""
        child = sender(self._registry, socket, payload)
        parents = {child.links.parent_id, child.links.linked_parent_id} - {None}
        if child.links.parent_id is None:
            parents.add(text(payload, "oldParentId") or None)
        child.links.parent_id = child.links.linked_parent_id = None
        self._neighbours.mark_row(child)
        for parent_id in parents:
            if parent_id is not None:
                await self._links.remove_child(parent_id, child.id)

    async def cleanup(self, socket: Socket, payload: Payload, ack: Ack) -> None:
        """End a child whose completion its parent acknowledged, and wait for the end up to 5 s."""
        parent = sender(self._registry, socket, payload)
        child_id = text(payload, "childSessionId").strip()
        if not child_id:
            raise CallFailed("cleanup_child_session requires childSessionId")
        child = self._registry.get(child_id)
        if child is None:
            await self._links.remove_child(parent.id, child_id)
            return
        if child.links.parent_id != parent.id and not self._links.is_child(parent.id, child_id):
            raise CallFailed(NOT_THE_PARENT)
        if child.user_id != parent.user_id:
            raise CallFailed(FOREIGN_TARGET)
        present = child.connected
        self._neighbours.expect_end(child)
        if child.runner_id is not None:
            self._neighbours.to_runner(child.runner_id, "kill_session", {"sessionId": child_id})
        if child.socket is not None and present:
            child.socket.emit("exec", {"id": f"cleanup-{child_id}-{self._clock.now_ms()}", "command": "end_session"})
        await self._links.remove_child(parent.id, child_id)
        if not present:
            await self._neighbours.end(child, ACKNOWLEDGED, terminal=True, ended_by="deliberate")
            return
        log.info("child cleaned up", extra={"session_id": child_id, "parent_id": parent.id})
        if not await self._gone(child_id):
            ack({"ok": True, "pending": True})

    async def _gone(self, child_id: str) -> bool:
        """Wait for the end of a child's live record; answer whether it came in time."""
        removed = asyncio.Event()
        self._leaving.setdefault(child_id, set()).add(removed)
        try:
            async with asyncio.timeout(self._limits.cleanup_wait):
                while self._registry.get(child_id) is not None:
                    removed.clear()
                    await removed.wait()
        except TimeoutError:
            return False
        finally:
            self._leaving[child_id].discard(removed)
            if not self._leaving[child_id]:
                del self._leaving[child_id]
        return True

    def _removed(self, event: SessionRemoved) -> None:
        for waiting in self._leaving.get(event.session_id, ()):
            waiting.set()


def _epoch(value: object) -> float:
    """Answer the epoch in server milliseconds, 0 for none."""
    return float(jsontext.finite(value) or 0.0)
