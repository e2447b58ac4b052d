"""Keep the one-time code with which the first account may be made from elsewhere (rest-account.md 4.1)."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Callable
from typing import Final

from relay.accounts.store import AccountStore
from relay.accounts.tokens import random_text
from relay.storage import Storage, Transaction

log = logging.getLogger(__name__)

_FACT: Final = "setup_code"
#: No letters that look like digits: the code is read off a terminal and typed on a phone. 12 characters are 60 bits.
_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH: Final = 12
_GROUP: Final = 4
_WRONG_TRIES: Final = 5
#: What people put between the groups.
_SEPARATORS: Final = str.maketrans("", "", " -_")


class SetupCode:
    """Hold the code; it survives restarts until the first account is made."""

    def __init__(self, storage: Storage, store: AccountStore, announce: Callable[[str], None]) -> None:
        """`announce` prints a new code where the owner sees it."""
        self._storage = storage
        self._store = store
        self._announce = announce
        self._code: str | None = None
        self._wrong = 0

    @property
    def current(self) -> str | None:
        """Answer the code in groups, or None when none is needed."""
        code = self._code
        if code is None:
            return None
        return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))

    async def load(self) -> None:
        """Read the stored code or make the first one; call it while there is no account."""
        stored = await self._store.fact(_FACT)
        if stored is None:
            await self._renew()
            return
        self._code, self._wrong = json.loads(stored)

    async def matches(self, attempt: str) -> bool:
        """Compare in constant time; the fifth wrong try makes a new code."""
        if self._code is None:
            return False
        typed = attempt.translate(_SEPARATORS).upper()
        if hmac.compare_digest(typed.encode("utf-8", "replace"), self._code.encode()):
            return True
        self._wrong += 1
        if self._wrong >= _WRONG_TRIES:
            log.warning("too many wrong set-up codes, made a new one")
            await self._renew()
            self.show()
        else:
            await self._storage.write(self._store_code)
        return False

    def show(self) -> None:
        """Print the code where the owner sees it."""
        if self.current is not None:
            self._announce(self.current)

    async def _renew(self) -> None:
        self._code, self._wrong = random_text(_LENGTH, _ALPHABET), 0
        await self._storage.write(self._store_code)

    async def _store_code(self, tx: Transaction) -> None:
        await self._store.set_fact(tx, _FACT, json.dumps([self._code, self._wrong]))

    async def use_up(self, tx: Transaction) -> None:
        """Delete the stored code, in the transaction that makes the first account; `forget` follows the commit."""
        await self._store.delete_fact(tx, _FACT)

    def forget(self) -> None:
        """Drop the code from memory."""
        self._code, self._wrong = None, 0
