"""Fifty messages in a window of one second, which opens with the first (sockets-agents.md 2.15)."""

from __future__ import annotations

import gc

from relay.realtime import Namespace, Socket
from relay.services.rate import SocketRate
from tests.clock import ManualClock
from tests.runners.rig import Rig, until


async def socket_of(rig: Rig, name: str) -> Socket:
    namespace: Namespace = rig.namespaces["runner"]
    before = set(namespace.sockets)
    await rig.runner_socket(await rig.person(name))
    await until(lambda: len(namespace.sockets) > len(before))
    (new,) = set(namespace.sockets) - before
    return namespace.sockets[new]


async def test_the_window_opens_with_the_first_message_and_is_fixed(rig: Rig, clock: ManualClock) -> None:
    socket = await socket_of(rig, "ann")
    rate = SocketRate(clock, most=3, seconds=1.0)
    clock.advance(0.9)
    assert [rate.allows(socket) for _ in range(5)] == [True, True, True, False, False]
    clock.advance(0.99)
    assert rate.allows(socket) is False
    clock.advance(0.01)
    assert [rate.allows(socket) for _ in range(4)] == [True, True, True, False]


async def test_sockets_are_apart(rig: Rig, clock: ManualClock) -> None:
    first, second = await socket_of(rig, "ann"), await socket_of(rig, "bob")
    rate = SocketRate(clock, most=1, seconds=1.0)
    assert (rate.allows(first), rate.allows(first), rate.allows(second)) == (True, False, True)


async def test_a_socket_that_is_gone_is_not_remembered(rig: Rig, clock: ManualClock) -> None:
    rate = SocketRate(clock, most=1, seconds=1.0)
    rate.allows(await socket_of(rig, "ann"))
    await rig.close_peers()
    await until(lambda: not rig.namespaces["runner"].sockets)

    def forgotten() -> bool:
        gc.collect()
        return rate.remembered == 0

    await until(forgotten)
