"""Rules of the suite itself: every slow test has a sibling in the gate, every line of a checklist has its test."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

_TESTS = Path(__file__).resolve().parent

#: The checklists at the end of the contract's documents: how a test of one is named, and how many lines it has.
CHECKLISTS: Final[Mapping[str, int]] = {"agents": 15, "browsers": 16, "account": 22, "runners": 23, "tunnel": 77}
#: Lines without a test, and why.
UNTESTED: Final[Mapping[tuple[str, int], str]] = {}


@dataclass(frozen=True)
class Found:
    """One test function: where it is and the marks on it."""

    path: str
    name: str
    marks: tuple[ast.expr, ...]


def functions() -> Iterator[Found]:
    """Answer every test function of the suite."""
    for path in sorted(_TESTS.rglob("test_*.py")):
        if "node_modules" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield Found(path.relative_to(_TESTS.parent).as_posix(), node.name, tuple(node.decorator_list))


def slow_mark(test: Found) -> ast.expr | None:
    """Answer the slow mark of a test."""
    for mark in test.marks:
        target = mark.func if isinstance(mark, ast.Call) else mark
        if isinstance(target, ast.Attribute) and target.attr == "slow":
            return mark
    return None


def test_every_slow_test_has_a_sibling_in_the_gate() -> None:
    found = list(functions())
    gate = {f"{test.path}::{test.name}" for test in found if slow_mark(test) is None}
    slow = [(test, slow_mark(test)) for test in found if slow_mark(test) is not None]
    assert slow
    for test, mark in slow:
        keywords = {word.arg: word.value for word in mark.keywords} if isinstance(mark, ast.Call) else {}
        sibling = keywords.get("gate")
        assert isinstance(sibling, ast.Constant), f"{test.path}::{test.name} names no sibling: slow(gate=...)"
        assert sibling.value in gate, f"{test.path}::{test.name}: its sibling {sibling.value!r} is not in the gate"


@pytest.mark.parametrize("document", CHECKLISTS)
def test_every_line_of_a_checklist_has_a_test_named_after_it_or_a_reason(document: str) -> None:
    lines = defaultdict(list)
    for test in functions():
        match = re.match(rf"test_{document}_(?:check_)?(\d+)_", test.name)
        if match:
            lines[int(match[1])].append(test.name)
    assert set(lines) <= set(range(1, CHECKLISTS[document] + 1))
    missing = [
        line for line in range(1, CHECKLISTS[document] + 1) if line not in lines and (document, line) not in UNTESTED
    ]
    assert missing == []
    assert [line for name, line in UNTESTED if name == document and line in lines] == []
