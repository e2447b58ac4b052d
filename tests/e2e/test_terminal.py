"""Use real shells on the published runner (sockets-browsers.md 5.2)."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.shells import Shell, ShellStack
from tests.e2e.waiting import poll

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b")]


@pytest.fixture
async def stack(tmp_path: Path, client_binary: Path) -> AsyncIterator[ShellStack]:
    """A relay with the published runner, which can open terminals here."""
    async with ShellStack(tmp_path, client_binary) as made:
        await made.start_runner()
        yield made
    assert made.relay.tracebacks() == ""


def is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def shell_pid(shell: Shell) -> int:
    """Ask a shell for its process id, once it runs: what is typed before is lost in the runner."""
    await shell.until_event("terminal_ready")
    await shell.type("echo pid-$$-end\r")
    await shell.changed.until(lambda: shell.text().count("-end") >= 2, "the pid", 15, shell.text)
    return int(shell.text().rpartition("pid-")[2].partition("-end")[0])


async def test_a_real_shell_runs_in_its_folder_at_the_browsers_size_and_exits(stack: ShellStack) -> None:
    terminal_id = await stack.open_terminal(cols=90, rows=20)
    shell = await stack.shell(terminal_id, cols=111, rows=33)
    await shell.until_event("terminal_ready")
    await shell.type("pwd; stty size; echo äöü-$((6*7))\r")
    await shell.until_shown("äöü-42")
    assert str(stack.work) in shell.text()
    assert "33 111" in shell.text()
    await shell.resize(70, 22)
    await shell.type("stty size\r")
    await shell.until_shown("22 70")
    [row] = await stack.terminals()
    assert row["terminalId"] == terminal_id
    assert (row["cwd"], row["cols"], row["rows"]) == (str(stack.work), 70, 22)
    assert (row["spawned"], row["exited"], row["viewers"]) == (True, False, 1)
    await shell.type("exit 3\r")
    assert await shell.until_exited() == 3
    assert shell.error is None
    assert shell.online


async def test_a_long_output_arrives_whole_and_in_order_in_every_browser(stack: ShellStack) -> None:
    terminal_id = await stack.open_terminal()
    first = await stack.shell(terminal_id)
    await first.until_event("terminal_ready")
    second = await stack.shell(terminal_id)
    # In bursts of more than some KB the runner's own terminal library loses output, so the shell gets no faster.
    await first.type("for i in {1..60}; do seq $((i*100)) $((i*100+99)); sleep 0.02; done; echo all-$((1+1))-done\r")
    for shell in (first, second):
        await shell.until_shown("all-2-done", timeout=30)
        counted = [int(line) for line in shell.text().splitlines() if line.isdecimal()]
        assert counted == list(range(100, 6100))
    await second.type("echo from-$((2+1))\r")
    await first.until_shown("from-3")


async def test_a_page_that_comes_back_has_its_screen_and_its_shell(stack: ShellStack) -> None:
    terminal_id = await stack.open_terminal()
    shell = await stack.shell(terminal_id)
    pid = await shell_pid(shell)
    await shell.type("echo before-$((10*10))\r")
    await shell.until_shown("before-100")
    # The network fails while something is printed; the page does not clear its screen by itself.
    await shell.type("sleep 1; echo meanwhile-$((3*3))\r")
    await shell.until_shown("sleep 1")
    await shell.lose_transport()
    await shell.until_shown("meanwhile-9")
    assert shell.connects == 2
    assert shell.resets == 1
    assert shell.text().count("before-100") == 1
    # A reload forgets everything and finds the shell in the list.
    await shell.__aexit__()
    [row] = await stack.terminals()
    assert (row["terminalId"], row["viewers"]) == (terminal_id, 0)
    again = await stack.shell(str(row["terminalId"]))
    await again.until_event("terminal_connected")
    assert "before-100" in again.text()
    assert "meanwhile-9" in again.text()
    assert await shell_pid(again) == pid


async def test_a_shell_outlives_a_restart_of_the_relay(stack: ShellStack) -> None:
    terminal_id = await stack.open_terminal()
    shell = await stack.shell(terminal_id)
    pid = await shell_pid(shell)
    await shell.__aexit__()
    await stack.relay.terminate()
    await stack.relay.start()
    await stack.until_runner()
    await stack.until_listed(terminal_id)
    again = await stack.shell(terminal_id)
    assert await shell_pid(again) == pid


async def test_kill_ends_the_shell_and_what_runs_in_it(stack: ShellStack) -> None:
    terminal_id = await stack.open_terminal()
    shell = await stack.shell(terminal_id)
    pid = await shell_pid(shell)
    assert is_running(pid)
    await shell.emit("kill_terminal", {"terminalId": terminal_id})
    assert await shell.until_exited() == -1
    await poll(lambda: not is_running(pid), "the end of the shell's process", 15)
    assert shell.events("terminal_error") == []


async def test_a_runner_that_dies_ends_its_terminals_and_leaves_no_process(stack: ShellStack) -> None:
    shell = await stack.shell(await stack.open_terminal())
    pid = await shell_pid(shell)
    assert stack.runner is not None
    os.killpg(stack.runner.pid, signal.SIGKILL)
    assert await shell.until_exited() == -1
    await poll(lambda: not is_running(pid), "the end of the shell's process", 15)


async def test_a_terminal_that_is_not_there_is_refused_for_good(stack: ShellStack) -> None:
    shell = await stack.shell("no-such-terminal")
    await shell.changed.until(lambda: shell.kicks == 1, "the end of the namespace", 10)
    assert shell.error == "Terminal not found"
    assert shell.connects == 1
