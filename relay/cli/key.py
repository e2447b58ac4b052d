"""Manage API keys: `relay key create|list|revoke`, whether the relay runs or not."""

from __future__ import annotations

from collections.abc import Mapping

import click

from relay.cli.place import Place, place
from relay.http.identity import Scope


@click.group()
def key() -> None:
    """Manage the API keys of this relay's users.

    A running relay is asked, so that a revoked key's connections are cut at once; else its records are opened.
    """


@key.command()
@click.argument("email")
@click.option("--name", default="", help="Name to show in the list.")
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    default=Scope.FULL.value,
    show_default=True,
    help="What the key may do: everything, be a runner and its agents, only read, only manage webhooks.",
)
@click.option("--days", type=click.IntRange(1, 3650), metavar="N", help="Days until the key ends; without it never.")
@place
def create(where: Place, email: str, name: str, scope: str, days: int | None) -> None:
    """Make a key for the user EMAIL and print it; it is never shown again."""
    request = {"verb": "key.create", "email": email, "name": name, "scope": scope, "days": days}
    made = where.ask(where.settings(), request)["key"]
    where.answer(made, [str(made["key"])] if isinstance(made, dict) else [])


@key.command(name="list")
@click.argument("email", required=False)
@place
def list_keys(where: Place, email: str | None) -> None:
    """List the keys, of the user EMAIL or of everybody, oldest first."""
    keys = where.ask(where.settings(), {"verb": "key.list", "email": email})["keys"]
    entries = keys if isinstance(keys, list) else []
    where.answer(entries, [_line(entry) for entry in entries])


@key.command()
@click.argument("key_id", metavar="ID")
@place
def revoke(where: Place, key_id: str) -> None:
    """Revoke the key with this ID, or with this shown beginning, and cut what it had admitted."""
    gone = where.ask(where.settings(), {"verb": "key.revoke", "id": key_id})["key"]
    where.answer(gone, [f"revoked {gone['id']}"] if isinstance(gone, dict) else [])


def _line(entry: Mapping[str, object]) -> str:
    ends = f"until {str(entry['expiresAt'])[:10]}" if entry["expiresAt"] else "for ever"
    off = "" if entry["enabled"] else ", disabled"
    used = str(entry["lastRequest"])[:10] if entry["lastRequest"] else "never"
    return (
        f"{entry['id']}  {entry['email']}  {entry['start'] or ''}...  {entry['scope']}  {entry['name'] or '-'}"
        f"  {ends}, last used {used}{off}"
    )
