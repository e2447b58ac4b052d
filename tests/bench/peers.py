"""Play agents, viewers, hub clients, runners and tunnels with raw frames (Engine.IO 4, Socket.IO 5)."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Final

from tests.bench.wire import WebSocket, frame

_SOCKET_PATH: Final = "/socket.io/?EIO=4&transport=websocket"
_PONG_FRAME: Final = frame(b"3")
#: Width of the counters and times inside events, so that frames can be made ahead and read without parsing.
DIGITS: Final = 16
#: Counters start here: a JSON number of this width must not begin with zeros.
_BASE: Final = 10 ** (DIGITS - 1)
_COUNT_MARK: Final = b'"n":"'
_TIME_MARK: Final = b'"t":"'
#: The counter stands near the start of an event, whatever the relay puts before it.
_MARK_WITHIN: Final = 400


class Peer(WebSocket):
    """Join one namespace and answer the server's pings. `joined` completes with the CONNECT answer."""

    namespace = "/"

    def __init__(self, host: str, port: int, key: str) -> None:
        super().__init__(host, port, _SOCKET_PATH)
        self._key = key
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._event_head = f'42{self.namespace},["'.encode()
        self._connect_head = f"40{self.namespace},".encode()

    def auth(self) -> dict[str, object]:
        """Answer what goes with the CONNECT packet."""
        return {"apiKey": self._key, "protocolVersion": 1}

    def emit(self, event: str, payload: Mapping[str, object]) -> None:
        """Send one event."""
        text = json.dumps([event, payload], separators=(",", ":"))
        self.send_text(f"42{self.namespace},{text}".encode())

    def on_event(self, name: str, payload: Mapping[str, object]) -> None:
        """Take in an event that `on_text` did not handle faster."""

    def on_text(self, data: bytes, start: int, end: int) -> None:
        """Handle Engine.IO and Socket.IO packets."""
        if data.startswith(self._event_head, start):
            packet = json.loads(data[start + len(self._event_head) - 2 : end])
            payload = packet[1] if len(packet) > 1 else {}
            self.on_event(str(packet[0]), payload if isinstance(payload, dict) else {})
        elif data.startswith(b"2", start) and end - start == 1:
            self.write(_PONG_FRAME)
        elif data.startswith(b"0", start):
            self.send_text(f"40{self.namespace},{json.dumps(self.auth())}".encode())
        elif data.startswith(self._connect_head, start):
            self.joined.set_result(None)
        elif data.startswith(b"44", start):
            self.joined.set_exception(ConnectionRefusedError(data[start:end].decode()))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits to join."""
        super().connection_lost(exc)
        if not self.joined.done():
            self.joined.set_exception(ConnectionResetError("closed before the namespace was joined"))


class Agent(Peer):
    """Be a worker: one session, whose events are finished frames around a counter."""

    namespace = "/relay"

    def __init__(self, host: str, port: int, key: str, session_id: str | None = None) -> None:
        super().__init__(host, port, key)
        self.session_id = session_id or str(uuid.uuid4())
        self.sent = 0
        self.acked = 0
        self.registered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._plain = 0
        self._ack_head = b'42/relay,["event_ack"'

    async def register(self, cwd: str = "/bench") -> None:
        """Register the session and send a first snapshot, so that viewers have something to start from."""
        self.emit("register", {"sessionId": self.session_id, "cwd": cwd, "ephemeral": True, "collabMode": True})
        async with asyncio.timeout(20):
            await self.registered
        self.send_event({"type": "session_active", "state": {"messages": [], "cwd": cwd}})
        self.heartbeat(active=False)

    def heartbeat(self, *, active: bool) -> None:
        """Send what an agent sends every 10 s."""
        beat = {"type": "heartbeat", "active": active, "isCompacting": False, "ts": int(time.time() * 1000)}
        self.send_event({**beat, "model": None, "sessionName": None, "cwd": "/bench", "queuedMessages": []})

    def send_event(self, event: Mapping[str, object]) -> None:
        """Send one event outside the counted stream."""
        self._plain += 1
        body = {"sessionId": self.session_id, "token": self.registered.result(), "seq": self._plain, "event": event}
        self.emit("event", body)

    def frames(self, template: Template, count: int, seconds: float = 0.0) -> bytes:
        """Answer the finished frames of the next `count` events, stamped with a time if one is given."""
        stamp = str(int(seconds * 1e9)).zfill(DIGITS).encode()
        numbers = range(self.sent, self.sent + count)
        self.sent += count
        return b"".join([template.frame_for(number, stamp) for number in numbers])

    def on_text(self, data: bytes, start: int, end: int) -> None:
        """Count acknowledgements without parsing them."""
        if data.startswith(self._ack_head, start):
            self.acked += 1
        else:
            super().on_text(data, start, end)

    def on_event(self, name: str, payload: Mapping[str, object]) -> None:
        """Learn the token."""
        if name == "registered" and not self.registered.done():
            self.session_id = str(payload["sessionId"])
            self.registered.set_result(str(payload["token"]))


class Template:
    """Make the frames of an agent's counted events.

    `events` are JSON objects, used in turn; each starts with its type and is given the counter `n`, the time `t`.
    """

    def __init__(self, agent: Agent, events: list[dict[str, object]]) -> None:
        self._parts: list[tuple[bytes, bytes, bytes, bytes]] = []
        seq, count, stamp = str(_BASE), "N" * DIGITS, "T" * DIGITS
        for event in events:
            marked = {"type": event["type"], "n": count, "t": stamp, **event}
            body = {"sessionId": agent.session_id, "token": agent.registered.result(), "seq": _BASE, "event": marked}
            text = json.dumps(["event", body], separators=(",", ":"))
            before, rest = _cut(frame(f"42/relay,{text}".encode()), seq)
            middle, rest = _cut(rest, count)
            between, after = _cut(rest, stamp)
            self._parts.append((before, middle, between, after))
        self.size = max(sum(map(len, parts)) for parts in self._parts)

    def frame_for(self, number: int, stamp: bytes) -> bytes:
        """Answer the frame of event number `number`."""
        before, middle, between, after = self._parts[number % len(self._parts)]
        counter = _BASE + number
        return b"%b%d%b%d%b%b%b" % (before, counter, middle, counter, between, stamp, after)


def _cut(text: bytes, mark: str) -> tuple[bytes, bytes]:
    """Answer what stands before and behind a mark."""
    before, found, after = text.partition(mark.encode())
    if not found:
        raise ValueError(f"no {mark} in the frame")
    return before, after


class Viewer(Peer):
    """Watch one session and check the counters of its events.

    `received` is the number of counted events, `lost` and `reordered` what was wrong with their counters, `latencies`
    seconds from the sending, when `timed`. `on_progress` runs after each read.
    """

    namespace = "/viewer"

    def __init__(self, host: str, port: int, key: str, *, timed: bool = False) -> None:
        super().__init__(host, port, key)
        self.expected = 0
        self.received = 0
        self.lost = 0
        self.reordered = 0
        self.timed = timed
        self.latencies: list[float] = []
        self.on_progress: Callable[[], None] | None = None
        self.hydrated: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._counted_head = b'42/viewer,["event",{'

    async def watch(self, session_id: str) -> None:
        """Select a session and wait for its snapshot."""
        self.emit("switch_session", {"sessionId": session_id, "generation": 1})
        async with asyncio.timeout(20):
            await self.hydrated

    def on_text(self, data: bytes, start: int, end: int) -> None:
        """Find the counter without parsing; hand everything else on."""
        if data.startswith(self._counted_head, start):
            at = data.find(_COUNT_MARK, start, min(end, start + _MARK_WITHIN))
            if at >= 0:
                number = int(data[at + 5 : at + 5 + DIGITS]) - _BASE
                self.received += 1
                if number == self.expected:
                    self.expected = number + 1
                elif number > self.expected:
                    self.lost += number - self.expected
                    self.expected = number + 1
                else:
                    self.reordered += 1
                if self.timed:
                    stamp = data.find(_TIME_MARK, at, min(end, at + _MARK_WITHIN))
                    self.latencies.append(time.perf_counter() - int(data[stamp + 5 : stamp + 5 + DIGITS]) / 1e9)
                return
        super().on_text(data, start, end)

    def on_event(self, name: str, payload: Mapping[str, object]) -> None:
        """Answer `connected` as a browser does, and see the first snapshot."""
        if name == "connected":
            self.emit("connected", {})
        elif name == "event" and not self.hydrated.done():
            event = payload.get("event")
            if isinstance(event, dict) and event.get("type") in ("session_active", "agent_end"):
                self.hydrated.set_result(None)

    def on_chunk_end(self) -> None:
        """Tell the driver of the load."""
        if self.on_progress is not None:
            self.on_progress()


class HubClient(Peer):
    """Follow the session list."""

    namespace = "/hub"

    def __init__(self, host: str, port: int, key: str) -> None:
        super().__init__(host, port, key)
        self.events = 0

    def on_event(self, name: str, payload: Mapping[str, object]) -> None:
        """Count."""
        self.events += 1


class RunnerPeer(Peer):
    """Be a runner daemon with a few skills, which is what makes `GET /api/runners` worth measuring."""

    namespace = "/runner"

    def __init__(self, host: str, port: int, key: str) -> None:
        super().__init__(host, port, key)
        self.runner_id = str(uuid.uuid4())
        self.registered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def register(self) -> None:
        """Register the machine."""
        skills = [
            {"name": f"skill-{i}", "description": "what it is good for", "filePath": f"/s/{i}.md"} for i in range(5)
        ]
        profile = {"name": "bench", "roots": [], "skills": skills, "agents": [], "plugins": [], "hooks": []}
        identity = {"runnerId": self.runner_id, "runnerSecret": uuid.uuid4().hex}
        self.emit("register_runner", {**identity, **profile, "version": "0.52.0", "platform": "linux"})
        async with asyncio.timeout(20):
            await self.registered

    def on_event(self, name: str, payload: Mapping[str, object]) -> None:
        """Learn that the registration was accepted, or why not."""
        if self.registered.done():
            return
        if name == "runner_registered":
            self.registered.set_result(None)
        elif name == "error":
            self.registered.set_exception(ConnectionRefusedError(str(payload.get("message"))))


class Tunnel(WebSocket):
    """Be a runner's tunnel socket (tunnel.md 1.2, 1.3)."""

    def __init__(self, host: str, port: int, key: str, runner_id: str) -> None:
        super().__init__(host, port, "/_tunnel")
        self._key = key
        self._runner_id = runner_id
        self.registered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def register(self) -> None:
        """Register for the runner."""
        self.send_text(json.dumps({"type": "register", "runnerId": self._runner_id, "apiKey": self._key}).encode())
        async with asyncio.timeout(20):
            await self.registered

    def on_text(self, data: bytes, start: int, end: int) -> None:
        """Answer pings."""
        message = json.loads(data[start:end])
        match message.get("type"):
            case "registered":
                self.registered.set_result(None)
            case "ping":
                self.send_text(b'{"type":"pong"}')
            case "error":
                self.registered.set_exception(ConnectionRefusedError(str(message.get("message"))))
            case _:
                pass
