"""Hold what an operator may choose: defaults < config.toml < environment < flags.

Every option is declared here once, with its default and its names; `config.example.toml` explains them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from relay.config_options import (
    Alias,
    choice,
    duration,
    duration_or_none,
    flag,
    milliseconds,
    number,
    option,
    same,
    size,
    size_or_none,
    text,
    url,
    words,
)

#: Upstream's port (rest-account.md 15); the published clients look there.
DEFAULT_PORT: Final = 7492
_MOST: Final = 10**9


class ConfigError(Exception):
    """Say in one line which option or file is wrong and why."""


def _unless_false(value: str) -> bool:
    # Only the exact text switches the mobile origins off (rest-account.md 15).
    return value != "false"


def _signup(value: str) -> str | None:
    word = value.strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return "first"
    return "open" if word in {"0", "false", "no", "off"} else None


def _folder_of(value: str) -> str | None:
    return str(Path(value).parent) if value else None


def _trust(value: str) -> str | None:
    return {"true": "private", "false": "nobody"}.get(value.strip().lower())


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Say where the relay listens and under which names and addresses it is known."""

    host: str = option("", text, "RELAY_HOST")
    port: int = option(DEFAULT_PORT, number(0, 65535), "RELAY_PORT", same("PORT", number(1, 65535)))
    lan: bool = option(False, flag, "RELAY_LAN")
    names: tuple[str, ...] = option((), words, "RELAY_NAMES")
    base_url: str = option("", url, "RELAY_BASE_URL", same("PIZZAPI_BASE_URL", url))
    extra_origins: tuple[str, ...] = option((), words, "RELAY_EXTRA_ORIGINS", same("PIZZAPI_EXTRA_ORIGINS", words))
    trust_mobile_origins: bool = option(
        True, flag, "RELAY_TRUST_MOBILE_ORIGINS", Alias("PIZZAPI_TRUST_MOBILE_ORIGINS", _unless_false)
    )
    tls_cert: str = option("", text, "RELAY_TLS_CERT")
    tls_key: str = option("", text, "RELAY_TLS_KEY")
    ui_dir: str = option("", text, "RELAY_UI_DIR", same("PIZZAPI_UI_DIR", text))
    trust_proxy: str = option(
        "loopback",
        choice("nobody", "loopback", "private"),
        "RELAY_TRUST_PROXY",
        Alias("PIZZAPI_TRUST_PROXY", _trust),
    )
    trusted_proxy_cidrs: tuple[str, ...] = option(
        (), words, "RELAY_TRUSTED_PROXY_CIDRS", same("PIZZAPI_TRUSTED_PROXY_CIDRS", words)
    )
    proxy_depth: int = option(0, number(0, 32), "RELAY_PROXY_DEPTH", same("PIZZAPI_PROXY_DEPTH", number(0, 32)))
    update_check_url: str = option("", url, "RELAY_UPDATE_CHECK_URL")


@dataclass(frozen=True, slots=True)
class DataSettings:
    """Say where the records are kept; empty means the platform's place for data."""

    # Upstream's variable names its own database, which is not ours to write: we live beside it.
    dir: str = option("", text, "RELAY_DATA_DIR", Alias("AUTH_DB_PATH", _folder_of))
    database: str = option("", text, "RELAY_DATABASE")


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """Say who may have an account and how credentials are kept."""

    signup: str = option(
        "first",
        choice("first", "open"),
        "RELAY_AUTH_SIGNUP",
        Alias("PIZZAPI_DISABLE_SIGNUP_AFTER_FIRST_USER", _signup),
    )
    rate_limit: bool = option(True, flag, "RELAY_AUTH_RATE_LIMIT")
    secret: str = option("", text, "RELAY_AUTH_SECRET", same("BETTER_AUTH_SECRET", text))
    base_url: str = option("", url, "RELAY_AUTH_BASE_URL", same("BETTER_AUTH_BASE_URL", url))
    trusted_origins: tuple[str, ...] = option(
        (), words, "RELAY_AUTH_TRUSTED_ORIGINS", same("BETTER_AUTH_TRUSTED_ORIGINS", words)
    )
    proxy_header: str = option("", text, "RELAY_AUTH_PROXY_HEADER")
    proxy_addresses: tuple[str, ...] = option((), words, "RELAY_AUTH_PROXY_ADDRESSES")
    proxy_accounts: str = option("existing", choice("existing", "create"), "RELAY_AUTH_PROXY_ACCOUNTS")


