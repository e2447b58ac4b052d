"""Show the configuration: `relay config show`."""

from __future__ import annotations

import os
from typing import Final

import click

from relay.cli.place import Place, fail, place
from relay.config import ConfigError
from relay.config_load import OPTIONS, SECRET_OPTIONS, Traced, trace_settings

MASK: Final = "********"


@click.group()
def config() -> None:
    """Examine the configuration of this relay."""


@config.command()
@place
def show(where: Place) -> None:
    """Show the value of every option and where it comes from: default, file, environment or command line."""
    try:
        traced = trace_settings(file=where.file, environment=os.environ, flags=where.flags)
    except ConfigError as error:
        fail(str(error))
    entries = {name: {"value": shown(traced, name), "source": traced.sources.get(name, "default")} for name in OPTIONS}
    settings = traced.settings
    places = {
        "dataDir": str(settings.data_dir),
        "database": str(settings.database_path),
        "attachments": str(settings.attachments_dir),
    }
    found = "" if traced.found else " (not there)"
    lines = [f"# file {traced.file}{found}"]
    lines += [f"{name} = {_text(entry['value'])}  # {entry['source']}" for name, entry in entries.items()]
    lines += [f"# {name}: {path}" for name, path in places.items()]
    lines += [f"# warning: {warning}" for warning in settings.warnings]
    where.answer(
        {
            "file": str(traced.file),
            "found": traced.found,
            "options": entries,
            "places": places,
            "warnings": list(settings.warnings),
        },
        lines,
    )


def shown(traced: Traced, name: str) -> object:
    """Answer the value of an option as it may be printed."""
    section, _, key = name.partition(".")
    value: object = getattr(getattr(traced.settings, section), key)
    if name in SECRET_OPTIONS:
        return MASK if value else ""
    return list(value) if isinstance(value, tuple) else value


def _text(value: object) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)
