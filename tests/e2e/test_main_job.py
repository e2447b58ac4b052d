"""Prove the main job with the published client: connect, spawn, stream to every viewer, tools, questions, abort."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from tests.e2e.provider import Say, ask_user, bash
from tests.e2e.stack import Stack
from tests.e2e.transcript import essence, tool_calls
from tests.e2e.viewer import Viewer

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-a")]

STORY = " ".join(f"word{number}" for number in range(40))


def assert_whole(viewer: Viewer) -> None:
    """Nothing was lost, repeated, out of order or somebody else's."""
    assert viewer.gaps == []
    assert viewer.backwards == []
    assert viewer.wrong_session == 0
    assert viewer.live_seqs == list(range(viewer.live_seqs[0], viewer.live_seqs[0] + len(viewer.live_seqs)))
    assert viewer.events("error") == []


def assert_grew(viewer: Viewer, whole: str) -> None:
    """Each state of the growing message was a continuation of the one before, up to the whole."""
    partials = viewer.transcript.partials
    assert len(partials) > 5
    for shorter, longer in itertools.pairwise(partials):
        assert longer.startswith(shorter)
    assert whole.startswith(partials[-1])


async def test_an_answer_streams_to_two_viewers_and_a_late_third_with_equal_transcripts(stack: Stack) -> None:
    go_on = asyncio.Event()
    stack.provider.plan("tell a story", Say(STORY, pace=0.01, gate=go_on, before=20))
    session_id = await stack.spawn()
    first, second = await stack.viewer(session_id), await stack.viewer(session_id)
    await first.begin("please tell a story")
    await first.until_said("word19")
    await second.until_said("word19")

    late = await stack.viewer(session_id)
    await late.until_said("word19", timeout=3.5)
    assert late.transcript.texts("user") == ["please tell a story"]
    go_on.set()
    viewers = (first, second, late)
    for viewer in viewers:
        await viewer.until_idle()

    expected = [("user", "please tell a story", ()), ("assistant", STORY, ())]
    for viewer in viewers:
        assert essence(viewer.transcript.messages()) == expected
        assert essence(viewer.transcript.runs[-1]) == expected
        assert viewer.transcript.messages() == first.transcript.messages()
        assert_whole(viewer)
        assert viewer.connects == 1
    assert_grew(first, STORY)
    assert_grew(second, STORY)


async def test_a_prompt_given_at_the_spawn_is_answered_before_anybody_watches(stack: Stack) -> None:
    stack.provider.plan("first words", Say("answered unseen"))
    session_id = await stack.spawn("first words")
    await stack.provider.changed.until(lambda: stack.provider.heard("first words"), "the prompt", 15)
    viewer = await stack.viewer(session_id)
    await viewer.until_said("answered unseen")
    assert viewer.transcript.texts("user") == ["first words"]


async def test_a_tool_call_and_its_result_are_in_every_transcript(stack: Stack) -> None:
    stack.provider.plan("look around", bash("echo here-$((40 + 2))"), Say("I saw it"))
    session_id = await stack.spawn()
    viewer = await stack.viewer(session_id)
    assert await viewer.tell("look around")
    await viewer.until_idle()

    assert [name for m in viewer.transcript.messages() for _id, name in tool_calls(m)] == ["bash"]
    [result] = viewer.transcript.texts("toolResult")
    assert "here-42" in result
    assert viewer.transcript.last_text() == "I saw it"
    assert viewer.transcript.active_tools == {}
    types = viewer.event_types
    assert types.index("tool_execution_start") < types.index("tool_execution_end")
    late = await stack.viewer(session_id)
    assert late.transcript.messages() == viewer.transcript.messages()
    assert_whole(viewer)


async def test_a_question_reaches_the_hub_and_its_answer_the_agent(stack: Stack) -> None:
    stack.provider.plan("ask me", ask_user("Which way?", "left", "right"), Say("thank you"))
    session_id = await stack.spawn()
    viewer, hub = await stack.viewer(session_id), await stack.hub()
    await hub.subscribe(session_id)
    await viewer.begin("ask me")
    question = await hub.until_meta(session_id, "pendingQuestion")
    assert "Which way?" in str(question)
    late = await stack.hub()
    await late.subscribe(session_id)
    assert late.meta[session_id]["pendingQuestion"] == question

    assert await viewer.tell("left")
    await viewer.until_idle()
    [result] = viewer.transcript.texts("toolResult")
    assert "left" in result
    assert viewer.transcript.last_text() == "thank you"
    await hub.changed.until(lambda: hub.meta[session_id].get("pendingQuestion") is None, "the question to go", 10)
    versions = hub.versions[session_id]
    assert versions == sorted(versions)


