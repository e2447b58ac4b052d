"""Prove what REST and feeds make of the published runner: its row, models, restart, stop (rest-runners.md 5)."""

from __future__ import annotations

import pytest

from tests.e2e.processes import marked
from tests.e2e.provider import MODEL
from tests.e2e.stack import Stack
from tests.e2e.transcript import as_objects
from tests.e2e.waiting import poll

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-a")]


async def test_the_runner_is_listed_alike_over_rest_and_the_feed(stack: Stack) -> None:
    feed = await stack.runners_feed()
    row = await feed.until_present(stack.runner_id)
    await feed.changed.until(
        lambda: "terminal" in str(feed.runners[stack.runner_id].get("serviceIds")), "its services", 15
    )
    row = feed.runners[stack.runner_id]
    assert (row["name"], row["version"], row["platform"]) == ("e2e-runner", "0.52.0", "linux")
    status, listed = await stack.request("GET", "/api/runners")
    assert status == 200
    [entry] = as_objects(listed)
    assert entry["id"] == entry["runnerId"] == stack.runner_id
    assert entry["connected"] is True
    assert entry["sessions"] == []
    session_id = await stack.spawn()
    [entry] = as_objects((await stack.request("GET", "/api/runners"))[1])
    assert entry["sessions"] == [session_id]
    assert entry["sessionCount"] == 1


async def test_models_come_from_the_runner_and_a_hidden_one_cannot_be_spawned(stack: Stack) -> None:
    models = as_objects((await stack.get(f"/api/runners/{stack.runner_id}/models")).get("models"))
    assert (MODEL["provider"], MODEL["id"]) in [(model["provider"], model["id"]) for model in models]
    hidden = {"hiddenModels": [f"{MODEL['provider']}/{MODEL['id']}"]}
    assert (await stack.request("PUT", "/api/settings/hidden-models", hidden))[0] == 200
    body = {"runnerId": stack.runner_id, "cwd": str(stack.work), "model": MODEL}
    status, refused = await stack.request("POST", "/api/runners/spawn", body)
    assert status == 400, refused
    assert "not available" in str(refused)
    assert await stack.live_sessions() == {}


async def test_spawns_that_cannot_work_say_why(stack: Stack) -> None:
    good = {"runnerId": stack.runner_id, "cwd": str(stack.work)}
    for body, expected in (
        ({}, 400),
        ({**good, "runnerId": "no-such-runner"}, 404),
        ({**good, "agent": {"name": "../x"}}, 400),
        ({**good, "cwd": str(stack.folder / "not there")}, 400),
    ):
        status, answer = await stack.request("POST", "/api/runners/spawn", body)
        assert status == expected, (body, answer)
        assert "error" in str(answer)


async def test_a_folder_that_was_used_is_remembered(stack: Stack) -> None:
    await stack.spawn()
    path = f"/api/runners/{stack.runner_id}/recent-folders"
    assert str(stack.work) in str(await stack.get(path))


async def test_a_restarted_runner_is_back_with_its_id_and_keeps_its_sessions(stack: Stack) -> None:
    feed = await stack.runners_feed()
    session_id = await stack.spawn("first")
    viewer = await stack.viewer(session_id)
    await viewer.until_said("You said: first")
    worker = stack.worker_pid(session_id)
    assert await stack.post("/api/runners/restart", {"runnerId": stack.runner_id}) == {"ok": True}
    await feed.changed.until(lambda: bool(feed.events("runner_removed")), "the runner to go", 15)
    await feed.until_present(stack.runner_id, timeout=30)
    assert worker in marked(stack.id)
    assert viewer.codes() == []
    await viewer.insist("second")
    await viewer.until_said("You said: second")
    other = await stack.viewer(await stack.spawn("third"))
    await other.until_said("You said: third")
    [entry] = as_objects((await stack.request("GET", "/api/runners"))[1])
    assert session_id in str(entry["sessions"])


async def test_a_stopped_runner_leaves_and_a_spawn_on_it_is_a_503(stack: Stack) -> None:
    feed = await stack.runners_feed()
    assert await stack.post("/api/runners/stop", {"runnerId": stack.runner_id}) == {"ok": True}
    await feed.changed.until(lambda: stack.runner_id not in feed.runners, "the runner to go", 15)
    body = {"runnerId": stack.runner_id, "cwd": str(stack.work)}
    status, answer = await stack.request("POST", "/api/runners/spawn", body)
    assert status == 503, answer
    runner = stack.runner
    assert runner is not None
    await poll(lambda: not runner.running, "the daemon to end", 15)
