"""The threat model and the ASVS checklist: every test that they name exists, and no line is without an answer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.test_suite import functions

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = ("threat-model.md", "asvs.md")
SURFACES = ("Browser", "Agent", "Runner", "Tunnel", "Webhook", "Push", "Operator")


def rows(text: str) -> list[list[str]]:
    """Answer the cells of every table row, headings left out."""
    found = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in found]
    return [
        row
        for at, row in enumerate(cells)
        if not set("".join(row)) <= set("-") and not (at + 1 < len(cells) and set("".join(cells[at + 1])) <= set("-"))
    ]


@pytest.mark.parametrize("page", PAGES)
def test_every_named_test_exists(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`(tests/[\w/]+\.py::\w+)`", text))
    assert len(named) > 40
    there = {f"{test.path}::{test.name}" for test in functions()}
    assert sorted(named - there) == []
    # Nothing that looks like a test is written in another way.
    assert set(re.findall(r"tests/[\w/]+\.py::\w+", text)) == named


def test_every_threat_has_a_test_or_is_the_operators() -> None:
    text = (DOCS / "threat-model.md").read_text(encoding="utf-8")
    for surface in SURFACES:
        part = re.search(rf"^## {surface}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        assert part is not None, surface
        threats = rows(part[1])
        assert threats, surface
        for threat in threats:
            assert len(threat) == 3, threat
            assert "`tests/" in threat[2] or "Operator" in threat[2], threat


def test_every_line_of_the_checklist_has_a_test_a_reason_or_is_the_operators() -> None:
    lines = [
        row for row in rows((DOCS / "asvs.md").read_text(encoding="utf-8")) if re.fullmatch(r"\d+\.\d+\.\d+", row[0])
    ]
    assert len(lines) > 150
    numbers = [line[0] for line in lines]
    assert len(set(numbers)) == len(numbers)
    for line in lines:
        assert len(line) == 3, line
        assert re.match(r"`tests/|n/a: \S|operator: \S|partly: \S|design: \S", line[2]), line
