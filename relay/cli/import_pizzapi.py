"""Import a PizzaPi server's records: `relay import-pizzapi`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay.cli.place import Place, guarded, place

if TYPE_CHECKING:
    from relay.operator.pizzapi.run import Report

_FILE = click.Path(dir_okay=False, path_type=Path)
_DIRECTORY = click.Path(file_okay=False, exists=True, path_type=Path)


@click.command(name="import-pizzapi")
@click.option("--auth-db", type=_FILE, required=True, metavar="F", help="The server's database, auth.db.")
@click.option("--attachments", type=_DIRECTORY, metavar="DIR", help="The server's directory of attachments.")
@click.option(
    "--secret-file",
    type=_FILE,
    metavar="F",
    help="File of its BETTER_AUTH_SECRET, or the config.json of pizza web; else the environment is asked.",
)
@click.option(
    "--merge", is_flag=True, help="Give accounts that exist here what the imported ones of the same e-mail have."
)
@place
def import_pizzapi(
    where: Place, auth_db: Path, attachments: Path | None, secret_file: Path | None, merge: bool
) -> None:
    """Take over accounts, passwords, API keys, sign-ins, sessions, webhooks and more from a PizzaPi server.

    The relay must not run. Nothing of the server's is changed; what is here already stays, so it can be repeated.
    """
    settings = where.settings()
    import asyncio

    from relay.clock import Clock
    from relay.operator.pizzapi.run import Request
    from relay.operator.pizzapi.run import import_pizzapi as run

    request = Request(auth_db, attachments, secret_file, merge)
    report = guarded(lambda: asyncio.run(run(settings, request, Clock())))
    counts = report.imported
    value = {
        "added": dict(counts.added),
        "known": dict(counts.known),
        "unusable": {what: number for what, number in counts.unusable.items() if number},
        "cookies": report.cookies,
        "push": report.push,
    }
    where.answer(value, _lines(report))


def _lines(report: Report) -> list[str]:
    counts = report.imported
    lines = [f"imported {_list(counts.added) or 'nothing new'}"]
    if any(counts.known.values()):
        lines.append(f"there already: {_list(counts.known)}")
    if any(counts.unusable.values()):
        lines.append(f"left out: {_list(counts.unusable)}")
    if counts.added["cookies"] and not report.cookies:
        lines.append("browsers have to sign in again: the server's BETTER_AUTH_SECRET is not the one of this relay")
    if counts.added["push subscriptions"] and not report.push:
        lines.append("browsers have to subscribe to notifications again: the server's VAPID keys are not known")
    return lines


def _list(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {what}" for what, number in counts.items() if number)
