"""Put the settings together from file, environment and flags."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from relay.config import ConfigError, Settings
from relay.config_options import Option

#: `RELAY_*` names that are no options: where the configuration file is.
CONFIG_VARIABLE: Final = "RELAY_CONFIG"
#: Options that sign or identify something: they are shown to nobody.
SECRET_OPTIONS: Final = frozenset(
    {"auth.secret", "tunnel.token_secret", "tunnel.token_secret_previous", "push.vapid_private_key"}
)
#: A shorter secret is taken with a warning (rest-account.md 15).
SHORTEST_SECRET: Final = 32


def load_settings(
    *,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> Settings:
    """Answer the settings: defaults < file < environment < flags.

    `file` has to be readable when given; without it `RELAY_CONFIG` names one, or the platform's place for
    configuration is looked at. `flags` map dotted names ("server.port") to values. Raises ConfigError.
    """
    return trace_settings(file=file, environment=environment, flags=flags).settings


@dataclass(frozen=True, slots=True)
class Traced:
    """Pair the settings with where they come from.

    `sources` say by dotted name what set an option ("file PATH", "env NAME", "flag"); the others have their default.
    `file` is the configuration file that was looked for, `found` whether it is there.
    """

    settings: Settings
    sources: Mapping[str, str]
    file: Path
    found: bool


def trace_settings(
    *,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> Traced:
    """Answer the settings as `load_settings` does, with where each comes from. Raises ConfigError."""
    environment = environment or {}
    path, required = _locate(file, environment)
    values = _from_file(path, required)
    sources = dict.fromkeys(values, f"file {path}")
    from_environment, warnings = _from_environment(environment)
    for name, (value, variable) in from_environment.items():
        values[name], sources[name] = value, f"env {variable}"
    for name, value in (flags or {}).items():
        values[name], sources[name] = _read(OPTIONS[name], value, name, "the command line"), "flag"
    return Traced(_build(values, warnings), sources, path, path.exists())


def _options() -> Iterator[tuple[str, Option]]:
    defaults = Settings()
    for section in dataclasses.fields(Settings):
        if section.name == "warnings":
            continue
        for entry in dataclasses.fields(getattr(defaults, section.name)):
            yield f"{section.name}.{entry.name}", entry.metadata["option"]


#: Every option by its dotted name.
OPTIONS: Final[Mapping[str, Option]] = dict(_options())


def _locate(file: Path | None, environment: Mapping[str, str]) -> tuple[Path, bool]:
    if file is not None:
        return file, True
    named = environment.get(CONFIG_VARIABLE)
    if named:
        return Path(named).expanduser(), True
    import platformdirs

    return platformdirs.user_config_path("relay", appauthor=False) / "config.toml", False


def _from_file(file: Path, required: bool) -> dict[str, object]:
    try:
        document = tomllib.loads(file.read_bytes().decode("utf-8"))
    except FileNotFoundError as error:
        if not required:
            return {}
        raise ConfigError(f"cannot read the configuration {file}: no such file") from error
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {file}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{file} is not a TOML file: {error}") from error
    values: dict[str, object] = {}
    sections = {name.partition(".")[0] for name in OPTIONS}
    for section, table in document.items():
        if section not in sections:
            raise ConfigError(f"{file}: unknown {'table' if isinstance(table, dict) else 'key'} {section!r}")
        if not isinstance(table, dict):
            raise ConfigError(f"{file}: {section!r} is a table, write [{section}]")
        for key, value in table.items():
            name = f"{section}.{key}"
            if name not in OPTIONS:
                raise ConfigError(f"{file}: unknown key {name!r}")
            values[name] = _read(OPTIONS[name], value, name, str(file))
    return values


def _from_environment(environment: Mapping[str, str]) -> tuple[dict[str, tuple[object, str]], tuple[str, ...]]:
    """Answer values with the variable that each comes from, and warnings."""
    values: dict[str, tuple[object, str]] = {}
    warnings: list[str] = []
    known = {CONFIG_VARIABLE}
    for name, entry in OPTIONS.items():
        known.add(entry.env)
        own = environment.get(entry.env)
        if own is not None:
            values[name] = _read(entry, own, name, f"the environment variable {entry.env}"), entry.env
            continue
        for alias in entry.aliases:
            text = environment.get(alias.name)
            if not text:
                continue
            value = alias.read(text)
            if value is None:
                warnings.append(f"ignoring {alias.name}: its value can't be read")
                continue
            values[name] = value, alias.name
            break
    warnings += [
        f"ignoring the unknown environment variable {name}"
        for name in sorted(environment)
        if name.startswith("RELAY_") and name not in known
    ]
    return values, tuple(warnings)


def _read(entry: Option, value: object, name: str, source: str) -> object:
    try:
        return entry.read(value)
    except ValueError as error:
        raise ConfigError(f"{name} in {source}: {error}") from error


def _build(values: Mapping[str, object], warnings: tuple[str, ...]) -> Settings:
    secret = values.get("auth.secret")
    if isinstance(secret, str) and 0 < len(secret) < SHORTEST_SECRET:
        warnings = (*warnings, f"auth.secret is short; {SHORTEST_SECRET} characters or more are hard to guess")
    settings = Settings(warnings=warnings)
    changed: dict[str, object] = {}
    for section in dataclasses.fields(Settings):
        given = {
            name.partition(".")[2]: value for name, value in values.items() if name.partition(".")[0] == section.name
        }
        if given:
            changed[section.name] = dataclasses.replace(getattr(settings, section.name), **given)
    return dataclasses.replace(settings, **changed)  # type: ignore[arg-type]  # the readers answer the fields' types
