"""The documents: every verb, option and link in them is there, and none is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from relay.accounts.audit.records import AuditEvent
from relay.cli import main
from relay.config_load import OPTIONS
from relay.observe.metrics import METRICS

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
#: Every verb has these; the head of the document describes them once.
COMMON = {"--config", "--data-dir", "--json", "--help"}


def verbs(command: click.Command = main, name: str = "relay") -> Iterator[tuple[str, click.Command]]:
    """Answer every verb with its full name, as click knows them."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    context = click.Context(command)
    for part in command.list_commands(context):
        found = command.get_command(context, part)
        assert found is not None
        yield from verbs(found, f"{name} {part}")


VERBS = dict(verbs())


def section(text: str, title: str) -> str | None:
    """Answer what stands below a heading of the second level."""
    match = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return match[1] if match else None


def text_of(page: str) -> str:
    """Answer a page of docs/."""
    return (DOCS / page).read_text(encoding="utf-8")


def test_the_verbs_are_found() -> None:
    assert {"relay serve", "relay key create", "relay backup", "relay import-pizzapi", "relay config show"} <= set(
        VERBS
    )


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_and_each_of_its_options_is_described(verb: str) -> None:
    described = section(text_of("verbs.md"), verb)
    assert described is not None, f"docs/verbs.md has no section {verb}"
    head = text_of("verbs.md").partition("\n## ")[0]
    assert all(option in head for option in COMMON)
    options = {
        max(parameter.opts, key=len)
        for parameter in VERBS[verb].params
        if isinstance(parameter, click.Option) and not parameter.hidden
    }
    assert [option for option in sorted(options - COMMON) if f"`{option}" not in described] == []


def test_no_verb_is_described_that_does_not_exist() -> None:
    assert set(re.findall(r"^## (relay .*)$", text_of("verbs.md"), re.MULTILINE)) == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_answers_in_json_but_serve(verb: str) -> None:
    options = {option for parameter in VERBS[verb].params for option in parameter.opts}
    assert ("--json" in options) == (verb != "relay serve")
    assert {"--config", "--data-dir"} <= options


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_described_with_its_variables(name: str) -> None:
    lines = [line for line in text_of("configuration.md").splitlines() if line.startswith(f"| `{name}` |")]
    assert len(lines) == 1, f"docs/configuration.md has no row {name}"
    option = OPTIONS[name]
    for variable in (option.env, *(alias.name for alias in option.aliases)):
        assert f"`{variable}`" in lines[0], variable


def test_no_option_is_described_that_does_not_exist() -> None:
    named = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|", text_of("configuration.md"), re.MULTILINE)
    assert set(named) == set(OPTIONS)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_has_the_default_of_the_example(name: str) -> None:
    section_name, _, key = name.partition(".")
    example = (ROOT / "config.example.toml").read_text(encoding="utf-8")
    table = example.partition(f"[{section_name}]\n")[2].partition("\n[")[0]
    default = re.search(rf"^{key} = (.*)$", table, re.MULTILINE)
    assert default is not None
    assert f"| `{name}` | `{default[1]}` |" in text_of("configuration.md")


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md", *(f"docs/{path.name}" for path in DOCS.glob("*.md"))])
def test_every_link_leads_somewhere(page: str) -> None:
    file = ROOT / page
    links = re.findall(r"\]\(([^)\s]+)\)", file.read_text(encoding="utf-8"))
    local = [link.partition("#")[0] for link in links if not re.match(r"[a-z]+:|#", link)]
    assert [link for link in local if not (file.parent / link).exists()] == []


def test_the_changelog_begins_with_this_version() -> None:
    from relay import __version__

    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert first is not None
    assert first[1] in {__version__, "Unreleased"}


@pytest.mark.parametrize("name", [metric.name for metric, _ in METRICS])
def test_every_metric_is_described_with_its_kind_and_label(name: str) -> None:
    lines = [line for line in text_of("metrics.md").splitlines() if line.startswith(f"| `{name}` |")]
    assert len(lines) == 1, f"docs/metrics.md has no row {name}"
    (metric,) = (metric for metric, _ in METRICS if metric.name == name)
    kind, label = (cell.strip() for cell in lines[0].split("|")[2:4])
    assert (kind, label) == (metric.kind.value, f"`{metric.label}`" if metric.label else "")


def test_no_metric_is_described_that_does_not_exist() -> None:
    named = re.findall(r"^\| `((?:relay|process)_\w+)` \| (?:gauge|counter|histogram) \|", text_of("metrics.md"), re.M)
    assert set(named) == {metric.name for metric, _ in METRICS}


def test_every_queue_and_audit_event_is_described() -> None:

    queues = re.findall(r'^        "(\w+)": parts', (ROOT / "relay/observe/metrics.py").read_text(), re.MULTILINE)
    assert len(queues) > 5
    missing = [name for name in (*queues, *AuditEvent) if f"`{name}`" not in text_of("metrics.md")]
    assert missing == []
