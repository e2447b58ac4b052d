"""Prove that a peer that does not read costs bounded memory and nobody else's time (realtime.md, Speed and memory)."""

from __future__ import annotations

import asyncio
import fcntl
import struct
import sys
import termios

import pytest

from relay.realtime import Ack, Packet, Realtime, RealtimeConfig, Room, Socket
from tests.realtime.support import WAIT, RawSocket, Wire, client_frame, serving, until

MIB = 1024 * 1024
BOUND = RealtimeConfig(backlog_bytes=MIB, close_timeout=0.3, handler_grace=0.5)


class Hall:
    """One room that every socket of ``/v`` is put into."""

    def __init__(self, realtime: Realtime) -> None:
        self.room = Room()
        self.gone: list[str] = []
        self.overflowed: list[Socket] = []
        namespace = realtime.namespace("/v")
        namespace.on_connect(self.connected)
        namespace.on_disconnect(self.disconnected)
        namespace.on("ping-me", self.ping)
        realtime.on_overflow(self.overflowed.append)

    async def connected(self, socket: Socket) -> None:
        self.room.add(socket)

    async def disconnected(self, socket: Socket, reason: str) -> None:
        self.gone.append(reason)

    async def ping(self, socket: Socket, argument: object, ack: Ack) -> None:
        ack(argument)

    async def member(self, count: int) -> Socket:
        await until(lambda: len(self.room) == count, f"{count} members")
        return list(self.room)[-1]


async def read_frames(raw: RawSocket, count: int) -> list[bytes]:
    """Read that many text frames."""
    data = bytearray()
    frames: list[bytes] = []
    while len(frames) < count:
        piece = await raw.read(1 << 20)
        assert piece, "the server closed"
        data += piece
        while len(data) >= 2:
            size, start = data[1] & 0x7F, 2
            if size == 126 and len(data) >= 4:
                size, start = struct.unpack_from("!H", data, 2)[0], 4
            elif size == 127 and len(data) >= 10:
                size, start = struct.unpack_from("!Q", data, 2)[0], 10
            elif size >= 126:
                break
            if len(data) < start + size:
                break
            frames.append(bytes(data[start : start + size]))
            del data[: start + size]
    return frames


