"""Deliveries: retries, removal, bounds, and that nobody waits for them (rest-account.md 8.5)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from relay.clock import Clock
from relay.push.limits import PushConfig, PushLimits
from relay.push.messages import Message
from relay.push.sender import Sender
from relay.push.store import Subscription
from relay.push.vapid import Vapid
from relay.secrets_file import SecretsFile
from tests.push.device import WAIT, Browser, Json, PushService
from tests.push.office import QUICK, Office, asks
from tests.sessions.stage import until
from tests.viewers.house import Person

END: Json = {"type": "agent_end", "messages": []}


class _Post:
    """A sender of its own, with one subscription at the push service."""

    def __init__(self, sender: Sender, browser: Browser, service: PushService) -> None:
        self.sender = sender
        self.browser = browser
        self.service = service
        self.dropped: list[Subscription] = []
        self.subscription = self.subscribed("s")

    def subscribed(self, name: str) -> Subscription:
        return Subscription(
            name, "user-ann", self.service.endpoint(name), **self.browser.keys, enabled_events="*",
            suppress_child=None, created_at="",
        )  # fmt: skip

    def send(self, body: str, *, session: str = "s1", to: Subscription | None = None) -> None:
        self.sender.send(to or self.subscription, Message("agent_finished", session, {"body": body}))

    def bodies(self) -> list[object]:
        return [self.browser.read(one.body)["body"] for one in self.service.received]

    async def settled(self) -> None:
        await until(lambda: len(self.sender) == 0)


@asynccontextmanager
async def _post(
    tmp_path: Path, service: PushService, limits: PushLimits = QUICK, *, allow_private: bool = True
) -> AsyncIterator[_Post]:
    posts: list[_Post] = []

    async def drop(subscription: Subscription) -> None:
        posts[0].dropped.append(subscription)

    vapid = Vapid(PushConfig(), SecretsFile(tmp_path / "secrets.json"), Clock())
    sender = Sender(vapid, limits, drop, allow_private=allow_private)
    posts.append(_Post(sender, Browser(), service))
    yield posts[0]
    await sender.close()


@pytest.fixture
async def post(tmp_path: Path, service: PushService) -> AsyncIterator[_Post]:
    """A sender with quick retries."""
    async with _post(tmp_path, service) as made:
        yield made


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_busy_push_service_is_asked_again_until_it_takes_the_message(post: _Post, status: int) -> None:
    post.service.answers = [(status, {}), (status, {})]
    post.send("x")
    await post.settled()
    assert post.bodies() == ["x", "x", "x"]
    assert post.dropped == []


async def test_a_push_service_that_stays_busy_is_given_up(post: _Post, caplog: pytest.LogCaptureFixture) -> None:
    post.service.answers = [(503, {})] * 10
    with caplog.at_level(logging.WARNING, "relay.push.sender"):
        post.send("x")
        await post.settled()
    assert len(post.service.received) == QUICK.attempts == 4
    assert [record.message for record in caplog.records] == ["a notification was given up"]
    assert post.dropped == []


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_the_service_does_not_know_is_dropped_at_once(post: _Post, status: int) -> None:
    post.service.answers = [(status, {})]
    post.send("x")
    await post.settled()
    assert len(post.service.received) == 1
    assert post.dropped == [post.subscription]


@pytest.mark.parametrize(("status", "logged"), [(201, 0), (200, 0), (202, 0), (400, 1), (401, 1), (403, 1), (413, 1)])
async def test_any_other_answer_is_final_and_only_logged(
    post: _Post, caplog: pytest.LogCaptureFixture, status: int, logged: int
) -> None:
    post.service.answers = [(status, {})]
    with caplog.at_level(logging.WARNING, "relay.push.sender"):
        post.send("x")
        await post.settled()
    assert len(post.service.received) == 1
    assert post.dropped == []
    assert len(caplog.records) == logged


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(post: _Post, status: int) -> None:
    post.service.answers = [(status, {"Location": post.service.endpoint("elsewhere")})]
    post.send("x")
    await post.settled()
    assert [one.path for one in post.service.received] == ["s"]


async def test_the_pause_that_a_service_asks_for_is_kept_within_bounds(tmp_path: Path, service: PushService) -> None:
    clock = Clock()
    async with _post(tmp_path, service, replace(QUICK, longest_wait=0.3)) as post:
        service.answers = [(429, {"Retry-After": "3600"}), (429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"})]
        began = clock.monotonic()
        post.send("x")
        await post.settled()
        assert len(service.received) == 3
        assert 0.3 <= clock.monotonic() - began < 3


async def test_pauses_grow(tmp_path: Path, service: PushService) -> None:
    clock = Clock()
    async with _post(tmp_path, service, replace(QUICK, first_wait=0.05, wait_factor=2.0, longest_wait=9.0)) as post:
        service.answers = [(503, {})] * 3
        began = clock.monotonic()
        post.send("x")
        await post.settled()
        assert len(service.received) == 4
        assert clock.monotonic() - began >= 0.05 + 0.1 + 0.2


async def test_a_service_that_does_not_answer_is_cut_off_and_asked_again(tmp_path: Path, service: PushService) -> None:
    async with _post(tmp_path, service, replace(QUICK, timeout=0.2, attempts=2)) as post:
        service.open.clear()
        post.send("x")
        await post.settled()
        assert len(service.received) == 2


async def test_a_service_that_is_not_there_is_given_up(tmp_path: Path) -> None:
    async with PushService() as gone:
        pass
    async with _post(tmp_path, gone) as post:
        post.send("x")
        await post.settled()
        assert post.dropped == []


async def test_without_the_setting_nothing_leaves_for_a_private_address(
    tmp_path: Path, service: PushService, caplog: pytest.LogCaptureFixture
) -> None:
    async with _post(tmp_path, service, allow_private=False) as post:
        post.send("x")
        await post.settled()
    assert service.received == []
    assert "can't be sent" in caplog.text


async def test_keys_that_can_not_be_used_cost_the_subscription_and_no_request(post: _Post) -> None:
    broken = replace(post.subscription, p256dh="base64-encoded-key")
    post.send("x", to=broken)
    await post.settled()
    assert post.service.received == []
    assert post.dropped == [broken]


async def test_a_newer_notification_takes_the_place_of_one_that_waits(tmp_path: Path, service: PushService) -> None:
    async with _post(tmp_path, service, replace(QUICK, first_wait=60.0, longest_wait=60.0)) as post:
        service.answers = [(503, {})]
        post.send("old")
        await service.until(1)
        post.send("other session", session="s2")
        await service.until(2)
        assert len(post.sender) >= 1
        post.send("new")
        await post.settled()
        assert post.bodies() == ["old", "other session", "new"]


async def test_so_many_at_a_time_and_so_many_in_all(tmp_path: Path, service: PushService) -> None:
    async with _post(tmp_path, service, replace(QUICK, at_once=2, pending=4)) as post:
        service.open.clear()
        for number in range(6):
            post.send(f"{number}", session=f"s{number}")
            assert len(post.sender) <= 4
        await service.until(2)
        service.open.set()
        await post.settled()
        # The two that came first gave way, before they had left.
        assert sorted(str(body) for body in post.bodies()) == ["2", "3", "4", "5"]


async def test_closing_does_not_wait_for_retries(tmp_path: Path, service: PushService) -> None:
    async with _post(tmp_path, service, replace(QUICK, first_wait=600.0, longest_wait=600.0, timeout=600.0)) as post:
        service.answers = [(503, {})]
        post.send("waits")
        await service.until(1)
        service.open.clear()
        post.send("hangs", session="s2")
        await service.until(2)
        async with asyncio.timeout(5):
            await post.sender.close()
        assert len(post.sender) == 0
        post.send("late")
        assert len(post.sender) == 0


async def test_sending_never_delays_an_agent_s_events(office: Office, service: PushService, ann: Person) -> None:
    browser = Browser()
    service.open.clear()
    for number in range(20):
        assert (await office.subscribe(ann, browser, service.endpoint(f"{number}"))).status == 200
    agent = await office.agent(ann, "s1")
    async with asyncio.timeout(WAIT):
        for number in range(20):
            await agent.send(asks(f"tc_{number}"), END)
    assert office.app.push.questions.pending(office.session("s1")) == "tc_19"
    assert len(office.app.push.sender) > 0
    assert (await office.answer(ann, sessionId="s1", toolCallId="tc_19", text="y")).status == 200
    service.open.set()
    await until(lambda: len(office.app.push.sender) == 0)


async def test_a_subscription_that_is_gone_leaves_the_table_and_its_successor_stays(
    office: Office, service: PushService, ann: Person
) -> None:
    browser = Browser()
    await office.subscribe(ann, browser, service.endpoint("a"))
    await office.subscribe(ann, browser, service.endpoint("b"))
    [first, second] = office.app.push.subscriptions.of(ann.id)
    await office.subscribe(ann, browser, service.endpoint("a"))
    await office.app.push.subscriptions.drop(first)
    assert len(await office.subscriptions(ann)) == 2
    service.answers = [(410, {}), (410, {})]
    agent = await office.agent(ann, "s1")
    await agent.send(END)
    await until(lambda: len(office.app.push.sender) == 0)
    assert await office.subscriptions(ann) == []
    assert await office.app.storage.fetch_all("SELECT id FROM push_subscription") == []
    assert second.endpoint == service.endpoint("b")
