"""Play a runner that does whatever it is asked, and starts a worker for each session."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from tests.runners.endpoints import ENDPOINTS
from tests.runners.peer import WAIT, Peer
from tests.viewers.house import House, Person

Json = Mapping[str, object]

MODELS: Final = [
    {"provider": "anthropic", "id": "claude-sonnet-4-20250514"},
    {"provider": "anthropic", "id": "claude-opus-4-5"},
    {"provider": "openai", "id": "gpt-4o"},
]
TRIGGER: Final = {
    "type": "github_push",
    "description": "Fires on git push events",
    "params": [{"name": "branch", "label": "Branch", "type": "string"}],
    "schema": {},
}
CATALOGUE: Final = {
    "serviceIds": ["git", "godmother"],
    "panels": [{"serviceId": "panel-1", "label": "Service Panel", "port": 3000}],
    "triggerDefs": [TRIGGER],
    "sigilDefs": [{"type": "pr", "label": "Pull request"}],
    "sessionModes": [],
}
SKILLS: Final = [{"name": name, "description": "", "filePath": f"/s/{name}.md"} for name in ("deploy", "review-pr")]
PROFILE: Final = {"name": "my-macbook", "skills": SKILLS, "agents": [{**SKILLS[0], "name": "reviewer"}]}
#: What it answers to a command, and with which event.
REPLIES: Final[Mapping[str, tuple[str, Json]]] = {
    **{endpoint.command: (endpoint.reply, endpoint.answer) for endpoint in ENDPOINTS},
    "list_models": ("models_list", {"models": MODELS}),
    "analyze_session": ("analyze_session_data", {"data": {"turns": 1}}),
}


class Daemon(Peer):
    """Answer every command at once."""

    def __init__(self, house: House, person: Person, runner_id: str) -> None:
        super().__init__("/runner")
        self.id = runner_id
        self._house = house
        self._person = person
        self._workers: set[asyncio.Task[object]] = set()

    async def come(self) -> Daemon:
        """Register, and announce the services."""
        await self.connect(self._house.url, {"apiKey": self._person.key, "protocolVersion": 1})
        await self.emit("register_runner", {"runnerId": self.id, "runnerSecret": "s", **PROFILE})
        await self.expect("runner_registered")
        await self.emit("service_announce", CATALOGUE)
        registry = self._house.app.runners.registry
        async with asyncio.timeout(WAIT):
            while (runner := registry.get(self.id)) is None or runner.announce is None:
                await asyncio.sleep(0.005)
        return self

    async def close(self) -> None:
        """Go, and let no worker come after."""
        await super().close()
        for task in self._workers:
            task.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def _event(self, event: str, *args: object) -> None:
        await super()._event(event, *args)
        order = args[0] if args else None
        if not isinstance(order, dict):
            return
        if event == "new_session":
            await self.emit("session_ready", {"sessionId": order["sessionId"]})
            task = asyncio.create_task(self._house.agent(self._person, str(order["sessionId"])))
            self._workers.add(task)
        elif event in REPLIES:
            reply, answer = REPLIES[event]
            await self.emit(reply, {**answer, "requestId": order["requestId"]})
