"""Follow the session list and the runner list as the web UI does (sockets-browsers.md 4, 5.1)."""

from __future__ import annotations

from tests.e2e.peer import Credentials, Peer
from tests.e2e.transcript import JsonObject, as_object, as_objects


class Hub(Peer):
    """Keep the session list and the meta state of subscribed sessions."""

    namespace = "/hub"

    def __init__(self, url: str, credentials: Credentials) -> None:
        super().__init__(url, credentials)
        self.sessions: dict[str, dict[str, object]] = {}
        self.meta: dict[str, dict[str, object]] = {}
        self.versions: dict[str, list[int]] = {}
        self.meta_types: dict[str, list[str]] = {}
        self.listed = False

    def on_lost(self) -> None:
        """Wait for a new list and new versions, so that nothing stale is taken for an answer."""
        self.sessions, self.listed, self.versions = {}, False, {}

    async def until_listed(self, session_id: str, timeout: float = 20.0) -> JsonObject:
        """Wait until a session is on the list and answer its row."""
        await self.changed.until(lambda: session_id in self.sessions, f"session {session_id} on the hub", timeout)
        return self.sessions[session_id]

    async def until_gone(self, session_id: str, timeout: float = 20.0) -> None:
        """Wait until a session has left the list."""
        await self.changed.until(
            lambda: self.listed and session_id not in self.sessions, f"session {session_id} off the hub", timeout
        )

    async def subscribe(self, session_id: str, timeout: float = 10.0) -> None:
        """Subscribe to a session's meta state and wait for the snapshot that answers."""
        seen = len([p for p in self.events("state_snapshot") if p.get("sessionId") == session_id])
        await self.emit("subscribe_session_meta", {"sessionId": session_id})

        def answered() -> bool:
            return len([p for p in self.events("state_snapshot") if p.get("sessionId") == session_id]) > seen

        await self.changed.until(answered, "the meta state", timeout)

    async def until_meta(self, session_id: str, field: str, timeout: float = 20.0) -> object:
        """Wait until a field of a subscribed session's meta state is set and answer it."""
        await self.changed.until(
            lambda: bool(self.meta.get(session_id, {}).get(field)), f"meta {field}", timeout, lambda: self.meta
        )
        return self.meta[session_id][field]

    def on_event(self, name: str, payload: JsonObject) -> None:
        """Apply list and meta events."""
        session_id = str(payload.get("sessionId"))
        match name:
            case "sessions":
                self.sessions = {str(row["sessionId"]): dict(row) for row in as_objects(payload.get("sessions"))}
                self.listed = True
            case "session_added":
                self.sessions.setdefault(session_id, dict(payload))
            case "session_removed":
                self.sessions.pop(session_id, None)
            case "session_status":
                if session_id in self.sessions:
                    self.sessions[session_id].update(payload)
            case "state_snapshot":
                state = dict(as_object(payload.get("state")))
                self._version(session_id, state.get("version"))
                self.meta[session_id] = state
            case "meta_event":
                self._version(session_id, payload.get("version"))
                self.meta_types.setdefault(session_id, []).append(str(payload.get("type")))
                self._patch(self.meta.setdefault(session_id, {}), payload)
            case _:
                pass

    def _version(self, session_id: str, version: object) -> None:
        if isinstance(version, int):
            self.versions.setdefault(session_id, []).append(version)

    @staticmethod
    def _patch(state: dict[str, object], event: JsonObject) -> None:
        """Apply the meta events that the tests look at (sockets-browsers.md 4.4)."""
        match event.get("type"):
            case "question_pending":
                state["pendingQuestion"] = event.get("question")
            case "question_cleared":
                state["pendingQuestion"] = None
            case "todo_updated":
                state["todoList"] = event.get("todoList")
            case "model_changed":
                state["model"] = event.get("model")
            case "token_usage_updated":
                state["tokenUsage"] = event.get("tokenUsage")
            case _:
                pass


class RunnersFeed(Peer):
    """Keep the list of connected runners. The page opens this namespace first, polling and then upgraded (1.1)."""

    namespace = "/runners"
    transports = ("polling", "websocket")

    def __init__(self, url: str, credentials: Credentials) -> None:
        super().__init__(url, credentials)
        self.runners: dict[str, JsonObject] = {}
        self.listed = False

    def on_lost(self) -> None:
        """Wait for a new list."""
        self.runners, self.listed = {}, False

    async def until_present(self, runner_id: str, timeout: float = 20.0) -> JsonObject:
        """Wait until a runner is on the list and answer its row."""
        await self.changed.until(lambda: runner_id in self.runners, f"runner {runner_id}", timeout)
        return self.runners[runner_id]

    def on_event(self, name: str, payload: JsonObject) -> None:
        """Apply list events."""
        match name:
            case "runners":
                self.runners = {str(row["runnerId"]): row for row in as_objects(payload.get("runners"))}
                self.listed = True
            case "runner_added" | "runner_updated":
                self.runners[str(payload.get("runnerId"))] = payload
            case "runner_removed":
                self.runners.pop(str(payload.get("runnerId")), None)
            case _:
                pass
