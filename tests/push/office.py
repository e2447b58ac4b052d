"""Run the whole relay with a push service beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from relay.app_settings import Tuning
from relay.clock import Clock
from relay.config import PushSettings
from relay.push.limits import PushLimits
from relay.sessions.limits import SessionLimits
from tests.push.device import Browser, Json, PushService
from tests.sessions.stage import Answer, Stage, until
from tests.viewers.house import Agent, Person

QUICK = PushLimits(timeout=2.0, first_wait=0.01, wait_factor=1.0, longest_wait=0.5, finish=0.2)


class Office(Stage):
    """A relay that may push to loopback."""

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        limits: PushLimits = QUICK,
        push: PushSettings = PushSettings(allow_private=True),  # noqa: B008 - frozen
    ) -> None:
        super().__init__(directory, clock, Tuning(push=limits, sessions=SessionLimits(rows_behind=0.01)))
        self._settings = replace(self._settings, push=push)

    async def public_key(self) -> str:
        answer = await self.ask("GET", "/api/push/vapid-public-key", None)
        assert answer.status == 200
        return str(answer.body["publicKey"])

    async def subscribe(self, person: Person, browser: Browser, endpoint: str, **more: object) -> Answer:
        return await self.ask(
            "POST", "/api/push/subscribe", person, {"endpoint": endpoint, "keys": browser.keys, **more}
        )

    async def subscriptions(self, person: Person) -> list[Json]:
        answer = await self.ask("GET", "/api/push/subscriptions", person)
        assert answer.status == 200
        listed = answer.body["subscriptions"]
        assert isinstance(listed, list)
        return listed

    async def answer(self, person: Person | None, **body: object) -> Answer:
        return await self.ask("POST", "/api/push/answer", person, body)


def asks(call_id: str | None = "tc_1", question: str = "Deploy now?", *options: object) -> Json:
    """Make the event with which an agent begins to ask."""
    event: Json = {"type": "tool_execution_start", "toolName": "AskUserQuestion"}
    event["args"] = {"questions": [{"question": question, "options": list(options)}]}
    return event if call_id is None else {**event, "toolCallId": call_id}


def asked(call_id: str | None = "tc_1") -> Json:
    """Make the event with which the question is over."""
    event: Json = {"type": "tool_execution_end", "toolName": "AskUserQuestion", "result": {}}
    return event if call_id is None else {**event, "toolCallId": call_id}


async def pushed(office: Office, service: PushService, browser: Browser, agent: Agent, *events: Json) -> list[Json]:
    """Send events one by one; answer the messages that the push service got for them, each settled before the next."""
    before = len(service.received)
    for event in events:
        await agent.send(event)
        await until(lambda: len(office.app.push.sender) == 0)
    return [browser.read(one.body) for one in service.received[before:]]
