"""`relay config show`."""

from __future__ import annotations

import json
from pathlib import Path

from relay.cli.config import MASK
from relay.config_load import OPTIONS, SECRET_OPTIONS
from tests.cli.relay_process import relay


async def test_every_option_is_shown_with_where_it_comes_from(tmp_path: Path) -> None:
    (tmp_path / "relay.toml").write_text('[server]\nport = 8000\nnames = ["a", "b"]\n[log]\nlevel = "debug"\n')
    extra = {
        "RELAY_PORT": "9000",
        "PIZZAPI_TRUST_PROXY": "true",
        "RELAY_HISTORY_RETENTION": "2 d",
        "RELAY_NONSENSE": "1",
    }
    words = ("config", "show", "--config", "relay.toml", "--data-dir", "here")
    told = json.loads((await relay(tmp_path, *words, "--json", extra=extra)).out)
    options = told["options"]
    assert set(options) == set(OPTIONS)
    assert options["server.port"] == {"value": 9000, "source": "env RELAY_PORT"}
    assert options["server.names"] == {"value": ["a", "b"], "source": "file relay.toml"}
    assert options["server.trust_proxy"] == {"value": "private", "source": "env PIZZAPI_TRUST_PROXY"}
    assert options["history.retention"] == {"value": 172800.0, "source": "env RELAY_HISTORY_RETENTION"}
    assert options["data.dir"] == {"value": "here", "source": "flag"}
    assert options["server.host"] == {"value": "", "source": "default"}
    assert told["places"]["database"] == "here/relay.db"
    assert told["warnings"] == ["ignoring the unknown environment variable RELAY_NONSENSE"]
    text = (await relay(tmp_path, *words, extra=extra)).out
    assert 'log.level = "debug"  # file relay.toml\n' in text
    assert "server.port = 9000  # env RELAY_PORT\n" in text


async def test_secrets_are_masked(tmp_path: Path) -> None:
    secret = "do-not-show-this-secret-to-anybody!!"
    extra = {OPTIONS[name].env: secret for name in SECRET_OPTIONS}
    for more in ((), ("--json",)):
        finished = await relay(tmp_path, "config", "show", *more, extra=extra)
        assert finished.code == 0
        assert secret not in finished.out + finished.err
        assert finished.out.count(MASK) == len(SECRET_OPTIONS)


def test_no_option_that_is_called_a_secret_is_left_unmasked() -> None:
    secretive = {name for name in OPTIONS if any(word in name for word in ("secret", "private_key", "password"))}
    assert secretive == SECRET_OPTIONS


async def test_a_mistake_in_the_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "relay.toml").write_text("[server]\nprot = 1\n")
    finished = await relay(tmp_path, "config", "show", "--config", "relay.toml")
    assert (finished.code, finished.out) == (1, "")
    assert finished.err == "relay: relay.toml: unknown key 'server.prot'\n"
