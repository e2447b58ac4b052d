"""Read and write the rows of subscriptions and listeners (rest-runners.md 10.4, 10.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from relay import jsontext
from relay.storage import Row, Storage, StorageError, Transaction
from relay.triggers.records import Filter, Json, Listener, Mode, Subscription


class SubscriptionStore:
    """Be the repository of `trigger_subscription`. All methods raise StorageError."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def all(self) -> list[Subscription]:
        """Answer every subscription in the order of creation."""
        return [_subscription(row) for row in await self._storage.fetch_all(_ALL_SUBSCRIPTIONS)]

    async def insert(self, new: Subscription) -> None:
        """Add a subscription."""

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "INSERT INTO trigger_subscription"
                " (id, user_id, session_id, runner_id, trigger_type, subscription, created_at, updated_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    new.subscription_id,
                    new.user_id,
                    new.session_id,
                    new.runner_id,
                    new.trigger_type,
                    _subscription_text(new),
                    new.created_at,
                    new.created_at,
                ),
            )

        await self._storage.write(work)

    async def update(self, changed: Subscription, now: str) -> bool:
        """Replace what may change of a subscription; answer False when its row is gone."""

        async def work(tx: Transaction) -> bool:
            count = await tx.execute(
                "UPDATE trigger_subscription SET session_id = ?, subscription = ?, updated_at = ? WHERE id = ?",
                (changed.session_id, _subscription_text(changed), now, changed.subscription_id),
            )
            return count > 0

        return await self._storage.write(work)

    async def delete(self, ids: Sequence[str]) -> None:
        """Delete subscriptions in one transaction."""

        async def work(tx: Transaction) -> None:
            await tx.executemany("DELETE FROM trigger_subscription WHERE id = ?", [(one,) for one in ids])

        await self._storage.write(work)

    async def delete_in(self, tx: Transaction, subscription_id: str) -> Subscription | None:
        """Delete one within a transaction of the caller; answer it as it was, None when there is none."""
        row = await tx.fetch_one("SELECT * FROM trigger_subscription WHERE id = ?", (subscription_id,))
        if row is None:
            return None
        await tx.execute("DELETE FROM trigger_subscription WHERE id = ?", (subscription_id,))
        return _subscription(row)

    async def orphans(self, before: str) -> list[str]:
        """Answer the ids of subscriptions whose session is deleted or was ended on purpose.

        Schedules and what was changed at or after `before` are left out.
        """
        rows = await self._storage.fetch_all(
            "SELECT id FROM trigger_subscription AS one WHERE updated_at < ? AND trigger_type NOT GLOB 'time:*'"
            " AND NOT EXISTS (SELECT 1 FROM relay_session"
            " WHERE relay_session.id = one.session_id AND ended_by IS NOT 'deliberate')",
            (before,),
        )
        return [str(row["id"]) for row in rows]

    async def folders(self, user_id: str, runner_id: str) -> dict[str, str]:
        """Answer the stored folder of each of the user's sessions that subscribes on a runner."""
        rows = await self._storage.fetch_all(
            "SELECT DISTINCT relay_session.id, relay_session.cwd FROM trigger_subscription"
            " JOIN relay_session ON relay_session.id = trigger_subscription.session_id"
            " WHERE trigger_subscription.user_id = ? AND relay_session.user_id = ? AND"
            " trigger_subscription.runner_id = ?",
            (user_id, user_id, runner_id),
        )
        return {str(row["id"]): str(row["cwd"]) for row in rows}


