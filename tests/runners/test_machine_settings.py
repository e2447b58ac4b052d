"""Usage, services, settings, providers and packages over HTTP: what is refused before the runner hears of it."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tests.runners.peer import Peer
from tests.runners.rig import Person, Rig, until

URL = "/api/runners/r1/"
SECRET = "sk-very-secret-value"


@pytest.fixture
async def ann(rig: Rig) -> Person:
    """Somebody with a runner."""
    return await rig.person("ann")


@pytest.fixture
async def daemon(rig: Rig, ann: Person) -> Peer:
    """A runner."""
    return await rig.runner(ann)


async def reply(daemon: Peer, command: str, event: str, body: dict[str, object]) -> dict[str, object]:
    request = await daemon.expect(command)
    await daemon.emit(event, {**body, "requestId": request["requestId"]})
    return request


SECTION = "Invalid section: expected one of models, mcpServers, mcp, hooks, sandbox, webSearch, providerOverrides, "
SECTION += "toolSearch, security, envVars, systemPrompt, tuiPreferences, agentsMd, goal"
BAD_BODIES: tuple[tuple[str, str, dict[str, object], str], ...] = (
    ("PUT", "settings", {}, SECTION),
    ("PUT", "settings", {"section": "passwords", "value": 1}, SECTION),
    ("PUT", "settings", {"section": ["hooks"], "value": 1}, SECTION),
    ("PUT", "settings", {"section": {"a": 1}, "value": 1}, SECTION),
    ("PUT", "settings", {"section": "hooks"}, "Missing 'value' field"),
    ("POST", "providers/login", {}, "Missing 'providerId'"),
    ("POST", "providers/login", {"providerId": ""}, "Missing 'providerId'"),
    ("POST", "providers/login", {"providerId": 5}, "Missing 'providerId'"),
    ("POST", "providers/login/submit", {"loginId": "l"}, "Missing 'loginId' or 'value'"),
    ("POST", "providers/login/submit", {"value": "v"}, "Missing 'loginId' or 'value'"),
    ("POST", "providers/login/submit", {"loginId": "l", "value": 5}, "Missing 'loginId' or 'value'"),
    ("POST", "providers/login/cancel", {}, "Missing 'loginId'"),
    ("POST", "packages/install", {}, "Missing or invalid 'source'"),
    ("POST", "packages/install", {"source": ""}, "Missing or invalid 'source'"),
    ("POST", "packages/remove", {"source": ["npm:x"]}, "Missing or invalid 'source'"),
    ("POST", "packages/update", {"source": None}, "'source' must be a string if provided"),
    ("POST", "packages/update", {"source": 5}, "'source' must be a string if provided"),
    ("PUT", "services/git/enabled", {}, "Missing or invalid 'enabled' field"),
    ("PUT", "services/git/enabled", {"enabled": 1}, "Missing or invalid 'enabled' field"),
    ("PUT", "services/git/enabled", {"enabled": "true"}, "Missing or invalid 'enabled' field"),
)


async def test_bad_bodies_are_400_with_a_text_that_says_what_is_missing(rig: Rig, ann: Person, daemon: Peer) -> None:
    there = daemon.names()
    for method, path, body, error in BAD_BODIES:
        assert await rig.json(method, URL + path, ann.by_key, body) == (400, {"error": error}), (path, body)
    assert await rig.json("GET", URL + "providers/login/status", ann.by_key) == (400, {"error": "Missing 'loginId'"})
    assert daemon.names() == there


async def test_strict_routes_refuse_what_is_no_json_object(rig: Rig, ann: Person, daemon: Peer) -> None:
    headers = {**ann.by_key, "Content-Type": "application/json"}
    strict = {(method, path) for method, path, _, _ in BAD_BODIES if not path.startswith("services")}
    for method, path in sorted(strict):
        for text in ("null", "[]", "{", ""):
            async with rig.client.request(method, rig.url + URL + path, headers=headers, data=text) as response:
                assert (response.status, await response.json()) == (400, {"error": "Invalid JSON body"}), path
    async with rig.client.put(rig.url + URL + "services/x/enabled", headers=headers, data="{") as response:
        assert (response.status, await response.json()) == (400, {"error": "Missing or invalid 'enabled' field"})


async def test_runners_13_null_is_a_value_of_a_setting(rig: Rig, ann: Person, daemon: Peer) -> None:
    asked = asyncio.gather(
        rig.json("PUT", URL + "settings", ann.by_key, {"section": "goal", "value": None}),
        reply(daemon, "settings_update_section", "file_result", {"ok": True, "saved": True}),
    )
    got, request = await asked
    assert got == (200, {"ok": True, "saved": True})
    assert (request["section"], request["value"], "value" in request) == ("goal", None, True)


@pytest.mark.parametrize("wanted", ["7d", "30d", "90d", "all"])
async def test_usage_takes_four_ranges(rig: Rig, ann: Person, daemon: Peer, wanted: str) -> None:
    asked = asyncio.gather(
        rig.json("GET", f"{URL}usage?range={wanted}", ann.by_key),
        reply(daemon, "get_usage", "usage_data", {"data": {"summary": None, "daily": []}}),
    )
    got, request = await asked
    assert request["range"] == wanted
    flat = {"ok": True, "totalInputTokens": 0, "totalOutputTokens": 0, "totalCostUsd": 0, "sessions": []}
    assert got == (200, {"summary": None, "daily": [], **flat})


async def test_another_range_is_400_and_an_error_of_the_runner_502(rig: Rig, ann: Person, daemon: Peer) -> None:
    for wanted in ("1d", "", "ALL", "90d%20"):
        bad = await rig.json("GET", f"{URL}usage?range={wanted}", ann.by_key)
        assert bad == (400, {"error": "Invalid range parameter"})
    for event, body, error in (
        ("usage_error", {"error": "still scanning"}, "still scanning"),
        ("usage_error", {}, "Runner command failed"),
        ("usage_data", {"data": {"error": "broken"}}, "broken"),
        ("usage_data", {"data": {"error": {"code": 1}}}, "Runner command failed"),
    ):
        asked = asyncio.gather(
            rig.json("GET", URL + "usage", ann.by_key), reply(daemon, "get_usage", event, dict(body))
        )
        assert (await asked)[0] == (502, {"error": error})


async def test_a_service_is_switched_by_one_order_and_known_by_the_next_announce(
    rig: Rig, ann: Person, daemon: Peer
) -> None:
    git, unknown = URL + "services/git/enabled", URL + "services/other/enabled"
    none = (404, {"error": "No services registered for this runner"})
    assert await rig.json("PUT", git, ann.by_key, {"enabled": True}) == none
    runner = rig.runners.get("r1")
    assert runner is not None
    await daemon.emit("service_announce", {"serviceIds": []})
    await until(lambda: runner.announce is not None)
    assert await rig.json("PUT", git, ann.by_key, {"enabled": True}) == none
    await daemon.emit("service_announce", {"serviceIds": ["git", "a/b"], "disabledServiceIds": ["a/b"]})
    await until(lambda: bool(runner.services("serviceIds")))
    missing = (404, {"error": "Service 'other' not found"})
    assert await rig.json("PUT", unknown, ann.by_key, {"enabled": True}) == missing
    same = {"ok": True, "serviceId": "git", "enabled": True, "disabledServiceIds": ["a/b"]}
    assert await rig.json("PUT", git, ann.by_key, {"enabled": True}) == (200, same)
    off = {"disabledServiceIds": ["a/b", "git"], "serviceId": "git", "enabled": False}
    assert await rig.json("PUT", git, ann.by_key, {"enabled": False}) == (200, {"ok": True, **off})
    assert await daemon.expect("reconfigure_services") == off
    on = {"disabledServiceIds": [], "serviceId": "a/b", "enabled": True}
    slashed = URL + "services/a%2Fb/enabled"
    assert await rig.json("PUT", slashed, ann.by_key, {"enabled": True}) == (200, {"ok": True, **on})
    assert await daemon.expect("reconfigure_services") == on
    assert daemon.unread("reconfigure_services") == 0
    assert runner.services("disabledServiceIds") == ["a/b"]


async def test_a_service_gate_is_that_of_every_runner_route(rig: Rig, ann: Person, daemon: Peer) -> None:
    bob = await rig.person("bob")
    body = {"enabled": True}
    path = "services/git/enabled"
    assert (await rig.json("PUT", URL + path, None, body))[0] == 401
    assert await rig.json("PUT", URL + path, bob.by_key, body) == (403, {"error": "Forbidden"})
    assert await rig.json("PUT", "/api/runners/no/" + path, ann.by_key, body) == (404, {"error": "Runner not found"})


async def test_runners_17_packages_answer_405_after_the_gate_and_404_for_a_change_without_action(
    rig: Rig, ann: Person, daemon: Peer
) -> None:
    not_allowed = (405, {"error": "Method not allowed"})
    for method, path in (("PUT", "packages"), ("DELETE", "packages"), ("GET", "packages/install")):
        assert await rig.json(method, URL + path, ann.by_key) == not_allowed
        unknown = await rig.json(method, f"/api/runners/no/{path}", ann.by_key)
        assert unknown == (404, {"error": "Runner not found"})
        assert (await rig.json(method, URL + path))[0] == 401
    async with rig.client.delete(rig.url + URL + "packages/update", headers=ann.by_key) as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")
    assert await rig.json("POST", URL + "packages", ann.by_key, {}) == (404, {"error": "Not found"})
    assert await rig.json("POST", URL + "packages/publish", ann.by_key, {}) == (404, {"error": "Not found"})
    for method, path in (("PATCH", "settings"), ("GET", "sandbox-config"), ("POST", "usage")):
        assert await rig.json(method, URL + path, ann.by_key) == (404, {"error": "Not found"})


async def test_an_update_names_its_package_only_when_the_caller_did(rig: Rig, ann: Person, daemon: Peer) -> None:
    bodies: tuple[dict[str, object], ...] = ({}, {"source": "npm:x"})
    for body in bodies:
        asked = asyncio.gather(
            rig.json("POST", URL + "packages/update", ann.by_key, body),
            reply(daemon, "packages_update", "file_result", {"ok": True, "message": "done"}),
        )
        got, request = await asked
        assert got == (200, {"ok": True, "message": "done"})
        assert {key: request[key] for key in request if key != "requestId"} == body


async def test_only_an_api_key_login_is_one(rig: Rig, ann: Person, daemon: Peer) -> None:
    for given, kind in (("api_key", "api_key"), ("oauth", "oauth"), (None, "oauth"), (5, "oauth")):
        asked = asyncio.gather(
            rig.json("POST", URL + "providers/login", ann.by_key, {"providerId": "p", "authType": given}),
            reply(daemon, "auth_login_start", "file_result", {"ok": True}),
        )
        assert (await asked)[1]["authType"] == kind


async def test_runners_23_what_may_be_a_secret_is_neither_logged_nor_echoed(
    rig: Rig, ann: Person, daemon: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "relay")
    calls = (
        ("PUT", "settings", {"section": "envVars", "value": {"KEY": SECRET}}, "settings_update_section"),
        ("POST", "providers/login/submit", {"loginId": "l", "value": SECRET}, "auth_login_submit"),
    )
    for ok in (True, False):
        for method, path, body, command in calls:
            asked = asyncio.gather(
                rig.json(method, URL + path, ann.by_key, body), reply(daemon, command, "file_result", {"ok": ok})
            )
            got, request = await asked
            assert SECRET in str(request)
            assert SECRET not in str(got)
    asked_settings = asyncio.gather(
        rig.json("GET", URL + "settings", ann.by_key),
        reply(daemon, "settings_get_config", "file_result", {"ok": True, "config": {"key": SECRET}}),
    )
    assert SECRET in str((await asked_settings)[0])
    dying = asyncio.ensure_future(rig.json("PUT", URL + "settings", ann.by_key, calls[0][2]))
    await daemon.expect("settings_update_section")
    await daemon.close()
    assert (await dying)[0] == 502
    assert any(record.name == "relay.runners.door" for record in caplog.records)
    assert all(SECRET not in str(record.__dict__) for record in caplog.records)
