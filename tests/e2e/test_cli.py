"""Prove that the interactive CLI in a pseudo-terminal shares its session (recipes of the contract, 2.3)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.e2e.provider import MODEL, Say
from tests.e2e.stack import Stack
from tests.e2e.talks import HEARD, QUESTION, spawn_child, until_heard
from tests.e2e.terminal import Terminal
from tests.e2e.viewer import Viewer

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-a")]


@pytest.fixture
async def terminal(bare_stack: Stack) -> AsyncIterator[Terminal]:
    """The published CLI, started by a person in a terminal; there is no runner."""
    stack = bare_stack
    env = {**stack.client_env(stack.folder / "cli-home"), "COLUMNS": "120", "LINES": "40"}
    async with Terminal([str(stack.binary)], env, stack.work) as opened:
        yield opened


async def its_session(stack: Stack, known: set[str], timeout: float = 30.0) -> str:
    """Wait for a session that was not there before."""
    hub = await stack.hub()
    await hub.changed.until(lambda: bool(set(hub.sessions) - known), "a new session on the hub", timeout)
    [session_id] = set(hub.sessions) - known
    return session_id


async def with_model(stack: Stack, session_id: str) -> Viewer:
    """Open a viewer and choose the stand-in's model."""
    viewer = await stack.viewer(session_id)
    await viewer.emit("model_set", {"provider": MODEL["provider"], "modelId": MODEL["id"]})
    await viewer.until(
        lambda: {"model_select", "model_set_result"} & set(viewer.event_types) != set(), "the model to be set", 15
    )
    return viewer


async def test_a_session_started_in_a_terminal_is_shared(bare_stack: Stack, terminal: Terminal) -> None:
    stack = bare_stack
    session_id = await its_session(stack, set())
    row = await stack.until_live(session_id)
    assert row["runnerId"] is None
    assert row["cwd"] == str(stack.work)
    stack.provider.plan("from the browser", Say("read in both places", pace=0.01))
    viewer = await with_model(stack, session_id)
    assert await viewer.tell("hello from the browser")
    await viewer.until_idle()
    assert viewer.transcript.last_text() == "read in both places"
    assert viewer.transcript.partials
    await terminal.until_drawn("read in both places")


async def test_what_is_typed_in_the_terminal_streams_to_the_viewer(bare_stack: Stack, terminal: Terminal) -> None:
    stack = bare_stack
    session_id = await its_session(stack, set())
    viewer = await with_model(stack, session_id)
    terminal.type("typed by hand")
    await terminal.until_drawn("typed by hand")
    terminal.type("\r")
    await viewer.until_said("You said: typed by hand")
    assert viewer.transcript.texts("user") == ["typed by hand"]


async def test_new_in_the_terminal_ends_the_session_and_starts_another(bare_stack: Stack, terminal: Terminal) -> None:
    stack = bare_stack
    first = await its_session(stack, set())
    viewer = await with_model(stack, first)
    hub = await stack.hub()
    assert await viewer.tell("before")
    await viewer.until_idle()
    # The client of 0.52.0 ends with an error when it replaces its session before its start-up work is done.
    await terminal.until_quiet()
    terminal.type("/new")
    await terminal.until_drawn("/new")
    terminal.type("\r")
    await hub.until_gone(first)
    second = await its_session(stack, {first})
    assert second != first
    await viewer.until(lambda: "session_ended" in viewer.codes(), "the viewer to be told", 10)


async def test_the_session_survives_a_restart_of_the_relay(bare_stack: Stack, terminal: Terminal) -> None:
    stack = bare_stack
    session_id = await its_session(stack, set())
    viewer = await with_model(stack, session_id)
    assert await viewer.tell("before")
    await viewer.until_idle()
    await stack.relay.kill()
    await stack.relay.start()
    await stack.until_live(session_id, timeout=40)
    whole = [("user", "before", ()), ("assistant", "You said: before", ())]
    await viewer.until_shows(whole, timeout=40)
    await viewer.insist("after")
    await viewer.until_said("You said: after")
    assert terminal.running


@pytest.mark.slow(
    gate="tests/e2e/test_cli.py::test_new_in_the_terminal_ends_the_session_and_starts_another",
)
async def test_new_in_the_terminal_releases_a_child_whose_question_is_open(stack: Stack) -> None:
    runner_id = stack.runner_id
    stack.provider.plan("^be a parent", spawn_child("be a child", runnerId=runner_id), Say("waiting"))
    stack.provider.plan("^be a child", QUESTION, Say("done"))
    stack.provider.plan("Which way", Say("thinking"))
    env = {**stack.client_env(stack.folder / "cli-home"), "COLUMNS": "120", "LINES": "40"}
    hub = await stack.hub()
    async with Terminal([str(stack.binary)], env, stack.work) as terminal:
        parent_id = await its_session(stack, set())
        parent = await with_model(stack, parent_id)
        assert await parent.tell("be a parent")
        child_id = await its_session(stack, {parent_id})
        child = await stack.viewer(child_id)
        await parent.until_said("thinking", timeout=HEARD)
        await terminal.until_quiet()
        terminal.type("/new")
        await terminal.until_drawn("/new")
        terminal.type("\r")
        await hub.until_gone(parent_id)
        await until_heard(stack, "Trigger delivery failed")
        await child.until_said("done", timeout=HEARD)
        assert await its_session(stack, {parent_id, child_id})
        # What it completes now, it completes for nobody.
        assert not stack.provider.heard("completed:")
