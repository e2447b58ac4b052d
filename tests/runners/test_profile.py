"""What a runner says about itself is normalised and never believed (sockets-agents.md 3.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.jsontext import dumps, loads
from relay.runners.profile import (
    MAX_DEPTH,
    clean_hooks,
    clean_plugins,
    clean_profile,
    clean_roots,
    clean_skills,
    clean_text,
    objects,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
FIELDS = ("name", "roots", "skills", "agents", "plugins", "hooks", "version", "platform")
PLUGIN = (
    "name",
    "description",
    "rootPath",
    "commands",
    "hookEvents",
    "skills",
    "agents",
    "rules",
    "hasMcp",
    "hasAgents",
    "hasLsp",
    "version",
    "author",
)


@pytest.mark.parametrize(
    ("given_root", "cleaned"),
    [
        ("/home/ann/src", "/home/ann/src"),
        ("  /home/ann/src/  ", "/home/ann/src"),
        ("/home/ann///", "/home/ann"),
        ("C:\\Users\\ann\\", "C:/Users/ann"),
        ("/", "/"),
        ("///", "/"),
        ("\\", "/"),
    ],
)
def test_a_root_is_trimmed_and_has_forward_slashes(given_root: str, cleaned: str) -> None:
    assert clean_roots([given_root]) == [cleaned]


def test_empty_and_non_string_roots_are_dropped() -> None:
    assert clean_roots(["", "   ", 5, None, ["/x"], "/ok"]) == ["/ok"]
    assert clean_roots("/home") == []


@pytest.mark.parametrize(("given_name", "cleaned"), [(" a ", "a"), ("", None), ("   ", None), (5, None), (None, None)])
def test_a_name_is_trimmed_and_empty_is_none(given_name: object, cleaned: str | None) -> None:
    assert clean_text(given_name) == cleaned


def test_skills_are_three_strings_and_nameless_ones_go() -> None:
    assert clean_skills([{"name": "deploy", "description": 5, "extra": 1}, {"description": "x"}, {"name": ""}, 7]) == [
        {"name": "deploy", "description": "", "filePath": ""}
    ]


def test_hooks_need_a_type_and_scripts() -> None:
    given_hooks = [
        {"type": "PreToolUse", "scripts": ["lint.sh", 5], "more": 1},
        {"type": "X"},
        {"scripts": []},
        {"type": 1, "scripts": []},
    ]
    assert clean_hooks(given_hooks) == [{"type": "PreToolUse", "scripts": ["lint.sh"]}]


def test_plugin_flags_must_be_literally_true_and_absent_lists_stay_absent() -> None:
    (plugin,) = clean_plugins([{"name": " p ", "hasMcp": 1, "hasLsp": True, "rules": [{"name": "r"}, {"name": 1}, {}]}])
    assert plugin == {
        "name": "p",
        "description": "",
        "rootPath": "",
        "commands": [],
        "hookEvents": [],
        "skills": [],
        "rules": [{"name": "r"}],
        "hasMcp": False,
        "hasAgents": False,
        "hasLsp": True,
    }


def test_a_nameless_plugin_is_dropped() -> None:
    assert clean_plugins([{"name": "  "}, {}, None]) == []


def test_what_nests_too_deeply_is_dropped() -> None:
    deep: object = "leaf"
    for _ in range(MAX_DEPTH):
        deep = {"inner": deep}
    shallow: object = "leaf"
    for _ in range(MAX_DEPTH - 1):
        shallow = {"inner": shallow}
    assert objects([deep, shallow]) == [shallow]


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_garbage_in_any_field_gives_a_profile_of_the_right_shape(payload: dict[str, object]) -> None:
    profile = clean_profile(payload)
    assert profile.name is None or (profile.name == profile.name.strip() != "")
    assert profile.version is None or isinstance(profile.version, str)
    assert profile.platform is None or isinstance(profile.platform, str)
    for root in profile.roots:
        assert root
        assert "\\" not in root
        assert root == "/" or not root.endswith("/")
    for skill in (*profile.skills, *profile.agents):
        assert set(skill) == {"name", "description", "filePath"}
        assert all(isinstance(value, str) for value in skill.values())
    assert loads(dumps(profile.json())) == profile.json()


@given(st.lists(st.dictionaries(st.sampled_from(PLUGIN), JSON)))
def test_garbage_plugins_come_out_in_shape(plugins: list[dict[str, object]]) -> None:
    for plugin in clean_plugins(plugins):
        assert isinstance(plugin["name"], str)
        assert plugin["name"]
        for flag in ("hasMcp", "hasAgents", "hasLsp"):
            assert isinstance(plugin[flag], bool)
        for key in ("commands", "skills"):
            assert isinstance(plugin[key], list)


@given(st.lists(JSON))
def test_cleaning_twice_changes_nothing(values: list[object]) -> None:
    for clean in (clean_roots, clean_skills, clean_hooks, clean_plugins):
        once = clean(values)
        assert clean(once) == once


def test_a_name_is_text_that_a_database_takes() -> None:
    name = clean_profile({"name": " box\ud83d "}).name
    assert name == "box?"
    assert name.encode()
