"""Check the names of skills and agents; pure (rest-runners.md 3.2)."""

from __future__ import annotations

import re
from typing import Final

MAX_NAME: Final = 64
_NAME: Final = re.compile(r"[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*")


def valid_name(name: str) -> bool:
    """Tell whether a skill or agent may have this name: a path segment without dots at its ends or in a row."""
    return len(name) <= MAX_NAME and _NAME.fullmatch(name) is not None
