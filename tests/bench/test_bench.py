"""Prove that each load runs against the relay, loses nothing, and would notice a loss."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.peers import Viewer
from tests.bench.rest import end_of_answer
from tests.bench.wire import WebSocket, frame

_ROOT = Path(__file__).resolve().parents[2]
_BASE = 10**15


def rows(*arguments: str) -> list[dict[str, object]]:
    """Run the bench as its users do and answer what it printed."""
    command = [sys.executable, "-m", "tests.bench", *arguments, "--json"]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def numbers(row: dict[str, object]) -> dict[str, float]:
    """Answer the numbers of a row."""
    found = row["numbers"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("kind", ["flat", "growing"])
def test_fanout_reaches_every_viewer_in_order(kind: str) -> None:
    [row] = rows("fanout", "--viewers", "3", "--kind", kind, "--size", "2048", "--seconds", "0.5")
    assert row["wrong"] == 0
    assert numbers(row)["deliveries per second"] > 300


def test_paced_measures_a_latency_for_every_delivery() -> None:
    [row] = rows("paced", "--sessions", "2", "--viewers", "2", "--seconds", "1")
    assert row["wrong"] == 0
    assert numbers(row)["deliveries"] == 2 * 2 * 20
    assert 0 < numbers(row)["latency p50, ms"] <= numbers(row)["latency p99, ms"] < 5000


def test_rest_reads_both_lists_and_a_file_without_a_failure() -> None:
    runners, sessions, file = rows("rest", "--connections", "2", "--seconds", "0.5", "--stored", "3")
    for row in (runners, sessions, file):
        assert row["wrong"] == 0
        assert numbers(row)["requests per second"] > 10


def test_echo_brings_every_keystroke_back() -> None:
    [row] = rows("echo", "--terminals", "2", "--rate", "20", "--seconds", "1")
    assert row["wrong"] == 0
    assert numbers(row)["keystrokes"] == 2 * 20
    assert 0 < numbers(row)["echo p50, ms"] <= numbers(row)["echo p99, ms"] < 5000


def test_upload_gets_every_file_through() -> None:
    [row] = rows("upload", "--megabytes", "12", "--files", "2")
    assert row["wrong"] == 0
    assert numbers(row)["MB per second"] > 1
    assert numbers(row)["memory added while they come, MB"] < 12


def test_broadcast_reaches_every_subscriber() -> None:
    told, pages = rows("broadcast", "--sessions", "8", "--rounds", "2", "--seconds", "0.5")
    assert told["wrong"] == pages["wrong"] == 0
    assert 0 < numbers(told)["to its answer p50, ms"] < 5000
    assert numbers(pages)["requests per second"] > 10


def test_crowd_keeps_everybody_connected() -> None:
    many = "--runners 2 --sessions 3 --viewers 4 --tunnels 2 --hubs 1 --seconds 0.5"
    [row] = rows("crowd", *many.split())
    assert row["wrong"] == 0
    assert numbers(row)["memory with everybody, MB"] > 10


def test_webhook_gets_every_delivery_verified_and_filtered() -> None:
    for row in rows("webhook", "--connections", "2", "--seconds", "0.5"):
        assert row["wrong"] == 0
        assert numbers(row)["requests per second"] > 10


def test_tunnel_carries_every_byte_both_ways() -> None:
    found = rows("tunnel", "--megabytes", "4", "--seconds", "0.3", "--slow-rate", "8000000", "--streams", "8")
    assert [row["wrong"] for row in found] == [0] * 13
    assert all(numbers(row).get("MB per second", 1) > 0 for row in found)


def test_start_measures_time_and_memory() -> None:
    [row] = rows("start", "--runs", "1")
    assert 0 < numbers(row)["start to /health, median, s"] < 20
    assert numbers(row)["memory with nobody connected, MB"] > 10


async def test_a_viewer_counts_what_is_missing_and_what_is_late() -> None:
    viewer = Viewer("127.0.0.1", 1, "key")
    for number in (0, 1, 4, 3, 5):
        event = f'42/viewer,["event",{{"event":{{"type":"b","n":"{_BASE + number}"}},"seq":1}}]'.encode()
        viewer.on_text(event, 0, len(event))
    assert (viewer.received, viewer.lost, viewer.reordered, viewer.expected) == (5, 2, 1, 6)


class _Reader(WebSocket):
    def __init__(self) -> None:
        super().__init__("127.0.0.1", 1, "/")
        self.texts: list[bytes] = []

    def on_text(self, data: bytes, start: int, end: int) -> None:
        self.texts.append(data[start:end])


@pytest.mark.parametrize("step", [1, 7, 4096, 10**6])
async def test_frames_of_all_sizes_are_cut_however_they_arrive(step: int) -> None:
    reader = _Reader()
    bodies = [b"", b"a", b"b" * 125, b"c" * 126, b"d" * 70_000]
    unmasked = b"".join(_from_server(body) for body in bodies)
    stream = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n" + unmasked
    for at in range(0, len(stream), step):
        reader.data_received(stream[at : at + step])
    assert reader.texts == bodies


def _from_server(body: bytes) -> bytes:
    """Answer the frame without its mask, as servers send it."""
    whole = bytearray(frame(body))
    whole[1] &= 0x7F
    mask_at = len(whole) - len(body) - 4
    del whole[mask_at : mask_at + 4]
    return bytes(whole)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ],
)
def test_an_answer_ends_where_it_says(answer: bytes) -> None:
    assert end_of_answer(answer) == len(answer)
    for cut in range(len(answer)):
        assert end_of_answer(answer[:cut]) is None
