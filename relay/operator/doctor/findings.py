"""Say what an examination found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """Say how bad it is; only FAIL makes the command fail."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold one finding: of which check, how bad, what, and what to do about it."""

    check: str
    level: Level
    text: str
    advice: str = ""

    def wire(self) -> dict[str, object]:
        """Answer the finding for `--json`."""
        return {"check": self.check, "level": self.level.value, "text": self.text, "advice": self.advice}

    def line(self) -> str:
        """Answer the finding for people."""
        advice = f" -> {self.advice}" if self.advice else ""
        return f"{self.level.value:<4}  {self.check}: {self.text}{advice}"


def ok(check: str, text: str) -> Finding:
    """Say that something is as it should be."""
    return Finding(check, Level.OK, text)


def warn(check: str, text: str, advice: str) -> Finding:
    """Say that something may become a problem, or is one for some."""
    return Finding(check, Level.WARN, text, advice)


def fail(check: str, text: str, advice: str) -> Finding:
    """Say that something keeps the relay from working as it is set up."""
    return Finding(check, Level.FAIL, text, advice)
