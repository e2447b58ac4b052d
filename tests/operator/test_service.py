"""Service files: what systemd and launchd make of them, and how they come and go."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
from pathlib import Path

import pytest

from relay.operator.errors import OperatorError
from relay.operator.service.install import Kind, Place, install, place_of, uninstall
from relay.operator.service.units import Service, launchd_plist, systemd_quote, systemd_unit

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing; Debian has it in the package systemd"
)
COMMAND = ("/bin/true", "serve", "--data-dir", "/srv/relay data")
ODD = '/srv/100% "odd" $HOME \\ ;path'


def _verified(file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    runtime = file.parent / "run"
    runtime.mkdir(mode=0o700, exist_ok=True)
    return subprocess.run(
        ["systemd-analyze", *words, "verify", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "XDG_RUNTIME_DIR": str(runtime), "HOME": str(file.parent)},
    )


@needs_systemd
@pytest.mark.parametrize("system", [False, True])
@pytest.mark.parametrize("command", [COMMAND, ("/bin/true", ODD, "")])
def test_systemd_accepts_the_unit(tmp_path: Path, system: bool, command: tuple[str, ...]) -> None:
    service = Service(
        command, str(tmp_path / "data dir"), "root" if system else "", {"RELAY_UI_DIR": ODD}, reloads=True
    )
    (tmp_path / "relay.service").write_text(systemd_unit(service, system=system))
    verified = _verified(tmp_path / "relay.service", *([] if system else ["--user"]))
    assert (verified.returncode, verified.stderr) == (0, ""), verified


@needs_systemd
def test_systemd_would_have_told_about_a_mistake(tmp_path: Path) -> None:
    text = systemd_unit(Service(COMMAND, "/srv"), system=True).replace("Type=exec", "Tpye=exec")
    (tmp_path / "relay.service").write_text(text)
    assert "Tpye" in _verified(tmp_path / "relay.service").stderr


def test_a_system_unit_may_write_its_data_alone() -> None:
    lines = systemd_unit(Service(COMMAND, "/srv/relay data", "relay"), system=True).splitlines()
    for line in ("User=relay", "ProtectSystem=strict", 'ReadWritePaths="/srv/relay data"', "NoNewPrivileges=yes"):
        assert line in lines
    assert 'ExecStart=/bin/true serve --data-dir "/srv/relay data"' in lines
    assert "Restart=on-failure" in lines


def test_only_a_relay_with_a_certificate_is_reloaded() -> None:
    for reloads in (True, False):
        unit = systemd_unit(Service(COMMAND, "/srv", reloads=reloads), system=False)
        assert ("ExecReload=" in unit) is reloads


@pytest.mark.parametrize(
    ("word", "quoted"),
    [("plain", "plain"), ("two words", '"two words"'), ("", '""'), ("100%", "100%%"), ('a"b', '"a\\"b"')],
)
def test_words_are_quoted_for_systemd(word: str, quoted: str) -> None:
    assert systemd_quote(word) == quoted


@pytest.mark.parametrize("user", ["", "relay"])
def test_launchd_reads_the_property_list(user: str) -> None:
    document = plistlib.loads(launchd_plist(Service(("/bin/true", ODD), "/srv", user, {"A": ODD}), "relay", "/srv/l"))
    assert document["ProgramArguments"] == ["/bin/true", ODD]
    assert document["EnvironmentVariables"] == {"A": ODD}
    assert document["KeepAlive"] == {"SuccessfulExit": False}
    assert document.get("UserName", "") == user
    assert (document["Label"], document["StandardErrorPath"]) == ("relay", "/srv/l")


@pytest.mark.parametrize("kind", list(Kind))
def test_a_file_comes_and_goes_and_another_is_left_alone(
    tmp_path: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    place = place_of(kind, tmp_path / "root", tmp_path / "home")
    assert tmp_path in place.file.parents
    service = Service(COMMAND, "/srv")
    install(place, service)
    text = place.file.read_bytes()
    install(place, service)
    place.file.write_bytes(b"the operator's own")
    with pytest.raises(OperatorError, match="exists and is another one, --force replaces it"):
        install(place, service)
    assert place.file.read_bytes() == b"the operator's own"
    install(place, service, replace=True)
    assert place.file.read_bytes() == text
    assert [entry.name for entry in place.file.parent.iterdir()] == [place.file.name]
    assert uninstall(place)
    assert not uninstall(place)


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place = Place(Kind.SYSTEMD_USER, tmp_path / "file" / "relay.service", (), (), ("true",))
    with pytest.raises(OperatorError, match=r"cannot write .*: (Not a directory|File exists)"):
        install(place, Service(COMMAND, "/srv"))
