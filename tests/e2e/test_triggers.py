"""Prove what children, parents and services say to each other through the relay (rest-runners.md 14, recipes)."""

from __future__ import annotations

import pytest

from tests.e2e.provider import Say
from tests.e2e.stack import Stack
from tests.e2e.talks import ENDED, HEARD, QUESTION, begin, respond, until_heard

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b")]


async def test_a_child_asks_the_relay_is_killed_and_the_parents_answer_arrives(stack: Stack) -> None:
    stack.provider.plan(f" {ENDED}", respond("thanks", "ack"), Say("ok"))
    stack.provider.plan("Which way", Say("thinking"))
    stack.provider.plan("^answer it", respond("left"), Say("answered"))
    made = await begin(stack, QUESTION, Say("done"))
    await made.parent.until_said("thinking", timeout=HEARD)
    await stack.relay.kill()
    await stack.relay.start()
    await stack.until_live(made.parent_id, timeout=40)
    await made.parent.insist("answer it")
    await until_heard(stack, "^left$")
    await until_heard(stack, r"completed:.*done")
    hub = await stack.hub()
    await hub.until_gone(made.child_id, timeout=HEARD)
    assert stack.provider.count("asks:") == 1
    assert stack.provider.count("^left$") == 1
