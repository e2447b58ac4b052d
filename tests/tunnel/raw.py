"""Be a browser made of a bare socket: it sends what it likes, reads when it likes, and goes without a word."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

WAIT = 30.0


@dataclass
class Answer:
    """Hold a response: `complete` is False when its body was cut."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    complete: bool = True
    pieces: list[bytes] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def one(self, name: str) -> str:
        [value] = self.all(name)
        return value


class Raw:
    """Hold one connection; `receive_buffer` bytes of the kernel's buffer make a slow reader slow."""

    def __init__(self, port: int, receive_buffer: int | None = None) -> None:
        self._port = port
        self._buffer = receive_buffer

    async def __aenter__(self) -> Self:
        sock = socket.socket()
        if self._buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._buffer)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self._port))
        self.reader, self.writer = await asyncio.open_connection(sock=sock, limit=self._buffer or 2**16)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    def reset(self) -> None:
        """Go at once, with a reset."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        async with asyncio.timeout(WAIT):
            await self.writer.drain()

    async def get(self, path: str, *lines: str, method: str = "GET", version: str = "1.1") -> None:
        """Send a request without a body."""
        head = [f"{method} {path} HTTP/{version}", *lines]
        if not any(line.lower().startswith("host:") for line in lines):
            head.append(f"Host: 127.0.0.1:{self._port}")
        await self.send("\r\n".join([*head, "", ""]).encode("latin-1"))

    async def head(self) -> Answer:
        """Read the head of a response; interim ones (1xx) count as responses."""
        async with asyncio.timeout(WAIT):
            text = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = text.split("\r\n")[:-2]
        headers = [(line.partition(":")[0].lower(), line.partition(":")[2].strip(" ")) for line in lines]
        return Answer(int(first.split(" ")[1]), headers, b"")

    async def answer(self, method: str = "GET") -> Answer:
        """Read a response with its body, as far as it goes."""
        answer = await self.head()
        try:
            async with asyncio.timeout(WAIT):
                await self._body(answer, method)
        except (asyncio.IncompleteReadError, ConnectionError):
            answer.complete = False
        return answer

    async def chunk(self) -> bytes:
        """Read one chunk of a chunked body; empty at its end."""
        async with asyncio.timeout(WAIT):
            size = int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16)
            data = await self.reader.readexactly(size)
            assert await self.reader.readexactly(2) == b"\r\n"
        return data

    async def _body(self, answer: Answer, method: str) -> None:
        if method == "HEAD" or answer.status in (204, 304):
            return
        if answer.all("transfer-encoding"):
            while piece := await self.chunk():
                answer.pieces.append(piece)
                answer.body += piece
        elif answer.all("content-length"):
            length = int(answer.one("content-length"))
            while len(answer.body) < length:
                piece = await self.reader.read(length - len(answer.body))
                if not piece:
                    answer.complete = False
                    return
                answer.body += piece
        else:
            answer.body = await self.reader.read()

    async def ended(self) -> bool:
        """Tell whether the connection ends now, in either way, without another byte."""
        try:
            async with asyncio.timeout(WAIT):
                return await self.reader.read(1) == b""
        except ConnectionError:
            return True
