"""Describe the bodies of the runner calls (rest-runners.md 2, 5).

What a runner says goes through as it is: fields that its own software adds are not named here.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

Item = dict[str, object]


class Definition(TypedDict):
    """Describe a skill or an agent."""

    name: str
    description: str
    filePath: str


class Plugin(TypedDict, total=False):
    """Describe a plugin; `path` is its `rootPath` under the name of the published interface."""

    name: str
    description: str
    rootPath: str
    path: str
    commands: list[Item]
    hookEvents: list[str]
    skills: list[Item]
    agents: list[Item]
    rules: list[Item]
    hasMcp: bool
    hasAgents: bool
    hasLsp: bool
    version: str
    author: str


class Hook(TypedDict):
    """Describe the scripts of one kind of hook."""

    type: str
    scripts: list[str]


class RunnerEntry(TypedDict):
    """Describe a runner; service lists come after its first announce, `lastSeenAt` when it is away."""

    id: str
    runnerId: str
    name: str | None
    connected: bool
    roots: list[str]
    skills: list[Definition]
    agents: list[Definition]
    plugins: list[Plugin]
    hooks: list[Hook]
    version: str | None
    platform: str | None
    sessionCount: int
    sessions: list[str]
    lastSeenAt: NotRequired[str]
    serviceIds: NotRequired[list[str]]
    disabledServiceIds: NotRequired[list[str]]
    panels: NotRequired[list[Item]]
    triggerDefs: NotRequired[list[Item]]
    sigilDefs: NotRequired[list[Item]]
    sessionModes: NotRequired[list[Item]]
    warnings: NotRequired[list[str]]


class RunnerList(TypedDict):
    """Hold runners in an object."""

    runners: list[RunnerEntry]


class RunnersQuery(TypedDict, total=False):
    """Choose `object` for an object in place of an array, and `1` for the runners that are away too."""

    format: str
    all: str


class RunnerName(TypedDict):
    """Name a runner."""

    runnerId: str


class RunnerForgotten(TypedDict):
    """Name the runner whose id is free again."""

    ok: Literal[True]
    runnerId: str


class ListedModel(TypedDict, total=False):
    """Describe a model as the runner gives it."""

    provider: str
    id: str


class ModelList(TypedDict):
    """List models."""

    models: list[ListedModel]


class Panel(TypedDict, total=False):
    """Describe a panel; `id` and `title` repeat `serviceId` and `label`."""

    id: str | None
    title: str | None
    serviceId: str
    label: str


class ServiceLists(TypedDict):
    """List what a runner's services announced."""

    serviceIds: list[str]
    disabledServiceIds: list[str]
    panels: list[Panel]
    triggerDefs: list[Item]
    sigilDefs: list[Item]
    sessionModes: list[Item]


class ServiceSwitch(TypedDict):
    """Say whether a service is to run."""

    enabled: bool


class ServiceSwitched(ServiceSwitch):
    """Answer what the runner was told."""

    ok: Literal[True]
    serviceId: str
    disabledServiceIds: list[str]


class FolderList(TypedDict):
    """List folders, the most used first."""

    folders: list[str]


class PathName(TypedDict):
    """Name a path on the runner."""

    path: str


class FolderForgotten(TypedDict):
    """Say whether the folder was in the list."""

    ok: Literal[True]
    deleted: bool


class FormatQuery(TypedDict, total=False):
    """Choose `names` for an array of names in place of objects."""

    format: str


class SkillList(TypedDict):
    """List skills, and their names; under `format=names` both are names."""

    skills: list[Definition | str]
    skillNames: list[str]


class SkillsChanged(SkillList):
    """List the skills after a change."""

    ok: Literal[True]


class SkillsReloaded(SkillsChanged):
    """List the skills, and the sessions that were told."""

    reloaded: int
    failed: int
    sessionIds: list[str]
    failedSessionIds: list[str]


class AgentList(TypedDict):
    """List agents, and their names; under `format=names` both are names."""

    agents: list[Definition | str]
    agentNames: list[str]


class AgentsChanged(AgentList):
    """List the agents after a change."""

    ok: Literal[True]


class DefinitionText(TypedDict):
    """Answer a definition's text."""

    name: str
    content: str


class NewDefinition(TypedDict):
    """Give a definition; letters, digits, `.`, `_` and `-` make a name, and a runner may refuse more."""

    name: str
    content: NotRequired[str]


class DefinitionContent(TypedDict, total=False):
    """Give a definition's text, empty by default."""

    content: str


class CwdQuery(TypedDict, total=False):
    """Name a working directory, as an absolute path."""

    cwd: str


class PluginList(TypedDict):
    """List plugins."""

    plugins: list[Plugin]


class PluginsChanged(PluginList):
    """List the plugins that were found."""

    ok: Literal[True]
