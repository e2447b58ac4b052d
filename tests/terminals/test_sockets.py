"""Browsers and runners of a terminal (sockets-browsers.md 5.2, sockets-agents.md 3.10)."""

from __future__ import annotations

import asyncio

import pytest
import socketio

from tests.sessions.stage import Stage, until
from tests.terminals.desk import Desk, coded, decoded, names, shown
from tests.viewers.house import Person
from tests.viewers.wire import WAIT, Json, Refused


@pytest.mark.parametrize(
    ("auth", "terminal_id", "message"),
    [
        ({}, "", "Missing terminal ID"),
        ({"terminalId": 7}, "", "Missing terminal ID"),
        ({"terminalId": "no-such"}, "no-such", "Terminal not found"),
    ],
)
async def test_browsers_13_a_refused_attach_leaves_the_pages_other_namespaces_connected(
    desk: Desk, auth: Json, terminal_id: str, message: str
) -> None:
    page = await desk.page()
    hub, feed = await page.join("/hub", {}), await page.join("/runners", {})
    terminal = await page.join("/terminal", auth)
    assert await terminal.take("terminal_error") == {"terminalId": terminal_id, "message": message}
    await terminal.until_kicked()
    assert names(terminal) == ["terminal_error"]
    await desk.stage.runner(desk.person, "another")
    await feed.take("runner_added", lambda body: body["runnerId"] == "another")
    assert not hub.kicked
    assert not feed.kicked
    assert not page.closed.is_set()


async def test_browsers_13_a_foreign_terminal_is_forbidden(desk: Desk, bob: Person) -> None:
    terminal_id = await desk.open()
    page = await desk.page(bob)
    hub, terminal = await page.join("/hub", {}), await page.join("/terminal", {"terminalId": terminal_id})
    assert await terminal.take("terminal_error") == {"terminalId": terminal_id, "message": "Forbidden"}
    await terminal.until_kicked()
    assert not hub.kicked
    assert (await desk.listed())[0]["viewers"] == 0


async def test_browsers_13_the_buffer_comes_before_terminal_connected(desk: Desk) -> None:
    terminal_id = await desk.open()
    await desk.ready(terminal_id)
    await desk.prints(terminal_id, "one ", "two ", "three")
    await desk.handled()
    browser = await desk.browser(terminal_id)
    assert browser.log == [
        ("terminal_ready", {"terminalId": terminal_id, "type": "terminal_ready"}),
        *(
            ("terminal_data", {"terminalId": terminal_id, "data": coded(text), "type": "terminal_data"})
            for text in ("one ", "two ", "three")
        ),
        ("terminal_connected", {"terminalId": terminal_id}),
    ]


async def test_browsers_13_the_first_resize_spawns_exactly_once(desk: Desk) -> None:
    terminal_id = await desk.open(cwd="/work", cols=90, rows=20)
    browsers = [await desk.browser(terminal_id), await desk.browser(terminal_id)]
    for number, browser in enumerate(browsers):
        await browser.emit("terminal_resize", {"terminalId": "somebody else's", "cols": 100 + number, "rows": 30})
        await browser.wire.settled()
    assert await desk.told(browsers) == [
        ("new_terminal", {"terminalId": terminal_id, "cwd": "/work", "cols": 100, "rows": 30}),
        ("terminal_resize", {"terminalId": terminal_id, "cols": 101, "rows": 30}),
    ]


async def test_browsers_13_two_viewers_both_get_output(desk: Desk) -> None:
    terminal_id, first = await desk.started()
    second = await desk.browser(terminal_id)
    await desk.prints(terminal_id, "to ", "all")
    for browser in (first, second):
        assert decoded(await browser.take("terminal_data")) == "to "
        assert decoded(await browser.take("terminal_data")) == "all"


async def test_much_output_arrives_whole_and_in_order(desk: Desk) -> None:
    terminal_id, first = await desk.started()
    second = await desk.browser(terminal_id)
    lines = [f"line {number}\r\n" for number in range(3000)]
    await desk.prints(terminal_id, *lines)
    for browser in (first, second):
        while decoded(await browser.take("terminal_data")) != lines[-1]:
            pass
        assert shown(browser) == "".join(lines)
    # The next one gets all of it in far fewer messages, since it fits the bytes that are kept.
    third = await desk.browser(terminal_id)
    assert shown(third) == "".join(lines)
    assert names(third).count("terminal_data") <= 1001


async def test_browsers_13_runner_loss_gives_exit_minus_1(desk: Desk) -> None:
    await _runner_loss(desk)


async def test_agents_10_the_terminals_of_a_dropped_runner_exit_with_minus_1(desk: Desk) -> None:
    await _runner_loss(desk)