class ListenerStore:
    """Be the repository of `runner_trigger_listener`. All methods raise StorageError."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def all(self) -> list[Listener]:
        """Answer every listener, the most recently changed last."""
        rows = await self._storage.fetch_all("SELECT * FROM runner_trigger_listener ORDER BY updated_at, rowid")
        return [_listener(row) for row in rows]

    async def insert(self, new: Listener) -> None:
        """Add a listener."""

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "INSERT INTO runner_trigger_listener"
                " (id, user_id, runner_id, trigger_type, listener, created_at, updated_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    new.listener_id,
                    new.user_id,
                    new.runner_id,
                    new.trigger_type,
                    _listener_text(new),
                    new.created_at,
                    new.created_at,
                ),
            )

        await self._storage.write(work)

    async def update(self, changed: Listener, now: str) -> bool:
        """Replace a listener; answer False when its row is gone."""

        async def work(tx: Transaction) -> bool:
            count = await tx.execute(
                "UPDATE runner_trigger_listener SET trigger_type = ?, listener = ?, updated_at = ? WHERE id = ?",
                (changed.trigger_type, _listener_text(changed), now, changed.listener_id),
            )
            return count > 0

        return await self._storage.write(work)

    async def delete(self, ids: Sequence[str]) -> None:
        """Delete listeners in one transaction."""

        async def work(tx: Transaction) -> None:
            await tx.executemany("DELETE FROM runner_trigger_listener WHERE id = ?", [(one,) for one in ids])

        await self._storage.write(work)

    async def delete_in(self, tx: Transaction, listener_id: str) -> Listener | None:
        """Delete one within a transaction of the caller; answer it as it was, None when there is none."""
        row = await tx.fetch_one("SELECT * FROM runner_trigger_listener WHERE id = ?", (listener_id,))
        if row is None:
            return None
        await tx.execute("DELETE FROM runner_trigger_listener WHERE id = ?", (listener_id,))
        return _listener(row)


_ALL_SUBSCRIPTIONS: Final = "SELECT * FROM trigger_subscription ORDER BY created_at, rowid"


def _subscription_text(record: Subscription) -> str:
    body: Json = {
        "deliverAs": record.deliver_as,
        "params": record.params,
        "filters": [[one.field, one.value, one.op, one.case_sensitive] for one in record.filters],
        "filterMode": record.filter_mode,
    }
    return jsontext.dumps(body).decode()


def _subscription(row: Row) -> Subscription:
    body = _body(row, "subscription")
    params, filters = body["params"], body["filters"]
    if not isinstance(filters, list) or not (params is None or isinstance(params, dict)):
        raise _broken(row)
    mode: Mode = "or" if body["filterMode"] == "or" else "and"
    return Subscription(
        subscription_id=row["id"],
        user_id=row["user_id"],
        session_id=row["session_id"],
        runner_id=row["runner_id"],
        trigger_type=row["trigger_type"],
        deliver_as=str(body["deliverAs"]),
        params=params,
        filters=tuple(Filter(*one) for one in filters),
        filter_mode=mode,
        created_at=row["created_at"],
    )


def _listener_text(record: Listener) -> str:
    body: Json = {
        "prompt": record.prompt,
        "cwd": record.cwd,
        "model": record.model,
        "params": record.params,
        "autoClose": record.auto_close,
    }
    return jsontext.dumps(body).decode()


def _listener(row: Row) -> Listener:
    body = _body(row, "listener")
    prompt, cwd, model, params = body["prompt"], body["cwd"], body["model"], body["params"]
    texts = all(one is None or isinstance(one, str) for one in (prompt, cwd))
    objects = all(one is None or isinstance(one, dict) for one in (model, params))
    if not texts or not objects:
        raise _broken(row)
    return Listener(
        listener_id=row["id"],
        user_id=row["user_id"],
        runner_id=row["runner_id"],
        trigger_type=row["trigger_type"],
        prompt=prompt if isinstance(prompt, str) else None,
        cwd=cwd if isinstance(cwd, str) else None,
        model=model if isinstance(model, dict) else None,
        params=params if isinstance(params, dict) else None,
        auto_close=body["autoClose"] is True,
        created_at=row["created_at"],
    )


def _body(row: Row, column: str) -> Json:
    """Read a JSON column of ours; a row left out in silence would cancel a schedule (8.9), so it is an error."""
    try:
        body = jsontext.loads(row[column])
    except ValueError as error:
        raise _broken(row) from error
    if not isinstance(body, dict):
        raise _broken(row)
    return body


def _broken(row: Row) -> StorageError:
    return StorageError(f"the stored trigger record {row['id']} cannot be read")
