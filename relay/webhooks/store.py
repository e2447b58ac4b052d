"""Hold all SQL of webhooks, their deliveries and nonces. Methods raise StorageError when the database fails."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from relay import jsontext
from relay.sessions.spawn_order import Model
from relay.storage import Row, Storage, Transaction
from relay.webhooks.records import Delivery, Outcome, UsedNonce, Webhook

#: Placeholders for a missing user of a new row, and a missing webhook of a delivery: nothing is inserted then.
_INSERT: Final = (
    "INSERT INTO webhook (id, user_id, name, secret, previous_secret, previous_until, event_filter, source, runner_id,"
    " cwd, prompt, model_provider, model_id, enabled, created_at, updated_at)"
    " SELECT :id, id, :name, :secret, :previous_secret, :previous_until, :event_filter, :source, :runner_id,"
    " :cwd, :prompt, :model_provider, :model_id, :enabled, :created_at, :updated_at FROM user WHERE id = :user_id"
)
_UPDATE: Final = (
    "UPDATE webhook SET name = :name, secret = :secret, previous_secret = :previous_secret,"
    " previous_until = :previous_until, event_filter = :event_filter, source = :source, runner_id = :runner_id,"
    " cwd = :cwd, prompt = :prompt, model_provider = :model_provider, model_id = :model_id, enabled = :enabled,"
    " updated_at = :updated_at WHERE id = :id"
)
#: A second row of the same number tells how it went on; its body is there already, or is gone for good.
_LOG: Final = (
    "INSERT INTO webhook_delivery (webhook_id, n, received_at, type, outcome, status, error, session_id, trigger_id,"
    " duration_ms, replay_of, body_size, body) SELECT id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM webhook WHERE id = ?"
    " ON CONFLICT (webhook_id, n) DO UPDATE SET outcome = excluded.outcome, status = excluded.status,"
    " error = excluded.error, session_id = excluded.session_id, trigger_id = excluded.trigger_id,"
    " duration_ms = excluded.duration_ms"
)
_NONCE: Final = (
    "INSERT INTO webhook_nonce (webhook_id, digest, expires_at) SELECT id, ?, ? FROM webhook WHERE id = ?"
    " ON CONFLICT DO UPDATE SET expires_at = excluded.expires_at"
)
_TRIM_BODIES: Final = (
    "UPDATE webhook_delivery SET body = NULL WHERE webhook_id = :id AND body IS NOT NULL AND n <= ("
    "SELECT max(n) FROM (SELECT n, sum(body_size) OVER (ORDER BY n DESC) AS total FROM webhook_delivery"
    " WHERE webhook_id = :id AND body IS NOT NULL) WHERE total > :most)"
)


class WebhookStore:
    """Be the repository of `webhook`, `webhook_delivery` and `webhook_nonce`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def webhooks(self) -> list[tuple[Webhook, int]]:
        """Answer every webhook, oldest first, with the number of its last delivery."""
        rows = await self._storage.fetch_all("SELECT * FROM webhook ORDER BY created_at, rowid")
        return [(_webhook(row), int(row["last_delivery"])) for row in rows]

    async def add(self, new: Webhook) -> bool:
        """Store a new webhook; answer False, with nothing stored, when its user is gone."""

        async def work(tx: Transaction) -> bool:
            return await tx.execute(_INSERT, _columns(new)) > 0

        return await self._storage.write(work)

    async def update(self, changed: Webhook) -> None:
        """Store a changed webhook."""

        async def work(tx: Transaction) -> None:
            await tx.execute(_UPDATE, _columns(changed))

        await self._storage.write(work)

    async def remove(self, webhook_id: str) -> None:
        """Delete a webhook with its deliveries."""

        async def work(tx: Transaction) -> None:
            await tx.execute("DELETE FROM webhook WHERE id = ?", (webhook_id,))

        await self._storage.write(work)

    async def log(
        self,
        deliveries: Collection[Delivery],
        nonces: Collection[UsedNonce],
        trimmed: Collection[str],
        *,
        most_rows: int,
        most_bytes: int,
    ) -> None:
        """Write what happened in one transaction; the newest `most_rows` entries of each webhook stay.

        Of the webhooks `trimmed` only the newest bodies within `most_bytes` stay. What belongs to a webhook that was
        deleted meanwhile is dropped.
        """
        last: dict[str, int] = {}
        for one in deliveries:
            last[one.webhook_id] = max(one.n, last.get(one.webhook_id, 0))

        async def work(tx: Transaction) -> None:
            await tx.executemany(_LOG, [_log_row(one) for one in deliveries])
            await tx.executemany(_NONCE, [(one.digest, one.expires_at, one.webhook_id) for one in nonces])
            await tx.executemany(
                "UPDATE webhook SET last_delivery = max(last_delivery, ?) WHERE id = ?",
                [(n, webhook_id) for webhook_id, n in last.items()],
            )
            await tx.executemany(
                "DELETE FROM webhook_delivery WHERE webhook_id = ? AND n <= ?",
                [(webhook_id, n - most_rows) for webhook_id, n in last.items()],
            )
            await tx.executemany(_TRIM_BODIES, [{"id": webhook_id, "most": most_bytes} for webhook_id in trimmed])

        await self._storage.write(work)

    async def page(self, webhook_id: str, before: int | None, limit: int) -> list[Delivery]:
        """Answer deliveries with a number below `before`, newest first, with an empty body where one is kept."""
        rows = await self._storage.fetch_all(
            "SELECT webhook_id, n, received_at, type, outcome, status, error, session_id, trigger_id, duration_ms,"
            " replay_of, body_size, CASE WHEN body IS NULL THEN NULL ELSE x'' END AS body"
            " FROM webhook_delivery WHERE webhook_id = ? AND (? IS NULL OR n < ?) ORDER BY n DESC LIMIT ?",
            (webhook_id, before, before, limit),
        )
        return [_delivery(row) for row in rows]

    async def delivery(self, webhook_id: str, n: int) -> Delivery | None:
        """Answer one delivery with its body."""
        row = await self._storage.fetch_one(
            "SELECT * FROM webhook_delivery WHERE webhook_id = ? AND n = ?", (webhook_id, n)
        )
        return None if row is None else _delivery(row)

    async def nonces(self, now_ms: int) -> list[UsedNonce]:
        """Answer the nonces that have not expired, the oldest first."""
        rows = await self._storage.fetch_all(
            "SELECT * FROM webhook_nonce WHERE expires_at > ? ORDER BY expires_at", (now_ms,)
        )
        return [UsedNonce(row["webhook_id"], bytes(row["digest"]), row["expires_at"]) for row in rows]

    async def interrupt(self) -> None:
        """Note that deliveries which were under way when the relay stopped will not go on."""

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "UPDATE webhook_delivery SET outcome = ? WHERE outcome = ?",
                (Outcome.INTERRUPTED.value, Outcome.PENDING.value),
            )

        await self._storage.write(work)

    async def sweep(self, *, bodies_before: str, rows_before: str, now: str, now_ms: int) -> None:
        """Delete bodies and rows of deliveries before these times, expired nonces, and secrets past their overlap."""

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "UPDATE webhook_delivery SET body = NULL WHERE body IS NOT NULL AND received_at < ?", (bodies_before,)
            )
            await tx.execute("DELETE FROM webhook_delivery WHERE received_at < ?", (rows_before,))
            await tx.execute("DELETE FROM webhook_nonce WHERE expires_at <= ?", (now_ms,))
            await tx.execute(
                "UPDATE webhook SET previous_secret = NULL, previous_until = NULL WHERE previous_until <= ?", (now,)
            )

        await self._storage.write(work)


