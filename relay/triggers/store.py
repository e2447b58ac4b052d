"""Read and write trigger history, deliveries and fired events (rest-runners.md 2.6, 8.5, 10.7)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
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
    `child_id` of a sender that is no session is its source, `external:…`, and nobody waits for the answer. `note_at`:
    when the parent's viewers hear that the question is still open.
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
    note_at: str | None = None


class TriggerStore:
    """Be the repository of `trigger_history`, `delivery` and `fired_event`. All methods raise StorageError."""

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

    async def page(self, session_id: str, since: str, limit: int) -> str:
        """Answer the newest entries of a session as one JSON array, newest first, without parsing what was stored.

        It is empty when the last push is before `since`.
        """
        # One row crosses over to this thread instead of two hundred.
        row = await self._storage.fetch_one(
            "SELECT group_concat(entry) AS page FROM (SELECT entry FROM trigger_history WHERE session_id = ?"
            " AND (SELECT ts FROM trigger_history WHERE session_id = ? ORDER BY id DESC LIMIT 1) >= ?"
            " ORDER BY id DESC LIMIT ?)",
            (session_id, session_id, since, limit),
        )
        return f"[{row['page'] or ''}]" if row is not None else "[]"

    async def respond(self, session_id: str, trigger_id: str, response: Json) -> bool:
        """Put a response into the newest entry with this trigger id; answer False when there is none.

        The worker knows a broadcast by the id that all its receivers share, the history by one of its own (2.9).
        """

        async def work(tx: Transaction) -> bool:
            ids = (trigger_id, subscriber_id(trigger_id, session_id), spawned_id(trigger_id, session_id))
            row = await tx.fetch_one(
                "SELECT id, entry FROM trigger_history WHERE session_id = ? AND trigger_id IN (?, ?, ?)"
                " ORDER BY trigger_id = ? DESC, id DESC LIMIT 1",
                (session_id, *ids, trigger_id),
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

    async def open(self, delivery: Delivery) -> tuple[Delivery, bool]:
        """Insert a delivery; answer the stored one and whether it is new. An earlier one with its wire id stays."""

        async def work(tx: Transaction) -> tuple[Delivery, bool]:
            inserted = await tx.execute(
                "INSERT INTO delivery (user_id, wire_id, parent_id, child_id, fire_id, type, trigger, ts, note_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    delivery.user_id,
                    delivery.wire_id,
                    delivery.parent_id,
                    delivery.child_id,
                    delivery.fire_id,
                    delivery.type,
                    jsontext.dumps(delivery.trigger).decode(),
                    delivery.ts,
                    delivery.note_at,
                ),
            )
            row = await tx.fetch_one(_BY_WIRE, (delivery.user_id, delivery.wire_id))
            return (delivery if row is None else _delivery(row)), inserted > 0

        return await self._storage.write(work)

    async def discard(self, user_id: str, wire_id: str) -> None:
        """Delete an open delivery that could not be made."""

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "DELETE FROM delivery WHERE user_id = ? AND wire_id = ? AND closed_at IS NULL", (user_id, wire_id)
            )

        await self._storage.write(work)

    async def by_wire(self, user_id: str, wire_id: str) -> Delivery | None:
        """Answer a delivery by the id that the parent's worker saw."""
        row = await self._storage.fetch_one(_BY_WIRE, (user_id, wire_id))
        return None if row is None else _delivery(row)

    async def find(self, user_id: str, parent_id: str, any_id: str) -> Delivery | None:
        """Answer a parent's delivery by its wire id or by the child's own id; an open one first, then the newest."""
        row = await self._storage.fetch_one(_FIND, (user_id, parent_id, any_id, any_id))
        return None if row is None else _delivery(row)

    async def answer(
        self, user_id: str, parent_id: str, any_id: str, answer: Json, *, relayed: bool, now: str
    ) -> tuple[Delivery, list[Delivery]] | None:
        """Close a delivery with an answer, and with it every row of its child and fire id.

        Answers the delivery and the rows that this answer closed, none of them when it came too late; None when there
        is no such delivery.
        """

        async def work(tx: Transaction) -> tuple[Delivery, list[Delivery]] | None:
            row = await tx.fetch_one(_FIND, (user_id, parent_id, any_id, any_id))
            if row is None:
                return None
            found = _delivery(row)
            if found.closed_at is not None:
                return found, []
            same = (user_id, found.child_id, found.fire_id)
            closed = await tx.fetch_all(
                "SELECT * FROM delivery WHERE user_id = ? AND child_id = ? AND fire_id = ? AND closed_at IS NULL", same
            )
            # The other rows of the same question close too, but only one of them brings the answer to the child.
            await tx.execute(
                "UPDATE delivery SET answer = ?, closed_at = ?, relayed = CASE WHEN wire_id = ? THEN ? ELSE 1 END"
                " WHERE user_id = ? AND child_id = ? AND fire_id = ? AND closed_at IS NULL",
                (jsontext.dumps(answer).decode(), now, found.wire_id, relayed, *same),
            )
            return found, [_delivery(one) for one in closed]

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

    async def has_open(self, child_id: str, types: Sequence[str]) -> bool:
        """Tell whether a child has an open delivery of one of these types."""
        marks = ", ".join("?" for _ in types)
        row = await self._storage.fetch_one(
            f"SELECT 1 FROM delivery WHERE child_id = ? AND closed_at IS NULL AND type IN ({marks}) LIMIT 1",  # noqa: S608 - marks
            (child_id, *types),
        )
        return row is not None

    async def newest(self, child_id: str, types: Sequence[str]) -> tuple[bool, Json | None] | None:
        """Answer whether a child's newest delivery of these types is open, and its answer; None without one."""
        marks = ", ".join("?" for _ in types)
        row = await self._storage.fetch_one(
            f"SELECT closed_at IS NULL AS open, answer FROM delivery WHERE child_id = ? AND type IN ({marks})"  # noqa: S608 - marks
            " ORDER BY ts DESC LIMIT 1",
            (child_id, *types),
        )
        if row is None:
            return None
        return bool(row["open"]), None if row["answer"] is None else _json(row["answer"])

    async def orphaned(self) -> list[str]:
        """Answer the parents of open deliveries that ended for good or are not stored any more."""
        rows = await self._storage.fetch_all(
            "SELECT DISTINCT parent_id FROM delivery LEFT JOIN relay_session ON relay_session.id = parent_id"
            " WHERE closed_at IS NULL AND (relay_session.id IS NULL OR ended_by IS NOT NULL)"
        )
        return [row["parent_id"] for row in rows]

    async def overdue(self, now: str) -> list[Delivery]:
        """Answer the open deliveries whose note is due, and forget the note."""

        async def work(tx: Transaction) -> list[Delivery]:
            due = "note_at IS NOT NULL AND closed_at IS NULL AND note_at <= ?"
            rows = await tx.fetch_all(f"SELECT * FROM delivery WHERE {due}", (now,))  # noqa: S608 - constant
            if rows:
                await tx.execute(f"UPDATE delivery SET note_at = NULL WHERE {due}", (now,))  # noqa: S608 - constant
            return [_delivery(row) for row in rows]

        return await self._storage.write(work)

    # Fired events

    async def fired(self, user_id: str, fire_id: str) -> str | None:
        """Answer the event id of an event that was delivered under a sender's id."""
        row = await self._storage.fetch_one(
            "SELECT event_id FROM fired_event WHERE user_id = ? AND fire_id = ?", (user_id, fire_id)
        )
        return None if row is None else str(row["event_id"])

    async def note_fired(
        self,
        user_id: str,
        fire_id: str,
        event_id: str,
        now: str,
        also: Callable[[Transaction], Awaitable[object]] | None = None,
    ) -> None:
        """Note that an event was delivered; what `also` does is in the same transaction."""

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "INSERT INTO fired_event (user_id, fire_id, event_id, ts) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (user_id, fire_id, event_id, now),
            )
            if also is not None:
                await also(tx)

        await self._storage.write(work)

    async def sweep(self, history_before: str, closed_before: str, open_before: str, fired_before: str) -> None:
        """Delete histories without a newer push, deliveries closed or opened and events fired before these times."""

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "DELETE FROM trigger_history WHERE session_id IN"
                " (SELECT session_id FROM trigger_history GROUP BY session_id HAVING max(ts) < ?)",
                (history_before,),
            )
            await tx.execute("DELETE FROM delivery WHERE closed_at < ? OR ts < ?", (closed_before, open_before))
            await tx.execute("DELETE FROM fired_event WHERE ts < ?", (fired_before,))

        await self._storage.write(work)


_BY_WIRE: Final = "SELECT * FROM delivery WHERE user_id = ? AND wire_id = ?"
_FIND: Final = (
    "SELECT * FROM delivery WHERE user_id = ? AND parent_id = ? AND (wire_id = ? OR fire_id = ?)"
    " ORDER BY closed_at IS NULL DESC, ts DESC LIMIT 1"
)


def subscriber_id(trigger_id: str, session_id: str) -> str:
    """Answer the id of a broadcast in the history of one receiver (2.9)."""
    return f"{trigger_id}_{session_id[:8]}"


def spawned_id(trigger_id: str, session_id: str) -> str:
    """Answer the id of a trigger in the history of the session that a listener started for it (2.9)."""
    return f"{trigger_id}_spawn_{session_id[:8]}"


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
        note_at=row["note_at"],
    )
