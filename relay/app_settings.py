"""Translate what operators set into what each room wants to know."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from relay.accounts.accounts import AccountsConfig
from relay.accounts.audit.records import AuditLimits
from relay.accounts.limits import KeyRateLimit
from relay.accounts.proxy_sign_in import ProxySignInConfig
from relay.attachments.limits import AttachmentLimits
from relay.config import ConfigError, Settings
from relay.http.client_address import ProxyPolicy, TrustProxy, parse_networks
from relay.http.listener import ListenOptions
from relay.push.limits import PushConfig, PushLimits
from relay.realtime import RealtimeConfig
from relay.runners.limits import CommandLimits
from relay.secrets_file import FILE_NAME, SecretsFile
from relay.sessions.limits import SessionLimits
from relay.terminals.limits import TerminalLimits
from relay.triggers.limits import TriggerLimits
from relay.tunnel.limits import ExchangeLimits
from relay.tunnel.link import TunnelLimits
from relay.tunnel.room import TunnelConfig
from relay.viewers.limits import ViewerLimits
from relay.webhooks.limits import WebhookLimits

#: A field name (RFC 9110 5.6.2).
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


@dataclass(frozen=True, slots=True)
class Tuning:
    """Hold the times and bounds that operators do not set; tests shorten them."""

    sessions: SessionLimits = field(default_factory=SessionLimits)
    attachments: AttachmentLimits = field(default_factory=AttachmentLimits)
    viewers: ViewerLimits = field(default_factory=ViewerLimits)
    terminals: TerminalLimits = field(default_factory=TerminalLimits)
    tunnel: TunnelLimits = field(default_factory=TunnelLimits)
    exchanges: ExchangeLimits = field(default_factory=ExchangeLimits)
    realtime: RealtimeConfig = field(default_factory=RealtimeConfig)
    commands: CommandLimits = field(default_factory=CommandLimits)
    push: PushLimits = field(default_factory=PushLimits)
    triggers: TriggerLimits = field(default_factory=TriggerLimits)
    webhooks: WebhookLimits = field(default_factory=WebhookLimits)


def listen_options(settings: Settings) -> ListenOptions:
    """Read where to listen and with which certificate."""
    server = settings.server
    return ListenOptions(
        host=server.host,
        port=server.port,
        everywhere=server.lan,
        tls_cert=Path(server.tls_cert).expanduser() if server.tls_cert else None,
        tls_key=Path(server.tls_key).expanduser() if server.tls_key else None,
    )


def proxy_policy(settings: Settings) -> ProxyPolicy:
    """Read the proxy settings as a policy."""
    server = settings.server
    trust = {"nobody": TrustProxy.NOBODY, "loopback": TrustProxy.LOOPBACK, "private": TrustProxy.PRIVATE}
    return ProxyPolicy(trust[server.trust_proxy], parse_networks(server.trusted_proxy_cidrs), server.proxy_depth)


def accounts_config(settings: Settings) -> AccountsConfig:
    """Read who may have an account; a secret that nobody set is made once and kept (raises SecretsError)."""
    secret = settings.auth.secret or secrets_file(settings).get("auth")
    return AccountsConfig(
        secret=secret.encode(),
        open_signup=settings.auth.signup == "open",
        auth_rate_limit=settings.auth.rate_limit,
        hostnames=frozenset(settings.server.names) | _hosts(settings.trusted_origins),
        auth_origins=settings.auth.trusted_origins,
        proxy_sign_in=proxy_sign_in(settings),
        audit=AuditLimits(retention=settings.audit.retention, entries=settings.audit.max_entries),
        key_rate_limit=KeyRateLimit(
            enabled=settings.api_keys.rate_limit,
            window_ms=int(settings.api_keys.rate_limit_window * 1000),
            max_requests=settings.api_keys.rate_limit_max,
        ),
    )


def proxy_sign_in(settings: Settings) -> ProxySignInConfig:
    """Read whose word signs people in; raises ConfigError for a header that anybody could send."""
    auth = settings.auth
    proxies = parse_networks(auth.proxy_addresses)
    if auth.proxy_header and (not proxies or len(proxies) != len(auth.proxy_addresses)):
        raise ConfigError("auth.proxy_addresses: with auth.proxy_header a list of addresses or networks is needed")
    if auth.proxy_header and not _TOKEN.fullmatch(auth.proxy_header):
        raise ConfigError("auth.proxy_header: the name of a header is expected")
    return ProxySignInConfig(auth.proxy_header, proxies, auth.proxy_accounts == "create")


def secrets_file(settings: Settings) -> SecretsFile:
    """Answer the file of the secrets that nobody set."""
    return SecretsFile(settings.data_dir / FILE_NAME)


def push_config(settings: Settings) -> PushConfig:
    """Read how the relay shows itself to push services."""
    push = settings.push
    return PushConfig(push.vapid_public_key, push.vapid_private_key, push.vapid_subject, push.allow_private)


def attachment_limits(settings: Settings, tuning: Tuning) -> AttachmentLimits:
    """Read how large attachments may be and how long they live."""
    return replace(
        tuning.attachments,
        upload_life=settings.attachments.ttl,
        file=settings.attachments.max_file_size,
        quota=settings.attachments.quota,
    )


def session_limits(settings: Settings, tuning: Tuning) -> SessionLimits:
    """Read how long sessions live and what their event caches hold."""
    return replace(
        tuning.sessions,
        silent_timeout=settings.sessions.silent_timeout,
        sweep_every=settings.sessions.sweep,
        retention=settings.history.retention,
        cache_entries=settings.events.cache_entries,
        cache_bytes=settings.events.cache_bytes,
    )


def tunnel_config(settings: Settings, tuning: Tuning, auth_secret: bytes) -> TunnelConfig:
    """Read what signs tunnel tokens and what tunnels may take."""
    tunnel = settings.tunnel
    return TunnelConfig(
        secret=tunnel.token_secret.encode() or auth_secret,
        previous_secret=tunnel.token_secret_previous.encode(),
        spill_folder=settings.data_dir / "tunnel",
        links=tuning.tunnel,
        exchanges=replace(
            tuning.exchanges,
            exchanges=tunnel.max_exchanges,
            bridges=tunnel.max_sockets,
            spill_each=tunnel.spill_per_exchange,
            spill_all=tunnel.spill_total,
        ),
    )


def webhook_limits(settings: Settings, tuning: Tuning) -> WebhookLimits:
    """Read how long the bodies of webhooks are kept."""
    return replace(tuning.webhooks, keep_bodies=settings.webhooks.keep_bodies)


def realtime_config(settings: Settings, tuning: Tuning) -> RealtimeConfig:
    """Read the bounds of socket connections."""
    return replace(
        tuning.realtime,
        max_connections_per_address=settings.realtime.max_connections_per_address,
        max_unjoined_per_address=settings.realtime.max_unjoined_per_address,
        backlog_bytes=settings.realtime.backlog,
        backlog_seconds=settings.realtime.backlog_time,
    )


def _hosts(origins: tuple[str, ...]) -> frozenset[str]:
    """Answer the host names of the web addresses that the operator gave the relay."""
    hosts = (urlsplit(origin).hostname for origin in origins if origin.startswith(("http://", "https://")))
    return frozenset(host for host in hosts if host)
