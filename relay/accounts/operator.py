"""Gather the verbs that the operator has about accounts."""

from __future__ import annotations

from relay.accounts.accounts import Accounts
from relay.accounts.control import Handler
from relay.accounts.key_admin import KeyAdmin
from relay.accounts.user_admin import UserAdmin


def operator_handlers(accounts: Accounts) -> dict[str, Handler]:
    """Answer the handlers of `relay user` and `relay key`."""
    return UserAdmin(accounts.users).handlers() | KeyAdmin(accounts.users, accounts.keys).handlers()
