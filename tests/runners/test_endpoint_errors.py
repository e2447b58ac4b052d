"""The error table of every endpoint that asks a runner, against a scripted runner (rest-runners.md 1.3, 4, 5, 6)."""

from __future__ import annotations

import asyncio

import pytest

from relay.runners.limits import CommandLimits
from tests.runners.endpoints import ENDPOINTS, Endpoint, answer
from tests.runners.rig import Options, Rig

every = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
refusing = pytest.mark.parametrize("endpoint", [each for each in ENDPOINTS if each.refusal[0]], ids=str)
BLINK = 0.05


@pytest.fixture
def options(request: pytest.FixtureRequest) -> Options:
    """Shorten every wait for the test of a silent runner."""
    if "silent" not in request.node.name:
        return Options()
    names = CommandLimits.__dataclass_fields__
    return Options(commands=CommandLimits(**dict.fromkeys(names, BLINK)))


@every
async def test_the_runner_is_asked_and_its_answer_given(rig: Rig, endpoint: Endpoint) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    for headers in (ann.by_key, {**ann.by_cookie, "Origin": rig.url}):
        asked = asyncio.gather(
            rig.json(endpoint.method, endpoint.url, headers, endpoint.body),
            answer(daemon, endpoint, endpoint.answer),
        )
        got, sent = await asked
        assert sent == endpoint.sent
        assert got == (200, endpoint.result)
    runner = rig.runners.get("r1")
    assert runner is not None
    assert rig.rpc.pending(runner.socket) == 0


@every
async def test_strangers_and_unknown_runners_are_refused_before_the_body_is_read(rig: Rig, endpoint: Endpoint) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    daemon = await rig.runner(ann)
    there = daemon.names()
    unknown = endpoint.url.replace("/r1/", "/r2/")
    nobody = (401, {"error": "Missing API key (x-api-key header)"})
    assert await rig.json(endpoint.method, endpoint.url, None, endpoint.body) == nobody
    assert await rig.json(endpoint.method, unknown, ann.by_key, endpoint.body) == (404, {"error": "Runner not found"})
    assert await rig.json(endpoint.method, endpoint.url, bob.by_key, endpoint.body) == (403, {"error": "Forbidden"})
    if endpoint.body is not None:
        sent = {**bob.by_key, "Content-Type": "application/json"}
        async with rig.client.request(endpoint.method, rig.url + endpoint.url, headers=sent, data="{") as response:
            assert (response.status, await response.json()) == (403, {"error": "Forbidden"})
    assert daemon.names() == there


@every
async def test_a_runner_that_is_away_is_404_and_one_that_goes_meanwhile_502(rig: Rig, endpoint: Endpoint) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    request = asyncio.ensure_future(rig.json(endpoint.method, endpoint.url, ann.by_key, endpoint.body))
    await daemon.expect(endpoint.command)
    await daemon.close()
    assert await request == (502, {"error": endpoint.failure or "Runner not found"})
    away = await rig.json(endpoint.method, endpoint.url, ann.by_key, endpoint.body)
    assert away == (404, {"error": "Runner not found"})


@every
async def test_a_silent_runner_is_502_after_the_timeout(rig: Rig, endpoint: Endpoint) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    answered = await rig.json(endpoint.method, endpoint.url, ann.by_key, endpoint.body)
    assert answered == (502, {"error": endpoint.failure or endpoint.timed_out})
    # The late answer of a runner that was only slow harms nobody.
    await answer(daemon, endpoint, endpoint.answer)
    assert (await rig.json("GET", "/api/runners/r1/services", ann.by_key))[0] == 200


@refusing
async def test_a_refusing_runner_is_the_status_of_the_contract_with_its_own_text(rig: Rig, endpoint: Endpoint) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    status, text = endpoint.refusal
    for reply, expected in (
        ({"ok": False, "message": "no: {braces} \ud83c"}, "no: {braces} \ud83c"),
        ({"ok": False}, text),
        ({"ok": False, "message": ""}, text),
        ({"ok": False, "message": 5}, text),
    ):
        asked = asyncio.gather(
            rig.json(endpoint.method, endpoint.url, ann.by_key, endpoint.body), answer(daemon, endpoint, reply)
        )
        assert (await asked)[0] == (status, {"error": expected, **endpoint.refusal_extra})


async def test_an_answer_that_no_encoder_could_write_is_502(rig: Rig) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    deep: object = []
    for _ in range(400):
        deep = [deep]
    for endpoint in ENDPOINTS:
        if endpoint.reply != "file_result":
            continue
        asked = asyncio.gather(
            rig.json(endpoint.method, endpoint.url, ann.by_key, endpoint.body),
            answer(daemon, endpoint, {"ok": True, "deep": deep}),
        )
        assert (await asked)[0] == (502, {"error": "The runner's answer is nested too deeply"}), endpoint


def test_long_work_gets_the_time_it_needs() -> None:
    limits = CommandLimits()
    assert limits.package_change >= 300
    assert (limits.login_start, limits.login_submit) == (45, 90)
    assert (limits.read_base64, limits.files) == (30, 15)
