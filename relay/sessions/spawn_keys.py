"""Start no session twice for one idempotency key (rest-runners.md 14.4)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Final

from relay.clock import Clock, iso, parse_iso
from relay.sessions.registry import SessionRegistry
from relay.sessions.runner_links import RunnerLinks
from relay.sessions.single_flight import SingleFlight
from relay.sessions.store import SpawnKeyStore

#: An answer younger than this is repeated whatever became of its session, in ms. The scheduler counts its fires from 1
#: after each re-owning, so a key comes back, and a longer memory would hand it a dead session at every fire.
_FRESH_MS: Final = 120_000
#: After a day no key is asked for any more.
_LIFE_MS: Final = 86_400_000
#: The scheduler's keys hold a listener id and a time.
MAX_KEY: Final = 1024

Answer = dict[str, object]


class SpawnKeys:
    """Remember the answers of spawns by user, runner and key; only good answers, so a refused spawn is tried again."""

    def __init__(self, store: SpawnKeyStore, registry: SessionRegistry, links: RunnerLinks, clock: Clock) -> None:
        self._store = store
        self._registry = registry
        self._links = links
        self._clock = clock
        self._flights: SingleFlight[tuple[str, str, str], Answer] = SingleFlight("spawn with a key")

    async def close(self) -> None:
        """Give up the spawns under way."""
        await self._flights.close()

    async def once(
        self, user_id: str, runner_id: str, key: str, spawn: Callable[[], Coroutine[object, object, Answer]]
    ) -> Answer:
        """Answer what an earlier call with the key got, join the one under way, or spawn.

        An earlier answer counts while its session is pending or live, and for 2 minutes. Raises what `spawn` raises,
        and StorageError.
        """

        async def work() -> Answer:
            known = await self._store.get(user_id, runner_id, key)
            if known is not None and self._counts(user_id, *known):
                return known[0]
            answer = await spawn()
            await self._store.put(user_id, runner_id, key, answer, self._clock.now_iso())
            return answer

        answer, _ = await self._flights.run((user_id, runner_id, key), work)
        return answer

    async def sweep(self) -> None:
        """Forget old keys; the sweep of sockets-agents.md 2.10 calls this. Raises StorageError."""
        await self._store.sweep(iso(self._clock.now_ms() - _LIFE_MS))

    def _counts(self, user_id: str, answer: Answer, ts: str) -> bool:
        session_id = str(answer.get("sessionId"))
        if self._registry.owned(session_id, user_id) is not None or self._links.is_recent(session_id, user_id):
            return True
        return self._clock.now_ms() - (parse_iso(ts) or 0) < _FRESH_MS


def read_key(value: object) -> str | None:
    """Read an idempotency key; what can be none counts as absent."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_KEY:
        return None
    return None if any("\ud800" <= char <= "\udfff" for char in value) else value
