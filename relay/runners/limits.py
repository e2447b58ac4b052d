"""State how long each command of a runner may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CommandLimits:
    """Hold the times in seconds after which a command without an answer fails; numbers of rest-runners.md 4 to 6.

    `package_change` is far above upstream's 15 s: an install downloads and builds, and a caller who is told of a
    failure while the runner goes on is worse off than one who waits (6.4).
    """

    skill: float = 10.0
    agent: float = 10.0
    browse: float = 10.0
    list_models: float = 15.0
    plugins: float = 15.0
    files: float = 15.0
    read_base64: float = 30.0
    sandbox: float = 15.0
    usage: float = 30.0
    analysis: float = 30.0
    settings: float = 15.0
    login: float = 15.0
    #: The daemon opens a provider's page and may take 30 s itself (6.3).
    login_start: float = 45.0
    #: The daemon exchanges a code with the provider and may take 60 s itself (6.3).
    login_submit: float = 90.0
    package_list: float = 15.0
    package_change: float = 300.0
