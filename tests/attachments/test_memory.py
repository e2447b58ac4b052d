"""An upload takes the same memory whatever its size (issue: never held whole in memory)."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.attachments.forms import BOUNDARY, FORM_TYPE
from tests.e2e.relay_process import RelayProcess
from tests.viewers.wire import Wire

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")

MIB = 2**20
#: What one upload may add to the peak: two buffers of 256 KiB and what the allocator makes of them.
GROWTH = 12 * MIB


@dataclass(frozen=True)
class Relay:
    """A relay in a process of its own, with one live session."""

    url: str
    pid: int
    key: str
    http: aiohttp.ClientSession

    def reset_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def peak(self) -> int:
        """Answer the most resident bytes since the last reset."""
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        assert found is not None
        return int(found[1]) * 1024

    async def upload(self, size: int) -> dict[str, object]:
        """Send one file of so many bytes, piece by piece."""
        path = f"{self.url}/api/sessions/s1/attachments"
        headers = {"x-api-key": self.key, "Content-Type": FORM_TYPE}
        async with self.http.post(path, data=_form(size), headers=headers) as response:
            assert response.status == 200, await response.text()
            (item,) = (await response.json())["attachments"]
            assert isinstance(item, dict)
            return item


async def _form(size: int) -> AsyncIterator[bytes]:
    yield f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="big.bin"\r\n\r\n'.encode()
    piece = bytes(range(256)) * 1024
    for _ in range(size // len(piece)):
        yield piece
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Relay]:
    process = RelayProcess(folder, "memory", {"RELAY_ATTACHMENTS_MAX_FILE_SIZE": "300 MiB"})
    await process.start()
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as http:
            owner = {"name": "Ann", "email": "ann@example.com", "password": "Ann-Passw0rd"}
            async with http.post(f"{process.url}/api/register", json=owner) as response:
                key = str((await response.json())["key"])
            socket = await http.ws_connect(f"{process.url}/socket.io/?EIO=4&transport=websocket", max_msg_size=0)
            wire = Wire(socket)
            agent = await wire.join("/relay", {"apiKey": key, "protocolVersion": 1, "clientVersion": "0.52.0"})
            await agent.emit("register", {"sessionId": "s1", "cwd": "/work"})
            await agent.take("registered")
            try:
                yield Relay(process.url, process.process.pid, key, http)
            finally:
                await wire.close()
    finally:
        await process.process.stop(signal.SIGTERM)
        assert "Traceback" not in process.process.output()


@pytest.mark.parametrize("size", [pytest.param(24 * MIB), pytest.param(100 * MIB, marks=pytest.mark.slow)])
async def test_memory_stays_flat_while_a_large_file_comes_and_goes(tmp_path: Path, size: int) -> None:
    async with running(tmp_path) as relay:
        # What the first upload and download load stays loaded.
        small = await relay.upload(MIB)
        await _download(relay, small)
        relay.reset_peak()
        before = relay.peak()
        item = await relay.upload(size)
        assert item["size"] == size
        assert relay.peak() - before < GROWTH
        relay.reset_peak()
        assert await _download(relay, item) == size
        assert relay.peak() - before < GROWTH


async def _download(relay: Relay, item: dict[str, object]) -> int:
    total = 0
    url = f"{relay.url}/api/attachments/{item['attachmentId']}"
    async with relay.http.get(url, headers={"x-api-key": relay.key}) as response:
        assert response.status == 200
        async for piece in response.content.iter_chunked(MIB):
            total += len(piece)
    return total
