"""Hidden models: rest-account.md 7 and rest-runners.md 3.3."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from relay.accounts.accounts import Accounts
from relay.accounts.users import OPERATOR
from relay.events import Bus, HiddenModelsChanged, UserRemoved
from relay.http.routes import Route
from relay.settings.hidden_models import HiddenModels, is_hidden, model_key
from relay.settings.routes import routes
from relay.settings.subagent_model import SubagentModel
from relay.storage import Storage
from tests.accounts.house import House, open_house
from tests.clock import ManualClock

PATH = "/api/settings/hidden-models"


@pytest.fixture
def bus() -> Bus:
    """The bus of the server."""
    return Bus()


@pytest.fixture
async def hidden(storage: Storage, clock: ManualClock, bus: Bus) -> AsyncIterator[HiddenModels]:
    """The hidden models, on a real file."""
    models = HiddenModels(storage, clock, bus)
    yield models
    await models.close()


@pytest.fixture
async def house(storage: Storage, clock: ManualClock, bus: Bus, hidden: HiddenModels) -> AsyncIterator[House]:
    """A server with accounts and settings."""

    def table(_accounts: Accounts) -> list[Route]:
        return routes(hidden, SubagentModel(storage, clock, bus))

    async with open_house(storage, clock, more_routes=table, bus=bus) as opened:
        yield opened


@pytest.mark.parametrize(
    ("entries", "provider", "model_id", "hidden"),
    [
        (["openai/gpt-5"], "openai", "gpt-5", True),
        (["openai/gpt-5"], " openai ", " gpt-5 ", True),
        ([" openai / gpt-5 "], "openai", "gpt-5", True),
        (["openrouter/meta/llama"], "openrouter", "meta/llama", True),
        (["openrouter/ meta /llama"], "openrouter", "meta/llama", True),
        (["OpenAI/gpt-5"], "openai", "gpt-5", False),
        (["openai/gpt-5"], "openai", "gpt-5-mini", False),
        (["/gpt-5"], "", "gpt-5", False),
        (["openai/"], "openai", " ", False),
        ([], "openai", "gpt-5", False),
    ],
)
def test_a_model_is_hidden_by_its_trimmed_key(entries: list[str], provider: str, model_id: str, hidden: bool) -> None:
    assert is_hidden(entries, provider, model_id) is hidden


def test_a_key_needs_both_parts() -> None:
    assert model_key(" a ", "b/c") == "a/b/c"
    assert model_key(" ", "b") is None


async def test_put_replaces_the_list_and_echoes_it_before_trimming(house: House, bus: Bus) -> None:
    news: list[HiddenModelsChanged] = []
    bus.subscribe(HiddenModelsChanged, news.append)
    cookie = (await house.sign_up()).cookie() | house.origin
    put = await house.ask("PUT", PATH, headers=cookie, json={"hiddenModels": [" b/2 ", "a/1", 7, "a/1", "", None]})
    assert (put.status, put.json()) == (200, {"ok": True, "hiddenModels": [" b/2 ", "a/1", "a/1", ""]})
    assert (await house.get(PATH, cookie)).json() == {"hiddenModels": ["a/1", "b/2"]}
    assert [event.hidden_models for event in news] == [("a/1", "b/2")]

    again = await house.ask("PUT", PATH, headers=cookie, json={"hiddenModels": ["c/3"]})
    assert again.status == 200
    assert (await house.get(PATH, cookie)).json() == {"hiddenModels": ["c/3"]}


@pytest.mark.parametrize("body", [{}, {"hiddenModels": None}, {"hiddenModels": "a/1"}, {"hiddenModels": {"a": 1}}])
async def test_an_object_without_a_list_clears(house: House, body: dict[str, object]) -> None:
    cookie = (await house.sign_up()).cookie() | house.origin
    await house.ask("PUT", PATH, headers=cookie, json={"hiddenModels": ["a/1"]})
    put = await house.ask("PUT", PATH, headers=cookie, json=body)
    assert (put.status, put.json()) == (200, {"ok": True, "hiddenModels": []})
    assert (await house.get(PATH, cookie)).json() == {"hiddenModels": []}


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b"null", b'"x"', b"\xff"])
async def test_broken_json_is_refused_and_clears_nothing(house: House, body: bytes) -> None:
    cookie = (await house.sign_up()).cookie() | house.origin
    await house.ask("PUT", PATH, headers=cookie, json={"hiddenModels": ["a/1"]})
    put = await house.ask("PUT", PATH, headers=cookie | {"Content-Type": "application/json"}, data=body)
    assert (put.status, put.json()) == (400, {"error": "Invalid JSON body"})
    assert (await house.get(PATH, cookie)).json() == {"hiddenModels": ["a/1"]}


async def test_a_lone_surrogate_is_stored_as_something_else(house: House) -> None:
    cookie = (await house.sign_up()).cookie() | house.origin | {"Content-Type": "application/json"}
    put = await house.ask("PUT", PATH, headers=cookie, data=b'{"hiddenModels": ["a/\\ud800"]}')
    assert put.status == 200
    assert (await house.get(PATH, cookie)).json() == {"hiddenModels": ["a/?"]}


async def test_settings_need_an_identity_and_the_own_origin(house: House) -> None:
    assert (await house.get(PATH)).status == 401
    assert (await house.ask("PUT", PATH, json={})).status == 401
    cookie = (await house.sign_up()).cookie()
    foreign = await house.ask("PUT", PATH, headers=cookie | {"Origin": "https://evil.example"}, json={})
    assert foreign.status == 403


async def test_each_user_has_a_list_and_a_removed_user_leaves_none(
    house: House, hidden: HiddenModels, bus: Bus
) -> None:
    one, two = [
        await house.accounts.users.create(email=f"{name}@example.com", name=name, password="x", grant=OPERATOR)
        for name in ("one", "two")
    ]
    await hidden.replace(one.id, ["a/1"])
    assert await hidden.of(two.id) == []
    await house.accounts.users.remove(one.id)
    assert await hidden.of(one.id) == []


async def test_a_list_for_a_user_who_is_gone_stores_nothing(hidden: HiddenModels) -> None:
    await hidden.replace("nobody", ["a/1"])
    assert await hidden.of("nobody") == []


async def test_a_cached_list_is_answered_without_the_database(
    house: House, hidden: HiddenModels, storage: Storage
) -> None:
    user = await house.accounts.users.create(email="a@example.com", name="a", password="x", grant=OPERATOR)
    await hidden.replace(user.id, ["a/1"])
    assert await hidden.of(user.id) == ["a/1"]
    await storage.close()
    assert await hidden.of(user.id) == ["a/1"]


async def test_replacements_at_once_end_with_the_news_of_the_last(house: House, hidden: HiddenModels, bus: Bus) -> None:
    news: list[HiddenModelsChanged] = []
    bus.subscribe(HiddenModelsChanged, news.append)
    user = await house.accounts.users.create(email="a@example.com", name="a", password="x", grant=OPERATOR)
    await asyncio.gather(*(hidden.replace(user.id, [f"a/{number}"]) for number in range(10)))
    assert len(news) == 10
    assert tuple(await hidden.of(user.id)) == news[-1].hidden_models


async def test_the_news_of_a_removed_user_drop_the_cached_list(hidden: HiddenModels, bus: Bus) -> None:
    assert await hidden.of("u") == []
    bus.publish(UserRemoved("u"))
    assert await hidden.of("u") == []
