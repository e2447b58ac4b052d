"""Gather what most tests of tunnels start from: a relay, an owner with runner and session, and a scripted runner."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from relay.tunnel.channel import Channel
from tests.runners.rig import Person, Rig
from tests.tunnel.raw import Raw
from tests.tunnel.runner import Runner

PORT = 3000
BASE = f"/api/tunnel/runner/r1/{PORT}"


@dataclass
class Desk:
    """Hold runner r1 of ann's with a tunnel, her session s1 on it, and somebody else, bob."""

    rig: Rig
    ann: Person
    bob: Person
    runner: Runner
    key: str = field(init=False)

    def __post_init__(self) -> None:
        self.key = f"x-api-key: {self.ann.key}"

    @property
    def channel(self) -> Channel:
        link = self.rig.links.get("r1", self.ann.id)
        assert link is not None
        assert link.channel is not None
        return link.channel

    def raw(self, receive_buffer: int | None = None) -> Raw:
        return Raw(self.rig.port, receive_buffer)

    async def mint(self, **wanted: object) -> dict[str, object]:
        """Mint a token for port 3000 of r1, unless told otherwise."""
        body = {"runnerId": "r1", "port": PORT, **wanted}
        status, answer = await self.rig.json("POST", "/api/tunnel-token", self.ann.by_key, body)
        assert status == 200, answer
        assert isinstance(answer, dict)
        return answer

    async def host(self, **wanted: object) -> str:
        """Mint and answer the tunnel's own host with its port."""
        url = str((await self.mint(**wanted))["hostUrl"])
        return url.removeprefix("http://").rstrip("/")


async def eventually(holds: Callable[[], bool], within: float = 30.0) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(within):
        while not holds():
            await asyncio.sleep(0.005)
