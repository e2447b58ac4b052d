"""The server process: signals, and an end that nothing can hold up."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest

from tests.cli.relay_process import environment, running

_HEAD = """
import asyncio, sys, threading, time
from relay.cli import process

async def main(stop):
    print("ready", flush=True)
"""
_TAIL = """
sys.exit(process.run(main))
"""
#: What a server may do when it has been told to stop, and the exit code that it then ends with; once its main coroutine
#: is done, what it left behind is not waited for.
_ENDINGS = {
    "obeys": ("    await stop.wait()\n    return 7\n", 7),
    "blocks the loop": ("    time.sleep(60)\n    return 0\n", 1),
    "never comes back": ("    await stop.wait()\n    await asyncio.Event().wait()\n    return 0\n", 1),
    "leaves a task that refuses to die": (
        "    async def stubborn():\n"
        "        while True:\n"
        "            try:\n"
        "                await asyncio.sleep(60)\n"
        "            except asyncio.CancelledError:\n"
        "                pass\n"
        "    task = asyncio.create_task(stubborn())\n"
        "    await stop.wait()\n"
        "    return 4\n",
        4,
    ),
    "leaves a thread that hangs": (
        "    loop = asyncio.get_running_loop()\n"
        "    future = loop.run_in_executor(None, time.sleep, 60)\n"
        "    await stop.wait()\n"
        "    return 5\n",
        5,
    ),
}


def _start(tmp_path: Path, body: str) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", _HEAD + body + _TAIL],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


@pytest.mark.parametrize("ending", _ENDINGS)
def test_the_process_is_out_within_3_seconds(tmp_path: Path, ending: str) -> None:
    body, code = _ENDINGS[ending]
    with _start(tmp_path, body) as child:
        began = time.monotonic()
        child.send_signal(signal.SIGTERM)
        try:
            assert child.wait(6) == code
        finally:
            child.kill()
        assert time.monotonic() - began < 3.0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(tmp_path: Path, number: signal.Signals) -> None:
    body = "    await stop.wait()\n    print('stopping', flush=True)\n    await asyncio.Event().wait()\n    return 0\n"
    with _start(tmp_path, body) as child:
        child.send_signal(number)
        assert child.stdout is not None
        assert child.stdout.readline() == "stopping\n"
        began = time.monotonic()
        child.send_signal(number)
        try:
            assert child.wait(6) == 128 + number
        finally:
            child.kill()
        assert time.monotonic() - began < 2.5


async def test_sigterm_ends_a_relay_with_open_sockets_and_hanging_requests_within_3_seconds(tmp_path: Path) -> None:
    async with running(tmp_path, "--port", "0", "--data-dir", "data") as process:
        base = f"http://127.0.0.1:{process.port}"
        async with aiohttp.ClientSession(base) as session:
            socket = await session.ws_connect("/socket.io/?EIO=4&transport=websocket")
            assert (await socket.receive_str(timeout=5)).startswith("0{")
            async with session.get("/socket.io/?EIO=4&transport=polling") as answer:
                sid = (await answer.text()).split('"sid":"')[1].split('"')[0]
            # Nothing is there to poll, so this hangs until the relay ends.
            poll = asyncio.ensure_future(session.get(f"/socket.io/?EIO=4&transport=polling&sid={sid}"))
            _, writer = await asyncio.open_connection("127.0.0.1", process.port)
            writer.write(b"POST /api/register HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
            await writer.drain()
            async with session.get("/health") as answer:
                assert answer.status == 200
            finished = await process.stop(within=3.0)
            assert finished.code == 0, finished
            assert (await socket.receive(timeout=5)).type in {
                aiohttp.WSMsgType.CLOSE,
                aiohttp.WSMsgType.CLOSED,
                aiohttp.WSMsgType.ERROR,
            }
            poll.cancel()
            await asyncio.wait({poll})
            writer.close()
    assert "Traceback" not in finished.err, finished.err
