"""Stand between runner and relay and be the bad line: delays, drips, cuts and half-open connections."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """Describe a line: seconds of delay per piece, bytes per piece, bytes after which it breaks, and how.

    A `silent` break forwards nothing more and closes nothing; otherwise both ends are reset.
    """

    delay: float = 0.0
    piece: int = 65536
    breaks_after: int | None = None
    silent: bool = False


class Chaos:
    """Forward connections to a port over a bad line; `line` may change while it runs."""

    def __init__(self, target: int, line: Line, seed: int = 1) -> None:
        self._target = target
        self._random = random.Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self.line = line
        self.forwarded = 0
        self.broken = asyncio.Event()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection both ways until one side is done."""
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        ways = {
            asyncio.ensure_future(self._forward(reader, far_writer)),
            asyncio.ensure_future(self._forward(far_reader, writer)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
            for one in (writer, far_writer):
                one.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(self.line.piece):
                line = self.line
                if line.breaks_after is not None and self.forwarded > line.breaks_after:
                    self.broken.set()
                    if not line.silent:
                        return
                    await asyncio.Event().wait()
                self.forwarded += len(data)
                if line.delay:
                    await asyncio.sleep(self._random.random() * 2 * line.delay)
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def chaos(target: int, line: Line) -> AsyncIterator[Chaos]:
    """Listen for the length of the block."""
    made = Chaos(target, line)
    connections: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(made.serve(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in connections:
            task.cancel()
        if connections:
            await asyncio.wait(set(connections))
        await server.wait_closed()
