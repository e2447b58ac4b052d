"""Prove how events reach their handlers: in order, decoded or raw, acknowledged once, and never lost for odd text."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import WSMsgType

from relay.clock import Clock
from relay.realtime import Ack, AckTimeout, Packet, Realtime, RealtimeConfig, Socket, SocketGone
from tests.realtime.support import CALM, WAIT, serving, until


class Log:
    """Record what handlers saw, in order."""

    def __init__(self) -> None:
        self.seen: list[object] = []
        self.sockets: list[Socket] = []
        self.gone: list[str] = []

    async def connected(self, socket: Socket) -> None:
        self.sockets.append(socket)

    async def disconnected(self, socket: Socket, reason: str) -> None:
        self.gone.append(reason)

    async def event(self, socket: Socket, argument: object, ack: Ack) -> None:
        self.seen.append(argument)
        ack("seen")

    def watch(self, realtime: Realtime) -> None:
        namespace = realtime.namespace("/")
        namespace.on_connect(self.connected)
        namespace.on_disconnect(self.disconnected)


class TestArguments:
    @pytest.mark.parametrize(
        ("sent", "decoded", "raw"),
        [
            ('["e",{"a": 1.0}]', {"a": 1.0}, b'{"a": 1.0}'),
            ('["e"]', None, b"null"),
            ('["e",null]', None, b"null"),
            ('["e",7,8]', 7, b"7"),
            ('["e", "é" ]', "é", '"é"'.encode()),
            (r'["e","\ud83d"]', "\ud83d", rb'"\ud83d"'),
            (r'["e",{"k":"\ude00 x"},2]', {"k": "\ude00 x"}, rb'{"k":"\ude00 x"}'),
            (r'["\u0065",1]', 1, b"1"),
        ],
    )
    async def test_a_handler_gets_the_first_argument_decoded_or_as_it_came(
        self, sent: str, decoded: object, raw: bytes
    ) -> None:
        log = Log()

        def setup(realtime: Realtime) -> None:
            realtime.namespace("/plain").on("e", log.event)
            realtime.namespace("/raw").on("e", log.event, raw=True)

        async with serving(setup) as served:
            wire = await served.joined("/plain")
            await wire.join("/raw")
            await wire.send(f"42/plain,1{sent}")
            assert await wire.text() == '43/plain,1["seen"]'
            await wire.send(f"42/raw,2{sent}")
            assert await wire.text() == '43/raw,2["seen"]'
        assert log.seen == [decoded, raw]
        assert isinstance(log.seen[1], bytes)

    async def test_binary_arguments_are_filled_in(self) -> None:
        log = Log()
        async with serving(lambda realtime: realtime.namespace("/").on("e", log.event)) as served:
            wire = await served.joined()
            await wire.send('451-9["e",{"x":[{"_placeholder":true,"num":0}]}]')
            await wire.send(b"\x00\xff")
            assert await wire.text() == '439["seen"]'
        assert log.seen == [{"x": [b"\x00\xff"]}]

    @pytest.mark.parametrize("raw", [False, True])
    async def test_invalid_utf8_never_reaches_a_handler(self, raw: bool) -> None:
        log = Log()

        def setup(realtime: Realtime) -> None:
            log.watch(realtime)
            realtime.namespace("/").on("e", log.event, raw=raw)

        async with serving(setup) as served:
            wire = await served.joined()
            await wire.ws.send_frame(b'42["e","\xff"]', WSMsgType.TEXT)
            await wire.closed()
            await until(lambda: log.gone == ["parse error"], "the disconnect handler ran")
        assert log.seen == []

    async def test_lone_surrogates_leave_as_escapes(self) -> None:
        async with serving(lambda realtime: realtime.namespace("/").on_connect(greet)) as served:
            wire = await served.joined()
            assert await wire.text() == r'42["hello","\ud83d"]'
            assert await wire.text() == r'42["spliced",{"a":"\ude00"}]'


async def greet(socket: Socket) -> None:
    socket.emit("hello", "\ud83d")
    socket.send(Packet.spliced("/", "spliced", rb'{"a":"\ude00"}'))


class TestAcknowledgement:
    async def test_nothing_is_acknowledged_by_itself_and_nothing_twice(self) -> None:
        wanted: list[bool] = []

        async def twice(socket: Socket, argument: object, ack: Ack) -> None:
            wanted.append(ack.wanted)
            ack({"n": 1}, b"x")
            wanted.append(ack.wanted)
            ack({"n": 2})

        async def never(socket: Socket, argument: object, ack: Ack) -> None:
            wanted.append(ack.wanted)

        def setup(realtime: Realtime) -> None:
            realtime.namespace("/").on("twice", twice)
            realtime.namespace("/").on("never", never)

        async with serving(setup) as served:
            wire = await served.joined()
            await wire.send('421["never"]')
            await wire.send('422["unknown"]')
            await wire.send('423["twice"]')
            assert await wire.text() == '461-3[{"n":1},{"_placeholder":true,"num":0}]'
            assert await wire.receive() == b"x"
            await wire.send('42["twice"]')
            await wire.send('424["twice"]')
            assert await wire.text() == '461-4[{"n":1},{"_placeholder":true,"num":0}]'
        assert wanted == [True, True, False, False, False, True, False]

    async def test_a_failing_handler_is_logged_and_ends_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        log = Log()

        async def fail(socket: Socket, argument: object, ack: Ack) -> None:
            raise ValueError("broken")

        def setup(realtime: Realtime) -> None:
            realtime.namespace("/").on("fail", fail)
            realtime.namespace("/").on("fail later", fail, waiting=True)
            realtime.namespace("/").on("e", log.event)

        async with serving(setup) as served:
            wire = await served.joined()
            await wire.send('421["fail"]')
            await wire.send('422["fail later"]')
            await wire.send('423["e"]')
            assert await wire.text() == '433["seen"]'
        assert "a handler failed" in caplog.text
        assert "a waiting handler failed" in caplog.text


class TestOrder:
    async def test_ordered_handlers_run_one_after_the_other(self) -> None:
        seen: list[str] = []

        async def slow(socket: Socket, argument: object, ack: Ack) -> None:
            seen.append(f"begin {argument}")
            await asyncio.sleep(0.01)
            seen.append(f"end {argument}")
            ack()

        async with serving(lambda realtime: realtime.namespace("/").on("slow", slow)) as served:
            wire = await served.joined()
            for number in range(5):
                await wire.send(f'42{number}["slow",{number}]')
            assert [await wire.text() for _ in range(5)] == [f"43{number}[]" for number in range(5)]
        assert seen == [f"{step} {number}" for number in range(5) for step in ("begin", "end")]

    async def test_a_waiting_handler_is_in_order_up_to_its_first_await_and_then_stops_nobody(self) -> None:
        seen: list[str] = []
        gate = asyncio.Event()

        async def waiting(socket: Socket, argument: object, ack: Ack) -> None:
            seen.append(f"begin {argument}")
            async with asyncio.timeout(WAIT):
                await gate.wait()
            seen.append(f"end {argument}")
            ack(argument)

        async def ordered(socket: Socket, argument: object, ack: Ack) -> None:
            seen.append(f"ordered {argument}")
            if argument == 2:
                gate.set()

        def setup(realtime: Realtime) -> None:
            realtime.namespace("/").on("waiting", waiting, waiting=True)
            realtime.namespace("/").on("ordered", ordered)

        async with serving(setup) as served:
            wire = await served.joined()
            for text in ('420["waiting",0]', '42["ordered",1]', '421["waiting",1]', '42["ordered",2]'):
                await wire.send(text)
            assert {await wire.text(), await wire.text()} == {"430[0]", "431[1]"}
        assert seen == ["begin 0", "ordered 1", "begin 1", "ordered 2", "end 0", "end 1"]

    async def test_waiting_handlers_are_bounded_and_cancelled_at_disconnect(self) -> None:
        started = 0
        cancelled = 0
        gone: list[str] = []

        async def waiting(socket: Socket, argument: object, ack: Ack) -> None:
            nonlocal started, cancelled
            started += 1
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled += 1
                raise

        async def disconnected(socket: Socket, reason: str) -> None:
            gone.append(f"{reason} after {cancelled}")

        def setup(realtime: Realtime) -> None:
            realtime.namespace("/").on("waiting", waiting, waiting=True)
            realtime.namespace("/").on_disconnect(disconnected)

        async with serving(setup, RealtimeConfig(waiting_tasks=3, handler_grace=0.5)) as served:
            wire = await served.joined()
            for _ in range(3):
                await wire.send('42["waiting"]')
            await until(lambda: started == 3, "three handlers run")
            await wire.close()
            await until(lambda: gone == ["transport close after 3"], "the disconnect handler ran after them")

    async def test_the_next_waiting_handler_starts_when_one_of_them_ends(self) -> None:
        gates = [asyncio.Event() for _ in range(3)]
        started: list[object] = []

        async def waiting(socket: Socket, argument: object, ack: Ack) -> None:
            assert isinstance(argument, int)
            started.append(argument)
            async with asyncio.timeout(WAIT):
                await gates[argument].wait()
            ack(argument)

        async with serving(
            lambda realtime: realtime.namespace("/").on("waiting", waiting, waiting=True),
            RealtimeConfig(waiting_tasks=2, handler_grace=0.5),
        ) as served:
            wire = await served.joined()
            for number in range(3):
                await wire.send(f'42{number}["waiting",{number}]')
            await until(lambda: started == [0, 1], "two handlers run")
            gates[1].set()
            assert await wire.text() == "431[1]"
            await until(lambda: started == [0, 1, 2], "the third runs")
            gates[0].set()
            gates[2].set()
            assert {await wire.text(), await wire.text()} == {"430[0]", "432[2]"}

    async def test_events_wait_until_the_connect_handlers_are_done(self) -> None:
        gate = asyncio.Event()
        log = Log()

        async def slow(socket: Socket) -> None:
            socket.emit("first")
            async with asyncio.timeout(WAIT):
                await gate.wait()
            log.seen.append("connected")
            socket.emit("second")

        def setup(realtime: Realtime) -> None:
            realtime.namespace("/").on_connect(slow)
            realtime.namespace("/").on("e", log.event)

        async with serving(setup) as served:
            wire = await served.joined()
            await wire.send('421["e","event"]')
            assert await wire.text() == '42["first"]'
            gate.set()
            assert await wire.text() == '42["second"]'
            assert await wire.text() == '431["seen"]'
        assert log.seen == ["connected", "event"]

    async def test_a_flooding_sender_leaves_turns_to_others(self) -> None:
        log = Log()
        async with serving(lambda realtime: realtime.namespace("/").on("e", log.event)) as served:
            flood = await served.joined()
            other = await served.joined()
            await asyncio.gather(*(flood.send('42["e",0]') for _ in range(5000)), other.send('421["e",1]'))
            assert await other.text() == '431["seen"]'
            await until(lambda: len(log.seen) == 5001, "all events arrived")


class TestCall:
    async def test_a_call_answers_the_arguments_of_the_acknowledgement(self) -> None:
        log = Log()
        async with serving(log.watch) as served:
            wire = await served.joined()
            await until(lambda: len(log.sockets) == 1, "the socket is there")
            socket = log.sockets[0]
            calls = [asyncio.ensure_future(socket.call("q", number, timeout=WAIT)) for number in range(2)]
            assert await wire.text() == '420["q",0]'
            assert await wire.text() == '421["q",1]'
            await wire.send('431["late one first",2]')
            await wire.send('460-0[{"a":1}]')
            assert await calls[0] == [{"a": 1}]
            assert await calls[1] == ["late one first", 2]
            await wire.send('431["again"]')  # ignored: nobody waits any more
            await wire.send('4399["unknown"]')
            await wire.send('42["nothing"]')
            assert socket.connected

    async def test_a_call_ends_with_its_time_or_its_socket(self) -> None:
        log = Log()
        async with serving(log.watch) as served:
            wire = await served.joined()
            await until(lambda: len(log.sockets) == 1, "the socket is there")
            socket = log.sockets[0]
            with pytest.raises(AckTimeout):
                await socket.call("q", timeout=0.01)
            call = asyncio.ensure_future(socket.call("q", timeout=WAIT))
            assert await wire.text() == '420["q"]'
            await wire.close()
            with pytest.raises(SocketGone):
                await call
            with pytest.raises(SocketGone):
                await socket.call("q", timeout=WAIT)

    async def test_an_ordered_handler_must_not_call_its_own_client(self) -> None:
        raised: list[str] = []

        async def ask(socket: Socket, argument: object, ack: Ack) -> None:
            try:
                ack(*await socket.call("q", timeout=WAIT))
            except RuntimeError as error:
                raised.append(str(error))
                ack("refused")

        def setup(realtime: Realtime) -> None:
            realtime.namespace("/").on("ordered", ask)
            realtime.namespace("/").on("waiting", ask, waiting=True)

        async with serving(setup) as served:
            wire = await served.joined()
            await wire.send('421["ordered"]')
            assert await wire.text() == '431["refused"]'
            await wire.send('422["waiting"]')
            assert await wire.text() == '420["q"]'
            await wire.send('430["answer"]')
            assert await wire.text() == '432["answer"]'
        assert len(raised) == 1
        assert "waiting=True" in raised[0]


class TestRegistration:
    def test_a_second_handler_for_an_event_is_an_error(self) -> None:
        namespace = Realtime(CALM, Clock(), client_ip=lambda _: "", allow_origin=lambda *_: True).namespace("/x")
        log = Log()
        namespace.on("e", log.event)
        with pytest.raises(ValueError, match="has a handler for e"):
            namespace.on("e", log.event)

    async def test_other_events_go_to_the_fallback_with_all_arguments(self) -> None:
        seen: list[object] = []

        async def other(socket: Socket, event: str, arguments: list[object], ack: Ack) -> None:
            seen.append((event, arguments))
            ack()

        async with serving(lambda realtime: realtime.namespace("/").on_other(other)) as served:
            wire = await served.joined()
            await wire.send('421["x",1,[2],{"y":null}]')
            assert await wire.text() == "431[]"
        assert seen == [("x", [1, [2], {"y": None}])]


async def test_frames_of_one_turn_leave_together_and_in_order() -> None:
    """An acknowledgement, an event and a broadcast of one handler arrive as they were made."""

    async def burst(socket: Socket, argument: object, ack: Ack) -> None:
        for number in range(300):
            socket.emit("n", number)
            if number == 150:
                ack("half")

    async with serving(lambda realtime: realtime.namespace("/").on("burst", burst)) as served:
        wire = await served.joined()
        await wire.send('427["burst"]')
        texts = [await wire.text() for _ in range(301)]
    assert texts.pop(151) == '437["half"]'
    assert [json.loads(text[2:])[1] for text in texts] == list(range(300))
