"""Manage the users: `relay user add|passwd|list|remove`, whether the relay runs or not."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn, TypeVar

import click

from relay.config import ConfigError, Settings
from relay.config_load import load_settings

F = TypeVar("F", bound=Callable[..., object])


def _place(command: F) -> F:
    """Add the options that say which relay is meant."""
    for option in (
        click.option("--config", "config_file", metavar="FILE", help="Configuration file of the relay."),
        click.option("--data-dir", metavar="DIR", help="Directory of everything that is kept."),
    ):
        command = option(command)
    return command


@click.group()
def user() -> None:
    """Manage the users of this relay.

    A running relay is asked, so that its sign-ins and connections follow at once; else its records are opened.
    """


@user.command()
@click.argument("email")
@click.option("--name", default="", help="Name to show; without it the part of EMAIL before the @.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@_place
def add(email: str, name: str, password_stdin: bool, data_dir: str | None, config_file: str | None) -> None:
    """Add the user EMAIL."""
    settings = _settings(data_dir, config_file)
    password = _password(from_stdin=password_stdin)
    _do(settings, {"verb": "user.add", "email": email, "name": name, "password": password})
    click.echo(f"added {email}")


@user.command()
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@_place
def passwd(email: str, password_stdin: bool, data_dir: str | None, config_file: str | None) -> None:
    """Give EMAIL a new password and sign their browsers out; their API keys stay."""
    settings = _settings(data_dir, config_file)
    password = _password(from_stdin=password_stdin)
    _do(settings, {"verb": "user.passwd", "email": email, "password": password})
    click.echo(f"changed the password of {email}")


@user.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@_place
def list_users(as_json: bool, data_dir: str | None, config_file: str | None) -> None:
    """List the users, oldest first."""
    users = _do(_settings(data_dir, config_file), {"verb": "user.list"})["users"]
    if as_json:
        click.echo(json.dumps(users, indent=2))
        return
    for entry in users if isinstance(users, list) else []:
        click.echo(f"{entry['email']}  {entry['name']}  since {str(entry['createdAt'])[:10]}")


@user.command()
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_place
def remove(email: str, yes: bool, data_dir: str | None, config_file: str | None) -> None:
    """Remove EMAIL with their sessions, keys and history, and cut their connections."""
    settings = _settings(data_dir, config_file)
    if not yes:
        click.confirm(f"Remove {email} and everything that is theirs?", abort=True)
    _do(settings, {"verb": "user.remove", "email": email})
    click.echo(f"removed {email}")


def _settings(data_dir: str | None, config_file: str | None) -> Settings:
    flags: dict[str, object] = {} if data_dir is None else {"data.dir": data_dir}
    try:
        return load_settings(
            file=None if config_file is None else Path(config_file), environment=os.environ, flags=flags
        )
    except ConfigError as error:
        _fail(str(error))


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password


def _do(settings: Settings, request: Mapping[str, object]) -> dict[str, object]:
    """Answer the result of a request, or end the command with one line on standard error."""
    # Imported here: `relay user --help` needs none of it.
    from relay.accounts.control import ControlError
    from relay.accounts.user_admin import AdminError
    from relay.cli.startup_errors import explain

    try:
        return asyncio.run(_ask(settings, request))
    except (AdminError, ControlError) as error:
        _fail(str(error))
    except Exception as error:
        line = explain(error)
        if line is None:
            raise
        _fail(line)


async def _ask(settings: Settings, request: Mapping[str, object]) -> dict[str, object]:
    from relay.accounts.control import SOCKET_NAME, NoRelay, ask_relay
    from relay.cli.offline import do_offline

    try:
        return await ask_relay(settings.data_dir / SOCKET_NAME, request)
    except NoRelay:
        return await do_offline(settings, request)


def _fail(line: str) -> NoReturn:
    click.echo(f"relay: {line}", err=True)
    sys.exit(1)
