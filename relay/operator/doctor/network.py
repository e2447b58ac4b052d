"""Examine how the relay is reached and what it reaches: port, addresses, TLS, proxy, clock, push services."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from relay.app_settings import listen_options
from relay.clock import Clock
from relay.config import Settings
from relay.http.lan import is_everywhere, is_loopback_name
from relay.http.listener import Listener, ListenError
from relay.operator.doctor.findings import Finding, fail, ok, warn

#: Push services of the large browsers: a message to one of their users goes there.
PUSH_SERVICES: Final = (
    "https://fcm.googleapis.com/",
    "https://updates.push.services.mozilla.com/",
    "https://web.push.apple.com/",
)
#: Whatever does not answer within so many seconds counts as not reachable.
TIMEOUT: Final = 5.0
_SOON: Final = timedelta(days=14)
#: Signed times bear a minute; sign-ins of push services 12 hours (rest-account.md 8.5).
_CLOCK_WARN: Final = 60.0
_CLOCK_FAIL: Final = 3600.0
#: At most so many hosts of stored subscriptions are asked.
_HOSTS: Final = 8


@dataclass(frozen=True, slots=True)
class Outside:
    """Say what to ask over the network: push services, and for how long (seconds) to wait for each."""

    push_services: Sequence[str] = PUSH_SERVICES
    timeout: float = TIMEOUT


def port(settings: Settings, *, running: bool) -> Finding:
    """See that the port can be taken by a relay that does not run, and the certificate be used. Blocks."""
    number = settings.server.port
    if running:
        return ok("port", f"a relay is running with this data directory, on port {number} unless it was told otherwise")
    try:
        Listener(listen_options(settings)).release()
    except ListenError as error:
        return fail("port", str(error), "end what listens there, choose another port, or mend what it names")
    return ok("port", f"port {number} is free")


def addresses(settings: Settings, found: Sequence[str]) -> Finding:
    """Say where runners and phones find the relay; `found` are this machine's addresses in its networks."""
    server = settings.server
    scheme = "https" if server.tls_cert else "http"
    if server.base_url:
        return ok("addresses", f"runners and phones use {server.base_url}")
    if server.lan or is_everywhere(server.host):
        if not found:
            return warn("addresses", "this machine has no address in a network", "connect it, or set server.base_url")
        urls = ", ".join(f"{scheme}://{address}:{server.port}" for address in found)
        return ok("addresses", f"runners and phones in the network use {urls}")
    if server.host and not is_loopback_name(server.host):
        return ok("addresses", f"runners and phones use {scheme}://{server.host}:{server.port}")
    return warn(
        "addresses",
        "only this machine reaches the relay",
        "serve with --lan, or put a proxy in front and set server.base_url, if others are to reach it",
    )


def certificate(settings: Settings, now: datetime) -> list[Finding]:
    """Examine the certificate that the relay serves itself: ends and names. Blocks."""
    server = settings.server
    if not server.tls_cert:
        return []
    # Imported here: it takes time, and most relays have a proxy for it.
    from cryptography import x509

    path = Path(server.tls_cert).expanduser()
    try:
        chain = x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        return [fail("tls", f"cannot read {path}: {error.strerror}", "set server.tls_cert to a readable file")]
    except ValueError:
        return [fail("tls", f"{path} is no certificate in PEM form", "set server.tls_cert to the chain in PEM form")]
    first = chain[0]
    findings = [_ends(path, first.not_valid_before_utc, first.not_valid_after_utc, now)]
    key = Path(server.tls_key).expanduser() if server.tls_key else path
    if key.exists() and key.stat().st_mode & 0o077:
        findings.append(warn("tls", f"others may read the key {key}", f"chmod 600 {key}"))
    host = urlsplit(server.base_url).hostname
    wanted = [*([host] if host else []), *server.names]
    missing = [name for name in wanted if not _covers(first, name)]
    if missing:
        text = f"{path} is not for {', '.join(missing)}"
        findings.append(fail("tls", text, "get a certificate for the names in server.base_url and server.names"))
    return findings


