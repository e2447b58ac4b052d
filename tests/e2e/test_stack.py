"""Prove that the harness cleans up behind itself: an orphaned agent would disturb every later test."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.e2e.processes import marked
from tests.e2e.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b")]


async def test_nothing_of_a_stack_is_left_running(tmp_path: Path, client_binary: Path) -> None:
    async with Stack(tmp_path, client_binary) as stack:
        await stack.start_runner()
        session_id = await stack.spawn("hello")
        pids = marked(stack.id)
        assert stack.relay.process.pid in pids
        assert stack.worker_pid(session_id) in pids
    assert marked(stack.id) == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", stack.relay.port)) != 0


async def test_a_stack_that_fails_to_start_leaves_nothing_either(tmp_path: Path, client_binary: Path) -> None:
    stack = Stack(tmp_path, client_binary)
    stack.relay.process.argv = [*stack.relay.process.argv, "--no-such-option"]
    with pytest.raises(AssertionError, match="no-such-option"):
        await stack.__aenter__()
    assert marked(stack.id) == []
