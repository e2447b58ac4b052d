"""Open the door: the commands of `relay`.

A command's module is imported when it is used, so that each starts as fast as it can.
"""

from __future__ import annotations

import importlib
from typing import Final

import click

from relay import __version__

#: Commands by name: module and attribute.
COMMANDS: Final = {
    "serve": ("relay.cli.serve", "serve"),
    "user": ("relay.cli.user", "user"),
    "key": ("relay.cli.key", "key"),
    "backup": ("relay.cli.backup", "backup"),
    "restore": ("relay.cli.backup", "restore"),
    "doctor": ("relay.cli.doctor", "doctor"),
    "service": ("relay.cli.service", "service"),
    "config": ("relay.cli.config", "config"),
    "import-pizzapi": ("relay.cli.import_pizzapi", "import_pizzapi"),
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), attribute)
        return command if isinstance(command, click.Command) else None


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="relay")
def main() -> None:
    """Self-hosted relay between coding-agent runners and browsers."""
