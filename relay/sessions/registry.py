"""Find live sessions by id, user, runner and agent socket, and wait for one to appear."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator

from relay.realtime import Room, Socket
from relay.sessions.limits import SessionLimits
from relay.sessions.queue import SessionQueue
from relay.sessions.session import AgentSession


class SessionRegistry:
    """Own every live and awaited session."""

    def __init__(self, limits: SessionLimits) -> None:
        self._limits = limits
        self._by_id: dict[str, AgentSession] = {}
        self._by_user: defaultdict[str, dict[str, AgentSession]] = defaultdict(dict)
        self._by_runner: defaultdict[str, dict[str, AgentSession]] = defaultdict(dict)
        self._by_socket: dict[Socket, AgentSession] = {}
        self._queues: dict[str, SessionQueue] = {}
        self._meta_rooms: dict[str, Room] = {}
        self._waiters: defaultdict[str, set[asyncio.Future[AgentSession]]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[AgentSession]:
        return iter(list(self._by_id.values()))

    def get(self, session_id: str) -> AgentSession | None:
        """Answer the live or awaited session with this id."""
        return self._by_id.get(session_id)

    def owned(self, session_id: str, user_id: str) -> AgentSession | None:
        """Answer the session when it is live or awaited and belongs to the user."""
        session = self._by_id.get(session_id)
        return session if session is not None and session.user_id == user_id else None

    def of_user(self, user_id: str) -> list[AgentSession]:
        """Answer a user's sessions in the order of their appearance."""
        return list(self._by_user[user_id].values()) if user_id in self._by_user else []

    def of_runner(self, runner_id: str) -> list[AgentSession]:
        """Answer the sessions linked to a runner."""
        return list(self._by_runner[runner_id].values()) if runner_id in self._by_runner else []

    def by_socket(self, socket: Socket) -> AgentSession | None:
        """Answer the session that this agent socket owns now."""
        return self._by_socket.get(socket)

    @property
    def queued_bytes(self) -> int:
        """Answer the bytes of input that wait in the queues of all sessions."""
        return sum(queue.queued_bytes for queue in self._queues.values())

    def queue(self, session_id: str) -> SessionQueue:
        """Answer the queue of an id; it exists before and after the live record."""
        queue = self._queues.get(session_id)
        if queue is None:
            queue = self._queues[session_id] = SessionQueue(self._limits.queue_bytes)
        return queue

    def meta_room(self, session_id: str) -> Room:
        """Answer the hub sockets that follow the meta state of an id; they stay over a re-registration."""
        room = self._meta_rooms.get(session_id)
        if room is None:
            room = self._meta_rooms[session_id] = Room()
        return room

    def add(self, session: AgentSession) -> None:
        """List a session, in the place of an earlier one with its id."""
        self.remove(session.id)
        self._by_id[session.id] = session
        self._by_user[session.user_id][session.id] = session
        if session.links.runner_id is not None:
            self._by_runner[session.links.runner_id][session.id] = session

    def remove(self, session_id: str) -> AgentSession | None:
        """Unlist a session; answer it, or None when there was none."""
        session = self._by_id.pop(session_id, None)
        if session is None:
            return None
        self._drop(self._by_user, session.user_id, session_id)
        if session.links.runner_id is not None:
            self._drop(self._by_runner, session.links.runner_id, session_id)
        if session.socket is not None and self._by_socket.get(session.socket) is session:
            del self._by_socket[session.socket]
        return session

    def attach(self, session: AgentSession, socket: Socket) -> None:
        """Make `socket` the agent of a listed session and wake whoever waits for it."""
        session.socket = socket
        self._by_socket[socket] = session
        for waiter in self._waiters.pop(session.id, set()):
            if not waiter.done():
                waiter.set_result(session)

    def detach(self, socket: Socket) -> AgentSession | None:
        """Take an agent's socket away from its session; answer the session that it owned."""
        return self._by_socket.pop(socket, None)

    def link_runner(self, session: AgentSession, runner_id: str | None, runner_name: str | None) -> None:
        """Change the runner of a session, in the index too."""
        if session.links.runner_id is not None:
            self._drop(self._by_runner, session.links.runner_id, session.id)
        session.links.runner_id, session.links.runner_name = runner_id, runner_name
        if runner_id is not None and self._by_id.get(session.id) is session:
            self._by_runner[runner_id][session.id] = session

    async def connected(self, session_id: str, timeout: float) -> AgentSession | None:
        """Wait up to `timeout` seconds for the agent of a session; answer None when it does not come."""
        session = self._by_id.get(session_id)
        if session is not None and session.connected:
            return session
        waiter: asyncio.Future[AgentSession] = asyncio.get_running_loop().create_future()
        self._waiters[session_id].add(waiter)
        try:
            async with asyncio.timeout(timeout):
                return await waiter
        except TimeoutError:
            return None
        finally:
            waiters = self._waiters.get(session_id)
            if waiters is not None:
                waiters.discard(waiter)
                if not waiters:
                    del self._waiters[session_id]

    def forget_idle(self) -> None:
        """Drop the queues and meta rooms of ids that are not live and have nothing to do."""
        for session_id in [key for key, room in self._meta_rooms.items() if not len(room) and key not in self._by_id]:
            del self._meta_rooms[session_id]
        for session_id in [key for key, queue in self._queues.items() if queue.idle and key not in self._by_id]:
            del self._queues[session_id]

    async def close(self) -> None:
        """Stop every queue."""
        await asyncio.gather(*(queue.close() for queue in list(self._queues.values())))

    @staticmethod
    def _drop(index: defaultdict[str, dict[str, AgentSession]], key: str, session_id: str) -> None:
        members = index.get(key)
        if members is not None:
            members.pop(session_id, None)
            if not members:
                del index[key]