class TestSlowReader:
    async def test_it_is_cut_over_the_bound_and_delays_nobody(self) -> None:
        halls: list[Hall] = []
        async with serving(lambda realtime: halls.append(Hall(realtime)), BOUND) as served:
            hall = halls[0]
            slow = await RawSocket.open(served.port, receive_buffer=4096)
            await slow.join("/v")
            sluggard = await hall.member(1)
            fast = await served.joined("/v")
            await hall.member(2)
            text = "x" * 32 * 1024
            highest = 0
            sent = 0
            while sluggard.connected:
                hall.room.emit("e", sent, text)
                sent += 1
                assert (await fast.text()).startswith(f'42/v,["e",{sent - 1},')
                highest = max(highest, sluggard.backlog)
                assert sent < 2000, "it was never cut"
            assert MIB // 2 < highest <= MIB + 256 * 1024
            assert hall.overflowed == [sluggard]
            await until(lambda: hall.gone == ["backlog"], "its disconnect handler ran")
            assert list(hall.room) != []
            await fast.send('42/v,1["ping-me","still here"]')
            assert await fast.text() == '43/v,1["still here"]'
            slow.close()

    async def test_it_is_cut_without_progress_although_little_is_queued(self) -> None:
        halls: list[Hall] = []
        config = RealtimeConfig(backlog_bytes=64 * MIB, backlog_seconds=0.4, handler_grace=0.5)
        async with serving(lambda realtime: halls.append(Hall(realtime)), config) as served:
            slow = await RawSocket.open(served.port, receive_buffer=4096)
            await slow.join("/v")
            sluggard = await halls[0].member(1)
            start = asyncio.get_running_loop().time()
            sluggard.emit("e", "x" * 8 * MIB)
            await until(lambda: halls[0].gone == ["backlog"], "it was cut")
            assert 0.3 < asyncio.get_running_loop().time() - start < 2.0
            slow.close()

    async def test_one_that_reads_slowly_is_not_cut(self) -> None:
        halls: list[Hall] = []
        config = RealtimeConfig(backlog_bytes=64 * MIB, backlog_seconds=0.4, handler_grace=0.5)
        async with serving(lambda realtime: halls.append(Hall(realtime)), config) as served:
            slow = await RawSocket.open(served.port, receive_buffer=65536)
            await slow.join("/v")
            sluggard = await halls[0].member(1)
            size = 12 * MIB
            sluggard.emit("e", "x" * size)
            got = 0
            start = asyncio.get_running_loop().time()
            while got < size:
                got += len(await slow.read(MIB))
                await asyncio.sleep(0.02)
            assert asyncio.get_running_loop().time() - start > 0.6
            assert halls[0].gone == []
            slow.close()

    async def test_one_packet_over_the_bound_passes_with_what_follows_it(self) -> None:
        halls: list[Hall] = []
        async with serving(lambda realtime: halls.append(Hall(realtime)), BOUND) as served:
            slow = await RawSocket.open(served.port, receive_buffer=4096)
            await slow.join("/v")
            sluggard = await halls[0].member(1)
            sluggard.emit("snapshot", "s" * 20 * MIB)
            await until(lambda: sluggard.backlog > 10 * MIB, "it is queued")
            for number in range(20):
                sluggard.emit("delta", number)
                await asyncio.sleep(0)
            frames = await read_frames(slow, 21)
            assert len(frames[0]) > 20 * MIB
            assert frames[1:] == [b'42/v,["delta",%d]' % number for number in range(20)]
            assert sluggard.connected
            slow.close()

    async def test_a_superseded_packet_is_replaced_by_its_successor_and_nothing_else_moves(self) -> None:
        halls: list[Hall] = []
        async with serving(lambda realtime: halls.append(Hall(realtime)), BOUND) as served:
            slow = await RawSocket.open(served.port, receive_buffer=4096)
            await slow.join("/v")
            sluggard = await halls[0].member(1)
            sluggard.emit("block", "s" * 20 * MIB)
            for number in range(500):
                sluggard.send(Packet.event("/v", "growing", number, "g" * 10_000, supersedes="message"))
                if number % 100 == 0:
                    sluggard.emit("kept", number)
                await asyncio.sleep(0)
            assert sluggard.connected, "5 MB of superseded packets must not count"
            frames = await read_frames(slow, 7)
            assert frames[1:6] == [b'42/v,["kept",%d]' % number for number in range(0, 500, 100)]
            assert frames[6].startswith(b'42/v,["growing",499,')
            slow.close()

    async def test_nothing_is_superseded_while_the_peer_reads(self) -> None:
        halls: list[Hall] = []
        async with serving(lambda realtime: halls.append(Hall(realtime)), BOUND) as served:
            wire = await served.joined("/v")
            socket = await halls[0].member(1)
            for number in range(50):
                socket.send(Packet.event("/v", "growing", number, supersedes="message"))
            assert [await wire.text() for _ in range(50)] == [f'42/v,["growing",{number}]' for number in range(50)]

    async def test_a_sender_can_wait_until_the_backlog_is_small(self) -> None:
        halls: list[Hall] = []
        async with serving(lambda realtime: halls.append(Hall(realtime)), BOUND) as served:
            slow = await RawSocket.open(served.port, receive_buffer=65536)
            await slow.join("/v")
            sluggard = await halls[0].member(1)
            await sluggard.drained(timeout=WAIT)
            chunks = 24

            async def send() -> None:
                for number in range(chunks):
                    sluggard.emit("chunk", number, "c" * 512 * 1024)
                    await sluggard.drained(256 * 1024, timeout=WAIT)

            sending = asyncio.ensure_future(send())
            frames = await read_frames(slow, chunks)
            await sending
            assert [int(frame.split(b",")[2]) for frame in frames] == list(range(chunks))
            sluggard.emit("block", "s" * 20 * MIB)
            with pytest.raises(TimeoutError):
                await sluggard.drained(timeout=0.05)
            waiting = asyncio.ensure_future(sluggard.drained(timeout=WAIT))
            await asyncio.sleep(0)
            sluggard.close_transport()
            await waiting
            slow.close()

    async def test_a_polling_client_that_stays_away_is_cut_too(self) -> None:
        halls: list[Hall] = []
        async with serving(lambda realtime: halls.append(Hall(realtime)), BOUND) as served:
            sid = await served.open_polling()
            query = f"EIO=4&transport=polling&sid={sid}"
            await served.request("POST", query, "40/v,")
            assert (await served.get(query))[1].startswith("40/v,")
            socket = await halls[0].member(1)
            for _ in range(40):
                socket.emit("e", "x" * 32 * 1024)
                await asyncio.sleep(0)
            await until(lambda: halls[0].gone == ["backlog"], "it was cut")
            assert halls[0].overflowed == [socket]
            assert (await served.get(query))[0] == 400


