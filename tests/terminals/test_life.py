"""How long terminals live (sockets-browsers.md 5.2, 9)."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from relay.terminals.limits import TerminalLimits
from tests.sessions.stage import Stage, until
from tests.terminals.desk import RESET, Desk, decoded, names, shown
from tests.viewers.wire import Joined, Json

#: Much longer than a test; a terminal that must go by another time would stay.
NEVER = 3600.0


PATIENT = TerminalLimits(unspawned_for=NEVER, ended_watched_for=NEVER, ended_unwatched_for=NEVER, abandoned_for=NEVER)


async def attach(desk: Desk, terminal_id: str) -> Joined:
    """Join without expecting to be let in."""
    return await (await desk.page()).join("/terminal", {"terminalId": terminal_id})


async def is_unknown(desk: Desk, terminal_id: str) -> bool:
    error = await (await attach(desk, terminal_id)).take("terminal_error")
    return error == {"terminalId": terminal_id, "message": "Terminal not found"}


def test_the_times_are_those_of_the_contract() -> None:
    limits = TerminalLimits()
    assert (limits.unspawned_for, limits.ended_watched_for, limits.ended_unwatched_for) == (60, 2, 30)
    assert limits.scrollback_messages == 1000


class TestUnspawned:
    @pytest.fixture
    def limits(self) -> TerminalLimits:
        return replace(PATIENT, unspawned_for=0.3)

    async def test_it_goes_when_nobody_comes(self, desk: Desk) -> None:
        terminal_id = await desk.open()
        begun = time.monotonic()
        await desk.until_gone(terminal_id)
        assert time.monotonic() - begun > 0.2
        assert await is_unknown(desk, terminal_id)
        assert await desk.told() == []

    async def test_a_browser_holds_it_and_leaving_lets_it_go(self, desk: Desk) -> None:
        terminal_id, bystander = await desk.open(), await desk.open()
        browser = await desk.browser(terminal_id)
        await desk.until_gone(bystander)
        assert [row["terminalId"] for row in await desk.listed()] == [terminal_id]
        await browser.wire.close()
        await desk.until_gone(terminal_id)

    async def test_a_spawned_one_stays_without_browsers(self, desk: Desk) -> None:
        running, browser = await desk.started()
        await browser.wire.close()
        await desk.until_gone(await desk.open())
        assert [row["terminalId"] for row in await desk.listed()] == [running]


class TestEndedWatched:
    @pytest.fixture
    def limits(self) -> TerminalLimits:
        return replace(PATIENT, ended_watched_for=0.2)

    async def test_it_goes_soon_and_what_its_browsers_send_is_ignored(self, desk: Desk) -> None:
        terminal_id, browser = await desk.started()
        await desk.exits(terminal_id)
        await browser.take("terminal_exit")
        await desk.until_gone(terminal_id)
        await browser.emit("terminal_input", {"data": "bHM="})
        await browser.emit("terminal_resize", {"cols": 1, "rows": 1})
        await browser.emit("kill_terminal", {})
        assert [name for name, _ in await desk.told([browser])] == ["new_terminal"]
        assert not browser.kicked

    async def test_a_late_browser_gets_everything_and_then_it_goes(self, desk: Desk) -> None:
        terminal_id, browser = await desk.started()
        await browser.wire.close()
        await desk.prints(terminal_id, "the last words")
        await desk.exits(terminal_id, 7)
        await desk.handled()
        late = await desk.browser(terminal_id)
        assert names(late) == ["terminal_ready", "terminal_data", "terminal_exit", "terminal_connected"]
        assert (await late.take("terminal_exit"))["exitCode"] == 7
        await desk.until_gone(terminal_id)


class TestEndedUnwatched:
    @pytest.fixture
    def limits(self) -> TerminalLimits:
        return replace(PATIENT, ended_unwatched_for=0.3)

    async def test_it_waits_a_while_for_a_late_browser(self, desk: Desk) -> None:
        terminal_id, browser = await desk.started()
        await browser.wire.close()
        await desk.exits(terminal_id)
        await desk.until_gone(terminal_id)
        assert await is_unknown(desk, terminal_id)

    async def test_an_error_has_the_same_end(self, desk: Desk) -> None:
        terminal_id = await desk.open()
        await desk.fails(terminal_id, "no pty")
        await desk.until_gone(terminal_id)


class TestLeavingAnEndedOne:
    @pytest.fixture
    def limits(self) -> TerminalLimits:
        return PATIENT

    async def test_any_browser_that_leaves_takes_it_along(self, desk: Desk) -> None:
        terminal_id, first = await desk.started()
        second = await desk.browser(terminal_id)
        await desk.exits(terminal_id)
        await second.take("terminal_exit")
        await first.wire.close()
        await desk.until_gone(terminal_id)
        assert await is_unknown(desk, terminal_id)


class TestAbandoned:
    @pytest.fixture
    def limits(self) -> TerminalLimits:
        return replace(PATIENT, abandoned_for=0.4)

    async def test_a_silent_shell_that_nobody_watches_is_killed(self, desk: Desk) -> None:
        terminal_id, browser = await desk.started()
        await browser.wire.close()
        await desk.until_gone(terminal_id)
        assert await desk.runner.socket.take("kill_terminal") == {"terminalId": terminal_id}
        # Its end finds nobody.
        await desk.exits(terminal_id, -1)
        await desk.handled()

    async def test_output_and_browsers_keep_it(self, desk: Desk) -> None:
        quiet, leaving = await desk.started()
        busy, gone = await desk.started()
        watched, _staying = await desk.started()
        await leaving.wire.close()
        await gone.wire.close()
        async with asyncio.timeout(10):
            while any(row["terminalId"] == quiet for row in await desk.listed()):
                await desk.prints(busy, "tick")
        assert [row["terminalId"] for row in await desk.listed()] == [busy, watched]
        assert [body for name, body in await desk.told() if name == "kill_terminal"] == [{"terminalId": quiet}]


class TestARunnersReturn:
    @pytest.fixture
    def limits(self) -> TerminalLimits:
        return PATIENT

    async def test_shells_that_outlived_the_connection_are_found_again(self, desk: Desk, stage: Stage) -> None:
        terminal_id, browser = await desk.started()
        await desk.prints(terminal_id, "before ")
        await browser.take("terminal_data")
        await desk.runner.leave()
        await browser.take("terminal_exit")
        desk.runner = await stage.runner(desk.person)
        await desk.runner.socket.take("list_terminals")
        await desk.runner.socket.emit("terminals_list", {"terminals": [terminal_id]})
        # Its page shows it as running again, and a new one too.
        await browser.take("terminal_ready")
        await desk.prints(terminal_id, "after")
        assert decoded(await browser.take("terminal_data")) == "after"
        await browser.emit("terminal_input", {"data": "bHM="})
        assert (await desk.runner.socket.take("terminal_input"))["data"] == "bHM="
        assert shown(await desk.browser(terminal_id)) == "before after"
        assert [row["exited"] for row in await desk.listed()] == [False]

    async def test_after_a_restart_of_the_relay_too(self, desk: Desk, stage: Stage) -> None:
        terminal_id, browser = await desk.started()
        await stage.restart()
        assert browser.kicked
        assert "terminal_exit" not in names(browser)
        desk.runner = await stage.runner(desk.person)
        assert await is_unknown(desk, terminal_id)
        await desk.runner.socket.emit("terminals_list", {"terminals": [terminal_id, 7, "", "x" * 65]})
        await desk.handled()
        [row] = await desk.listed()
        assert (row["terminalId"], row["spawned"], row["viewers"]) == (terminal_id, True, 0)
        again = await desk.browser(terminal_id)
        await again.emit("terminal_resize", {"cols": 90, "rows": 20})
        assert await desk.runner.socket.take("terminal_resize") == {"terminalId": terminal_id, "cols": 90, "rows": 20}
        await desk.prints(terminal_id, "$ ")
        assert decoded(await again.take("terminal_data")) == "$ "

    async def test_a_runner_cannot_take_up_what_is_anothers(self, desk: Desk, stage: Stage) -> None:
        terminal_id, browser = await desk.started()
        other = Desk(stage, desk.person, await stage.runner(desk.person, "r2"))
        await other.runner.socket.emit("terminals_list", {"terminals": [terminal_id]})
        await other.handled()
        assert await other.listed() == []
        await desk.prints(terminal_id, "mine")
        assert decoded(await browser.take("terminal_data")) == "mine"

    async def test_what_a_new_connection_no_longer_has_ends(self, desk: Desk, stage: Stage) -> None:
        lost, first = await desk.started()
        kept, second = await desk.started()
        # The daemon is back before the relay noticed that the old connection is dead.
        desk.runner = await stage.runner(desk.person)
        fresh, third = await desk.started()
        await desk.runner.socket.emit("terminals_list", {"terminals": [kept]})
        assert (await first.take("terminal_exit"))["exitCode"] == -1
        for terminal_id, browser in ((kept, second), (fresh, third)):
            await desk.prints(terminal_id, "alive")
            assert decoded(await browser.take("terminal_data")) == "alive"
        assert {str(row["terminalId"]): row["exited"] for row in await desk.listed()} == {
            lost: True,
            kept: False,
            fresh: False,
        }

    async def test_a_killed_shell_is_not_taken_up_again(self, desk: Desk, stage: Stage) -> None:
        terminal_id, browser = await desk.started()
        await browser.emit("kill_terminal", {})
        await desk.runner.socket.take("kill_terminal")
        await desk.runner.leave()
        await browser.take("terminal_exit")
        desk.runner = await stage.runner(desk.person)
        await desk.runner.socket.emit("terminals_list", {"terminals": [terminal_id]})
        await desk.handled()
        assert browser.unread() == []


class TestSlowBrowsers:
    """Output that nobody reads is bounded, and the newest is shown in the end."""

    @pytest.fixture
    def limits(self) -> TerminalLimits:
        return TerminalLimits(lag_bytes=65_536, scrollback_bytes=131_072)

    async def test_one_that_stops_reading_skips_to_the_newest_output(self, desk: Desk) -> None:
        terminal_id, quick = await desk.started()
        slow = await desk.browser(terminal_id)
        slow.wire.reading.clear()
        line = "x" * 8190 + "\r\n"
        for _ in range(2500):
            await desk.prints(terminal_id, line)
        await desk.prints(terminal_id, "the end")
        async with asyncio.timeout(20):
            while not shown(quick).endswith("the end"):
                await asyncio.sleep(0.02)
        assert not slow.wire.closed.is_set()
        slow.wire.reading.set()
        async with asyncio.timeout(20):
            while not shown(slow).endswith("the end"):
                await asyncio.sleep(0.02)
        assert not slow.kicked
        # It got a small part of the 20 MB, the last of it in one piece.
        sent: list[Json] = [body for name, body in slow.log if name == "terminal_data" and isinstance(body, dict)]
        assert 0 < len(sent) < 2500
        assert RESET in [decoded(body) for body in sent]
        assert shown(slow).count(line) >= 10


class TestSlowRunners:
    """What is typed waits for a runner that does not read, instead of cutting it off."""

    @pytest.fixture
    def limits(self) -> TerminalLimits:
        return TerminalLimits(input_backlog=65_536, input_wait=30.0)

    async def test_a_large_paste_arrives_whole_and_in_order(self, desk: Desk, stage: Stage) -> None:
        _terminal_id, browser = await desk.started()
        runner = stage.app.runners.registry.get(desk.runner.id)
        assert runner is not None
        pieces = [f"{number:04}" + "x" * 65_532 for number in range(400)]

        async def paste() -> None:
            for piece in pieces:
                await browser.emit("terminal_input", {"data": piece})

        # More than the backlog at which a connection is cut.
        desk.runner.socket.wire.reading.clear()
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            pasting = tasks.create_task(paste())
            await until(lambda: runner.socket.backlog > 65_536)
            assert not pasting.done()
            desk.runner.socket.wire.reading.set()
            for piece in pieces:
                assert (await desk.runner.socket.take("terminal_input"))["data"] == piece
        assert not desk.runner.socket.kicked
