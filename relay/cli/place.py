"""Share what every verb of the operator has: which relay is meant, how it answers, how it fails."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

import click

from relay.config import ConfigError, Settings
from relay.config_load import load_settings

T = TypeVar("T")
Command = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Place:
    """Say which relay a command is about, and whether it answers in JSON."""

    data_dir: str | None
    config_file: str | None
    as_json: bool

    @property
    def file(self) -> Path | None:
        """Answer the configuration file that was named."""
        return None if self.config_file is None else Path(self.config_file)

    @property
    def flags(self) -> dict[str, object]:
        """Answer the settings that the command line gives."""
        return {} if self.data_dir is None else {"data.dir": self.data_dir}

    def settings(self) -> Settings:
        """Read the settings, or end the command with one line."""
        try:
            return load_settings(file=self.file, environment=os.environ, flags=self.flags)
        except ConfigError as error:
            fail(str(error))

    def ask(self, settings: Settings, request: Mapping[str, object]) -> dict[str, object]:
        """Let the running relay, or else its records, do a request; ends the command with one line when it can't."""
        return guarded(lambda: asyncio.run(_ask(settings, request)))

    def answer(self, value: object, lines: Iterable[str]) -> None:
        """Print a result: `value` as JSON when that was asked for, else the lines."""
        if self.as_json:
            click.echo(json.dumps(value, indent=2))
            return
        for line in lines:
            click.echo(line)


def place(command: Command) -> Command:
    """Give a command `--config`, `--data-dir` and `--json`, and pass them as its first argument, a Place."""

    @click.option("--config", "config_file", metavar="FILE", help="Configuration file of the relay.")
    @click.option("--data-dir", metavar="DIR", help="Directory of everything that is kept.")
    @click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
    @functools.wraps(command)
    def run(*, config_file: str | None, data_dir: str | None, as_json: bool, **options: object) -> None:
        command(Place(data_dir, config_file, as_json), **options)

    return run


def guarded(work: Callable[[], T]) -> T:
    """Answer what `work` answers, or end the command with one line on standard error; bugs of ours are raised."""
    # Imported here: `--help` needs none of it.
    from relay.accounts.control import ControlError
    from relay.accounts.user_admin import AdminError
    from relay.cli.startup_errors import explain

    try:
        return work()
    except (AdminError, ControlError) as error:
        fail(str(error))
    except Exception as error:
        line = explain(error)
        if line is None:
            raise
        fail(line)


def fail(line: str) -> NoReturn:
    """End the command with one line on standard error and exit code 1."""
    click.echo(f"relay: {line}", err=True)
    sys.exit(1)


async def _ask(settings: Settings, request: Mapping[str, object]) -> dict[str, object]:
    from relay.accounts.control import SOCKET_NAME, NoRelay, ask_relay
    from relay.cli.offline import do_offline

    try:
        return await ask_relay(settings.data_dir / SOCKET_NAME, request)
    except NoRelay:
        return await do_offline(settings, request)
