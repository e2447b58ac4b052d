"""Write the text of service files; pure."""

from __future__ import annotations

import plistlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

#: The relay is out within 3 s of SIGTERM (sockets-agents.md 4.4); more means that it hangs.
_STOP_SECONDS: Final = 10
_RESTART_SECONDS: Final = 1
#: What an operator's browser, agents and tunnels may have open at a time.
_OPEN_FILES: Final = 65536
#: What a system service may do; its data lies in the one directory that it may write.
_HARDENING: Final = (
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "ProtectHome=read-only",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectControlGroups=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "SystemCallArchitectures=native",
    "AmbientCapabilities=CAP_NET_BIND_SERVICE",
    "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
)


@dataclass(frozen=True, slots=True)
class Service:
    """Say what to run: the command, its environment, the directory that it writes, the user of a system service.

    `reloads` says that the relay takes SIGHUP, which it does when it serves a certificate.
    """

    command: Sequence[str]
    data_dir: str
    user: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    reloads: bool = False


def systemd_unit(service: Service, *, system: bool) -> str:
    """Answer a systemd unit, for one user or, with `system`, for the machine."""
    lines = [
        "[Unit]",
        "Description=Relay between coding-agent runners and browsers",
        *(["After=network-online.target", "Wants=network-online.target"] if system else []),
        "",
        "[Service]",
        "Type=exec",
        f"ExecStart={' '.join(systemd_quote(word.replace('$', '$$')) for word in service.command)}",
        *(["ExecReload=/bin/kill -HUP $MAINPID"] if service.reloads else []),
        *(f"Environment={systemd_quote(f'{name}={value}')}" for name, value in service.environment.items()),
        "Restart=on-failure",
        f"RestartSec={_RESTART_SECONDS}",
        f"TimeoutStopSec={_STOP_SECONDS}",
        f"LimitNOFILE={_OPEN_FILES}",
        "UMask=0077",
    ]
    if system:
        lines += [f"User={service.user}", *_HARDENING, f"ReadWritePaths={systemd_path(service.data_dir)}"]
    lines += ["", "[Install]", f"WantedBy={'multi-user.target' if system else 'default.target'}", ""]
    return "\n".join(lines)


def launchd_plist(service: Service, label: str, log: str) -> bytes:
    """Answer a launchd property list; `log` is the file of standard output and error."""
    document: dict[str, object] = {
        "Label": label,
        "ProgramArguments": list(service.command),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ExitTimeOut": _STOP_SECONDS,
        "SoftResourceLimits": {"NumberOfFiles": _OPEN_FILES},
        "Umask": 0o077,
        "StandardOutPath": log,
        "StandardErrorPath": log,
    }
    if service.environment:
        document["EnvironmentVariables"] = dict(service.environment)
    if service.user:
        document["UserName"] = service.user
    return plistlib.dumps(document)


def systemd_quote(word: str) -> str:
    """Write a word so that systemd reads it as it is; in commands a `$` has to be doubled besides."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if not word or any(char in word for char in " \t\"'\\;") else escaped


def systemd_path(path: str) -> str:
    """Write a path of a list of paths."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if " " in path else escaped
