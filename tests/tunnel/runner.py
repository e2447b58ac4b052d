"""Be a scripted runner: a tunnel socket whose frames the test writes and reads by itself."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from aiohttp import ClientWebSocketResponse, WSMsgType

from tests.runners.rig import Person, Rig

Frame = dict[str, object]
WAIT = 30.0


class Runner:
    """Hold one registered tunnel socket; frames are kept in order, those of one id are taken by `take`."""

    def __init__(self, rig: Rig, person: Person, runner_id: str = "r1") -> None:
        self._rig = rig
        self._person = person
        self.runner_id = runner_id
        self.frames: list[Frame] = []
        self.closed = asyncio.Event()
        self._changed = asyncio.Event()
        self._reading = asyncio.Event()
        self._reading.set()
        self._task: asyncio.Task[None] | None = None
        self._taken: defaultdict[str, int] = defaultdict(int)

    async def __aenter__(self) -> Self:
        self.ws: ClientWebSocketResponse = await self._rig.client.ws_connect(
            f"{self._rig.url}/_tunnel", max_msg_size=0, autoclose=True
        )
        await self.send({"type": "register", "runnerId": self.runner_id, "apiKey": self._person.key})
        answer = json.loads(await self.ws.receive_str(timeout=WAIT))
        assert answer == {"type": "registered", "runnerId": self.runner_id}
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the socket."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self.ws.close()

    def pause(self) -> None:
        """Read nothing from now on."""
        self._reading.clear()

    def resume(self) -> None:
        """Read again."""
        self._reading.set()

    async def _read(self) -> None:
        while True:
            await self._reading.wait()
            message = await self.ws.receive()
            if message.type is WSMsgType.TEXT:
                self.frames.append(json.loads(message.data))
                self._changed.set()
            elif message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING, WSMsgType.ERROR):
                self.closed.set()
                self._changed.set()
                return

    async def send(self, *frames: Mapping[str, object]) -> None:
        """Send frames."""
        for frame in frames:
            await self.ws.send_str(json.dumps(frame))

    async def take(self, kind: str, stream_id: object = None) -> Frame:
        """Answer the next frame of a kind, of one id if given, that was not taken before."""
        async with asyncio.timeout(WAIT):
            while True:
                for index, frame in enumerate(self.frames):
                    if frame["type"] == kind and stream_id in (None, frame.get("id")):
                        del self.frames[index]
                        return frame
                self._changed.clear()
                await self._changed.wait()

    async def request(self) -> Frame:
        """Take the next `request-start`."""
        return await self.take("request-start")

    async def head(self, request: Frame, status: int = 200, /, **headers: object) -> None:
        """Send a response's head; underscores in names stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        await self.send(
            {
                "type": "response-start",
                "id": request["id"],
                "statusCode": status,
                "statusMessage": "Any",
                "headers": named,
            }
        )

    async def data(self, request: Frame, *pieces: bytes) -> None:
        """Send pieces of a response's body."""
        for piece in pieces:
            await self.send({"type": "response-data", "id": request["id"], "data": piece.decode("latin-1")})

    async def end(self, request: Frame) -> None:
        """End a response."""
        await self.send({"type": "response-data-end", "id": request["id"]})

    async def answer(self, request: Frame, body: bytes = b"ok", status: int = 200, /, **headers: object) -> None:
        """Send a whole response."""
        await self.head(request, status, **headers)
        await self.data(request, body)
        await self.end(request)

    async def body(self, request: Frame) -> bytes:
        """Answer a request's whole body."""
        pieces: list[bytes] = []
        while True:
            async with asyncio.timeout(WAIT):
                while not (mine := [f for f in self.frames if f.get("id") == request["id"]]):
                    self._changed.clear()
                    await self._changed.wait()
            frame = mine[0]
            self.frames.remove(frame)
            if frame["type"] == "request-data-end":
                return b"".join(pieces)
            assert frame["type"] == "request-data", frame
            pieces.append(str(frame["data"]).encode("latin-1"))

    def frames_of(self, request: Frame) -> list[object]:
        """Answer the types of the frames of an id that nobody took."""
        return [frame["type"] for frame in self.frames if frame.get("id") == request["id"]]