class TestSenderThatIsTooQuick:
    async def test_an_ordered_handler_that_waits_stops_reading_its_socket_alone(self) -> None:
        gate = asyncio.Event()
        handled = 0

        async def slow(socket: Socket, argument: object, ack: Ack) -> None:
            nonlocal handled
            async with asyncio.timeout(WAIT):
                await gate.wait()
            handled += 1

        def setup(realtime: Realtime) -> None:
            realtime.namespace("/v").on("slow", slow, raw=True)
            Hall(realtime)

        async with serving(setup) as served:
            raw = await RawSocket.open(served.port)
            await raw.join("/v")
            event = client_frame(b'42/v,["slow","' + b"x" * 60_000 + b'"]')
            raw.sock.setblocking(False)
            accepted = 0
            rest = b""
            quiet = 0
            while quiet < 20:
                try:
                    data = rest or event
                    sent = raw.sock.send(data)
                    accepted += 0 if rest else 1
                    rest = data[sent:]
                    quiet = 0
                except BlockingIOError:
                    quiet += 1
                    await asyncio.sleep(0.005)
                assert accepted * 60_000 < 64 * MIB, "the server never stopped reading"
            other = await served.joined("/v")
            await other.send('42/v,1["ping-me","quick"]')
            assert await other.text() == '43/v,1["quick"]'
            gate.set()
            if rest:
                await raw.send_bytes(rest)
            await until(lambda: handled == accepted, "everything was handled in the end")
            raw.close()


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel how much was delivered")
class TestFailedWrite:
    @pytest.mark.parametrize("ending", ["reset", "close"])
    async def test_what_the_peer_sent_before_it_closed_is_handled_to_the_end(self, ending: str) -> None:
        """Let acknowledgements fail while megabytes that the peer sent are still unread (sockets-agents.md 2.9)."""
        gate = asyncio.Event()
        handled: list[int] = []
        gone: list[str] = []

        async def event(socket: Socket, argument: object, ack: Ack) -> None:
            async with asyncio.timeout(WAIT):
                await gate.wait()
            assert isinstance(argument, list)
            handled.append(argument[0])
            ack("x" * 1000)

        async def disconnected(socket: Socket, reason: str) -> None:
            gone.append(f"{reason} after {len(handled)}")

        def setup(realtime: Realtime) -> None:
            realtime.namespace("/v").on("e", event)
            realtime.namespace("/v").on_disconnect(disconnected)

        count = 300
        async with serving(setup) as served:
            raw = await RawSocket.open(served.port)
            await raw.join("/v")
            for number in range(count):
                await raw.send(b'42/v,%d["e",[%d,"%b"]]' % (number, number, b"y" * 8000))
            await until(lambda: unsent(raw) == 0, "the kernel delivered everything")
            if ending == "reset":
                raw.reset()
            else:
                raw.close()
            await asyncio.sleep(0.05)  # let the server see the reset before it writes
            gate.set()
            await until(lambda: len(gone) == 1, "the disconnect handler ran")
        assert handled == list(range(count))
        assert gone[0].endswith(f"after {count}")


def unsent(raw: RawSocket) -> int:
    """Answer the bytes that the kernel has not delivered to the peer yet."""
    answer = fcntl.ioctl(raw.sock.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
    return int(struct.unpack("i", answer)[0])


async def test_a_large_message_is_received_and_sent_whole() -> None:
    async with serving(Hall) as served:
        wire: Wire = await served.joined("/v")
        text = "z" * 30 * MIB
        await wire.send(f'42/v,1["ping-me","{text}"]')
        assert await wire.text() == f'43/v,1["{text}"]'
