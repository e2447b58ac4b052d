"""Read and write trigger history and deliveries (rest-runners.md 2.6, 8.5, 10.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from relay import jsontext
from relay.storage import Row, Storage, Transaction

#: Entries kept per session (8.5).
MAX_ENTRIES: Final = 200

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Hold one trigger whose sender waits for an answer.

    `wire_id` is the id the parent's worker saw, `fire_id` the one the child waits on; `trigger` is what was emitted.
    `answer` is `{response, action?}`, or `{error}` when the parent ended for good; `relayed`: the child has it.
    """

    user_id: str
    wire_id: str
    parent_id: str
    child_id: str
    fire_id: str
    type: str
    trigger: Json
    ts: str
    answer: Json | None = None
    relayed: bool = False
    closed_at: str | None = None


class TriggerStore:
    """Be the repository of `trigger_history` and `delivery`. All methods raise StorageError."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    # History

    async def push(self, entries: Sequence[tuple[str, Json]], now: str) -> None:
        """Add (session id, entry) pairs; each session keeps its newest 200."""

        async def work(tx: Transaction) -> None:
            await tx.executemany(
                "INSERT INTO trigger_history (session_id, trigger_id, entry, ts) VALUES (?, ?, ?, ?)",
                [
                    (session_id, str(entry["triggerId"]), jsontext.dumps(entry).decode(), now)
                    for session_id, entry in entries
                ],
            )
            await tx.executemany(
                "DELETE FROM trigger_history WHERE session_id = ? AND id <= ("
                "SELECT id FROM trigger_history WHERE session_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
                [(session_id, session_id, MAX_ENTRIES) for session_id in {pair[0] for pair in entries}],
            )

        await self._storage.write(work)

    async def entries(self, session_id: str, since: str, limit: int) -> list[Json]:
        """Answer the newest entries of a session, newest first; none when its last push is before `since`."""
        rows = await self._storage.fetch_all(
            "SELECT entry FROM trigger_history WHERE session_id = ?"
            " AND EXISTS (SELECT 1 FROM trigger_history AS newest WHERE newest.session_id = ? AND newest.ts >= ?)"
            " ORDER BY id DESC LIMIT ?",
            (session_id, session_id, since, limit),
        )
        return [_json(row["entry"]) for row in rows]

    async def respond(self, session_id: str, trigger_id: str, response: Json) -> bool:
        """Put a response into the newest entry with this trigger id; answer False when there is none."""

        async def work(tx: Transaction) -> bool:
            row = await tx.fetch_one(
                "SELECT id, entry FROM trigger_history WHERE session_id = ? AND trigger_id = ?"
                " ORDER BY id DESC LIMIT 1",
                (session_id, trigger_id),
            )
            if row is None:
                return False
            entry = {**_json(row["entry"]), "response": response}
            await tx.execute(
                "UPDATE trigger_history SET entry = ? WHERE id = ?", (jsontext.dumps(entry).decode(), row["id"])
            )
            return True

        return await self._storage.write(work)

    async def clear(self, session_id: str) -> None:
        """Delete the history of a session."""

        async def work(tx: Transaction) -> None:
            await tx.execute("DELETE FROM trigger_history WHERE session_id = ?", (session_id,))

        await self._storage.write(work)

    # Deliveries

    async def open(self, delivery: Delivery) -> Delivery:
        """Insert a delivery; one with the same wire id stays as it is and is answered instead."""

        async def work(tx: Transaction) -> Delivery:
            await tx.execute(
                "INSERT INTO delivery (user_id, wire_id, parent_id, child_id, fire_id, type, trigger, ts)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    delivery.user_id,
                    delivery.wire_id,
                    delivery.parent_id,
                    delivery.child_id,
                    delivery.fire_id,
                    delivery.type,
                    jsontext.dumps(delivery.trigger).decode(),
                    delivery.ts,
                ),
            )
            row = await tx.fetch_one(
                "SELECT * FROM delivery WHERE user_id = ? AND wire_id = ?", (delivery.user_id, delivery.wire_id)
            )
            return delivery if row is None else _delivery(row)

        return await self._storage.write(work)

    async def discard(self, user_id: str, wire_id: str) -> None:
        """Delete an open delivery that could not be made."""

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "DELETE FROM delivery WHERE user_id = ? AND wire_id = ? AND closed_at IS NULL", (user_id, wire_id)
            )

        await self._storage.write(work)

    async def find(self, user_id: str, parent_id: str, any_id: str) -> Delivery | None:
        """Answer a parent's delivery by its wire id or by the child's own id; an open one first, then the newest."""
        row = await self._storage.fetch_one(_FIND, (user_id, parent_id, any_id, any_id))
        return None if row is None else _delivery(row)

    async def answer(
        self, user_id: str, parent_id: str, any_id: str, answer: Json, *, relayed: bool, now: str
    ) -> tuple[Delivery, bool] | None:
        """Close a delivery with an answer, and with it every row of its child and fire id.

        Answers the delivery and whether this answer was the first; None when there is no such delivery.
        """

        async def work(tx: Transaction) -> tuple[Delivery, bool] | None:
            row = await tx.fetch_one(_FIND, (user_id, parent_id, any_id, any_id))
            if row is None:
                return None
            found = _delivery(row)
            if found.closed_at is not None:
                return found, False
            # The other rows of the same question close too, but only one of them brings the answer to the child.
            await tx.execute(
                "UPDATE delivery SET answer = ?, closed_at = ?, relayed = CASE WHEN wire_id = ? THEN ? ELSE 1 END"
                " WHERE user_id = ? AND child_id = ? AND fire_id = ? AND closed_at IS NULL",
                (jsontext.dumps(answer).decode(), now, found.wire_id, relayed, user_id, found.child_id, found.fire_id),
            )
            return found, True

        return await self._storage.write(work)

    async def release(self, parent_id: str, error: str, now: str) -> list[Delivery]:
        """Close every open delivery to a parent that will not come back; answer them as they were."""

        async def work(tx: Transaction) -> list[Delivery]:
            rows = await tx.fetch_all("SELECT * FROM delivery WHERE parent_id = ? AND closed_at IS NULL", (parent_id,))
            await tx.execute(
                "UPDATE delivery SET answer = ?, closed_at = ? WHERE parent_id = ? AND closed_at IS NULL",
                (jsontext.dumps({"error": error}).decode(), now, parent_id),
            )
            return [_delivery(row) for row in rows]

        return await self._storage.write(work)

    async def close(self, deliveries: Sequence[Delivery], now: str) -> None:
        """Close open deliveries for which nobody waits any more, without an answer."""

        async def work(tx: Transaction) -> None:
            await tx.executemany(
                "UPDATE delivery SET closed_at = ?, relayed = 1"
                " WHERE user_id = ? AND wire_id = ? AND closed_at IS NULL",
                [(now, one.user_id, one.wire_id) for one in deliveries],
            )

        await self._storage.write(work)

    async def relayed(self, user_id: str, wire_ids: Sequence[str]) -> None:
        """Note that a child has its answers."""

        async def work(tx: Transaction) -> None:
            await tx.executemany(
                "UPDATE delivery SET relayed = 1 WHERE user_id = ? AND wire_id = ?",
                [(user_id, wire_id) for wire_id in wire_ids],
            )

        await self._storage.write(work)

    async def open_to(self, parent_id: str) -> list[Delivery]:
        """Answer the open deliveries to a parent, oldest first."""
        rows = await self._storage.fetch_all(
            "SELECT * FROM delivery WHERE parent_id = ? AND closed_at IS NULL ORDER BY ts, rowid", (parent_id,)
        )
        return [_delivery(row) for row in rows]

    async def of_child(self, child_id: str) -> list[Delivery]:
        """Answer the deliveries that a child sent and that are open or whose answer it lacks, oldest first."""
        rows = await self._storage.fetch_all(
            "SELECT * FROM delivery WHERE child_id = ? AND (closed_at IS NULL OR relayed = 0) ORDER BY ts, rowid",
            (child_id,),
        )
        return [_delivery(row) for row in rows]

    async def sweep(self, history_before: str, closed_before: str, open_before: str) -> None:
        """Delete histories without a newer push, and deliveries closed or opened before the given times."""

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "DELETE FROM trigger_history WHERE session_id IN"
                " (SELECT session_id FROM trigger_history GROUP BY session_id HAVING max(ts) < ?)",
                (history_before,),
            )
            await tx.execute("DELETE FROM delivery WHERE closed_at < ? OR ts < ?", (closed_before, open_before))

        await self._storage.write(work)


_FIND: Final = (
    "SELECT * FROM delivery WHERE user_id = ? AND parent_id = ? AND (wire_id = ? OR fire_id = ?)"
    " ORDER BY closed_at IS NULL DESC, ts DESC LIMIT 1"
)


def _json(text: str) -> Json:
    value = jsontext.loads(text)
    return value if isinstance(value, dict) else {}


def _delivery(row: Row) -> Delivery:
    answer = row["answer"]
    return Delivery(
        user_id=row["user_id"],
        wire_id=row["wire_id"],
        parent_id=row["parent_id"],
        child_id=row["child_id"],
        fire_id=row["fire_id"],
        type=row["type"],
        trigger=_json(row["trigger"]),
        ts=row["ts"],
        answer=None if answer is None else _json(answer),
        relayed=bool(row["relayed"]),
        closed_at=row["closed_at"],
    )
