"""A path lies in a runner's roots, lexically (rest-runners.md 3.1)."""

from __future__ import annotations

import pytest

from relay.runners.roots import cwd_matches_roots


@pytest.mark.parametrize(
    ("roots", "cwd", "matches"),
    [
        ([], "/anywhere", True),
        (["/home/a"], "/home/a", True),
        (["/home/a"], "/home/a/", True),
        (["/home/a/"], "/home/a/b", True),
        (["/home/a"], "/home/ab", False),
        (["/home/a"], "/home", False),
        (["/home/a"], "/home/a/../b", False),
        (["/home/a"], "/home/b/../a/c", True),
        (["/home/a"], "/home/a/./b", True),
        (["/home/../srv"], "/srv/x", True),
        (["/"], "/etc", True),
        (["/home/a"], "//home/a", True),
        (["/home/a"], "///home/a", True),
        (["/home/a"], " /home/a ", True),
        (["/home/a"], "home/a", False),
        (["/home/a"], "/Home/a", False),
        (["C:/Users"], "c:\\users\\ann", True),
        (["C:\\Users"], "C:/Users/ann", True),
        (["C:/Users"], "C:/UsersX", False),
        (["/a", "/b"], "/b/c", True),
    ],
)
def test_a_path_is_matched_by_whole_segments(roots: list[str], cwd: str, matches: bool) -> None:
    assert cwd_matches_roots(roots, cwd) is matches
