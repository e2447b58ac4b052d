"""Take a runner's tunnel socket from its upgrade to its registration and through its life (tunnel.md 1.1, 1.2, 1.4)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import WSCloseCode, web

from relay.accounts.accounts import Accounts
from relay.accounts.handshake import CannotTell, verify_agent_key
from relay.clock import Clock
from relay.http.identity import Identity, Scope
from relay.runners.identities import RunnerIdentities
from relay.runners.registry import RunnerRegistry
from relay.storage import StorageError
from relay.tunnel import binary
from relay.tunnel.failures import DISCONNECTED
from relay.tunnel.frames import Frame
from relay.tunnel.link import TunnelHolder, TunnelLimits, TunnelLink, parse_frame
from relay.tunnel.links import TunnelLinks

log = logging.getLogger(__name__)

INVALID_KEY: Final = "Invalid API key"
WRONG_SCOPE: Final = "This API key may not register a runner"
FOREIGN: Final = "Runner already registered by another user"


class TunnelEndpoint:
    """Serve `/_tunnel`."""

    def __init__(
        self,
        links: TunnelLinks,
        accounts: Accounts,
        runners: RunnerRegistry,
        identities: RunnerIdentities,
        clock: Clock,
        client_ip: Callable[[web.Request], str],
        limits: TunnelLimits,
    ) -> None:
        self._links = links
        self._accounts = accounts
        self._runners = runners
        self._identities = identities
        self._clock = clock
        self._client_ip = client_ip
        self._limits = limits

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Keep one tunnel socket until it closes; a request that is no WebSocket upgrade is answered 426."""
        ws = web.WebSocketResponse(
            timeout=self._limits.close_within,
            # aiohttp refuses a message of exactly its limit.
            max_msg_size=self._limits.max_frame + 1,
            compress=False,
            decode_text=False,
        )
        if not ws.can_prepare(request).ok:
            return web.Response(status=426, text="Expected WebSocket upgrade", headers={"Upgrade": "websocket"})
        await ws.prepare(request)
        link = TunnelLink(request, ws, self._client_ip(request), self._clock)
        if self._links.closing:
            await link.close(WSCloseCode.GOING_AWAY, self._limits.close_within)
            return ws
        self._links.arrived(link)
        await self._live(link)
        return ws

    async def _live(self, link: TunnelLink) -> None:
        """Read frames until the socket closes.

        Reading goes on while the key is checked, so that the end of the socket stops the check.
        """
        deadline = asyncio.get_running_loop().time() + self._limits.register_within
        check: asyncio.Task[None] | None = None
        try:
            while True:
                try:
                    async with asyncio.timeout_at(None if link.registered else deadline):
                        data = await link.receive()
                except TimeoutError:
                    if link.registered:
                        # The check was faster than the deadline's exception.
                        continue
                    code = WSCloseCode.POLICY_VIOLATION if check is None else WSCloseCode.TRY_AGAIN_LATER
                    await link.close(code, self._limits.close_within)
                    return
                if data is None:
                    return
                if link.channel is not None:
                    await link.channel.serve(data, lambda frame: self._again(link, frame))
                    return
                if len(data) > self._limits.register_frame:
                    await link.close(WSCloseCode.MESSAGE_TOO_BIG, self._limits.close_within)
                    return
                if check is None and (wanted := _wanted(parse_frame(data))) is not None:
                    check = asyncio.get_running_loop().create_task(self._check(link, wanted), name="tunnel key check")
        finally:
            self._links.left(link)
            await link.settle()
            if link.channel is not None:
                link.channel.fail(DISCONNECTED)
                await link.channel.close()
            if check is not None:
                await _end(check)

    async def _again(self, link: TunnelLink, frame: Frame) -> None:
        """Answer a second registration: the same id once more, another one with the end of the socket (1.2)."""
        wanted = _wanted(frame)
        if wanted is None:
            return
        if wanted.runner_id == link.runner_id:
            await link.send(_registered(link), self._limits.send_within)
        else:
            log.warning("second runner id on one tunnel", extra={"runner_id": link.runner_id})
            await link.close(WSCloseCode.POLICY_VIOLATION, self._limits.close_within)

    async def _check(self, link: TunnelLink, wanted: _Wanted) -> None:
        """Register the socket or refuse it; a failing database is asked again until the time to register is over."""
        runner_id = wanted.runner_id
        delay = self._limits.retry_after
        while True:
            try:
                owner = await self._owner(runner_id)
                # The key comes last: after it nothing is awaited, so a revocation cannot slip in before the socket is
                # on the list that revocations go through.
                identity = await verify_agent_key(self._accounts, wanted.api_key)
                break
            except (CannotTell, StorageError) as error:
                log.warning("tunnel registration put off", extra={"runner_id": runner_id, "reason": str(error)})
                await asyncio.sleep(delay)
                delay = min(2 * delay, self._limits.retry_at_most)
        if link.closed:
            return
        live = self._runners.get(runner_id)
        owner = owner if live is None else live.user_id
        refusal = self._admit(link, wanted, identity, owner)
        if refusal is None:
            await link.send(_registered(link), self._limits.send_within)
            return
        log.warning("tunnel refused", extra={"runner_id": runner_id, "reason": refusal})
        await link.send({"type": "error", "message": refusal}, self._limits.send_within)
        await link.close(WSCloseCode.POLICY_VIOLATION, self._limits.close_within)

    def _admit(self, link: TunnelLink, wanted: _Wanted, identity: Identity | None, owner: str | None) -> str | None:
        """Install the socket, or answer why not; a runner id that nobody claimed is anybody's for the time being."""
        if identity is None or (owner is not None and owner != identity.user_id):
            return INVALID_KEY
        if not identity.scope.within((Scope.RUNNER,)):
            return WRONG_SCOPE
        held = TunnelHolder(wanted.runner_id, identity.user_id, identity.credential_id)
        installed = self._links.install(link, held, owner=owner, binary_framing=wanted.binary)
        return None if installed else FOREIGN

    async def _owner(self, runner_id: str) -> str | None:
        live = self._runners.get(runner_id)
        return live.user_id if live is not None else await self._identities.owner_of(runner_id)


async def _end(check: asyncio.Task[None]) -> None:
    check.cancel()
    await asyncio.wait((check,))
    if not check.cancelled() and (error := check.exception()) is not None:
        log.error("tunnel key check failed", exc_info=error)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Hold what a `register` frame asks for; `binary` is the framing of README.md."""

    runner_id: str
    api_key: str
    binary: bool


def _wanted(frame: Frame | None) -> _Wanted | None:
    """Read a `register` frame; None for any other frame, which is ignored."""
    if frame is None or frame.get("type") != "register":
        return None
    runner_id, api_key = frame.get("runnerId"), frame.get("apiKey")
    if not isinstance(runner_id, str) or not runner_id or not isinstance(api_key, str):
        return None
    framings = frame.get("framings")
    return _Wanted(runner_id, api_key, isinstance(framings, list) and binary.NAME in framings)


def _registered(link: TunnelLink) -> Frame:
    frame: Frame = {"type": "registered", "runnerId": link.runner_id}
    if link.channel is not None and link.channel.binary:
        frame |= {"framing": binary.NAME, "window": link.channel.limits.window}
    return frame
