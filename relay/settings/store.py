"""Hold all SQL of the settings. Methods raise StorageError when the database fails."""

from __future__ import annotations

from collections.abc import Sequence

from relay.storage import Storage, Transaction


class SettingsStore:
    """Read and write hidden models and preferences."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def hidden_models(self, user_id: str) -> list[str]:
        """Answer a user's hidden models, sorted."""
        rows = await self._storage.fetch_all(
            "SELECT model_key FROM user_hidden_model WHERE user_id = ? ORDER BY model_key", (user_id,)
        )
        return [row["model_key"] for row in rows]

    async def replace_hidden_models(self, user_id: str, keys: Sequence[str], now: str) -> None:
        """Replace a user's hidden models in one transaction; nothing happens when the user is gone."""

        async def replace(tx: Transaction) -> None:
            await tx.execute("DELETE FROM user_hidden_model WHERE user_id = ?", (user_id,))
            await tx.executemany(
                "INSERT INTO user_hidden_model (user_id, model_key, created_at) SELECT id, ?, ? FROM user WHERE id = ?",
                [(key, now, user_id) for key in keys],
            )

        await self._storage.write(replace)

    async def preference(self, user_id: str, key: str) -> str | None:
        """Answer what a user chose under `key`."""
        row = await self._storage.fetch_one(
            "SELECT value FROM user_preference WHERE user_id = ? AND key = ?", (user_id, key)
        )
        return None if row is None else str(row["value"])

    async def set_preference(self, user_id: str, key: str, value: str | None, now: str) -> None:
        """Store a choice, None forgets it; nothing happens when the user is gone."""

        async def store(tx: Transaction) -> None:
            await tx.execute("DELETE FROM user_preference WHERE user_id = ? AND key = ?", (user_id, key))
            if value is not None:
                await tx.execute(
                    "INSERT INTO user_preference (user_id, key, value, updated_at) "
                    "SELECT id, ?, ?, ? FROM user WHERE id = ?",
                    (key, value, now, user_id),
                )

        await self._storage.write(store)
