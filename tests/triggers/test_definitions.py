"""Whom a trigger definition is for (rest-runners.md 3.4)."""

from __future__ import annotations

import pytest

from relay.triggers.definitions import mode_of, scope
from relay.triggers.records import Json

MODES: list[Json] = [
    {"id": "repo", "workspace": "/work/repo"},
    {"id": "docs", "workspace": "/work/repo/docs//"},
    {"id": "empty", "workspace": ""},
    {"id": "slash", "workspace": "///"},
    {"id": 5, "workspace": "/work/other"},
    {"id": "odd", "workspace": None},
]


@pytest.mark.parametrize(
    ("cwd", "mode"),
    [
        ("/work/repo", "repo"),
        ("/work/repo/src", "repo"),
        ("/work/repo/docs", "docs"),
        ("/work/repo/docs/a", "docs"),
        ("/work/repository", None),
        ("/work", None),
        ("/work/other", None),
        ("/", None),
        ("", None),
        (None, None),
    ],
)
def test_the_longest_workspace_above_the_folder_is_its_mode(cwd: str | None, mode: str | None) -> None:
    assert mode_of(MODES, cwd) == mode
    assert mode_of(reversed(MODES), cwd) == mode


def test_a_scope_is_a_list_of_names() -> None:
    assert scope({"modes": ["a", 5, "b"]}) == ["a", "b"]
    assert scope({"modes": "a"}) == []
    assert scope({}) == []
