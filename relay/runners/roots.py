"""Decide whether a path lies in a runner's workspace roots; lexically, since the relay cannot see its disk.

Answers 3.1 of rest-runners.md. The daemon checks again with links resolved.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import Final

_DRIVE: Final = re.compile(r"[A-Za-z]:[\\/]")


def cwd_matches_roots(roots: Iterable[str], cwd: str) -> bool:
    """Tell whether `cwd` is one of the roots or below one; without any root everything matches."""
    normal_roots = [_normal(root) for root in roots]
    if not normal_roots:
        return True
    path = _normal(cwd)
    if _DRIVE.match(cwd.strip()):
        path = path.casefold()
        normal_roots = [root.casefold() for root in normal_roots]
    return any(root == "/" or path == root or path.startswith(root + "/") for root in normal_roots)


def _normal(path: str) -> str:
    path = path.strip().replace("\\", "/")
    if len(path) > 1:
        path = path.rstrip("/") or "/"
    # normpath keeps a leading "//", which POSIX allows to mean something else.
    return re.sub(r"^//+", "/", posixpath.normpath(path)) if path else ""
