"""Narrow API keys with the published client: one that is a runner and nothing else, one that only watches."""

from __future__ import annotations

import pytest

from tests.e2e.provider import Say, bash
from tests.e2e.stack import Stack
from tests.e2e.transcript import essence, tool_calls

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-a")]


async def test_the_published_runner_works_with_a_runner_key_and_a_reading_key_watches_it(bare_stack: Stack) -> None:
    stack = bare_stack
    owner, keys = stack.key, {}
    for scope in ("runner", "read"):
        made = await stack.post("/api/auth/api-key/create", {"name": scope, "scope": scope})
        keys[scope] = str(made["key"])
    stack.key = keys["runner"]
    await stack.start_runner()
    stack.key = owner
    stack.provider.plan("list it", bash("echo scoped-output"), Say("That is all."))
    session_id = await stack.spawn()
    writer = await stack.viewer(session_id)
    stack.key = keys["read"]
    reader = await stack.viewer(session_id)
    await reader.emit("input", {"text": "list it"})
    await writer.begin("list it")
    for viewer in (writer, reader):
        await viewer.until_idle()
    shown = [essence(viewer.transcript.messages()) for viewer in (writer, reader)]
    assert shown[0] == shown[1]
    # What the reading key said itself reached nobody.
    assert reader.transcript.texts("user") == ["list it"]
    assert [name for line in reader.transcript.messages() for _, name in tool_calls(line)] == ["bash"]
    assert len(reader.events("error")) == 1
    assert writer.events("error") == []