async def _runner_loss(desk: Desk) -> None:
    """Every terminal of the runner ends for its browsers, spawned or not, and no other runner's does."""
    running, first = await desk.started()
    waiting = await desk.open()
    second = await desk.browser(waiting)
    other = Desk(desk.stage, desk.person, await desk.stage.runner(desk.person, "r2"))
    elsewhere, third = await other.started()
    await desk.runner.leave()
    for terminal_id, browser in ((running, first), (waiting, second)):
        assert await browser.take("terminal_exit") == {
            "terminalId": terminal_id,
            "exitCode": -1,
            "type": "terminal_exit",
        }
    await other.prints(elsewhere, "still here")
    assert decoded(await third.take("terminal_data")) == "still here"
    assert "terminal_exit" not in names(third)


async def test_the_id_is_read_from_auth_and_then_from_the_query(desk: Desk) -> None:
    named, asked = await desk.open(), await desk.open()
    for auth, connected in ((None, asked), ({"terminalId": named}, named)):
        client = socketio.AsyncSimpleClient()
        await client.connect(
            f"{desk.stage.url}?terminalId={asked}",
            headers={"Cookie": desk.person.cookie},
            auth=auth,
            namespace="/terminal",
            transports=["websocket"],
        )
        assert await client.receive(timeout=WAIT) == ["terminal_connected", {"terminalId": connected}]
        await client.disconnect()


async def test_browsers_are_admitted_by_cookie_or_key_and_not_from_a_foreign_page(desk: Desk) -> None:
    terminal_id = await desk.open()
    wanted: Json = {"terminalId": terminal_id}
    by_key = await (await desk.stage.wire()).join("/terminal", {**wanted, "apiKey": desk.person.key})
    await by_key.take("terminal_connected")
    with pytest.raises(Refused, match=r"^unauthorized$"):
        await (await desk.stage.wire()).join("/terminal", wanted)
    evil = await desk.stage.wire({"Cookie": desk.person.cookie, "Origin": "https://evil.example"})
    with pytest.raises(Refused, match=r"^forbidden: untrusted origin$"):
        await evil.join("/terminal", {**wanted, "apiKey": desk.person.key})


async def test_input_is_passed_on_as_it_came_under_the_sockets_own_id(desk: Desk) -> None:
    terminal_id, browser = await desk.started()
    odd = ("bHM=", "", "not base64", "é", "x" * 300_000)
    for data in odd:
        await browser.emit("terminal_input", {"terminalId": "somebody else's", "data": data, "more": 1})
    for rubbish in ("null", "[]", "7", "{}", '{"data":null}', '{"data":7}', '{"data":["bHM="]}', '"bHM="'):
        await browser.emit_raw("terminal_input", rubbish)
    inputs = [body for name, body in await desk.told([browser]) if name == "terminal_input"]
    assert inputs == [{"terminalId": terminal_id, "data": data} for data in odd]


async def test_the_spawn_uses_the_browsers_size_else_the_requests_else_80_by_24(desk: Desk) -> None:
    for asked, resize, cols, rows in (
        ({"cols": 90, "rows": 20}, {"cols": 120, "rows": 40}, 120, 40),
        ({"cols": 90, "rows": 20}, {"cols": 0, "rows": "x"}, 90, 20),
        ({}, {}, 80, 24),
        ({}, {"cols": -1, "rows": 50}, 80, 50),
    ):
        terminal_id = await desk.open(**asked)
        browser = await desk.browser(terminal_id)
        await browser.emit("terminal_resize", resize)
        order = await desk.runner.socket.take("new_terminal")
        assert order == {"terminalId": terminal_id, "cols": cols, "rows": rows}


async def test_a_resize_without_a_payload_spawns_too(desk: Desk) -> None:
    terminal_id = await desk.open()
    await (await desk.browser(terminal_id)).emit("terminal_resize")
    assert await desk.runner.socket.take("new_terminal") == {"terminalId": terminal_id, "cols": 80, "rows": 24}


async def test_kill_is_passed_on_and_the_end_is_told_once(desk: Desk) -> None:
    terminal_id, browser = await desk.started()
    await browser.emit("kill_terminal", {"terminalId": "somebody else's"})
    assert await desk.runner.socket.take("kill_terminal") == {"terminalId": terminal_id}
    # The daemon answers at once, and the shell's own end may follow (3.10).
    await desk.exits(terminal_id, -1)
    await desk.exits(terminal_id, 143)
    await desk.fails(terminal_id, "Terminal not found")
    await desk.handled()
    assert await browser.take("terminal_exit") == {"terminalId": terminal_id, "exitCode": -1, "type": "terminal_exit"}
    assert browser.unread() == []
    await browser.emit("terminal_input", {"data": "bHM="})
    await browser.emit("terminal_resize", {"cols": 10, "rows": 10})
    await browser.emit("kill_terminal", {})
    assert [name for name, _ in await desk.told([browser])] == ["new_terminal", "kill_terminal"]