@dataclass(frozen=True, slots=True)
class ApiKeySettings:
    """Limit the use of each API key (rest-account.md 1.4); the window is in seconds."""

    rate_limit: bool = option(
        False, flag, "RELAY_API_KEYS_RATE_LIMIT", same("PIZZAPI_API_KEY_RATE_LIMIT_ENABLED", flag)
    )
    rate_limit_window: float = option(
        86400.0,
        duration,
        "RELAY_API_KEYS_RATE_LIMIT_WINDOW",
        milliseconds("PIZZAPI_API_KEY_RATE_LIMIT_TIME_WINDOW_MS"),
    )
    rate_limit_max: int = option(
        10,
        number(1, _MOST),
        "RELAY_API_KEYS_RATE_LIMIT_MAX",
        same("PIZZAPI_API_KEY_RATE_LIMIT_MAX_REQUESTS", number(1, _MOST)),
    )


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """Say when a live session that nobody hears from ends; seconds (sockets-agents.md 2.10, 2.16)."""

    silent_timeout: float = option(
        600.0, duration, "RELAY_SESSIONS_SILENT_TIMEOUT", milliseconds("PIZZAPI_EPHEMERAL_TTL_MS")
    )
    sweep: float = option(60.0, duration, "RELAY_SESSIONS_SWEEP", milliseconds("PIZZAPI_EPHEMERAL_SWEEP_MS"))


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """Say how long ended sessions are kept; seconds (../design.md, State and durability)."""

    retention: float = option(30 * 86400.0, duration, "RELAY_HISTORY_RETENTION")


@dataclass(frozen=True, slots=True)
class EventSettings:
    """Bound the event cache of each session (../design.md, How data flows)."""

    cache_entries: int = option(
        1000,
        number(1, _MOST),
        "RELAY_EVENTS_CACHE_ENTRIES",
        same("PIZZAPI_RELAY_EVENT_BUFFER_SIZE", number(1, _MOST)),
    )
    cache_bytes: int = option(8 * 2**20, size, "RELAY_EVENTS_CACHE_BYTES")


@dataclass(frozen=True, slots=True)
class AttachmentSettings:
    """Bound the attachments (rest-account.md 9); `ttl` in seconds, an empty `dir` is below the data directory."""

    dir: str = option("", text, "RELAY_ATTACHMENTS_DIR", same("PIZZAPI_ATTACHMENT_DIR", text))
    max_file_size: int = option(
        10 * 2**20,
        size,
        "RELAY_ATTACHMENTS_MAX_FILE_SIZE",
        same("PIZZAPI_ATTACHMENT_MAX_FILE_SIZE_BYTES", number(1, 2**40)),
    )
    ttl: float = option(900.0, duration, "RELAY_ATTACHMENTS_TTL", milliseconds("PIZZAPI_ATTACHMENT_TTL_MS"))
    quota: int = option(2**30, size, "RELAY_ATTACHMENTS_QUOTA")


@dataclass(frozen=True, slots=True)
class RealtimeSettings:
    """Bound the socket connections (realtime.md, Protocol and Speed and memory)."""

    max_connections_per_address: int = option(4096, number(1, _MOST), "RELAY_REALTIME_MAX_CONNECTIONS_PER_ADDRESS")
    max_unjoined_per_address: int = option(64, number(1, _MOST), "RELAY_REALTIME_MAX_UNJOINED_PER_ADDRESS")
    backlog: int = option(8 * 2**20, size, "RELAY_REALTIME_BACKLOG")
    backlog_time: float = option(30.0, duration, "RELAY_REALTIME_BACKLOG_TIME")


@dataclass(frozen=True, slots=True)
class TunnelSettings:
    """Say where tunnels have hosts, what signs their tokens and what they may take (tunnel.md 2.7, 5, 8.3)."""

    domain: str = option("", text, "RELAY_TUNNEL_DOMAIN", same("PIZZAPI_TUNNEL_DOMAIN", text))
    token_secret: str = option("", text, "RELAY_TUNNEL_TOKEN_SECRET", same("PIZZAPI_TUNNEL_TOKEN_SECRET", text))
    token_secret_previous: str = option(
        "", text, "RELAY_TUNNEL_TOKEN_SECRET_PREVIOUS", same("PIZZAPI_TUNNEL_TOKEN_SECRET_PREVIOUS", text)
    )
    max_exchanges: int = option(256, number(1, _MOST), "RELAY_TUNNEL_MAX_EXCHANGES")
    max_sockets: int = option(128, number(1, _MOST), "RELAY_TUNNEL_MAX_SOCKETS")
    spill_per_exchange: int = option(2**30, size_or_none, "RELAY_TUNNEL_SPILL_PER_EXCHANGE")
    spill_total: int = option(4 * 2**30, size_or_none, "RELAY_TUNNEL_SPILL_TOTAL")


