"""Normalise what a runner says about itself; pure functions (sockets-agents.md 3.2, rest-runners.md 2.1 and 2.2).

A runner is untrusted input: every function takes any decoded JSON value and never raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

Item = dict[str, object]

#: Levels of nesting in what is passed through; a JSON Schema has a dozen, and encoders give up at a few hundred.
MAX_DEPTH: Final = 64


@dataclass(frozen=True, slots=True)
class RunnerProfile:
    """State what a runner is and offers, in the shapes of RunnerInfo (rest-runners.md 2.1)."""

    name: str | None = None
    roots: list[str] = field(default_factory=list)
    skills: list[Item] = field(default_factory=list)
    agents: list[Item] = field(default_factory=list)
    plugins: list[Item] = field(default_factory=list)
    hooks: list[Item] = field(default_factory=list)
    version: str | None = None
    platform: str | None = None

    def json(self) -> Item:
        """Answer the fields as a JSON object, for the row that outlives the connection."""
        return {
            "name": self.name,
            "roots": self.roots,
            "skills": self.skills,
            "agents": self.agents,
            "plugins": self.plugins,
            "hooks": self.hooks,
            "version": self.version,
            "platform": self.platform,
        }


def clean_profile(payload: Mapping[str, object]) -> RunnerProfile:
    """Read the profile fields of `register_runner`; what has the wrong type reads as absent."""
    return RunnerProfile(
        name=_storable(clean_text(payload.get("name"))),
        roots=clean_roots(payload.get("roots")),
        skills=clean_skills(payload.get("skills")),
        agents=clean_skills(payload.get("agents")),
        plugins=clean_plugins(payload.get("plugins")),
        hooks=clean_hooks(payload.get("hooks")),
        version=_text(payload.get("version")),
        platform=_text(payload.get("platform")),
    )


def clean_text(value: object) -> str | None:
    """Answer a string trimmed, and None for an empty one or anything else."""
    return (value.strip() or None) if isinstance(value, str) else None


def clean_roots(value: object) -> list[str]:
    r"""Answer the strings of a list as roots: trimmed, `\` as `/`, without trailing slashes except a lone `/`."""
    roots = (_root(item) for item in _items(value) if isinstance(item, str))
    return [root for root in roots if root]


def clean_skills(value: object) -> list[Item]:
    """Answer skills or agents as `{name, description, filePath}`; entries without a name are dropped."""
    return [
        {"name": name, "description": _string(item, "description"), "filePath": _string(item, "filePath")}
        for item in _objects(value)
        if (name := _string(item, "name"))
    ]


def clean_hooks(value: object) -> list[Item]:
    """Answer hooks as `{type, scripts}`; an entry needs a string `type` and a list `scripts`, of which strings stay."""
    return [
        {"type": kind, "scripts": strings(scripts)}
        for item in _objects(value)
        if isinstance(kind := item.get("type"), str) and isinstance(scripts := item.get("scripts"), list)
    ]


def clean_plugins(value: object) -> list[Item]:
    """Answer plugins in the shape of rest-runners.md 2.2; those without a name are dropped."""
    return [plugin for item in _objects(value) if (plugin := _plugin(item)) is not None]


def objects(value: object) -> list[Item]:
    """Answer the objects of a list that nest no deeper than MAX_DEPTH; anything else is dropped."""
    return [item for item in _objects(value) if not too_deep(item)]


def strings(value: object) -> list[str]:
    """Answer the strings of a list."""
    return [item for item in _items(value) if isinstance(item, str)]


def too_deep(value: object) -> bool:
    """Tell whether a value nests deeper than MAX_DEPTH."""
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        inner: list[object] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        if not inner:
            return False
        level = inner
    return True


def _plugin(item: Item) -> Item | None:
    name = _string(item, "name").strip()
    if not name:
        return None
    plugin: Item = {
        "name": name,
        "description": _string(item, "description"),
        "rootPath": _string(item, "rootPath"),
        "commands": objects(item.get("commands")),
        "hookEvents": strings(item.get("hookEvents")),
        "skills": objects(item.get("skills")),
        "hasMcp": item.get("hasMcp") is True,
        "hasAgents": item.get("hasAgents") is True,
        "hasLsp": item.get("hasLsp") is True,
    }
    # Browsers tell "not known" (absent) from "none" (empty) for these.
    if isinstance(item.get("agents"), list):
        plugin["agents"] = objects(item["agents"])
    if isinstance(item.get("rules"), list):
        plugin["rules"] = [rule for rule in objects(item["rules"]) if isinstance(rule.get("name"), str)]
    for key in ("version", "author"):
        if isinstance(item.get(key), str):
            plugin[key] = item[key]
    return plugin


def _storable(text: str | None) -> str | None:
    """Answer text that SQLite takes, since sessions keep their runner's name: a lone surrogate becomes a `?`."""
    return None if text is None else text.encode("utf-8", "replace").decode()


def _root(value: str) -> str:
    trimmed = value.strip().replace("\\", "/")
    return trimmed.rstrip("/") or trimmed[:1]


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _objects(value: object) -> list[Item]:
    return [item for item in _items(value) if isinstance(item, dict)]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _string(item: Item, key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""
