"""Serve the relay with given settings until a signal ends it."""

from __future__ import annotations

import logging
import sys

import click

from relay.app import Application
from relay.app_settings import listen_options
from relay.cli import logs, process
from relay.cli.lan import qr_code
from relay.cli.startup_errors import explain
from relay.clock import Clock
from relay.config import Settings
from relay.http.lan import is_everywhere, lan_addresses
from relay.http.listener import Listener
from relay.operator.restore import check_finished

log = logging.getLogger(__name__)


def serve_until_stopped(settings: Settings) -> int:
    """Set up the log, serve, and answer the exit code; a failed start is said in one line on standard error."""
    logs.configure(settings.log.format, settings.log.level)
    for warning in settings.warnings:
        log.warning(warning)
    return process.run(lambda stop: _main(settings, stop))


async def _main(settings: Settings, stop: process.Stop) -> int:
    try:
        listener, application = await _start(settings)
    except Exception as error:
        line = explain(error)
        if line is None:
            raise
        click.echo(f"relay: {line}", err=True)
        return 1
    process.on_hangup(listener.reload_certificate if listener.scheme == "https" else None)
    _announce(settings, listener, application.startup_lines())
    log.info("relay is ready", extra={"port": listener.port, "scheme": listener.scheme})
    await stop.wait()
    log.info("relay is stopping")
    finished = await listener.stop(application.close)
    log.info("relay has stopped")
    return 0 if finished else 1


async def _start(settings: Settings) -> tuple[Listener, Application]:
    check_finished(settings.data_dir)
    listener = Listener(listen_options(settings))
    try:
        application = await Application.create(settings, Clock(), port=listener.port, scheme=listener.scheme)
        try:
            await listener.start(application.http.app)
        except BaseException:
            await application.close()
            raise
    except BaseException:
        listener.release()
        raise
    return listener, application


def _announce(settings: Settings, listener: Listener, lines: list[str]) -> None:
    """Say on standard output where the relay is; with --lan also how a phone gets there."""
    scheme, port = listener.scheme, listener.port
    if settings.server.lan or is_everywhere(settings.server.host):
        urls = [f"{scheme}://{address}:{port}" for address in lan_addresses()]
        _say(f"relay listens on {scheme}://localhost:{port} and on the local network:")
        for url in urls:
            _say(f"  {url}")
        if urls:
            _say(qr_code(urls[0]))
        else:
            _say("  (no network address found)")
    else:
        urls = [
            f"{scheme}://{f'[{address}]' if ':' in address else address}:{port}" for address, port in listener.addresses
        ]
        _say(f"relay listens on {' and '.join(urls)}")
    for line in lines:
        _say(line)
    sys.stdout.flush()


def _say(line: str) -> None:
    try:
        click.echo(line)
    except UnicodeEncodeError:
        # A terminal without the block characters of a QR code gets on without one.
        log.debug("this terminal can't show a line")
