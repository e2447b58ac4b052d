"""The runner endpoints over HTTP (rest-runners.md 1.3, 5.1, 5.3, 5.5, 5.7, 5.8)."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest

from tests.runners.peer import Peer
from tests.runners.rig import Rig, until

GATED = (
    ("GET", "/api/runners/{id}/models"),
    ("GET", "/api/runners/{id}/services"),
    ("GET", "/api/runners/{id}/recent-folders"),
    ("DELETE", "/api/runners/{id}/recent-folders"),
)
EMPTY: dict[str, object] = {
    "serviceIds": [],
    "disabledServiceIds": [],
    "panels": [],
    "triggerDefs": [],
    "sigilDefs": [],
    "sessionModes": [],
}


async def test_the_list_is_an_array_of_what_both_readers_need(rig: Rig) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    await rig.runner(ann, profile={"name": "my-macbook", "version": "0.52.0", "platform": "darwin"})
    await rig.runner(bob, "r2", "s2")
    rig.add_session(ann, "one", "r1")
    expected = {
        "id": "r1",
        "runnerId": "r1",
        "name": "my-macbook",
        "connected": True,
        "sessions": ["one"],
        "sessionCount": 1,
        "roots": [],
        "skills": [],
        "agents": [],
        "plugins": [],
        "hooks": [],
        "version": "0.52.0",
        "platform": "darwin",
    }
    for headers in (ann.by_key, ann.by_cookie, {"Authorization": f"Bearer {ann.key}"}):
        assert await rig.json("GET", "/api/runners", headers) == (200, [expected])
    assert await rig.json("GET", "/api/runners?format=object", ann.by_key) == (200, {"runners": [expected]})
    rig.add_session(ann, "two", "r1")
    _, listed = await rig.json("GET", "/api/runners", ann.by_key)
    assert isinstance(listed, list)
    assert (listed[0]["sessions"], listed[0]["sessionCount"]) == (["one", "two"], 2)


async def test_the_list_follows_every_change_of_the_runner(rig: Rig) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    runner = rig.runners.get("r1")
    assert runner is not None

    async def listed() -> dict[str, object]:
        _, runners = await rig.json("GET", "/api/runners", ann.by_key)
        assert isinstance(runners, list)
        entry = runners[0]
        assert isinstance(entry, dict)
        return entry

    assert "serviceIds" not in await listed()
    await daemon.emit("skills_list", {"skills": [{"name": "s"}]})
    await until(lambda: bool(runner.skills))
    assert (await listed())["skills"] == [{"name": "s", "description": "", "filePath": ""}]
    await daemon.emit("agents_list", {"agents": [{"name": "a"}]})
    await until(lambda: bool(runner.agents))
    assert (await listed())["agents"] == [{"name": "a", "description": "", "filePath": ""}]
    await daemon.emit("plugins_list", {"plugins": [{"name": "p"}]})
    await until(lambda: bool(runner.plugins))
    assert len(str((await listed())["plugins"])) > 10
    await daemon.emit("runner_warning", {"message": "w"})
    await until(lambda: bool(runner.warnings))
    assert (await listed())["warnings"] == ["w"]
    await daemon.emit("runner_warning_clear", {})
    await until(lambda: not runner.warnings)
    assert "warnings" not in await listed()
    await daemon.emit("service_announce", {"serviceIds": []})
    await until(lambda: runner.announce is not None)
    entry = await listed()
    assert [entry.get(key) for key in ("serviceIds", "disabledServiceIds", "panels", "triggerDefs")] == [
        [],
        [],
        [],
        None,
    ]
    await rig.runner(ann, profile={"name": "renamed"})
    assert (await listed())["name"] == "renamed"


async def test_nobody_gets_nothing(rig: Rig) -> None:
    for method, path in (("GET", "/api/runners"), ("POST", "/api/runners/restart"), *GATED):
        status, body = await rig.json(method, path.format(id="r1"))
        assert (status, body) == (401, {"error": "Missing API key (x-api-key header)"})


@pytest.mark.parametrize(("method", "path"), GATED)
async def test_runners_check_12_the_gate_answers_404_then_403(rig: Rig, method: str, path: str) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    await rig.runner(ann)
    assert await rig.json(method, path.format(id="unknown"), ann.by_key) == (404, {"error": "Runner not found"})
    assert await rig.json(method, path.format(id="r1"), bob.by_key) == (403, {"error": "Forbidden"})


async def test_an_id_is_decoded_once(rig: Rig) -> None:
    ann = await rig.person("ann")
    for number, runner_id in enumerate(("a/b", "a b%2F", "ü:1")):
        await rig.runner(ann, runner_id, f"s{number}")
        path = f"/api/runners/{quote(runner_id, safe='')}/services"
        assert await rig.json("GET", path, ann.by_key) == (200, EMPTY)


@pytest.mark.parametrize(("path", "event"), [("restart", "restart"), ("stop", "shutdown")])
async def test_commands_are_sent_to_the_runner_and_answered_at_once(rig: Rig, path: str, event: str) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    assert await rig.json("POST", f"/api/runners/{path}", ann.by_key, {"runnerId": "r1"}) == (200, {"ok": True})
    assert await daemon.expect(event) == {}


@pytest.mark.parametrize("path", ["restart", "stop"])
async def test_commands_fail_in_the_order_of_the_contract(rig: Rig, path: str) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    daemon = await rig.runner(ann)
    url = f"/api/runners/{path}"
    missing = (400, {"error": "Missing runnerId"})
    bodies: tuple[object, ...] = (None, {}, {"runnerId": 5}, {"runnerId": ""}, [], "x")
    for body in bodies:
        assert await rig.json("POST", url, ann.by_key, body) == missing
    assert await rig.json("POST", url, ann.by_key, {"runnerId": "no"}) == (404, {"error": "Runner not found"})
    assert await rig.json("POST", url, bob.by_key, {"runnerId": "r1"}) == (403, {"error": "Forbidden"})
    async with rig.client.post(rig.url + url, data=b"{broken", headers=ann.by_key) as response:
        assert (response.status, await response.json()) == missing
    assert daemon.names() == ["runner_registered", "trigger_subscriptions_snapshot"]


async def answer_models(daemon: Peer, reply: dict[str, object]) -> None:
    request = await daemon.expect("list_models")
    await daemon.emit("models_list", {**reply, "requestId": request["requestId"]})


async def test_models_come_with_all_fields_and_without_the_hidden_ones(rig: Rig) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    shown = {"provider": "p", "id": "shown", "name": "S", "reasoning": True, "contextWindow": 1}
    rig.hidden[ann.id] = [" p / hidden "]
    asked = asyncio.gather(
        rig.json("GET", "/api/runners/r1/models", ann.by_key),
        answer_models(daemon, {"models": [shown, {"provider": "p", "id": "hidden"}]}),
    )
    assert (await asked)[0] == (200, {"models": [shown]})


async def test_runners_check_15_models_are_an_empty_list_whatever_fails(rig: Rig) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    replies: tuple[dict[str, object], ...] = ({"error": "no provider"}, {"models": None}, {"models": "x"})
    for reply in replies:
        asked = asyncio.gather(rig.json("GET", "/api/runners/r1/models", ann.by_key), answer_models(daemon, reply))
        assert (await asked)[0] == (200, {"models": []})
    dying = asyncio.gather(rig.json("GET", "/api/runners/r1/models", ann.by_key), daemon.expect("list_models"))
    await until(lambda: "list_models" in daemon.names()[5:])
    await daemon.close()
    assert (await dying)[0] == (200, {"models": []})


async def test_services_come_from_the_cache_with_both_names_of_a_panel(rig: Rig) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    assert await rig.json("GET", "/api/runners/r1/services", ann.by_key) == (200, EMPTY)
    panel = {"serviceId": "git", "port": 1, "label": "Git", "icon": "i", "panelParams": {"a": 1}, "new": True}
    await daemon.emit("service_announce", {"serviceIds": ["git", "x"], "disabledServiceIds": ["x"], "panels": [panel]})
    runner = rig.runners.get("r1")
    assert runner is not None
    await until(lambda: runner.announce is not None)
    expected = {
        **EMPTY,
        "serviceIds": ["git", "x"],
        "disabledServiceIds": ["x"],
        "panels": [{**panel, "id": "git", "title": "Git"}],
    }
    assert await rig.json("GET", "/api/runners/r1/services", ann.by_key) == (200, expected)
    assert daemon.unread("list_services") == 0


async def test_recent_folders_are_listed_and_forgotten(rig: Rig) -> None:
    ann = await rig.person("ann")
    await rig.runner(ann)
    url = "/api/runners/r1/recent-folders"
    assert await rig.json("GET", url, ann.by_key) == (200, {"folders": []})
    for path in ("/a", "/b", "/b"):
        await rig.folders.record(ann.id, "r1", path)
    assert await rig.json("GET", url, ann.by_key) == (200, {"folders": ["/b", "/a"]})
    assert await rig.json("DELETE", url, ann.by_key, {"path": "/b"}) == (200, {"ok": True, "deleted": True})
    assert await rig.json("DELETE", url, ann.by_key, {"path": "/b"}) == (200, {"ok": True, "deleted": False})
    assert await rig.json("GET", url, ann.by_key) == (200, {"folders": ["/a"]})
    bodies: tuple[object, ...] = (None, {}, {"path": 5}, {"path": "  "}, [])
    for body in bodies:
        assert await rig.json("DELETE", url, ann.by_key, body) == (400, {"error": "Missing path"})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/runners"),
        ("GET", "/api/runners/restart"),
        ("POST", "/api/runners/r1/models"),
        ("GET", "/api/runners/r1/nothing"),
        ("GET", "/api/runners/r1"),
    ],
)
async def test_runners_check_17_an_unknown_path_or_method_is_404_as_json(rig: Rig, method: str, path: str) -> None:
    ann = await rig.person("ann")
    await rig.runner(ann)
    assert await rig.json(method, path, ann.by_key) == (404, {"error": "Not found"})