@dataclass(frozen=True, slots=True)
class PushSettings:
    """Say how the relay shows itself to push services, and whether private ones will do (rest-account.md 8)."""

    vapid_public_key: str = option("", text, "RELAY_PUSH_VAPID_PUBLIC_KEY", same("VAPID_PUBLIC_KEY", text))
    vapid_private_key: str = option("", text, "RELAY_PUSH_VAPID_PRIVATE_KEY", same("VAPID_PRIVATE_KEY", text))
    vapid_subject: str = option(
        "mailto:admin@pizzapi.local", text, "RELAY_PUSH_VAPID_SUBJECT", same("VAPID_SUBJECT", text)
    )
    allow_private: bool = option(False, flag, "RELAY_PUSH_ALLOW_PRIVATE")


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Say how long what webhooks received can be replayed; seconds, 0 for not at all (rest-runners.md 9)."""

    keep_bodies: float = option(7 * 86400.0, duration_or_none, "RELAY_WEBHOOKS_KEEP_BODIES")


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """Bound the audit log; `retention` in seconds."""

    retention: float = option(90 * 86400.0, duration, "RELAY_AUDIT_RETENTION")
    max_entries: int = option(100_000, number(1, _MOST), "RELAY_AUDIT_MAX_ENTRIES")


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """Say whether the relay shows its numbers to Prometheus."""

    enabled: bool = option(False, flag, "RELAY_METRICS_ENABLED")


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Say how the log looks and how much of it there is."""

    format: str = option("text", choice("text", "json"), "RELAY_LOG_FORMAT")
    level: str = option("info", choice("debug", "info", "warning", "error"), "RELAY_LOG_LEVEL")


@dataclass(frozen=True, slots=True)
class Settings:
    """Hold every option, one dataclass per table of `config.toml`.

    `warnings` are lines about what was ignored, for the log once it is set up.
    """

    server: ServerSettings = field(default_factory=ServerSettings)
    data: DataSettings = field(default_factory=DataSettings)
    auth: AuthSettings = field(default_factory=AuthSettings)
    api_keys: ApiKeySettings = field(default_factory=ApiKeySettings)
    sessions: SessionSettings = field(default_factory=SessionSettings)
    history: HistorySettings = field(default_factory=HistorySettings)
    events: EventSettings = field(default_factory=EventSettings)
    attachments: AttachmentSettings = field(default_factory=AttachmentSettings)
    realtime: RealtimeSettings = field(default_factory=RealtimeSettings)
    tunnel: TunnelSettings = field(default_factory=TunnelSettings)
    push: PushSettings = field(default_factory=PushSettings)
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    log: LogSettings = field(default_factory=LogSettings)
    warnings: tuple[str, ...] = ()

    @property
    def data_dir(self) -> Path:
        """Answer the data directory."""
        if self.data.dir:
            return Path(self.data.dir).expanduser()
        # Imported here: only the default needs to know the platform.
        import platformdirs

        return platformdirs.user_data_path("relay", appauthor=False)

    @property
    def database_path(self) -> Path:
        """Answer the path of the database file."""
        return Path(self.data.database).expanduser() if self.data.database else self.data_dir / "relay.db"

    @property
    def attachments_dir(self) -> Path:
        """Answer the directory of the attachments' files."""
        return Path(self.attachments.dir).expanduser() if self.attachments.dir else self.data_dir / "attachments"

    @property
    def trusted_origins(self) -> tuple[str, ...]:
        """Answer the configured origins that may act with a user's cookie (rest-account.md 12.2)."""
        from relay.http.origins import MOBILE_ORIGINS

        origins = [url for url in (self.server.base_url, self.auth.base_url) if url]
        origins += self.server.extra_origins
        if self.server.trust_mobile_origins:
            origins += MOBILE_ORIGINS
        return tuple(origins)
