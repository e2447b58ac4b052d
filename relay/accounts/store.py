"""Hold all SQL of the account tables.

Methods that take a `Transaction` belong inside `Storage.write`; the others read committed rows or write on their own.
All raise StorageError when the database fails.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from relay.accounts.records import ApiKey, CookieSession, Login, User
from relay.http.identity import Scope
from relay.storage import Row, Storage, Transaction


@dataclass(frozen=True, slots=True)
class Summary:
    """Describe a user in `relay user list`, with the number of cookie sessions and keys."""

    user: User
    sessions: int
    keys: int


def _user(row: Row) -> User:
    return User(
        row["id"],
        row["name"],
        row["email"],
        bool(row["email_verified"]),
        row["image"],
        row["created_at"],
        row["updated_at"],
    )


def _session(row: Row) -> CookieSession:
    return CookieSession(
        id=row["id"],
        token=row["token"],
        user_id=row["user_id"],
        expires_at=row["expires_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        ip_address=row["ip_address"] or "",
        user_agent=row["user_agent"] or "",
    )


def _key(row: Row) -> ApiKey:
    return ApiKey(
        id=row["id"],
        name=row["name"],
        start=row["start"],
        prefix=row["prefix"],
        digest=row["key"],
        user_id=row["user_id"],
        enabled=bool(row["enabled"]),
        rate_limit_enabled=bool(row["rate_limit_enabled"]),
        rate_limit_time_window=row["rate_limit_time_window"],
        rate_limit_max=row["rate_limit_max"],
        request_count=row["request_count"],
        remaining=row["remaining"],
        refill_interval=row["refill_interval"],
        refill_amount=row["refill_amount"],
        last_refill_at=row["last_refill_at"],
        last_request=row["last_request"],
        expires_at=row["expires_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        permissions=row["permissions"],
        metadata=row["metadata"],
        scope=Scope(row["scope"]),
    )


class AccountStore:
    """Read and write users, passwords, cookie sessions, API keys and the facts of the installation."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    # Users

    async def has_users(self) -> bool:
        """Tell whether there is an account."""
        return await self._storage.fetch_one("SELECT 1 FROM user LIMIT 1") is not None

    async def count_users(self, tx: Transaction) -> int:
        """Count the accounts as the transaction sees them."""
        row = await tx.fetch_one("SELECT count(*) AS count FROM user")
        return int(row["count"]) if row else 0

    async def user(self, user_id: str) -> User | None:
        """Answer a user by id."""
        row = await self._storage.fetch_one("SELECT * FROM user WHERE id = ?", (user_id,))
        return _user(row) if row else None

    async def login(self, email: str) -> Login | None:
        """Answer the user with this lower-case e-mail and their password hash."""
        row = await self._storage.fetch_one(
            "SELECT user.*, account.password FROM user LEFT JOIN account ON account.user_id = user.id WHERE email = ?",
            (email,),
        )
        return Login(_user(row), row["password"]) if row else None

    async def summaries(self) -> list[Summary]:
        """Answer all users in order of creation."""
        rows = await self._storage.fetch_all(
            "SELECT user.*, (SELECT count(*) FROM cookie_session WHERE user_id = user.id) AS sessions, "
            "(SELECT count(*) FROM apikey WHERE user_id = user.id) AS keys FROM user ORDER BY created_at, rowid"
        )
        return [Summary(_user(row), row["sessions"], row["keys"]) for row in rows]

    async def email_taken(self, tx: Transaction, email: str) -> bool:
        """Tell whether a user has this lower-case e-mail."""
        return await tx.fetch_one("SELECT 1 FROM user WHERE email = ?", (email,)) is not None

    async def insert_user(self, tx: Transaction, user: User, password: str | None) -> None:
        """Add a user with a password hash, or without a password."""
        await tx.execute(
            "INSERT INTO user (id, name, email, email_verified, image, created_at, updated_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (user.id, user.name, user.email, user.email_verified, user.image, user.created_at, user.updated_at),
        )
        if password is None:
            return
        await tx.execute(
            "INSERT INTO account (user_id, password, created_at, updated_at) VALUES (?, ?, ?, ?)",
            (user.id, password, user.created_at, user.updated_at),
        )

    async def update_user(self, tx: Transaction, user: User) -> None:
        """Store the changed name and image of a user."""
        await tx.execute(
            "UPDATE user SET name = ?, image = ?, updated_at = ? WHERE id = ?",
            (user.name, user.image, user.updated_at, user.id),
        )

    async def set_password(self, tx: Transaction, user_id: str, password: str, now: str) -> None:
        """Store a password hash, whether the user had one or not."""
        await tx.execute(
            "INSERT INTO account (user_id, password, created_at, updated_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (user_id) DO UPDATE SET password = excluded.password, updated_at = excluded.updated_at",
            (user_id, password, now, now),
        )

    async def delete_user(self, tx: Transaction, user_id: str) -> bool:
        """Delete a user and, by cascade, everything that is theirs."""
        return await tx.execute("DELETE FROM user WHERE id = ?", (user_id,)) > 0

    # Cookie sessions

    async def session(self, token: str) -> tuple[CookieSession, str] | None:
        """Answer the session of a token, expired or not, with the name of its user."""
        row = await self._storage.fetch_one(
            "SELECT cookie_session.*, user.name AS user_name FROM cookie_session JOIN user ON user.id = user_id "
            "WHERE token = ?",
            (token,),
        )
        return (_session(row), row["user_name"]) if row else None

    async def sessions(self, user_id: str, now: str) -> list[CookieSession]:
        """Answer the unexpired sessions of a user in order of creation."""
        rows = await self._storage.fetch_all(
            "SELECT * FROM cookie_session WHERE user_id = ? AND expires_at > ? ORDER BY rowid",
            (user_id, now),
        )
        return [_session(row) for row in rows]

    async def insert_session(self, tx: Transaction, session: CookieSession) -> None:
        """Add a session."""
        await tx.execute(
            "INSERT INTO cookie_session "
            "(id, token, user_id, expires_at, created_at, updated_at, ip_address, user_agent) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                session.id,
                session.token,
                session.user_id,
                session.expires_at,
                session.created_at,
                session.updated_at,
                session.ip_address,
                session.user_agent,
            ),
        )

    async def refresh_session(self, tx: Transaction, session: CookieSession) -> bool:
        """Store the later end of a session; False when it is gone."""
        changed = await tx.execute(
            "UPDATE cookie_session SET expires_at = ?, updated_at = ? WHERE id = ?",
            (session.expires_at, session.updated_at, session.id),
        )
        return changed > 0

    async def delete_session(self, tx: Transaction, token: str, user_id: str) -> list[str]:
        """Delete a user's session by its token; answers the deleted ids."""
        rows = await tx.fetch_all(
            "DELETE FROM cookie_session WHERE token = ? AND user_id = ? RETURNING id", (token, user_id)
        )
        return [row["id"] for row in rows]

    async def delete_sessions(self, tx: Transaction, user_id: str, *, except_token: str | None = None) -> list[str]:
        """Delete the sessions of a user but the one of `except_token`; answers the deleted ids."""
        rows = await tx.fetch_all(
            "DELETE FROM cookie_session WHERE user_id = ? AND token IS NOT ? RETURNING id", (user_id, except_token)
        )
        return [row["id"] for row in rows]

    async def delete_expired_sessions(self, tx: Transaction, now: str) -> None:
        """Delete every session that has ended."""
        await tx.execute("DELETE FROM cookie_session WHERE expires_at <= ?", (now,))

    # API keys

    async def key(self, digest: str) -> tuple[ApiKey, str] | None:
        """Answer a key by the digest of its raw form, with the name of its user."""
        row = await self._storage.fetch_one(
            "SELECT apikey.*, user.name AS user_name FROM apikey JOIN user ON user.id = user_id WHERE key = ?",
            (digest,),
        )
        return (_key(row), row["user_name"]) if row else None

    async def key_in(self, tx: Transaction, digest: str) -> ApiKey | None:
        """Answer a key by its digest as the transaction sees it."""
        row = await tx.fetch_one("SELECT * FROM apikey WHERE key = ?", (digest,))
        return _key(row) if row else None

    async def keys(self, user_id: str) -> list[ApiKey]:
        """Answer all keys of a user in order of creation."""
        rows = await self._storage.fetch_all("SELECT * FROM apikey WHERE user_id = ? ORDER BY rowid", (user_id,))
        return [_key(row) for row in rows]

    async def key_of(self, tx: Transaction, key_id: str, user_id: str) -> ApiKey | None:
        """Answer a key by id if it is the user's."""
        row = await tx.fetch_one("SELECT * FROM apikey WHERE id = ? AND user_id = ?", (key_id, user_id))
        return _key(row) if row else None

    async def insert_key(self, tx: Transaction, key: ApiKey) -> None:
        """Add a key."""
        await tx.execute(
            "INSERT INTO apikey (id, name, start, prefix, key, user_id, enabled, rate_limit_enabled, "
            "rate_limit_time_window, rate_limit_max, request_count, remaining, refill_interval, refill_amount, "
            "last_refill_at, last_request, expires_at, created_at, updated_at, permissions, metadata, scope) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key.id,
                key.name,
                key.start,
                key.prefix,
                key.digest,
                key.user_id,
                key.enabled,
                key.rate_limit_enabled,
                key.rate_limit_time_window,
                key.rate_limit_max,
                key.request_count,
                key.remaining,
                key.refill_interval,
                key.refill_amount,
                key.last_refill_at,
                key.last_request,
                key.expires_at,
                key.created_at,
                key.updated_at,
                key.permissions,
                key.metadata,
                key.scope.value,
            ),
        )

    async def update_key(self, tx: Transaction, key: ApiKey) -> None:
        """Store what its owner may change of a key."""
        await tx.execute(
            "UPDATE apikey SET name = ?, enabled = ?, expires_at = ?, updated_at = ? WHERE id = ?",
            (key.name, key.enabled, key.expires_at, key.updated_at, key.id),
        )

    async def count_use(self, tx: Transaction, key: ApiKey) -> None:
        """Store the counters of a metered key after a use."""
        await tx.execute(
            "UPDATE apikey SET request_count = ?, remaining = ?, last_refill_at = ?, last_request = ?, updated_at = ? "
            "WHERE id = ?",
            (key.request_count, key.remaining, key.last_refill_at, key.last_request, key.updated_at, key.id),
        )

    async def touch_keys(self, tx: Transaction, used: Iterable[tuple[str, str]]) -> None:
        """Store `(key id, time of its last use)` pairs."""
        await tx.executemany(
            "UPDATE apikey SET last_request = ?, updated_at = ? WHERE id = ?",
            [(moment, moment, key_id) for key_id, moment in used],
        )

    async def delete_key(self, tx: Transaction, key_id: str, user_id: str) -> bool:
        """Delete a key of the user."""
        return await tx.execute("DELETE FROM apikey WHERE id = ? AND user_id = ?", (key_id, user_id)) > 0

    async def delete_keys_named(self, tx: Transaction, user_id: str, name: str) -> list[str]:
        """Delete the user's keys of this name; answers their ids."""
        rows = await tx.fetch_all("DELETE FROM apikey WHERE user_id = ? AND name = ? RETURNING id", (user_id, name))
        return [row["id"] for row in rows]

    async def delete_expired_keys(self, tx: Transaction, now: str) -> list[tuple[str, str]]:
        """Delete every key that has ended; answers `(id, user id)` pairs."""
        rows = await tx.fetch_all("DELETE FROM apikey WHERE expires_at <= ? RETURNING id, user_id", (now,))
        return [(row["id"], row["user_id"]) for row in rows]

    # Installation

    async def fact(self, name: str) -> str | None:
        """Answer a fact of the installation."""
        row = await self._storage.fetch_one("SELECT value FROM installation WHERE name = ?", (name,))
        return row["value"] if row else None

    async def set_fact(self, tx: Transaction, name: str, value: str) -> None:
        """Store a fact of the installation."""
        await tx.execute(
            "INSERT INTO installation (name, value) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    async def delete_fact(self, tx: Transaction, name: str) -> None:
        """Forget a fact of the installation."""
        await tx.execute("DELETE FROM installation WHERE name = ?", (name,))