def proxy(settings: Settings) -> list[Finding]:
    """See that what is set about proxies goes together."""
    server = settings.server
    findings = []
    for text in server.trusted_proxy_cidrs:
        try:
            ipaddress.ip_network(text.strip(), strict=False)
        except ValueError:
            advice = "write it as 10.0.0.0/8 or 192.0.2.1 in server.trusted_proxy_cidrs"
            findings.append(fail("proxy", f"{text!r} is no network", advice))
    if server.trusted_proxy_cidrs and server.trust_proxy == "nobody":
        text = "server.trusted_proxy_cidrs has no effect while server.trust_proxy is nobody"
        findings.append(warn("proxy", text, "set server.trust_proxy to loopback"))
    if server.base_url.startswith("https://") and not server.tls_cert:
        if server.trust_proxy == "nobody":
            text = "a proxy serves https, but its X-Forwarded-Proto is not believed: cookies are not marked Secure"
            findings.append(fail("proxy", text, "set server.trust_proxy or server.trusted_proxy_cidrs"))
        else:
            text = f"a proxy serves {server.base_url}; it has to send X-Forwarded-Proto and X-Forwarded-For"
            findings.append(ok("proxy", text))
    return findings


async def outside(settings: Settings, clock: Clock, endpoints: Iterable[str], wanted: Outside) -> list[Finding]:
    """Ask over the network: the relay's own public address, and the push services; compare clocks with theirs."""
    origins = dict.fromkeys([*wanted.push_services, *(_origin(one) for one in endpoints)])
    services = list(origins)[: len(wanted.push_services) + _HOSTS]
    timeout = aiohttp.ClientTimeout(total=wanted.timeout)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        asked = [_push(http, clock, url) for url in services]
        base = settings.server.base_url
        own = [_own(http, base)] if base else []
        answers = await asyncio.gather(*asked)
        findings = list(await asyncio.gather(*own))
    findings += [finding for finding, _ in answers]
    skews = [skew for _, skew in answers if skew is not None]
    findings.append(_clock(skews))
    return findings


async def _own(http: aiohttp.ClientSession, base: str) -> Finding:
    try:
        async with http.get(f"{base}/health", allow_redirects=False) as answer:
            healthy = answer.status == 200 and b"socketProtocol" in await answer.read()
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        text = f"{base} cannot be reached from here: {_reason(error)}"
        return fail("public address", text, "start the relay, check the proxy, the name and the certificate")
    if not healthy:
        text = f"what answers at {base}/health is not this relay"
        return fail("public address", text, "check the proxy's target and server.base_url")
    return ok("public address", f"{base} leads to a relay")


async def _push(http: aiohttp.ClientSession, clock: Clock, url: str) -> tuple[Finding, float | None]:
    """Ask a push service for anything: whatever it answers, it can be reached; answer how far our clock is ahead."""
    host = urlsplit(url).netloc
    try:
        async with http.get(url, allow_redirects=False) as answer:
            date = answer.headers.get("Date")
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        text = f"{host} cannot be reached: {_reason(error)}"
        return warn("push", text, "allow https to it, or its users get no notifications"), None
    return ok("push", f"{host} can be reached"), _skew(date, clock.now())


def _skew(date: str | None, now: float) -> float | None:
    try:
        return None if date is None else now - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None


def _clock(skews: Sequence[float]) -> Finding:
    if not skews:
        return warn("clock", "nothing was reached to compare the clock with", "keep it right with NTP")
    skew = sorted(skews)[len(skews) // 2]
    text = f"the clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
    if abs(skew) >= _CLOCK_FAIL:
        return fail("clock", text, "set it with NTP: sign-ins, tokens and notifications fail")
    if abs(skew) >= _CLOCK_WARN:
        return warn("clock", text, "set it with NTP")
    return ok("clock", "the clock is right")


def _ends(path: Path, begins: datetime, ends: datetime, now: datetime) -> Finding:
    advice = "renew it; a running relay takes it on SIGHUP"
    if now >= ends:
        return fail("tls", f"{path} ended on {ends.date()}", advice)
    if now < begins:
        return fail("tls", f"{path} is valid only from {begins.date()} on", "check the clock")
    if ends - now < _SOON:
        return warn("tls", f"{path} ends on {ends.date()}", advice)
    return ok("tls", f"{path} is valid until {ends.date()}")


def _covers(certificate_: object, name: str) -> bool:
    from cryptography import x509

    assert isinstance(certificate_, x509.Certificate)
    try:
        names = certificate_.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    try:
        return ipaddress.ip_address(name) in names.get_values_for_type(x509.IPAddress)
    except ValueError:
        hosts = {host.lower() for host in names.get_values_for_type(x509.DNSName)}
        name = name.lower()
        return name in hosts or f"*.{name.partition('.')[2]}" in hosts


def _origin(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}/"


def _reason(error: BaseException) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__


def now_utc(clock: Clock) -> datetime:
    """Answer the clock's time as a date."""
    return datetime.fromtimestamp(clock.now(), UTC)
