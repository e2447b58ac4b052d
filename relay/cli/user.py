"""Manage the users: `relay user add|passwd|list|remove`, whether the relay runs or not."""

from __future__ import annotations

import sys

import click

from relay.cli.place import Place, place


@click.group()
def user() -> None:
    """Manage the users of this relay.

    A running relay is asked, so that its sign-ins and connections follow at once; else its records are opened.
    """


@user.command()
@click.argument("email")
@click.option("--name", default="", help="Name to show; without it the part of EMAIL before the @.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@place
def add(where: Place, email: str, name: str, password_stdin: bool) -> None:
    """Add the user EMAIL."""
    settings = where.settings()
    password = _password(from_stdin=password_stdin)
    result = where.ask(settings, {"verb": "user.add", "email": email, "name": name, "password": password})
    where.answer(result, [f"added {email}"])


@user.command()
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@place
def passwd(where: Place, email: str, password_stdin: bool) -> None:
    """Give EMAIL a new password and sign their browsers out; their API keys stay."""
    settings = where.settings()
    password = _password(from_stdin=password_stdin)
    result = where.ask(settings, {"verb": "user.passwd", "email": email, "password": password})
    where.answer(result, [f"changed the password of {email}"])


@user.command(name="list")
@place
def list_users(where: Place) -> None:
    """List the users, oldest first."""
    users = where.ask(where.settings(), {"verb": "user.list"})["users"]
    entries = users if isinstance(users, list) else []
    lines = [f"{entry['email']}  {entry['name']}  since {str(entry['createdAt'])[:10]}" for entry in entries]
    where.answer(entries, lines)


@user.command()
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
@place
def remove(where: Place, email: str, yes: bool) -> None:
    """Remove EMAIL with their sessions, keys and history, and cut their connections."""
    settings = where.settings()
    if not yes:
        click.confirm(f"Remove {email} and everything that is theirs?", abort=True, err=True)
    where.answer(where.ask(settings, {"verb": "user.remove", "email": email}), [f"removed {email}"])


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password
