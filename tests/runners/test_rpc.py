"""Requests to a runner and their answers (sockets-agents.md 3.4, rest-runners.md 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from relay.runners.rpc import Family, RunnerBusy, RunnerOffline, RunnerRefused, RunnerTimeout
from relay.runners.runner import Runner
from tests.runners.rig import Options, Rig, until

Answer = asyncio.Task[dict[str, object]]


@pytest.fixture
def options() -> Options:
    return Options(max_pending=3)


def ask(
    rig: Rig,
    event: str,
    family: Family = Family.GENERIC,
    payload: Mapping[str, object] | None = None,
    timeout: float = 5,
) -> Answer:
    call = rig.rpc.call(rig.runners.get("r1"), event, payload or {}, family=family, timeout=timeout)
    return asyncio.get_running_loop().create_task(call)


def live(rig: Rig) -> Runner:
    runner = rig.runners.get("r1")
    assert runner is not None
    return runner


async def test_the_request_carries_its_fields_and_an_id_and_the_answer_loses_the_id(rig: Rig) -> None:
    daemon = await rig.runner(await rig.person("ann"))
    answer = ask(rig, "list_files", payload={"path": "/x"})
    request = await daemon.expect("list_files")
    assert set(request) == {"path", "requestId"}
    assert len(str(request["requestId"])) == 36
    await daemon.emit("file_result", {"requestId": request["requestId"], "ok": True, "files": [1], "more": None})
    assert await answer == {"ok": True, "files": [1], "more": None}
    assert rig.rpc.pending(live(rig).socket) == 0


@pytest.mark.parametrize(
    ("command", "family", "event", "reply", "result"),
    [
        (
            "list_skills",
            Family.SKILL,
            "skills_list",
            {"skills": [{"name": "a"}]},
            {"ok": True, "skills": [{"name": "a", "description": "", "filePath": ""}]},
        ),
        ("get_skill", Family.SKILL, "skill_result", {"ok": True, "name": "a", "content": "c"}, None),
        ("get_skill", Family.SKILL, "skill_result", {"ok": False, "message": "none"}, None),
        ("list_agents", Family.AGENT, "agents_list", {"agents": []}, {"ok": True, "agents": []}),
        ("get_agent", Family.AGENT, "agent_result", {"ok": True, "name": "a", "content": "c"}, None),
        (
            "list_plugins",
            Family.GENERIC,
            "plugins_list",
            {"plugins": [{"name": "p"}]},
            {"ok": True, "plugins": [{"name": "p"}]},
        ),
        (
            "list_plugins",
            Family.GENERIC,
            "plugins_list",
            {"plugins": [], "ok": False, "message": "no"},
            {"ok": False, "plugins": [], "message": "no"},
        ),
        ("list_models", Family.GENERIC, "models_list", {"models": [{"id": "m"}], "error": "x"}, None),
        ("get_usage", Family.GENERIC, "usage_data", {"data": {"total": 1}}, {"total": 1}),
        ("analyze_session", Family.GENERIC, "analyze_session_data", {"data": {"turns": 1}}, {"turns": 1}),
    ],
)
async def test_each_reply_event_answers_its_command(
    rig: Rig, command: str, family: Family, event: str, reply: dict[str, object], result: dict[str, object] | None
) -> None:
    daemon = await rig.runner(await rig.person("ann"))
    answer = ask(rig, command, family)
    request = await daemon.expect(command)
    await daemon.emit(event, {**reply, "requestId": request["requestId"]})
    assert await answer == (reply if result is None else result)


@pytest.mark.parametrize(
    ("command", "event"), [("get_usage", "usage_error"), ("analyze_session", "analyze_session_error")]
)
async def test_an_error_event_is_the_runners_refusal(rig: Rig, command: str, event: str) -> None:
    daemon = await rig.runner(await rig.person("ann"))
    answer = ask(rig, command)
    request = await daemon.expect(command)
    await daemon.emit(event, {"requestId": request["requestId"], "error": "no data"})
    with pytest.raises(RunnerRefused, match=r"^no data$"):
        await answer


async def test_answers_find_their_requests_in_any_order(rig: Rig) -> None:
    daemon = await rig.runner(await rig.person("ann"))
    first, second = ask(rig, "list_files"), ask(rig, "list_files")
    ids = [(await daemon.expect("list_files"))["requestId"] for _ in range(2)]
    await daemon.emit("file_result", {"requestId": ids[1], "n": 2})
    await daemon.emit("file_result", {"requestId": ids[0], "n": 1})
    assert (await first, await second) == ({"n": 1}, {"n": 2})


async def test_no_runner_no_wait(rig: Rig) -> None:
    with pytest.raises(RunnerOffline, match=r"^Runner not found$"):
        await ask(rig, "list_files")


async def test_a_disconnect_fails_open_requests_at_once(rig: Rig) -> None:
    daemon = await rig.runner(await rig.person("ann"))
    answers = [ask(rig, "list_files", timeout=60) for _ in range(2)]
    await daemon.expect("list_files")
    await daemon.close()
    for answer in answers:
        with pytest.raises(RunnerOffline):
            await asyncio.wait_for(answer, 5)


async def test_a_replacement_fails_the_requests_of_the_old_socket_at_once(rig: Rig) -> None:
    ann = await rig.person("ann")
    old = await rig.runner(ann)
    answer = ask(rig, "list_files", timeout=60)
    request = await old.expect("list_files")
    await rig.runner(ann)
    with pytest.raises(RunnerOffline):
        await asyncio.wait_for(answer, 5)
    await old.emit("file_result", {"requestId": request["requestId"], "ok": True})


async def test_only_the_asked_socket_can_answer(rig: Rig) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    daemon = await rig.runner(ann)
    stranger = await rig.runner(bob, "r2", "s2")
    answer = ask(rig, "list_files")
    request = await daemon.expect("list_files")
    await stranger.emit("file_result", {"requestId": request["requestId"], "from": "stranger"})
    await stranger.emit("runner_warning", {"message": "after it"})
    other = rig.runners.get("r2")
    assert other is not None
    await until(lambda: bool(other.warnings))
    assert not answer.done()
    await daemon.emit("file_result", {"requestId": request["requestId"], "from": "daemon"})
    assert await answer == {"from": "daemon"}


async def test_a_reply_of_another_family_is_no_answer(rig: Rig) -> None:
    daemon = await rig.runner(await rig.person("ann"))
    answer = ask(rig, "list_files")
    request = await daemon.expect("list_files")
    await daemon.emit("skill_result", {"requestId": request["requestId"], "ok": True})
    await daemon.emit("file_result", {"requestId": request["requestId"], "ok": False})
    assert await answer == {"ok": False}


@pytest.mark.parametrize(
    ("family", "text"),
    [
        (Family.SKILL, "Skill command timed out"),
        (Family.AGENT, "Agent command timed out"),
        (Family.GENERIC, "Runner command timed out"),
    ],
)
async def test_each_family_has_its_timeout_text(rig: Rig, family: Family, text: str) -> None:
    await rig.runner(await rig.person("ann"))
    with pytest.raises(RunnerTimeout, match=f"^{text}$"):
        await ask(rig, "whatever", family, timeout=0.01)
    assert rig.rpc.pending(live(rig).socket) == 0


def test_the_default_timeouts_are_those_of_the_contract() -> None:
    assert [family.timeout for family in (Family.SKILL, Family.AGENT, Family.GENERIC)] == [10.0, 10.0, 15.0]


async def test_each_family_has_its_own_bound(rig: Rig) -> None:
    daemon = await rig.runner(await rig.person("ann"))
    waiting = [ask(rig, "list_files") for _ in range(3)]
    waiting.append(ask(rig, "list_skills", Family.SKILL))
    await daemon.expect("list_skills")
    with pytest.raises(RunnerBusy, match=r"^Too many pending runner commands \(max 3\)$"):
        await ask(rig, "list_files")
    waiting += [ask(rig, "list_skills", Family.SKILL) for _ in range(2)]
    await daemon.expect("list_skills")
    with pytest.raises(RunnerBusy, match=r"^Too many pending skill requests \(max 3\)$"):
        await ask(rig, "list_skills", Family.SKILL)
    assert daemon.names().count("list_files") == 3
    await daemon.close()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [RunnerOffline] * 6


async def test_a_late_answer_is_ignored_and_its_cache_effect_kept(rig: Rig) -> None:
    daemon = await rig.runner(await rig.person("ann"))
    with pytest.raises(RunnerTimeout):
        await ask(rig, "list_skills", Family.SKILL, timeout=0.01)
    request = await daemon.expect("list_skills")
    await daemon.emit("skills_list", {"requestId": request["requestId"], "skills": [{"name": "late"}]})
    await until(lambda: [skill["name"] for skill in live(rig).skills] == ["late"])


async def test_runners_check_16_a_file_read_is_cancelled_at_the_runner_on_timeout_and_when_its_caller_leaves(
    rig: Rig,
) -> None:
    daemon = await rig.runner(await rig.person("ann"))
    with pytest.raises(RunnerTimeout):
        await ask(rig, "read_file", timeout=0.01)
    timed_out = await daemon.expect("read_file")
    assert await daemon.expect("cancel_file_request") == {"requestId": timed_out["requestId"]}
    reading = ask(rig, "read_file")
    request = await daemon.expect("read_file")
    reading.cancel()
    assert await daemon.expect("cancel_file_request") == {"requestId": request["requestId"]}
    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_other_commands_and_answered_reads_are_not_cancelled(rig: Rig) -> None:
    daemon = await rig.runner(await rig.person("ann"))
    with pytest.raises(RunnerTimeout):
        await ask(rig, "list_files", timeout=0.01)
    reading = ask(rig, "read_file")
    request = await daemon.expect("read_file")
    await daemon.emit("file_result", {"requestId": request["requestId"], "ok": True})
    assert await reading == {"ok": True}
    live(rig).emit("marker", {})
    await daemon.expect("marker")
    assert daemon.unread("cancel_file_request") == 0
