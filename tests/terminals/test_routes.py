"""The HTTP calls about terminals (rest-runners.md 5.4)."""

from __future__ import annotations

import uuid

import pytest

from relay.clock import parse_iso
from relay.terminals.limits import TerminalLimits
from tests.sessions.stage import Stage
from tests.terminals.desk import Desk
from tests.viewers.house import Person


async def test_opening_answers_a_fresh_id_and_tells_the_runner_nothing(desk: Desk) -> None:
    answer = await desk.ask_to_open(cwd="/work", cols=100, rows=30)
    assert answer.status == 200
    assert answer.body == {"ok": True, "terminalId": answer.body["terminalId"], "runnerId": desk.runner.id}
    assert str(uuid.UUID(str(answer.body["terminalId"]))) == answer.body["terminalId"]
    assert await desk.open() != answer.body["terminalId"]
    assert await desk.told() == []


@pytest.mark.parametrize("body", [{}, {"runnerId": ""}, {"runnerId": 7}, {"runnerId": None}])
async def test_without_a_runner_id_it_is_400(stage: Stage, ann: Person, body: dict[str, object]) -> None:
    answer = await stage.ask("POST", "/api/runners/terminal", ann, body)
    assert (answer.status, answer.body) == (400, {"error": "Missing runnerId"})


async def test_the_runner_must_be_connected_and_the_callers_own(desk: Desk, stage: Stage, bob: Person) -> None:
    for method, path, body in (
        ("POST", "/api/runners/terminal", {"runnerId": "{}"}),
        ("GET", "/api/runners/{}/terminals", None),
    ):
        for runner_id, person, status, error in (
            ("nowhere", desk.person, 404, "Runner not found"),
            (desk.runner.id, bob, 403, "Forbidden"),
            (desk.runner.id, None, 401, "Missing API key (x-api-key header)"),
        ):
            sent = {"runnerId": runner_id} if body else None
            answer = await stage.ask(method, path.format(runner_id), person, sent)
            assert (answer.status, answer.body) == (status, {"error": error})


async def test_the_folder_must_lie_in_the_runners_roots(stage: Stage, ann: Person) -> None:
    desk = Desk(stage, ann, await stage.runner(ann, roots=["/work"]))
    for cwd in ("/etc", "/work/../etc", "/workshop", "work"):
        answer = await desk.ask_to_open(cwd=cwd)
        assert (answer.status, answer.body) == (400, {"error": f"Runner cannot access cwd: {cwd}"})
    for good in ({"cwd": "/work/deep"}, {"cwd": ""}, {"cwd": 5}, {}):
        assert (await desk.ask_to_open(**good)).status == 200


async def test_wrong_sizes_are_clamped_or_ignored(desk: Desk) -> None:
    for sent, cols, rows in (
        ({}, 80, 24),
        ({"cols": "wide", "rows": None}, 80, 24),
        ({"cols": 0, "rows": -4}, 1, 1),
        ({"cols": 5000, "rows": 33.9}, 1000, 33),
    ):
        await desk.open(**sent)
        row = (await desk.listed())[-1]
        assert (row["cols"], row["rows"]) == (cols, rows)


async def test_the_list_shows_each_stage_of_a_terminals_life(desk: Desk) -> None:
    assert await desk.listed() == []
    waiting = await desk.open(cwd="/work")
    running, browser = await desk.started()
    await desk.browser(running)
    rows = await desk.listed()
    assert [row["terminalId"] for row in rows] == [waiting, running]
    for row, known in zip(
        rows,
        (
            {"cwd": "/work", "cols": 80, "rows": 24, "spawned": False, "exited": False, "viewers": 0},
            {"cwd": None, "cols": 100, "rows": 30, "spawned": True, "exited": False, "viewers": 2},
        ),
        strict=True,
    ):
        assert {key: value for key, value in row.items() if key not in ("terminalId", "createdAt")} == known
        assert parse_iso(str(row["createdAt"])) is not None
    await desk.exits(running, 3)
    await browser.take("terminal_exit")
    assert [row["exited"] for row in await desk.listed()] == [False, True]


async def test_the_list_is_of_one_runner_and_not_readable_for_others(desk: Desk, stage: Stage, bob: Person) -> None:
    mine = await desk.open()
    other = Desk(stage, desk.person, await stage.runner(desk.person, "r2"))
    theirs = Desk(stage, bob, await stage.runner(bob, "r3"))
    await other.open()
    await theirs.open()
    assert [row["terminalId"] for row in await desk.listed()] == [mine]


class TestTheBound:
    """A user has so many open terminals."""

    @pytest.fixture
    def limits(self) -> TerminalLimits:
        return TerminalLimits(open_per_user=2)

    async def test_one_more_is_429_until_one_ends(self, desk: Desk, stage: Stage, bob: Person) -> None:
        first, browser = await desk.started()
        await desk.open()
        answer = await desk.ask_to_open()
        assert (answer.status, answer.body) == (429, {"error": "Too many open terminals"})
        assert (await Desk(stage, bob, await stage.runner(bob, "r2")).ask_to_open()).status == 200
        await desk.exits(first)
        await browser.take("terminal_exit")
        assert (await desk.ask_to_open()).status == 200
