"""Describe the bodies of the calls that a runner answers: files, sandbox, usage, settings, logins, packages.

The answers are the runner's own (rest-runners.md 5.6, 5.13 to 5.15, 6): only what the relay reads or adds is certain,
so the other fields are named without a promise.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

Item = dict[str, object]


class PathQuery(TypedDict, total=False):
    """Name the path to look below, `/` by default."""

    path: str


class DirectoryEntry(TypedDict, total=False):
    """Name a directory."""

    name: str
    path: str


class Directories(TypedDict):
    """List directories."""

    directories: list[DirectoryEntry]


class FileEntry(TypedDict, total=False):
    """Describe a file of a directory; `size` is in bytes."""

    type: Literal["file", "directory"]
    name: str
    path: str
    isDirectory: bool
    isSymlink: bool
    size: float


class FileList(TypedDict):
    """List the files of a directory."""

    ok: bool
    files: list[FileEntry]


class FileSearch(TypedDict):
    """Say what the path of a file has to contain, below which directory; nothing finds nothing. 100 hits by default."""

    cwd: str
    query: NotRequired[str]
    limit: NotRequired[float]


class FileHit(TypedDict, total=False):
    """Describe a file that was found."""

    name: str
    path: str
    relativePath: str
    isDirectory: bool
    isSymlink: bool


class FileHits(TypedDict):
    """List what was found, and their paths; under `format=names` both are paths."""

    ok: bool
    files: list[FileHit | str]
    paths: list[str]


class FileRead(TypedDict):
    """Name a file; `utf8` reads 512 KiB at most, `base64` 10 MiB. Cut content can be left out."""

    path: str
    encoding: NotRequired[Literal["utf8", "base64"]]
    rejectTruncated: NotRequired[bool]


class FileContent(TypedDict, total=False):
    """Answer a file's content; `size` is in bytes."""

    ok: bool
    content: str
    size: float
    truncated: bool
    encoding: str


class SandboxFiles(TypedDict, total=False):
    """List paths that the sandbox bars or opens."""

    denyRead: list[str]
    allowWrite: list[str]
    denyWrite: list[str]


class SandboxNetwork(TypedDict, total=False):
    """List domains that the sandbox opens or bars."""

    allowedDomains: list[str]
    deniedDomains: list[str]


class SandboxStatus(TypedDict):
    """Answer the sandbox in force."""

    ok: bool
    filesystem: SandboxFiles
    network: SandboxNetwork | None
    mode: NotRequired[object]
    config: NotRequired[object]
    rawConfig: NotRequired[object]


class SandboxConfig(TypedDict, total=False):
    """Give a configuration; `network: null` clears it. All of it goes to the runner."""

    mode: Literal["none", "basic", "full"]
    filesystem: SandboxFiles | None
    network: SandboxNetwork | None


class RunnerSaid(TypedDict):
    """Pass on what the runner answered."""

    ok: bool
    message: NotRequired[object]


class UsageQuery(TypedDict, total=False):
    """Choose the days to add up, `90d` by default."""

    range: Literal["7d", "30d", "90d", "all"]


class Usage(TypedDict):
    """Add up tokens and cost; what the runner says beside it goes through."""

    ok: Literal[True]
    totalInputTokens: float
    totalOutputTokens: float
    totalCostUsd: float
    sessions: list[object]


#: The sections of a runner's settings that may be replaced (rest-runners.md 6).
SettingsSectionName = Literal[
    "models",
    "mcpServers",
    "mcp",
    "hooks",
    "sandbox",
    "webSearch",
    "providerOverrides",
    "toolSearch",
    "security",
    "envVars",
    "systemPrompt",
    "tuiPreferences",
    "agentsMd",
    "goal",
]


class SettingsSection(TypedDict):
    """Replace one section; null is a value."""

    section: SettingsSectionName
    value: object


class LoginQuery(TypedDict):
    """Name a sign-in."""

    loginId: str


class LoginStart(TypedDict):
    """Name a provider; any way but `api_key` is `oauth`."""

    providerId: str
    authType: NotRequired[Literal["api_key", "oauth"]]


class LoginValue(TypedDict):
    """Answer what a provider asked for."""

    loginId: str
    value: str


class LoginName(TypedDict):
    """Name a sign-in."""

    loginId: str


class PackageSource(TypedDict):
    """Name a package, and whether it is for the project alone."""

    source: str
    local: NotRequired[bool]


class PackageChoice(TypedDict, total=False):
    """Name a package; without one, all are meant."""

    source: str


class PackageFailure(TypedDict, total=False):
    """Say what went wrong; `ok` is false where the runner refused."""

    ok: Literal[False]
    error: str