def _columns(one: Webhook) -> dict[str, object]:
    return {
        "id": one.id,
        "user_id": one.user_id,
        "name": one.name,
        "secret": one.secret,
        "previous_secret": one.previous_secret,
        "previous_until": one.previous_until,
        "event_filter": None if one.event_filter is None else jsontext.dumps(list(one.event_filter)).decode(),
        "source": one.source,
        "runner_id": one.runner_id,
        "cwd": one.cwd,
        "prompt": one.prompt,
        "model_provider": None if one.model is None else one.model.provider,
        "model_id": None if one.model is None else one.model.id,
        "enabled": int(one.enabled),
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }


def _webhook(row: Row) -> Webhook:
    names = jsontext.loads(row["event_filter"]) if row["event_filter"] is not None else None
    provider, model_id = row["model_provider"], row["model_id"]
    return Webhook(
        id=row["id"],
        user_id=row["user_id"],
        name=row["name"],
        source=row["source"],
        secret=row["secret"],
        event_filter=tuple(str(name) for name in names) if isinstance(names, list) else None,
        runner_id=row["runner_id"],
        cwd=row["cwd"],
        prompt=row["prompt"],
        model=Model(provider, model_id) if provider and model_id else None,
        enabled=bool(row["enabled"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        previous_secret=row["previous_secret"],
        previous_until=row["previous_until"],
    )


def _log_row(one: Delivery) -> Sequence[object]:
    return (
        one.n,
        one.received_at,
        one.type,
        one.outcome.value,
        one.status,
        one.error,
        one.session_id,
        one.trigger_id,
        one.duration_ms,
        one.replay_of,
        one.body_size,
        one.body,
        one.webhook_id,
    )


def _delivery(row: Row) -> Delivery:
    return Delivery(
        webhook_id=row["webhook_id"],
        n=row["n"],
        received_at=row["received_at"],
        type=row["type"],
        outcome=Outcome(row["outcome"]),
        status=row["status"],
        error=row["error"],
        session_id=row["session_id"],
        trigger_id=row["trigger_id"],
        duration_ms=row["duration_ms"],
        replay_of=row["replay_of"],
        body_size=row["body_size"],
        body=None if row["body"] is None else bytes(row["body"]),
    )
