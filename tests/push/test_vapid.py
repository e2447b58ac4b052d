"""The relay's key pair: kept, overridden, and the tokens signed with it (rest-account.md 8.1, RFC 8292)."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from relay.app_settings import push_config
from relay.config import Settings
from relay.config_load import load_settings
from relay.push.limits import PushConfig
from relay.push.vapid import TOKEN_LIFE, KeyPair, Vapid
from relay.secrets_file import SecretsError, SecretsFile
from tests.clock import ManualClock
from tests.push.device import InvalidSignature, b64, claims, unb64


def _vapid(folder: Path, clock: ManualClock, config: PushConfig | None = None) -> Vapid:
    return Vapid(config or PushConfig(), SecretsFile(folder / "secrets.json"), clock)


async def test_the_pair_is_made_once_and_kept_for_this_user_alone(tmp_path: Path, clock: ManualClock) -> None:
    first, second = await asyncio.gather(*(_vapid(tmp_path, clock).pair() for _ in range(2)))
    assert first == second == await _vapid(tmp_path, clock).pair()
    assert len(first.public) == 87
    assert first.public.startswith("B")
    assert len(unb64(first.private)) == 32
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


async def test_a_configured_pair_wins_and_leaves_the_kept_one_alone(tmp_path: Path, clock: ManualClock) -> None:
    kept = await _vapid(tmp_path, clock).pair()
    own = KeyPair.generate()
    config = PushConfig(own.public, own.private)
    assert await _vapid(tmp_path, clock, config).pair() == own
    assert await _vapid(tmp_path, clock).pair() == kept


@pytest.mark.parametrize("broken", ["public", "private", "other", "zero", "missing"])
async def test_a_pair_that_is_none_falls_back_to_the_kept_one_with_a_warning(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    own, other = KeyPair.generate(), KeyPair.generate()
    config = {
        "public": PushConfig("Bxyz", own.private),
        "private": PushConfig(own.public, "not ä key"),
        "other": PushConfig(other.public, own.private),
        "zero": PushConfig(own.public, b64(bytes(32))),
        "missing": PushConfig(own.public, ""),
    }[broken]
    kept = await _vapid(tmp_path, clock).pair()
    with caplog.at_level(logging.WARNING, "relay.push.vapid"):
        assert await _vapid(tmp_path, clock, config).pair() == kept
    assert len(caplog.records) == 1
    assert own.private not in caplog.text


async def test_padding_in_a_configured_key_is_no_mistake(tmp_path: Path, clock: ManualClock) -> None:
    own = KeyPair.generate()
    assert await _vapid(tmp_path, clock, PushConfig(own.public + "=", own.private + "=")).pair() == own


async def test_a_damaged_kept_key_is_replaced_in_memory_only(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "secrets.json").write_text('{"vapid":"oops"}')
    assert len((await _vapid(tmp_path, clock).pair()).public) == 87
    assert (tmp_path / "secrets.json").read_text() == '{"vapid":"oops"}'


async def test_a_place_that_can_not_be_written_is_an_error(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SecretsError):
        await _vapid(tmp_path / "file", clock).pair()


@pytest.mark.parametrize(
    ("endpoint", "audience"),
    [
        ("https://push.example/a/b?c", "https://push.example"),
        ("https://push.example:443/a", "https://push.example"),
        ("https://push.example:8443/a", "https://push.example:8443"),
        ("http://127.0.0.1:99/a", "http://127.0.0.1:99"),
    ],
)
async def test_a_token_names_the_origin_the_end_and_the_subject(
    tmp_path: Path, clock: ManualClock, endpoint: str, audience: str
) -> None:
    vapid = _vapid(tmp_path, clock, PushConfig(subject="mailto:me@example.com"))
    public = (await vapid.pair()).public
    found = claims(await vapid.authorization(endpoint), public)
    assert found == {"aud": audience, "exp": int(clock.now()) + TOKEN_LIFE, "sub": "mailto:me@example.com"}
    assert TOKEN_LIFE == 12 * 3600


async def test_a_token_of_another_key_does_not_verify(tmp_path: Path, clock: ManualClock) -> None:
    vapid, other = _vapid(tmp_path, clock), KeyPair.generate()
    header = (await vapid.authorization("https://push.example/")).replace((await vapid.pair()).public, other.public)
    with pytest.raises(InvalidSignature):
        claims(header, other.public)


def test_upstream_s_environment_names_the_pair_and_the_subject() -> None:
    environment = {"VAPID_PUBLIC_KEY": "Bpub", "VAPID_PRIVATE_KEY": "priv", "VAPID_SUBJECT": "mailto:me@example.com"}
    found = push_config(load_settings(environment=environment))
    assert found == PushConfig("Bpub", "priv", "mailto:me@example.com")
    assert push_config(Settings()) == PushConfig()
