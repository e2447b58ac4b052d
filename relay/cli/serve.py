"""Serve the relay: `relay serve`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from relay.config import ConfigError
from relay.config_load import load_settings

#: Options of the command by the dotted names of the settings.
_FLAGS: Final = {
    "host": "server.host",
    "port": "server.port",
    "lan": "server.lan",
    "data_dir": "data.dir",
    "ui_dir": "server.ui_dir",
    "tls_cert": "server.tls_cert",
    "tls_key": "server.tls_key",
    "log_format": "log.format",
}


@click.command()
@click.option("--host", metavar="H", help="Address or name to listen on; without it this machine alone.")
@click.option(
    "--port", type=click.IntRange(0, 65535), metavar="P", help="Port to listen on (7492); 0 takes a free one."
)
@click.option("--lan", is_flag=True, default=None, help="Listen on all interfaces, show the addresses and a QR code.")
@click.option("--data-dir", metavar="DIR", help="Directory of everything that is kept.")
@click.option("--config", "config_file", metavar="FILE", help="Configuration file; see config.example.toml.")
@click.option("--ui-dir", metavar="DIR", help="Directory of a built web UI.")
@click.option("--tls-cert", metavar="F", help="Certificate chain (PEM): serve https.")
@click.option("--tls-key", metavar="F", help="Private key of the certificate (PEM), if it is in a file of its own.")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="How the log on standard error looks.")
def serve(config_file: str | None, **options: object) -> None:
    """Serve the relay until SIGTERM or Ctrl-C."""
    flags = {_FLAGS[name]: value for name, value in options.items() if value is not None}
    if "server.host" in flags and "server.lan" in flags:
        raise click.UsageError("--host and --lan exclude each other")
    # A host on the command line is meant, whatever the file says about the LAN.
    if "server.host" in flags:
        flags["server.lan"] = False
    sys.exit(run_serve(Path(config_file) if config_file is not None else None, flags))


def run_serve(config_file: Path | None, flags: Mapping[str, object]) -> int:
    """Load the settings and serve; answer the exit code, having said in one line what went wrong."""
    try:
        settings = load_settings(file=config_file, environment=os.environ, flags=flags)
    except ConfigError as error:
        click.echo(f"relay: {error}", err=True)
        return 1
    # Imported here: a mistake in the configuration is told at once.
    from relay.cli.serving import serve_until_stopped

    return serve_until_stopped(settings)
