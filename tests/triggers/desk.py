"""A runner with a catalogue and its own books, a session on it, and short ways to call the interface."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from tests.sessions.stage import Answer, Stage, until
from tests.viewers.house import Agent, Person
from tests.viewers.wire import Joined, Json

PUSH: Json = {
    "type": "github:push",
    "label": "Push",
    "schema": {"properties": {"repo": {}, "commit": {}, "count": {}}},
    "params": [
        {"name": "branch", "label": "Branch", "type": "string"},
        {"name": "depth", "label": "Depth", "type": "number"},
        {"name": "force", "label": "Force", "type": "boolean"},
        {"name": "level", "label": "Level", "type": "string", "enum": ["low", "high", 3]},
        {"name": "kinds", "label": "Kinds", "type": "number", "enum": [1, 2, 3], "multiselect": True},
        {"name": "flags", "label": "Flags", "type": "boolean", "enum": [True], "multiselect": True},
        {"name": "extra", "label": "Extra", "type": "json"},
    ],
}
NEEDY: Json = {
    "type": "github:needy",
    "label": "Needy",
    "params": [
        {"name": "must", "label": "Must", "type": "string", "required": True},
        {"name": "some", "label": "Some", "type": "string", "enum": ["a", "b"], "multiselect": True, "required": True},
    ],
}
SCOPED: Json = {"type": "godmother:moved", "label": "Moved", "modes": ["docs"]}
CATALOGUE: Json = {
    "serviceIds": ["time", "github", "godmother"],
    "triggerDefs": [
        PUSH,
        NEEDY,
        SCOPED,
        {"type": "time:cron", "label": "Cron", "params": [{"name": "cron", "type": "string", "required": True}]},
        {"type": "time:at", "label": "At", "params": [{"name": "at", "type": "string", "required": True}]},
        {"type": "time:timer_fired", "label": "Timer", "params": [{"name": "duration", "type": "string"}]},
    ],
    "sigilDefs": [{"type": "pr", "label": "Pull request", "modes": ["docs"]}],
    "sessionModes": [{"id": "docs", "label": "Docs", "workspace": "/work/docs"}],
}


@dataclass
class Books:
    """What a daemon keeps of subscriptions, by its own rules (sockets-agents.md 3.11)."""

    entries: dict[str, Json] = field(default_factory=dict)
    cursor: int = 0
    remembered: deque[Json] = field(default_factory=lambda: deque(maxlen=100))
    revisions: list[int] = field(default_factory=list)

    def read(self, event: str, body: Json) -> None:
        if event == "runner_registered":
            self.cursor = 0
        elif event == "trigger_subscriptions_snapshot":
            self._snapshot(body)
        elif event == "trigger_subscription_delta":
            self._delta(body)

    def _snapshot(self, body: Json) -> None:
        assert body["isReconnect"] is True
        subscriptions = body["subscriptions"]
        assert isinstance(subscriptions, list)
        self.cursor = self._revision(body)
        self.entries = {str(one["subscriptionId"]): one for one in subscriptions}
        for delta in self.remembered:
            if self._number(delta) > self.cursor:
                self._apply(delta)

    def _delta(self, body: Json) -> None:
        self._revision(body)
        if self._number(body) <= self.cursor:
            return
        self.cursor = self._number(body)
        self.remembered.append(body)
        self._apply(body)

    def _apply(self, body: Json) -> None:
        entry, action = body["subscription"], body["action"]
        assert isinstance(entry, dict)
        assert action in ("subscribe", "update", "unsubscribe")
        if action == "unsubscribe":
            self.entries.pop(str(entry["subscriptionId"]), None)
        else:
            self.entries[str(entry["subscriptionId"])] = entry

    def _revision(self, body: Json) -> int:
        number = self._number(body)
        assert not self.revisions or number > self.revisions[-1]
        self.revisions.append(number)
        return number

    @staticmethod
    def _number(body: Json) -> int:
        number = body["revision"]
        assert isinstance(number, int)
        return number


class Daemon:
    """A runner's connection; it reads what arrives into its books, which outlive the connection."""

    def __init__(self, stage: Stage, person: Person, runner_id: str = "r1") -> None:
        self.stage = stage
        self.person = person
        self.id = runner_id
        self.books = Books()
        self.socket: Joined
        self._read = 0

    async def connect(self, catalogue: Json | None = CATALOGUE, **profile: object) -> None:
        """Register anew, and announce the catalogue when there is one."""
        wire = await self.stage.wire({"Cookie": self.person.cookie, "Origin": self.stage.url})
        auth: Json = {"apiKey": self.person.key, "protocolVersion": 1, "clientVersion": "0.52.0"}
        self.socket, self._read = await wire.join("/runner", auth), 0
        await self.socket.emit("register_runner", {"runnerId": self.id, "runnerSecret": "s", "name": "box", **profile})
        await self.socket.take("runner_registered")
        await self.socket.take("trigger_subscriptions_snapshot")
        if catalogue is not None:
            await self.announce(catalogue)

    async def announce(self, catalogue: Json) -> None:
        await self.socket.emit("service_announce", catalogue)
        runner = self.stage.app.runners.registry.get(self.id)
        assert runner is not None
        wanted = catalogue.get("triggerDefs", [])
        await until(lambda: runner.announce is not None and runner.services("triggerDefs") == wanted)

    async def leave(self) -> None:
        await self.socket.wire.close()
        await until(lambda: self.stage.app.runners.registry.get(self.id) is None)

    async def read(self) -> list[Json]:
        """Take in everything that the relay sent so far; answer the new deltas without their revisions."""
        await self.socket.wire.settled()
        deltas: list[Json] = []
        for event, body in self.socket.log[self._read :]:
            assert isinstance(body, dict)
            self.books.read(event, body)
            if event == "trigger_subscription_delta":
                deltas.append({key: value for key, value in body.items() if key != "revision"})
        self._read = len(self.socket.log)
        return deltas

    async def host(self, session_id: str) -> None:
        """Say that a live session runs here."""
        await self.socket.emit("session_ready", {"sessionId": session_id})
        await until(lambda: self.stage.session(session_id).runner_id == self.id)


