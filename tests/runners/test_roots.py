"""Workspace roots, lexically (rest-runners.md 3.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.runners.roots import cwd_matches_roots


@pytest.mark.parametrize(
    ("roots", "cwd", "expected"),
    [
        ([], "/anything", True),
        (["/"], "/anything", True),
        (["/home/a"], "/home/a", True),
        (["/home/a"], "/home/a/", True),
        (["/home/a/"], "/home/a/b", True),
        (["/home/a"], "/home/ab", False),
        (["/home/a"], "/home/a/../b", False),
        (["/home/a"], "/home/./a/b/..", True),
        (["/home/a"], "home/a", False),
        (["/home/a"], "//home/a/b", True),
        (["/x", "/home/a"], " /home/a/b ", True),
        (["C:\\Users\\Ann"], "c:\\users\\ann\\src", True),
        (["C:/Users/Ann"], "C:\\Users\\Annika", False),
        (["/Home/A"], "/home/a", False),
    ],
)
def test_the_rules_of_the_contract(roots: list[str], cwd: str, expected: bool) -> None:
    assert cwd_matches_roots(roots, cwd) is expected


_SEGMENT = st.sampled_from(["a", "b", "..", ".", ""])


@given(st.lists(_SEGMENT, max_size=8))
def test_no_path_escapes_its_root(segments: list[str]) -> None:
    path = "/root/" + "/".join(segments)
    walked: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del walked[-1:]
        elif segment not in ("", "."):
            walked.append(segment)
    assert cwd_matches_roots(["/root"], path) is (walked[:1] == ["root"])
