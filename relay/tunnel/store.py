"""Keep the host names of tunnels (tunnel.md 5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from relay.storage import Storage, Transaction


@dataclass(slots=True)
class Label:
    """Hold what a host name stands for; times in epoch seconds. `ends_at` is final, `used_at` slides."""

    label: str
    user_id: str
    scope: str
    port: int
    ends_at: int
    used_at: int


class LabelStore:
    """Be the repository of `tunnel_label`. All methods raise StorageError."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def all(self) -> list[Label]:
        """Answer every stored label."""
        rows = await self._storage.fetch_all("SELECT label, user_id, scope, port, ends_at, used_at FROM tunnel_label")
        return [Label(*row) for row in rows]

    async def replace(self, new: Label, gone: Sequence[str]) -> None:
        """Store a label and delete others, in one step."""

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "INSERT INTO tunnel_label (label, user_id, scope, port, ends_at, used_at) VALUES (?, ?, ?, ?, ?, ?)",
                (new.label, new.user_id, new.scope, new.port, new.ends_at, new.used_at),
            )
            await tx.executemany("DELETE FROM tunnel_label WHERE label = ?", [(label,) for label in gone])

        await self._storage.write(work)

    async def used(self, label: str, used_at: int) -> None:
        """Note the last use of a label."""

        async def work(tx: Transaction) -> None:
            await tx.execute("UPDATE tunnel_label SET used_at = ? WHERE label = ?", (used_at, label))

        await self._storage.write(work)

    async def delete(self, labels: Sequence[str]) -> None:
        """Forget labels."""

        async def work(tx: Transaction) -> None:
            await tx.executemany("DELETE FROM tunnel_label WHERE label = ?", [(label,) for label in labels])

        await self._storage.write(work)
