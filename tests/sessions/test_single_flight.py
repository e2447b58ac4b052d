"""Sharing one attempt among those who want the same thing."""

from __future__ import annotations

import asyncio

import pytest

from relay.sessions.single_flight import SingleFlight


@pytest.fixture
def flights() -> SingleFlight[str, int]:
    return SingleFlight("test")


async def test_callers_of_one_key_share_an_attempt_and_later_ones_begin_anew(flights: SingleFlight[str, int]) -> None:
    gate, begun = asyncio.Event(), 0

    async def work() -> int:
        nonlocal begun
        begun += 1
        await gate.wait()
        return begun

    first = [asyncio.create_task(flights.run("a", work)) for _ in range(3)]
    other = asyncio.create_task(flights.run("b", work))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gate.set()
    assert [await one for one in first] == [(2, True), (2, False), (2, False)]
    assert await other == (2, True)
    assert await flights.run("a", work) == (3, True)


async def test_everybody_hears_of_a_failure_and_it_is_not_remembered(flights: SingleFlight[str, int]) -> None:
    async def fail() -> int:
        raise LookupError("no")

    async def work() -> int:
        return 1

    results = await asyncio.gather(*(flights.run("a", fail) for _ in range(2)), return_exceptions=True)
    assert [type(result) for result in results] == [LookupError, LookupError]
    assert await flights.run("a", work) == (1, True)


async def test_a_caller_that_leaves_takes_nobody_along_and_a_close_everybody(flights: SingleFlight[str, int]) -> None:
    gate = asyncio.Event()

    async def work() -> int:
        await gate.wait()
        return 1

    leaving, staying = (asyncio.create_task(flights.run("a", work)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    gate.set()
    assert await staying == (1, False)
    gate.clear()
    caught = asyncio.create_task(flights.run("a", work))
    await asyncio.sleep(0)
    await flights.close()
    with pytest.raises(asyncio.CancelledError):
        await caught
