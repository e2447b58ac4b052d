"""Every text can be read and every mark be seen on every ground it stands on, in both themes (brief 4, WCAG 2.2 AA)."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

import pytest

from tests.webui.workshop import UI

_TEXT: Final = 4.5
_PART: Final = 3.0
_GROUNDS: Final = ("bg", "surface", "raised", "sunken")
_CODE: Final = ("surface", "sunken", "add-soft", "del-soft", "term-bg")

#: Colour, the grounds it stands on, and the least ratio (SC 1.4.3 for text, 1.4.11 for parts).
PAIRS: Final[list[tuple[str, tuple[str, ...], float]]] = [
    ("text", (*_GROUNDS, "hover", "accent-soft", "wait-soft", "danger-soft", "add-soft", "del-soft", "you"), _TEXT),
    ("text-2", (*_GROUNDS, "hover", "accent-soft", "wait-soft", "danger-soft"), _TEXT),
    ("text-3", (*_GROUNDS, "hover", "accent-soft", "you"), _TEXT),
    ("accent", (*_GROUNDS, "hover", "accent-soft"), _TEXT),
    ("accent-strong", (*_GROUNDS, "accent-soft"), _TEXT),
    ("on-accent", ("accent", "accent-strong"), _TEXT),
    ("wait", (*_GROUNDS, "hover", "wait-soft", "accent-soft"), _TEXT),
    ("on-wait", ("wait-solid",), _TEXT),
    ("danger", (*_GROUNDS, "hover", "danger-soft"), _TEXT),
    ("on-danger", ("danger",), _TEXT),
    ("add", ("surface", "sunken", "raised", "add-soft"), _TEXT),
    ("del", ("surface", "sunken", "raised", "del-soft"), _TEXT),
    *[(f"syn-{name}", _CODE, _TEXT) for name in ("key", "str", "fn", "com")],
    *[(name, ("term-bg",), _TEXT) for name in ("text", "text-3", "accent", "add", "del", "term-yellow")],
    ("wait-mark", (*_GROUNDS, "hover", "accent-soft"), _PART),
    ("line-strong", ("bg", "surface", "raised"), _PART),
    *[(f"plot-{number}", ("surface", "raised"), _PART) for number in (1, 2, 3, 4)],
]


def colours(theme: str) -> dict[str, str]:
    """Answer the colours of a theme by name."""
    css = (UI / "src" / "styles" / "tokens.css").read_text()
    block = re.search(rf'\[data-theme="{theme}"\]\s*\{{(.*?)\n\}}', css, re.S)
    assert block is not None
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9A-Fa-f]{6});", block[1]))


def luminance(colour: str) -> float:
    """Answer the relative luminance of WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one: str, other: str) -> float:
    """Answer the contrast ratio of WCAG 2.2."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_ratio_is_that_of_the_standard() -> None:
    assert round(ratio("#000000", "#FFFFFF"), 2) == 21
    assert round(ratio("#767676", "#FFFFFF"), 2) == 4.54


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_can_be_told_from_its_grounds(theme: str) -> None:
    known = colours(theme)
    low = {
        f"{name} on {ground}": round(ratio(known[name], known[ground]), 2)
        for name, grounds, least in PAIRS
        for ground in grounds
        if ratio(known[name], known[ground]) < least
    }
    assert low == {}


def test_both_themes_have_the_same_colours() -> None:
    assert colours("light").keys() == colours("dark").keys()


def test_amber_is_named_nowhere_but_where_a_session_waits() -> None:
    """Only files about waiting use the amber tokens (principle 1): a new one has to be thought about."""
    users = {
        path.relative_to(UI / "src").as_posix()
        for path in (UI / "src").rglob("*.css")
        if re.search(r"var\(--(on-)?wait", path.read_text())
    }
    allowed = (
        "ui/",
        "cards/",
        "composer/",
        "conversation/",
        "pages/home/",
        "pages/session/",
        "sidebar/",
        "styles/base.css",
    )
    assert [name for name in sorted(users) if not name.startswith(allowed)] == []


def test_text_grows_in_steps() -> None:
    css = (UI / "src" / "styles" / "tokens.css").read_text()
    root = css[: css.index("/* space")]
    sizes = [
        float(size) for size in re.findall(r"--t-(?:micro|meta|ui|body|title|page|figure): calc\(([\d.]+)px", root)
    ]
    assert len(sizes) == 7
    assert all(small < large for small, large in pairwise(sizes))
