"""Keep the registered tunnel socket of each runner: replacement, eviction, heartbeats (tunnel.md 1.2 to 1.4)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine

from aiohttp import WSCloseCode

from relay.clock import Clock
from relay.events import Bus, CredentialsRevoked, RunnerConnected, UserRemoved
from relay.tunnel.channel import Channel
from relay.tunnel.failures import DISCONNECTED, MISSED_HEARTBEATS, REREGISTERED, SHUTTING_DOWN, Failure
from relay.tunnel.limits import ExchangeLimits
from relay.tunnel.link import PING, TunnelHolder, TunnelLimits, TunnelLink
from relay.tunnel.spill import SpillBudget
from relay.tunnel.traffic import TunnelTraffic

log = logging.getLogger(__name__)


class TunnelLinks:
    """Own the tunnel sockets. At most one is registered per runner id; unregistered ones are bounded per address."""

    def __init__(
        self, clock: Clock, bus: Bus, limits: TunnelLimits, exchanges: ExchangeLimits, budget: SpillBudget
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._exchanges = exchanges
        self._budget = budget
        self.traffic = TunnelTraffic()
        self._registered: dict[str, TunnelLink] = {}
        self._waiting: dict[str, list[TunnelLink]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._heartbeat: asyncio.Task[None] | None = None
        self.closing = False
        bus.subscribe(RunnerConnected, self._runner_connected)
        bus.subscribe(CredentialsRevoked, self._revoked)
        bus.subscribe(UserRemoved, lambda event: self._evict_all(lambda holder: holder.user_id == event.user_id))

    def start(self) -> None:
        """Begin to send heartbeats; `close` ends that."""
        if self._heartbeat is None:
            self._heartbeat = asyncio.get_running_loop().create_task(self._beat(), name="tunnel heartbeat")

    def get(self, runner_id: str, user_id: str) -> TunnelLink | None:
        """Answer the runner's tunnel socket if the runner's owner registered it (1.2); else None."""
        link = self._registered.get(runner_id)
        return link if link is not None and link.user_id == user_id else None

    def __len__(self) -> int:
        return len(self._registered)

    @property
    def channels(self) -> list[Channel]:
        """Answer what the registered sockets carry."""
        return [link.channel for link in self._registered.values() if link.channel is not None]

    def waiting(self, address: str) -> int:
        """Answer how many sockets of an address have not registered."""
        return len(self._waiting.get(address, ()))

    def arrived(self, link: TunnelLink) -> None:
        """Count a new socket; above the bound of its address the oldest unregistered one is cut."""
        links = self._waiting.setdefault(link.address, [])
        links.append(link)
        if len(links) > self._limits.per_address:
            oldest = links.pop(0)
            log.info("unregistered tunnel socket cut", extra={"address": link.address})
            oldest.cut()

    def install(
        self, link: TunnelLink, holder: TunnelHolder, *, owner: str | None, binary_framing: bool = False
    ) -> bool:
        """Make a link the runner's; synchronous, so that no other socket's end can come between.

        `owner` is the user on record, None when nobody claimed the id yet. An old socket of the same user is replaced
        and closed, and what it carried fails after that; another user's only when the newcomer is the owner on record:
        otherwise the answer is False.
        """
        runner_id = holder.runner_id
        present = self._registered.get(runner_id)
        if present is not None and present.user_id != holder.user_id:
            if owner != holder.user_id:
                return False
            log.warning("tunnel taken back by the runner's owner", extra={"runner_id": runner_id})
        self._no_longer_waiting(link)
        channel = Channel(link, self._exchanges, self._budget, binary_framing=binary_framing, traffic=self.traffic)
        link.admit(holder, channel)
        self._registered[runner_id] = link
        if present is not None and present is not link:
            self._later(self._end(present, REREGISTERED, WSCloseCode.OK))
        log.info("tunnel registered", extra={"runner_id": runner_id, "replaced": present is not None})
        return True

    def left(self, link: TunnelLink) -> None:
        """Forget a socket that closed; a replaced one disturbs nobody."""
        self._no_longer_waiting(link)
        if self._registered.get(link.runner_id) is link:
            del self._registered[link.runner_id]
            log.info("tunnel closed", extra={"runner_id": link.runner_id})

    async def close(self) -> None:
        """End the heartbeats and close every socket, so that its runner comes back to whoever listens next."""
        self.closing = True
        if self._heartbeat is not None:
            self._heartbeat.cancel()
            await asyncio.wait((self._heartbeat,))
        links = [*self._registered.values(), *(link for links in self._waiting.values() for link in links)]
        for link in links:
            self._later(self._end(link, SHUTTING_DOWN, WSCloseCode.GOING_AWAY))
        if self._tasks:
            # A runner that does not answer the closing must not hold up the shutdown.
            await asyncio.wait(set(self._tasks), timeout=self._limits.shut_within)
        for link in links:
            link.cut()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=self._limits.shut_within)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._limits.ping_every)
            now = self._clock.monotonic()
            for link in list(self._registered.values()):
                if link.channel is None or link.channel.flow.paused:
                    # It is we who do not listen.
                    continue
                if now - link.heard_at > self._limits.silent_for:
                    log.warning("tunnel missed heartbeats", extra={"runner_id": link.runner_id})
                    self._evict(link, MISSED_HEARTBEATS)
                else:
                    # One that doesn't read must not delay the others' heartbeats.
                    link.channel.own(link.channel.ping(PING))

    async def _end(self, link: TunnelLink, failure: Failure, code: WSCloseCode) -> None:
        """Fail what a socket carries and close it."""
        if link.channel is not None:
            link.channel.fail(failure)
        await link.close(code, self._limits.close_within)

    def _runner_connected(self, event: RunnerConnected) -> None:
        link = self._registered.get(event.runner_id)
        if link is not None and link.user_id != event.user_id:
            log.warning("tunnel of another user evicted", extra={"runner_id": event.runner_id})
            self._evict(link)

    def _revoked(self, event: CredentialsRevoked) -> None:
        ids = event.credential_ids
        self._evict_all(lambda holder: holder.user_id == event.user_id and (not ids or holder.credential_id in ids))

    def _evict_all(self, affected: Callable[[TunnelHolder], bool]) -> None:
        for link in list(self._registered.values()):
            if link.holder is not None and affected(link.holder):
                self._evict(link)

    def _evict(self, link: TunnelLink, failure: Failure = DISCONNECTED) -> None:
        if self._registered.get(link.runner_id) is link:
            del self._registered[link.runner_id]
        self._later(self._end(link, failure, WSCloseCode.POLICY_VIOLATION))

    def _no_longer_waiting(self, link: TunnelLink) -> None:
        links = self._waiting.get(link.address)
        if links is not None and link in links:
            links.remove(link)
            if not links:
                del self._waiting[link.address]

    def _later(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("tunnel task failed", exc_info=task.exception())
