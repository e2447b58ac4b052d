"""Autobahn's cases end to end: fuzzing client, relay, runner, WebSocket echo (our own: tests/tunnel/rfc6455.py)."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from relay.tunnel.client import TunnelClient
from tests.e2e.autobahn_cases import AutobahnUnavailable, Result, fuzz
from tests.e2e.services import services
from tests.e2e.stack import Stack
from tests.e2e.test_tunnel import expose
from tests.runners.conftest import options as options
from tests.runners.conftest import rig as rig
from tests.runners.rig import Rig

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b"), pytest.mark.timeout(600)]

#: All cases take half a minute.
WITHIN: Final = 500.0
#: How many cases each chapter has; of a smaller number some did not run.
CHAPTERS: Final[Mapping[str, int]] = {
    "1 framing": 16,
    "2 pings": 11,
    "3 reserved bits": 7,
    "4 opcodes": 10,
    "5 fragmentation": 20,
    "6 UTF-8": 145,
    "7 closing": 37,
    "9 sizes": 54,
    "10 chopped frames": 1,
    "12 compression": 90,
    "13 compression": 126,
}
#: The case sends a message and then breaks the protocol at once: the connection fails before the echo, which goes all
#: the way to the service, is back. The RFC does not ask for it, the suite would like it.
_FAILS_FIRST: Final = ("3.2", "3.3", "3.4", "4.1.3", "4.1.4", "4.1.5", "4.2.3", "4.2.4", "4.2.5", "5.15")
#: Bad UTF-8 fails when its message is complete, which is when aiohttp looks, and not at the first bad byte.
_FAILS_LATE: Final = ("6.4.1", "6.4.2", "6.4.3", "6.4.4")
#: The suite only tells what it saw: a large message just before a close, and close codes 5000 and 65535.
_TOLD: Final = ("7.1.6", "7.13.1", "7.13.2")


def allowed(case: str) -> set[tuple[str, str]]:
    """Answer how a case may end: behaviour, and behaviour of the closing handshake."""
    chapter = case.split(".")[0]
    if chapter in {"12", "13"}:
        # permessage-deflate is not offered, on either side: the tunnel would compress what is mostly compressed.
        return {("UNIMPLEMENTED", "OK")}
    if case in _TOLD:
        return {("INFORMATIONAL", "INFORMATIONAL")}
    if case in _FAILS_FIRST or case in _FAILS_LATE:
        return {("NON-STRICT", "OK"), ("OK", "OK")}
    return {("OK", "OK")}


def judge(results: Mapping[str, Result]) -> None:
    """See that every case ran and ended as it may."""
    wrong = {case: result for case, result in results.items() if (result.behavior, result.closing) not in allowed(case)}
    assert wrong == {}
    ran = Counter(case.split(".")[0] for case in results)
    assert ran == {name.split(" ")[0]: count for name, count in CHAPTERS.items()}
    assert len(results) == 517


async def fuzzed(url: str, folder: Path) -> Mapping[str, Result]:
    """Run all cases; skips where the suite cannot be had."""
    try:
        return await fuzz(url, ["*"], folder, WITHIN)
    except AutobahnUnavailable as reason:
        pytest.skip(str(reason))


@pytest.mark.slow(gate="tests/tunnel/test_rfc6455.py::test_what_a_browser_sends_wrong_closes_both_sides")
async def test_autobahns_cases_through_the_published_client(stack: Stack, tmp_path: Path) -> None:
    async with services() as served:
        await expose(stack, await stack.spawn(), served.port)
        base = f"ws://127.0.0.1:{stack.relay.port}/api/tunnel/runner/{stack.runner_id}/{served.port}"
        judge(await fuzzed(f"{base}/mirror?apiKey={stack.key}", tmp_path))


@pytest.mark.slow(gate="tests/tunnel/test_rfc6455.py::test_what_a_service_sends_wrong_closes_both_sides")
@pytest.mark.parametrize("binary", [True, False], ids=["binary", "published"])
async def test_autobahns_cases_through_the_python_runner(rig: Rig, tmp_path: Path, binary: bool) -> None:
    ann = await rig.person("ann")
    await rig.runner(ann)
    async with services() as served:
        client = TunnelClient(rig.url, "r1", ann.key, {served.port}, binary_framing=binary)
        running = asyncio.create_task(client.run())
        try:
            async with asyncio.timeout(30):
                await client.registered.wait()
            base = f"ws://127.0.0.1:{rig.port}/api/tunnel/runner/r1/{served.port}"
            judge(await fuzzed(f"{base}/mirror?apiKey={ann.key}", tmp_path))
            assert client.streams == 0
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