class Desk:
    """A session on a runner, and the calls about its subscriptions."""

    def __init__(self, stage: Stage, person: Person, daemon: Daemon, agent: Agent) -> None:
        self.stage = stage
        self.person = person
        self.daemon = daemon
        self.agent = agent

    async def call(
        self, method: str, path: str, body: Mapping[str, object] | None = None, person: Person | None = None
    ) -> Answer:
        return await self.stage.ask(method, path, person or self.person, body)

    async def subscribe(self, trigger_type: object = "github:push", session_id: str = "s1", **body: object) -> Answer:
        return await self.call("POST", subscriptions(session_id), {"triggerType": trigger_type, **body})

    async def subscribed(self, trigger_type: str = "github:push", session_id: str = "s1", **body: object) -> str:
        """Subscribe; answer the id."""
        answer = await self.subscribe(trigger_type, session_id, **body)
        assert answer.status == 200, answer.body
        return str(answer.body["subscriptionId"])

    async def routed(self, event_type: str = "github:push", session_id: str = "s1", /, **body: object) -> Answer:
        target = {"kind": "session", "sessionId": session_id}
        sent = {"eventType": event_type, "target": target, "deliverAs": "followUp", "origin": "agent", **body}
        return await self.call("POST", "/api/routes", sent)

    async def listed(self, session_id: str = "s1") -> list[Json]:
        answer = await self.call("GET", subscriptions(session_id))
        assert answer.status == 200, answer.body
        found = answer.body["subscriptions"]
        assert isinstance(found, list)
        return found

    async def routes(self, person: Person | None = None) -> list[Json]:
        answer = await self.call("GET", "/api/routes", person=person)
        assert answer.status == 200
        found = answer.body["routes"]
        assert isinstance(found, list)
        return found

    async def listen(self, trigger_type: str = "github:push", runner_id: str = "r1", /, **body: object) -> Answer:
        return await self.call(
            "POST", f"/api/runners/{runner_id}/trigger-listeners", {"triggerType": trigger_type, **body}
        )

    async def viewer(self, session_id: str = "s1") -> Joined:
        viewer = await self.stage.viewer(self.person)
        await viewer.emit("switch_session", {"sessionId": session_id})
        await viewer.take("connected")
        return viewer

    async def settled(self) -> None:
        """Wait until the ends that the relay heard of are carried out."""
        app = self.stage.app
        await until(lambda: not app.sessions.ends.busy and not app.triggers.subscriptions.busy)


def subscriptions(session_id: str, target: str | None = None) -> str:
    """Answer the path of a session's subscriptions, or of one of them, as clients encode it."""
    base = f"/api/sessions/{quote(session_id, safe='')}/trigger-subscriptions"
    return base if target is None else f"{base}/{quote(target, safe='')}"


def route(route_id: str) -> str:
    return f"/api/routes/{quote(route_id, safe='')}"


def listener(target: str, runner_id: str = "r1") -> str:
    return f"/api/runners/{runner_id}/trigger-listeners/{quote(target, safe='')}"


async def desk(stage: Stage, person: Person, *, catalogue: Json | None = CATALOGUE, **profile: object) -> Desk:
    """Connect the runner `r1` and the session `s1` on it."""
    daemon = Daemon(stage, person)
    await daemon.connect(catalogue, **profile)
    agent = await stage.agent(person, "s1")
    await daemon.host("s1")
    return Desk(stage, person, daemon, agent)
