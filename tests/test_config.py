"""The settings: their sources, their order, their errors, and the example that explains them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from relay.config import ConfigError, Settings
from relay.config_load import OPTIONS, load_settings
from relay.config_options import duration, flag, size

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"


@pytest.fixture(autouse=True)
def _no_configuration_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the configuration of whoever runs the tests out of them."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-config"))


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def test_the_example_has_every_option_with_its_default() -> None:
    document = tomllib.loads(EXAMPLE.read_text())
    keys = {f"{section}.{key}" for section, table in document.items() for key in table}
    assert keys == set(OPTIONS)
    assert load_settings(file=EXAMPLE) == Settings()


def test_the_example_explains_every_option_and_names_its_variables() -> None:
    section, comment = "", ""
    for line in EXAMPLE.read_text().splitlines():
        if line.startswith("["):
            section, comment = line.strip("[]"), ""
        elif line.startswith("#"):
            comment += line.lstrip("#")
        elif match := re.match(r"(\w+) = ", line):
            option = OPTIONS[f"{section}.{match[1]}"]
            assert len(comment) > 30, line
            assert re.search(rf"[\[ ]{option.env}[\];,]", comment), line
            for alias in option.aliases:
                assert alias.name in comment, line
            comment = ""
        else:
            comment = ""


def test_no_two_options_share_a_variable() -> None:
    names = [option.env for option in OPTIONS.values()]
    names += [alias.name for option in OPTIONS.values() for alias in option.aliases]
    assert len(names) == len(set(names))


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    file = _file(tmp_path, '[server]\nport = 1001\nhost = "file"\nlan = true\nbase_url = "http://file.example/"\n')
    environment = {"RELAY_PORT": "1002", "RELAY_HOST": "environment", "PIZZAPI_BASE_URL": "https://alias.example"}
    assert load_settings(file=file).server.port == 1001
    settings = load_settings(file=file, environment=environment, flags={"server.port": 1003})
    assert settings.server.port == 1003
    assert settings.server.host == "environment"
    assert settings.server.base_url == "https://alias.example"
    assert settings.server.lan is True
    assert settings.server.proxy_depth == 0


def test_our_own_variable_wins_over_the_upstream_one() -> None:
    assert load_settings(environment={"PORT": "1", "RELAY_PORT": "2"}).server.port == 2


def test_upstreams_environment_is_understood() -> None:
    settings = load_settings(
        environment={
            "PORT": "8080",
            "NODE_ENV": "production",
            "AUTH_DB_PATH": "/data/auth.db",
            "BETTER_AUTH_SECRET": "s" * 32,
            "BETTER_AUTH_BASE_URL": "https://auth.example/",
            "BETTER_AUTH_TRUSTED_ORIGINS": "https://*.example",
            "PIZZAPI_BASE_URL": "https://relay.example/",
            "PIZZAPI_EXTRA_ORIGINS": " https://a.example , https://b.example/,",
            "PIZZAPI_TRUST_MOBILE_ORIGINS": "false",
            "PIZZAPI_DISABLE_SIGNUP_AFTER_FIRST_USER": "no",
            "PIZZAPI_API_KEY_RATE_LIMIT_ENABLED": "yes",
            "PIZZAPI_API_KEY_RATE_LIMIT_TIME_WINDOW_MS": "60000",
            "PIZZAPI_API_KEY_RATE_LIMIT_MAX_REQUESTS": "5",
            "PIZZAPI_TRUST_PROXY": "true",
            "PIZZAPI_TRUSTED_PROXY_CIDRS": "10.0.0.0/8,192.0.2.1",
            "PIZZAPI_PROXY_DEPTH": "1",
            "PIZZAPI_UI_DIR": "/ui",
            "PIZZAPI_ATTACHMENT_DIR": "/files",
            "PIZZAPI_ATTACHMENT_MAX_FILE_SIZE_BYTES": "31457280",
            "PIZZAPI_ATTACHMENT_TTL_MS": "1000",
            "PIZZAPI_EPHEMERAL_TTL_MS": "1500",
            "PIZZAPI_EPHEMERAL_SWEEP_MS": "250",
            "PIZZAPI_RELAY_EVENT_BUFFER_SIZE": "50",
            "PIZZAPI_REDIS_URL": "redis://nowhere",
            "PIZZAPI_TUNNEL_DOMAIN": "t.example",
            "PIZZAPI_TUNNEL_TOKEN_SECRET": "x",
            "PIZZAPI_TUNNEL_TOKEN_SECRET_PREVIOUS": "y",
        }
    )
    server = settings.server
    assert (server.port, server.ui_dir, server.host, server.lan) == (8080, "/ui", "", False)
    assert settings.database_path == Path("/data/relay.db")
    assert settings.auth.secret == "s" * 32
    assert settings.auth.trusted_origins == ("https://*.example",)
    assert settings.auth.signup == "open"
    assert settings.trusted_origins == (
        "https://relay.example",
        "https://auth.example",
        "https://a.example",
        "https://b.example/",
    )
    assert (settings.api_keys.rate_limit, settings.api_keys.rate_limit_window) == (True, 60.0)
    assert settings.api_keys.rate_limit_max == 5
    assert (server.trust_proxy, server.proxy_depth) == ("private", 1)
    assert server.trusted_proxy_cidrs == ("10.0.0.0/8", "192.0.2.1")
    assert settings.attachments_dir == Path("/files")
    assert (settings.attachments.max_file_size, settings.attachments.ttl) == (31457280, 1.0)
    assert (settings.sessions.silent_timeout, settings.sessions.sweep) == (1.5, 0.25)
    assert settings.events.cache_entries == 50
    assert settings.tunnel.domain == "t.example"
    assert (settings.tunnel.token_secret, settings.tunnel.token_secret_previous) == ("x", "y")
    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "abc"),
        ("PORT", "0"),
        ("PORT", "-1"),
        ("PORT", "70000"),
        ("PIZZAPI_EPHEMERAL_TTL_MS", "0"),
        ("PIZZAPI_EPHEMERAL_TTL_MS", "10m"),
        ("PIZZAPI_ATTACHMENT_MAX_FILE_SIZE_BYTES", "big"),
        ("PIZZAPI_DISABLE_SIGNUP_AFTER_FIRST_USER", "perhaps"),
        ("PIZZAPI_TRUST_PROXY", "sometimes"),
        ("PIZZAPI_PROXY_DEPTH", "-1"),
        ("PIZZAPI_BASE_URL", "relay.example"),
    ],
)
def test_an_upstream_value_that_upstream_ignores_leaves_the_default_and_a_warning(name: str, value: str) -> None:
    settings = load_settings(environment={name: value})
    assert settings.warnings == (f"ignoring {name}: its value can't be read",)
    assert load_settings() == Settings()
    assert settings == Settings(warnings=settings.warnings)


@pytest.mark.parametrize(
    ("value", "expected"), [("true", True), ("1", True), ("", True), ("FALSE", True), ("no", True), ("false", False)]
)
def test_only_the_exact_text_false_switches_the_mobile_origins_off(value: str, expected: bool) -> None:
    settings = load_settings(environment={"PIZZAPI_TRUST_MOBILE_ORIGINS": value})
    assert settings.server.trust_mobile_origins is expected
    assert ("capacitor://localhost" in settings.trusted_origins) is expected


def test_a_short_secret_is_a_warning_that_does_not_repeat_it() -> None:
    settings = load_settings(environment={"BETTER_AUTH_SECRET": "hunter2"})
    assert settings.auth.secret == "hunter2"
    assert settings.warnings == ("auth.secret is short; 32 characters or more are hard to guess",)
    assert load_settings(environment={"BETTER_AUTH_SECRET": "x" * 32}).warnings == ()


def test_an_unknown_variable_of_ours_is_a_warning() -> None:
    warnings = load_settings(environment={"RELAY_PROT": "1", "RELAYED": "x"}).warnings
    assert warnings == ("ignoring the unknown environment variable RELAY_PROT",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[server]\nprot = 1", "unknown key 'server.prot'"),
        ("[sever]\nport = 1", "unknown table 'sever'"),
        ("port = 1", "unknown key 'port'"),
        ("server = 1", "'server' is a table, write [server]"),
        ('[server]\nport = "x"', "server.port in {file}: a whole number from 0 to 65535 is expected"),
        ("[server]\nport = 70000", "server.port in {file}: a whole number from 0 to 65535 is expected"),
        ("[server]\nport = true", "server.port in {file}: a whole number from 0 to 65535 is expected"),
        ("[server]\nlan = 1", "server.lan in {file}: true or false is expected"),
        ("[server]\nhost = 1", "server.host in {file}: a text in quotes is expected"),
        ("[server]\nnames = [1]", "server.names in {file}: a list of texts is expected"),
        ('[server]\nbase_url = "relay"', "server.base_url in {file}: a URL such as"),
        ('[auth]\nsignup = "never"', "auth.signup in {file}: one of first, open is expected"),
        ("[sessions]\nsweep = 0", "sessions.sweep in {file}: a time such as"),
        ('[realtime]\nbacklog = "8 MB/s"', "realtime.backlog in {file}: a size such as"),
        ("[server]\nport = 1\nport = 2", "is not a TOML file"),
        ("[server\n", "is not a TOML file"),
    ],
)
def test_a_mistake_in_the_file_is_one_line_that_names_key_and_file(tmp_path: Path, text: str, message: str) -> None:
    file = _file(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_settings(file=file)
    line = str(caught.value)
    assert message.format(file=file) in line
    assert str(file) in line
    assert "\n" not in line


def test_a_file_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not a TOML file"):
        load_settings(file=file)


def test_a_bad_value_in_our_own_variable_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"^server\.port in the environment variable RELAY_PORT: a whole number"):
        load_settings(environment={"RELAY_PORT": "tcp://10.0.0.1:7492"})


def test_where_the_file_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    default = tmp_path / "home" / "relay" / "config.toml"
    default.parent.mkdir(parents=True)
    default.write_text("[server]\nport = 1\n")
    named = _file(tmp_path, "[server]\nport = 2\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    assert load_settings().server.port == 1
    assert load_settings(environment={"RELAY_CONFIG": str(named)}).server.port == 2
    with pytest.raises(ConfigError, match="no such file"):
        load_settings(environment={"RELAY_CONFIG": str(tmp_path / "missing")})
    with pytest.raises(ConfigError, match="no such file"):
        load_settings(file=tmp_path / "missing")
    with pytest.raises(ConfigError, match="Is a directory"):
        load_settings(file=tmp_path)


def test_paths_follow_from_the_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(flags={"data.dir": str(tmp_path)})
    assert settings.database_path == tmp_path / "relay.db"
    assert settings.attachments_dir == tmp_path / "attachments"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert Settings().data_dir == tmp_path / "share" / "relay"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (5, 5.0),
        (0.5, 0.5),
        ("5", 5.0),
        ("250 ms", 0.25),
        ("90s", 90.0),
        ("10 m", 600.0),
        ("1.5 h", 5400.0),
        ("2 D", 172800.0),
    ],
)
def test_durations(value: object, seconds: float) -> None:
    assert duration(value) == seconds


@pytest.mark.parametrize("value", [0, -1, True, "", "m", "5 weeks", "-5 s", None, [1], "1 2"])
def test_what_is_no_duration(value: object) -> None:
    with pytest.raises(ValueError, match="a time such as"):
        duration(value)


@pytest.mark.parametrize(
    ("value", "expected"), [(5, 5), ("5", 5), ("1 KiB", 1024), ("10 MiB", 10485760), ("1.5 kB", 1500), ("2GiB", 2**31)]
)
def test_sizes(value: object, expected: int) -> None:
    assert size(value) == expected


@pytest.mark.parametrize("text", ["1", "true", "YES", " on "])
def test_words_that_mean_true(text: str) -> None:
    assert flag(text) is True


@pytest.mark.parametrize("text", ["0", "false", "No", "off"])
def test_words_that_mean_false(text: str) -> None:
    assert flag(text) is False
