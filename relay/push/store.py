"""Hold all SQL of Web Push. Methods raise StorageError when the database fails."""

from __future__ import annotations

from dataclasses import dataclass

from relay.storage import Storage, Transaction


@dataclass(frozen=True, slots=True)
class Subscription:
    """Hold one browser's subscription.

    `p256dh` and `auth` are its keys as it sent them, `enabled_events` the user's choice word for word,
    `suppress_child` None until somebody chose (rest-account.md 8.5); `created_at` is ISO 8601.
    """

    id: str
    user_id: str
    endpoint: str
    p256dh: str
    auth: str
    enabled_events: str
    suppress_child: bool | None
    created_at: str


class PushStore:
    """Be the repository of `push_subscription`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def subscriptions(self) -> list[Subscription]:
        """Answer every subscription, oldest first."""
        rows = await self._storage.fetch_all("SELECT * FROM push_subscription ORDER BY created_at, rowid")
        return [
            Subscription(
                id=row["id"],
                user_id=row["user_id"],
                endpoint=row["endpoint"],
                p256dh=row["p256dh"],
                auth=row["auth"],
                enabled_events=row["enabled_events"],
                suppress_child=None if row["suppress_child"] is None else bool(row["suppress_child"]),
                created_at=row["created_at"],
            )
            for row in rows
        ]

    async def replace(self, new: Subscription, dropped: list[str]) -> bool:
        """Store a subscription in the place of the user's earlier one for that endpoint, and delete `dropped` ids.

        Answer False, with nothing changed, when the user is gone.
        """

        async def work(tx: Transaction) -> bool:
            await tx.executemany("DELETE FROM push_subscription WHERE id = ?", [(old,) for old in dropped])
            await tx.execute(
                "DELETE FROM push_subscription WHERE user_id = ? AND endpoint = ?", (new.user_id, new.endpoint)
            )
            added = await tx.execute(
                "INSERT INTO push_subscription"
                " (id, user_id, endpoint, p256dh, auth, enabled_events, suppress_child, created_at)"
                " SELECT ?, id, ?, ?, ?, ?, ?, ? FROM user WHERE id = ?",
                (
                    new.id,
                    new.endpoint,
                    new.p256dh,
                    new.auth,
                    new.enabled_events,
                    new.suppress_child,
                    new.created_at,
                    new.user_id,
                ),
            )
            return added > 0

        return await self._storage.write(work)

    async def update(self, changed: Subscription) -> None:
        """Store the choices of a subscription."""

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "UPDATE push_subscription SET enabled_events = ?, suppress_child = ? WHERE id = ?",
                (changed.enabled_events, changed.suppress_child, changed.id),
            )

        await self._storage.write(work)

    async def remove(self, subscription_id: str) -> None:
        """Delete a subscription."""

        async def work(tx: Transaction) -> None:
            await tx.execute("DELETE FROM push_subscription WHERE id = ?", (subscription_id,))

        await self._storage.write(work)