async def test_an_abort_ends_the_run_for_every_viewer(stack: Stack) -> None:
    never = asyncio.Event()
    stack.provider.plan("talk for ever", Say(STORY, gate=never, before=10))
    session_id = await stack.spawn()
    viewer, other, hub = await stack.viewer(session_id), await stack.viewer(session_id), await stack.hub()
    await viewer.begin("talk for ever")
    await viewer.until_said("word9")
    await hub.changed.until(lambda: hub.sessions[session_id].get("isActive") is True, "the hub to show it", 12)

    result = await viewer.execute("abort")
    assert result.get("ok") is True
    assert result.get("sessionId") == session_id
    for watching in (viewer, other):
        await watching.until_idle()
        assert watching.transcript.messages()[-1].get("stopReason") == "aborted"
        assert watching.transcript.last_text().startswith("word0 word1")
    assert other.transcript.messages() == viewer.transcript.messages()
    await hub.changed.until(lambda: hub.sessions[session_id].get("isActive") is False, "the hub to show its end", 12)


async def test_input_to_a_busy_agent_is_queued_and_answered_in_order(stack: Stack) -> None:
    go_on = asyncio.Event()
    stack.provider.plan("number one", Say("answer one", gate=go_on, before=1))
    stack.provider.plan("number two", Say("answer two"))
    session_id = await stack.spawn()
    viewer = await stack.viewer(session_id)
    await viewer.begin("number one")
    await viewer.until_said("answer")
    assert await viewer.tell("number two", deliver_as="followUp")
    go_on.set()
    await viewer.until_said("answer two")
    await viewer.until_idle()
    said = [text for _role, text, _calls in essence(viewer.transcript.messages())]
    assert said == ["number one", "answer one", "number two", "answer two"]


async def test_the_agent_is_offered_the_tools_that_the_other_tests_use(stack: Stack) -> None:
    session_id = await stack.spawn("hello")
    viewer = await stack.viewer(session_id)
    await viewer.until_said("You said: hello")
    assert {"bash", "AskUserQuestion", "spawn_session", "tell_child"} <= set(stack.provider.tools)


async def test_a_viewer_whose_network_fails_in_mid_stream_is_whole_again_without_a_reload(stack: Stack) -> None:
    go_on = asyncio.Event()
    stack.provider.plan("tell a story", bash("echo one"), Say(STORY, gate=go_on, before=20))
    session_id = await stack.spawn()
    steady, shaky = await stack.viewer(session_id), await stack.viewer(session_id)
    await steady.begin("tell a story")
    await shaky.until(lambda: "tool_execution_start" in shaky.event_types, "the tool to start", 15)
    await shaky.lose_transport()
    await steady.until_said("word19")
    await shaky.until(lambda: shaky.online and shaky.connects == 2, "the viewer to be back", 10)
    await shaky.until_said("word19")
    await shaky.lose_transport()
    go_on.set()
    await steady.until_idle()
    await shaky.until_shows(essence(steady.transcript.messages()))
    assert shaky.connects == 3
    assert shaky.kicks == 0
    assert shaky.gaps == []
    assert shaky.resyncs == 0
    assert_whole(steady)


async def test_a_viewer_on_long_polling_alone_sees_the_same(stack: Stack) -> None:
    stack.provider.plan("tell a story", Say(STORY, pace=0.01))
    session_id = await stack.spawn()
    swift, polling = await stack.viewer(session_id), await stack.viewer(transports=("polling",))
    assert polling.transport == "polling"
    await polling.watch(session_id)
    assert await polling.tell("tell a story")
    for viewer in (swift, polling):
        await viewer.until_idle()
        assert_whole(viewer)
    assert polling.transcript.messages() == swift.transcript.messages()
    assert_grew(polling, STORY)
