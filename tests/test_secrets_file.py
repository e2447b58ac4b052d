"""The secrets: made once, kept, private."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from relay.secrets_file import SecretsError, SecretsFile


def test_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secrets.json"
    first = SecretsFile(path).get("auth")
    assert len(first) >= 32
    assert SecretsFile(path).get("auth") == first
    assert SecretsFile(path).get("other", lambda: "made") == "made"
    assert SecretsFile(path).get("other", lambda: "made again") == "made"
    assert SecretsFile(tmp_path / "elsewhere.json").get("auth") != first
    assert json.loads(path.read_text()) == {"auth": first, "other": "made"}


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secrets.json"
    path.parent.mkdir(mode=0o755)
    draft = path.with_name("secrets.json.new")
    draft.touch(mode=0o666)
    draft.chmod(0o666)
    SecretsFile(path).get("auth")
    assert path.stat().st_mode & 0o777 == 0o600
    assert not draft.exists()


def test_a_new_directory_is_private(tmp_path: Path) -> None:
    SecretsFile(tmp_path / "data" / "secrets.json").get("auth")
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("text", ["", "{", "[]", '{"auth": 5}'])
def test_a_damaged_file_is_one_line_and_stays(tmp_path: Path, text: str) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(text)
    with pytest.raises(SecretsError, match=r"secrets\.json are damaged") as caught:
        SecretsFile(path).get("auth")
    assert "\n" not in str(caught.value)
    assert path.read_text() == text


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SecretsError, match=r"cannot (read|write) the secrets"):
        SecretsFile(tmp_path / "file" / "secrets.json").get("auth")
