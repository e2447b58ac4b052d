"""Import a PizzaPi server's records in one transaction: all of them, or none.

What is there already is left as it is, so that an import can be repeated.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from relay.clock import iso
from relay.operator.errors import OperatorError
from relay.operator.pizzapi import rows
from relay.operator.pizzapi.files import Files
from relay.operator.pizzapi.store import Source, has_session, insert, users_by_email
from relay.storage import Storage, Transaction

Row = Mapping[str, object]


@dataclass(slots=True)
class Imported:
    """Count, by what it is, what was added, what was there already, and what could not be used."""

    added: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    unusable: Counter[str] = field(default_factory=Counter)


class Import:
    """Run one import into an open database of ours."""

    def __init__(self, source: Source, files: Files, *, now_ms: int, retention: float, merge: bool = False) -> None:
        """`retention` (seconds) is how long ended sessions stay.

        `merge` gives what an account has to the one of ours with its e-mail; without it such an account is an error.
        """
        self._source = source
        self._files = files
        self._now = iso(now_ms)
        self._keep_until = iso(now_ms + retention * 1000)
        self._merge = merge
        self._owners: dict[str, str] = {}
        self._runners: dict[str, str] = {}
        self.result = Imported()

    async def run(self, storage: Storage) -> Imported:
        """Import everything; raises OperatorError, with nothing imported, and StorageError."""
        try:
            return await storage.write(self._work)
        except BaseException as error:
            await asyncio.to_thread(self._files.undo)
            if not isinstance(error, sqlite3.IntegrityError):
                raise
            raise OperatorError(f"nothing was imported, a row contradicts our records: {error}") from error

    async def _work(self, tx: Transaction) -> Imported:
        await self._users(tx)
        await self._accounts(tx)
        await self._sessions(tx)
        await self._rest(tx)
        await self._attachments(tx)
        # Before the rows are committed: a row without its file is dropped at the next start, and so is the reverse.
        await asyncio.to_thread(self._files.copy)
        return self.result

    async def _users(self, tx: Transaction) -> None:
        ours = await users_by_email(tx)
        for row in self._source.rows("user"):
            new = rows.user(row)
            if new is None:
                self.result.unusable["users"] += 1
                continue
            user_id, email = str(new["id"]), str(new["email"])
            existing = ours.get(email)
            if existing is not None and existing != user_id:
                if not self._merge:
                    raise OperatorError(
                        f"there is an account {email} already; --merge gives it what the imported one has"
                    )
                self._owners[user_id] = existing
                self.result.known["users"] += 1
                continue
            await self._put(tx, "users", "user", new)
            self._owners[user_id] = ours[email] = user_id

    async def _accounts(self, tx: Transaction) -> None:
        """Import what signs people and programs in; the password of an account of ours stays."""
        merged = {theirs for theirs, ours in self._owners.items() if theirs != ours}
        await self._owned(
            tx,
            "passwords",
            "account",
            (row for row in self._source.rows("account") if row.get("userId") not in merged),
            lambda row, owner: rows.password(row, owner, self._now),
            other=lambda row: row.get("providerId") != "credential",
        )
        await self._owned(tx, "cookies", "cookie_session", self._source.rows("session"), rows.cookie_session)
        await self._owned(tx, "keys", "apikey", self._source.rows("apikey"), rows.api_key)

    async def _sessions(self, tx: Transaction) -> None:
        stored = self._source.rows("relay_session")
        await self._owned(
            tx,
            "sessions",
            "relay_session",
            stored,
            lambda row, owner: rows.stored_session(row, owner, self._keep_until),
        )
        for row in self._source.rows("relay_session_state"):
            state = rows.session_state(row, self._now)
            if state is not None and await has_session(tx, str(row.get("sessionId"))):
                await insert(tx, "relay_session_state", state)
        # A runner's listeners and subscriptions name no account: they are of whoever used the runner last.
        used = [(row.get("lastUsedAt"), row) for row in self._source.rows("runner_recent_folder")]
        used += [(row.get("lastActiveAt"), row) for row in stored]
        for _, row in sorted(used, key=lambda pair: str(pair[0])):
            owner = self._owners.get(str(row.get("userId")))
            if owner is not None and row.get("runnerId"):
                self._runners[str(row["runnerId"])] = owner

    async def _rest(self, tx: Transaction) -> None:
        now = self._now
        source = self._source.rows
        for what, table, theirs, convert in (
            ("hidden models", "user_hidden_model", "user_hidden_model", rows.hidden_model),
            ("preferences", "user_preference", "user_preference", rows.preference),
            ("push subscriptions", "push_subscription", "push_subscription", rows.push_subscription),
            ("folders", "runner_recent_folder", "runner_recent_folder", rows.recent_folder),
            ("webhooks", "webhook", "webhook", rows.webhook),
        ):
            await self._owned(tx, what, table, source(theirs), _dated(convert, now))
        sessions = {str(row.get("id")): self._owners.get(str(row.get("userId"))) for row in source("relay_session")}
        for row in source("trigger_subscription"):
            owner = sessions.get(str(row.get("sessionId"))) or self._runner_owner(row)
            new = rows.subscription(row, owner, now) if owner is not None else None
            await self._put(tx, "subscriptions", "trigger_subscription", new)
        for row in source("runner_trigger_listener"):
            owner = self._runner_owner(row)
            new = rows.listener(row, owner, now) if owner is not None else None
            await self._put(tx, "listeners", "runner_trigger_listener", new)
        self.result.unusable["native push registrations"] += len(source("native_push_registration"))

    async def _attachments(self, tx: Transaction) -> None:
        links = [(row.get("attachmentId"), row.get("sessionId")) for row in self._source.rows("attachment")]
        for row in self._source.rows("attachment"):
            await self._attachment(tx, row, "upload")
        for row in self._source.rows("extracted_attachment"):
            await self._attachment(tx, row, "extracted")
        links += [
            (row.get("attachmentId"), row.get("sessionId"))
            for table in ("extracted_attachment", "extracted_attachment_session")
            for row in self._source.rows(table)
        ]
        for attachment_id, session_id in links:
            if attachment_id in self._files.kept:
                await insert(tx, "attachment_session", {"attachment_id": attachment_id, "session_id": session_id})

    async def _attachment(self, tx: Transaction, row: Row, kind: str) -> None:
        owner = self._owners.get(str(row.get("ownerUserId")))
        found = None if owner is None else self._files.find(row)
        if owner is None or found is None:
            self.result.unusable["attachments"] += 1
            return
        uploader = self._owners.get(str(row.get("uploaderUserId")), "system" if kind == "extracted" else owner)
        new = rows.attachment(row, owner, uploader, kind, found.disk_name, found.size)
        await self._put(tx, "attachments", "attachment", new)
        if new is not None:
            self._files.keep(str(row["attachmentId"]), found)

    def _runner_owner(self, row: Row) -> str | None:
        known = self._runners.get(str(row.get("runnerId")))
        everybody = set(self._owners.values())
        return known or (next(iter(everybody)) if len(everybody) == 1 else None)

    async def _owned(
        self,
        tx: Transaction,
        what: str,
        table: str,
        found: Iterable[Row],
        convert: Callable[[Row, str], rows.Ours | None],
        *,
        other: Callable[[Row], bool] = lambda _row: False,
    ) -> None:
        """Import rows that belong to an account; those of nobody can't be used, `other` ones are none of ours."""
        for row in found:
            if other(row):
                continue
            owner = self._owners.get(str(row.get("userId")))
            await self._put(tx, what, table, None if owner is None else convert(row, owner))

    async def _put(self, tx: Transaction, what: str, table: str, new: rows.Ours | None) -> None:
        if new is None:
            self.result.unusable[what] += 1
        elif await insert(tx, table, new):
            self.result.added[what] += 1
        else:
            self.result.known[what] += 1


def _dated(convert: Callable[[Row, str, str], rows.Ours | None], now: str) -> Callable[[Row, str], rows.Ours | None]:
    return lambda row, owner: convert(row, owner, now)
