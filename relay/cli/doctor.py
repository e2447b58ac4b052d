"""Examine the relay: `relay doctor`."""

from __future__ import annotations

import os
import sys

import click

from relay.cli.place import Place, place
from relay.config import ConfigError
from relay.config_load import trace_settings


@click.command()
@click.option("--offline", is_flag=True, help="Ask nothing over the network.")
@click.option(
    "--timeout", type=click.FloatRange(0.1, 60), default=5.0, show_default=True, help="Seconds to wait for each answer."
)
@place
def doctor(where: Place, offline: bool, timeout: float) -> None:
    """Examine configuration, records, disk, port, addresses, TLS, proxy settings, clock and push services.

    Says what to do about each finding; the exit code is 1 when something is wrong.
    """
    import asyncio

    from relay.clock import Clock
    from relay.http.lan import lan_addresses
    from relay.operator.doctor.examination import examine
    from relay.operator.doctor.findings import Level, fail
    from relay.operator.doctor.network import Outside

    try:
        traced = trace_settings(file=where.file, environment=os.environ, flags=where.flags)
    except ConfigError as error:
        findings = [fail("configuration", str(error), "mend it; see docs/configuration.md")]
    else:
        outside = None if offline else Outside(timeout=timeout)
        findings = asyncio.run(examine(traced, Clock(), lan_addresses(), outside))
    where.answer({"findings": [one.wire() for one in findings]}, [one.line() for one in findings])
    if any(one.level is Level.FAIL for one in findings):
        sys.exit(1)
