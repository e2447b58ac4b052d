"""Install, remove and describe the service files. Nothing is started: the commands for that are told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from relay.operator.errors import OperatorError
from relay.operator.service.units import Service, launchd_plist, systemd_unit

LABEL: Final = "relay"
_ASK_TIMEOUT: Final = 10.0


class Kind(StrEnum):
    """Name the ways in which a system starts services."""

    SYSTEMD_USER = "systemd-user"
    SYSTEMD_SYSTEM = "systemd-system"
    LAUNCHD_USER = "launchd-user"
    LAUNCHD_SYSTEM = "launchd-system"


@dataclass(frozen=True, slots=True)
class Place:
    """Say where a service file is, and which commands start, stop and describe the service."""

    kind: Kind
    file: Path
    start: Sequence[str]
    stop: Sequence[str]
    ask: tuple[str, ...]


def kind_here(*, system: bool) -> Kind:
    """Answer how services are started on this machine; raises OperatorError where it is unknown."""
    if sys.platform == "darwin":
        return Kind.LAUNCHD_SYSTEM if system else Kind.LAUNCHD_USER
    if sys.platform.startswith("linux"):
        return Kind.SYSTEMD_SYSTEM if system else Kind.SYSTEMD_USER
    raise OperatorError(f"service files are not known on {sys.platform}, name one with --kind")


def place_of(kind: Kind, root: Path, home: Path) -> Place:
    """Answer the place of a kind below `root` (the file system's, for tests another) and the user's `home`."""
    if kind is Kind.SYSTEMD_SYSTEM:
        ask: tuple[str, ...] = ("systemctl", "show", LABEL, "--property=ActiveState", "--value")
        return Place(
            kind,
            root / "etc/systemd/system/relay.service",
            ("systemctl daemon-reload", "systemctl enable --now relay"),
            ("systemctl disable --now relay",),
            ask,
        )
    if kind is Kind.SYSTEMD_USER:
        ask = ("systemctl", "--user", "show", LABEL, "--property=ActiveState", "--value")
        config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        return Place(
            kind,
            config / "systemd/user/relay.service",
            ("systemctl --user daemon-reload", "systemctl --user enable --now relay", "loginctl enable-linger"),
            ("systemctl --user disable --now relay",),
            ask,
        )
    if kind is Kind.LAUNCHD_SYSTEM:
        file = root / "Library/LaunchDaemons/relay.plist"
        target = "system"
    else:
        file = home / "Library/LaunchAgents/relay.plist"
        target = f"gui/{os.getuid()}"
    return Place(
        kind,
        file,
        (f"launchctl bootstrap {target} {file}",),
        (f"launchctl bootout {target}/{LABEL}",),
        ("launchctl", "print", f"{target}/{LABEL}"),
    )


def text_of(kind: Kind, service: Service) -> bytes:
    """Answer the content of a service file."""
    if kind in {Kind.LAUNCHD_USER, Kind.LAUNCHD_SYSTEM}:
        return launchd_plist(service, LABEL, str(Path(service.data_dir) / "relay.log"))
    return systemd_unit(service, system=kind is Kind.SYSTEMD_SYSTEM).encode()


def install(place: Place, service: Service, *, replace: bool = False) -> None:
    """Write the service file; raises OperatorError when another one is there or it cannot be written."""
    text = text_of(place.kind, service)
    try:
        if place.file.exists() and place.file.read_bytes() != text and not replace:
            raise OperatorError(f"{place.file} exists and is another one, --force replaces it")
        place.file.parent.mkdir(parents=True, exist_ok=True)
        draft = place.file.with_name(f".{place.file.name}.new")
        draft.write_bytes(text)
        draft.chmod(0o644)
        draft.replace(place.file)
    except OSError as error:
        raise OperatorError(f"cannot write {place.file}: {error.strerror}") from error


def uninstall(place: Place) -> bool:
    """Delete the service file; answer whether there was one. Raises OperatorError."""
    try:
        place.file.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise OperatorError(f"cannot delete {place.file}: {error.strerror}") from error
    return True


def state(place: Place) -> str:
    """Answer what the system says of the service, in a word; "unknown" where it can't be asked."""
    try:
        asked = subprocess.run(place.ask, capture_output=True, text=True, timeout=_ASK_TIMEOUT, check=False)  # noqa: S603 - fixed words
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    if place.kind in {Kind.LAUNCHD_USER, Kind.LAUNCHD_SYSTEM}:
        return "loaded" if asked.returncode == 0 else "not loaded"
    return asked.stdout.strip() or "unknown"


def own_command() -> list[str]:
    """Answer the command that runs this relay: the single binary, the installed script, or Python with the module."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    script = Path(sys.argv[0])
    if script.name == "relay" and script.is_file() and os.access(script, os.X_OK):
        return [str(script.absolute())]
    return [sys.executable, "-m", "relay"]
