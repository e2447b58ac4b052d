"""Run all checks of `relay doctor` in their order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from relay.accounts.control import SOCKET_NAME, ControlError, NoRelay, ask_relay
from relay.clock import Clock
from relay.config_load import SECRET_OPTIONS, Traced
from relay.operator.doctor import network, records
from relay.operator.doctor.findings import Finding, fail, ok, warn
from relay.push.vapid import KeyPair


async def examine(
    traced: Traced, clock: Clock, addresses: Sequence[str], outside: network.Outside | None
) -> list[Finding]:
    """Answer everything that was found; without `outside` nothing is asked over the network.

    `addresses` are this machine's in its networks.
    """
    settings = traced.settings
    findings = _configuration(traced)
    kept = await asyncio.to_thread(records.examine, settings)
    findings += kept.findings
    running = await _is_running(traced)
    findings.append(await asyncio.to_thread(lambda: network.port(settings, running=running)))
    findings.append(network.addresses(settings, addresses))
    findings += await asyncio.to_thread(network.certificate, settings, network.now_utc(clock))
    findings += network.proxy(settings)
    findings += _vapid(traced)
    if outside is not None:
        findings += await network.outside(settings, clock, kept.push_endpoints, outside)
    return findings


async def _is_running(traced: Traced) -> bool:
    """Tell whether a relay holds the data directory, by asking it."""
    try:
        await ask_relay(traced.settings.data_dir / SOCKET_NAME, {"verb": "user.list"})
    except NoRelay:
        return False
    except ControlError:
        return True
    return True


def _configuration(traced: Traced) -> list[Finding]:
    advice = "see docs/configuration.md for the names"
    findings = [warn("configuration", warning, advice) for warning in traced.settings.warnings]
    secretive = any(traced.sources.get(name, "").startswith("file") for name in SECRET_OPTIONS)
    if secretive and traced.file.stat().st_mode & 0o044:
        text = f"others may read {traced.file}, which holds secrets"
        findings.append(warn("configuration", text, f"chmod 600 {traced.file}"))
    where = f"{traced.file}" if traced.found else f"defaults; there is no {traced.file}"
    return findings or [ok("configuration", where)]


def _vapid(traced: Traced) -> list[Finding]:
    push = traced.settings.push
    if not push.vapid_public_key and not push.vapid_private_key:
        return []
    pair = KeyPair.of_private(push.vapid_private_key)
    if pair is None or pair.public.rstrip("=") != push.vapid_public_key.rstrip("="):
        text = "push.vapid_public_key and push.vapid_private_key are no pair; the relay's own take their place"
        return [fail("push keys", text, "set both as they were made, or neither")]
    return [ok("push keys", "the configured VAPID keys are a pair")]
