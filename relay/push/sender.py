"""Post messages to push services (RFC 8030, rest-account.md 8.5)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver

from relay.push.encrypt import UnusableKeys, encrypt
from relay.push.endpoint_guard import PrivateAddress, connector, is_allowed
from relay.push.limits import PushLimits
from relay.push.messages import Message
from relay.push.store import Subscription
from relay.push.vapid import Vapid
from relay.secrets_file import SecretsError
from relay.storage import StorageError

log = logging.getLogger(__name__)

_GONE: Final = frozenset({404, 410})
_BUSY: Final = 429
#: Subscription, kind and session: a later notification takes the place of the earlier on the device (8.4).
Key = tuple[str, str, str]


@dataclass(eq=False, slots=True)
class _Delivery:
    """Hold one message on its way; `stale` is set when a newer one takes its place."""

    subscription: Subscription
    message: Message
    stale: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def key(self) -> Key:
        return self.subscription.id, self.message.kind, self.message.session_id


class Sender:
    """Own the deliveries under way; each is a task that ends by itself within a few minutes."""

    def __init__(
        self,
        vapid: Vapid,
        limits: PushLimits,
        drop: Callable[[Subscription], Awaitable[None]],
        *,
        allow_private: bool = False,
        resolver: AbstractResolver | None = None,
    ) -> None:
        """`drop` forgets a subscription that is of no use any more; `resolver` stands in for the system's."""
        self._vapid = vapid
        self._limits = limits
        self._drop = drop
        self._allow_private = allow_private
        self._resolver = resolver
        self._http: aiohttp.ClientSession | None = None
        self._turn = asyncio.Semaphore(limits.at_once)
        self._newest: dict[Key, _Delivery] = {}
        self._tasks: dict[asyncio.Task[None], _Delivery] = {}
        self._closed = False

    def __len__(self) -> int:
        """Answer how many messages are under way."""
        return len(self._tasks)

    def send(self, subscription: Subscription, message: Message) -> None:
        """Take a message; it leaves in a task of the sender's."""
        if self._closed:
            return
        delivery = _Delivery(subscription, message)
        earlier = self._newest.get(delivery.key)
        if earlier is not None:
            earlier.stale.set()
        if len(self._tasks) >= self._limits.pending:
            oldest = next(iter(self._tasks))
            log.warning("too many notifications wait, one is dropped", extra={"pending": len(self._tasks)})
            oldest.cancel()
            self._forget(oldest)
        self._newest[delivery.key] = delivery
        task = asyncio.create_task(self._deliver(delivery), name="push delivery")
        self._tasks[task] = delivery
        task.add_done_callback(self._done)

    async def close(self) -> None:
        """Let the requests under way finish for a moment, then stop."""
        self._closed = True
        tasks = set(self._tasks)
        for delivery in self._tasks.values():
            delivery.stale.set()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._limits.finish)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    async def _deliver(self, delivery: _Delivery) -> None:
        wait = self._limits.first_wait
        for attempt in range(1, self._limits.attempts + 1):
            async with self._turn:
                if delivery.stale.is_set():
                    return
                pause = await self._attempt(delivery)
            if pause is None:
                return
            if attempt == self._limits.attempts:
                log.warning("a notification was given up", extra={"subscription_id": delivery.subscription.id})
                return
            await _either(delivery.stale, min(max(wait, pause), self._limits.longest_wait))
            wait *= self._limits.wait_factor

    async def _attempt(self, delivery: _Delivery) -> float | None:
        """Post once; answer None when that settled it, else the pause in seconds that the service asks for, or 0."""
        subscription = delivery.subscription
        extra: dict[str, object] = {"subscription_id": subscription.id, "event": delivery.message.kind}
        try:
            status, pause = await self._post(subscription, delivery.message)
        except UnusableKeys:
            log.info("a subscription with unusable keys is dropped", extra=extra)
            await self._forget_subscription(subscription)
            return None
        except (PrivateAddress, SecretsError) as error:
            log.warning("a notification can't be sent", extra={**extra, "reason": str(error)})
            return None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            log.info("a push service is out of reach", extra={**extra, "reason": type(error).__name__})
            return 0.0
        extra["status"] = status
        if status in _GONE:
            log.info("a push service does not know a subscription any more", extra=extra)
            await self._forget_subscription(subscription)
            return None
        if status == _BUSY or status >= 500:
            log.info("a push service is busy", extra=extra)
            return pause
        if status >= 300:
            log.warning("a push service refused a notification", extra=extra)
        return None

    async def _post(self, subscription: Subscription, message: Message) -> tuple[int, float]:
        """Answer the status and the seconds of `Retry-After`, 0 without."""
        if not is_allowed(subscription.endpoint, allow_private=self._allow_private):
            raise PrivateAddress("the endpoint is not allowed (any more)")
        text = message.encoded(self._limits.payload)
        body = await asyncio.to_thread(encrypt, text, subscription.p256dh, subscription.auth)
        headers = {
            "Authorization": await self._vapid.authorization(subscription.endpoint),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(self._limits.ttl),
            "Urgency": "normal",
        }
        try:
            # A redirect would lead past the guard, and no push service answers one.
            async with self._session().post(
                subscription.endpoint, data=body, headers=headers, allow_redirects=False
            ) as response:
                return response.status, _seconds(response.headers.get("Retry-After"))
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, PrivateAddress):
                raise error.os_error from error
            raise

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=connector(
                    allow_private=self._allow_private, at_once=self._limits.at_once, resolver=self._resolver
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._limits.timeout),
            )
        return self._http

    async def _forget_subscription(self, subscription: Subscription) -> None:
        try:
            await self._drop(subscription)
        except StorageError:
            log.exception("a useless subscription stays for now", extra={"subscription_id": subscription.id})

    def _done(self, task: asyncio.Task[None]) -> None:
        self._forget(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a notification failed", exc_info=task.exception())

    def _forget(self, task: asyncio.Task[None]) -> None:
        delivery = self._tasks.pop(task, None)
        if delivery is not None and self._newest.get(delivery.key) is delivery:
            del self._newest[delivery.key]


async def _either(event: asyncio.Event, seconds: float) -> None:
    """Wait until something is set, `seconds` at most."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def _seconds(text: str | None) -> float:
    """Read `Retry-After` in seconds; its other form, a date, counts as none."""
    return float(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 9 else 0.0
