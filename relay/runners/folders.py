"""Remember where a user started sessions on a runner (rest-runners.md 5.5, 10.3)."""

from __future__ import annotations

from typing import Final

from relay.clock import Clock
from relay.runners.store import RunnerStore

#: Longest path of common systems (Linux PATH_MAX).
MAX_PATH: Final = 4096


class RecentFolders:
    """Count the folders of each user and runner; the 50 most used are kept."""

    def __init__(self, store: RunnerStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def record(self, user_id: str, runner_id: str, path: str) -> None:
        """Count one use of a folder; a blank or impossible path is ignored. Raises StorageError."""
        path = path.strip()
        if path and len(path) <= MAX_PATH and _is_text(path):
            await self._store.record_folder(user_id, runner_id, path, self._clock.now_iso())

    async def list(self, user_id: str, runner_id: str) -> list[str]:
        """Answer up to 50 paths, the most used first, then the most recent. Raises StorageError."""
        return await self._store.folders(user_id, runner_id)

    async def delete(self, user_id: str, runner_id: str, path: str) -> bool:
        """Forget a folder; answer whether it was there. Raises StorageError."""
        return _is_text(path) and await self._store.delete_folder(user_id, runner_id, path)


def _is_text(path: str) -> bool:
    """Tell whether SQLite can hold the path: it has no lone surrogate."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