async def test_a_shell_that_is_killed_while_it_starts_ends(desk: Desk) -> None:
    terminal_id = await desk.open()
    browser = await desk.browser(terminal_id)
    await browser.emit("terminal_resize", {"cols": 80, "rows": 24})
    await browser.emit("kill_terminal", {})
    await desk.runner.socket.take("kill_terminal")
    await desk.exits(terminal_id, -1)
    assert (await browser.take("terminal_exit"))["exitCode"] == -1


async def test_a_failed_spawn_is_told_before_ready(desk: Desk) -> None:
    terminal_id = await desk.open()
    browser = await desk.browser(terminal_id)
    await browser.emit("terminal_resize", {"cols": 80, "rows": 24})
    await desk.runner.socket.take("new_terminal")
    await desk.fails(terminal_id, "no \ud83d pty")
    assert await browser.take("terminal_error") == {
        "terminalId": terminal_id,
        "message": "no \ud83d pty",
        "type": "terminal_error",
    }
    assert (await desk.listed())[0]["exited"] is True


async def test_output_and_exit_count_only_after_ready_and_ready_only_once(desk: Desk) -> None:
    terminal_id = await desk.open()
    browser = await desk.browser(terminal_id)
    await browser.emit("terminal_resize", {"cols": 80, "rows": 24})
    await desk.runner.socket.take("new_terminal")
    await desk.prints(terminal_id, "too early")
    await desk.exits(terminal_id)
    await desk.ready(terminal_id)
    await desk.ready(terminal_id)
    await desk.prints(terminal_id, "in time")
    assert decoded(await browser.take("terminal_data")) == "in time"
    assert names(browser) == ["terminal_connected", "terminal_ready", "terminal_data"]


async def test_only_the_terminals_own_runner_is_heard(desk: Desk, stage: Stage, bob: Person) -> None:
    terminal_id, browser = await desk.started()
    for intruder in (
        Desk(stage, desk.person, await stage.runner(desk.person, "r2")),
        Desk(stage, bob, await stage.runner(bob, "r3")),
    ):
        await intruder.ready(terminal_id)
        await intruder.prints(terminal_id, "intruder")
        await intruder.exits(terminal_id, 9)
        await intruder.fails(terminal_id, "intruder")
        await intruder.handled()
    await desk.prints(terminal_id, "own")
    assert decoded(await browser.take("terminal_data")) == "own"
    assert names(browser) == ["terminal_connected", "terminal_ready", "terminal_data"]


async def test_rubbish_from_a_runner_changes_nothing(desk: Desk) -> None:
    terminal_id, browser = await desk.started()
    socket = desk.runner.socket
    for event in ("terminal_ready", "terminal_data", "terminal_exit", "terminal_error", "terminals_list"):
        for body in ("null", "[]", "7", '"x"', "{}", '{"terminalId":7}', '{"terminalId":"no-such","data":"YQ=="}'):
            await socket.emit_raw(event, body)
    for data in ("null", "7", '["YQ=="]', '{"a":1}'):
        await socket.emit_raw("terminal_data", f'{{"terminalId":"{terminal_id}","data":{data}}}')
    await desk.prints(terminal_id, "fine")
    assert decoded(await browser.take("terminal_data")) == "fine"
    assert names(browser) == ["terminal_connected", "terminal_ready", "terminal_data"]
    for odd, told in ((None, -1), ("1", -1)):
        other, watching = await desk.started()
        await socket.emit("terminal_exit", {"terminalId": other, "exitCode": odd})
        assert (await watching.take("terminal_exit"))["exitCode"] == told


async def test_a_browser_that_comes_back_gets_its_screen_on_a_clean_emulator(desk: Desk) -> None:
    terminal_id, browser = await desk.started()
    await desk.prints(terminal_id, "$ ls\r\n", "a  b\r\n")
    await until(lambda: shown(browser) == "$ ls\r\na  b\r\n")
    await browser.wire.close()
    await desk.prints(terminal_id, "$ ")
    await desk.handled()
    again = await desk.browser(terminal_id)
    assert names(again) == ["terminal_ready", *["terminal_data"] * 4, "terminal_connected"]
    assert decoded(await again.take("terminal_data")) == "\x1bc"
    assert shown(again) == "$ ls\r\na  b\r\n$ "
    await desk.prints(terminal_id, "pwd")
    await until(lambda: shown(again).endswith("$ pwd"))


async def test_a_second_browser_gets_the_screen_while_the_first_stays(desk: Desk) -> None:
    terminal_id, first = await desk.started()
    await desk.prints(terminal_id, "seen by one")
    await first.take("terminal_data")
    second = await desk.browser(terminal_id)
    assert shown(second) == "seen by one"
    assert first.unread() == []


async def test_sockets_of_a_revoked_key_are_cut(desk: Desk) -> None:
    terminal_id = await desk.open()
    joined = await (await desk.stage.wire()).join("/terminal", {"terminalId": terminal_id, "apiKey": desk.person.key})
    await joined.take("terminal_connected")
    await desk.stage.app.accounts.users.remove(desk.person.id)
    async with asyncio.timeout(WAIT):
        await joined.wire.closed.wait()
