"""Filters against a model that only knows the reference table (rest-runners.md 3.6, 3.7, 14.5)."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.triggers.filters import matches, param_filters, passes
from relay.triggers.records import Filter
from tests.triggers.javascript import EQUAL, VALUES

Op = Literal["eq", "contains"]
indexes = st.integers(0, len(VALUES) - 1)
words = st.sampled_from(["", "a", "ab", "B", "aB", "5", "xaby"])


def one(value: object, op: Op = "eq", *, field: str = "f", case: bool = True) -> Filter:
    return Filter(field, value, op, case)


@given(indexes | st.lists(indexes, max_size=3), indexes | st.lists(indexes, max_size=3))
def test_eq_holds_when_any_pair_of_elements_is_equal_by_the_table(
    actual: int | list[int], expected: int | list[int]
) -> None:
    def elements(side: int | list[int]) -> list[object]:
        if isinstance(side, list):
            return [VALUES[index] for index in side]
        value = VALUES[side]
        return value if isinstance(value, list) else [value]

    def equal(left: object, right: object) -> bool:
        # A value that is an element of an array of the table is in the table itself.
        return EQUAL[_place(left)][_place(right)] == "1"

    def given_value(side: int | list[int]) -> object:
        return [VALUES[index] for index in side] if isinstance(side, list) else VALUES[side]

    wanted = any(equal(left, right) for left in elements(actual) for right in elements(expected))
    assert matches(one(given_value(expected)), {"f": given_value(actual)}) == wanted


@given(words | st.lists(words | st.integers(), max_size=3), words | st.lists(words | st.integers(), max_size=3))
def test_contains_looks_for_any_wanted_text_in_any_text(actual: object, expected: object) -> None:
    def texts(value: object) -> list[str]:
        return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]

    for case in (True, False):

        def fold(text: str, case: bool = case) -> str:
            return text if case else text.lower()

        wanted = any(fold(part) in fold(text) for part in texts(expected) for text in texts(actual))
        assert matches(one(expected, "contains", case=case), {"f": actual}) == wanted


@pytest.mark.parametrize(
    ("expected", "actual"), [(5, "15"), (True, "true"), ("5", 15), ("a", None), ("a", {"a": "a"}), ("1", 1.5)]
)
def test_contains_matches_texts_alone(expected: object, actual: object) -> None:
    assert not matches(one(expected, "contains"), {"f": actual})


@given(st.lists(st.booleans(), max_size=4), st.sampled_from(["and", "or"]))
def test_a_list_of_filters_is_any_or_all_and_an_empty_one_matches(
    results: list[bool], mode: Literal["and", "or"]
) -> None:
    filters = [one(1, field=f"f{int(result)}") for result in results]
    wanted = not results or (any(results) if mode == "or" else all(results))
    assert passes(filters, mode, {"f0": 0, "f1": 1}) == wanted


def test_a_field_is_found_by_its_name_first_and_then_by_its_dot_path() -> None:
    payload = {"a.b": 1, "a": {"b": 2, "c": {"d": 3}, "": 4}}
    assert matches(one(1, field="a.b"), payload)
    assert matches(one(3, field="a.c.d"), payload)
    assert matches(one(4, field="a."), payload)
    for missing in ("a.x", "a.b.c", "a.c.d.e", "b", "", "."):
        assert not matches(one(3, field=missing), payload)
        assert matches(one(None, field=missing), payload)


def test_case_counts_only_when_the_filter_says_so() -> None:
    assert matches(one("MAIN", case=False), {"f": "main"})
    assert not matches(one("MAIN"), {"f": "main"})
    assert matches(one(["x", "MAIN"], case=False), {"f": ["main", "dev"]})


def test_params_of_a_listener_ask_for_all_of_them_and_a_suffix_asks_for_a_part() -> None:
    filters = param_filters({"branch": "main", "titleContains": "FIX", "contains": "x"})
    assert filters == (
        Filter("branch", "main", "eq", True),
        Filter("title", "FIX", "contains", False),
        Filter("contains", "x", "eq", True),
    )
    assert passes(filters, "and", {"branch": "main", "title": "a fix", "contains": "x"})
    assert not passes(filters, "and", {"branch": "main", "title": "a fix"})
    assert not passes(filters, "and", {"branch": "Main", "title": "a fix", "contains": "x"})


def _place(value: object) -> int:
    return next(place for place, known in enumerate(VALUES) if known is value or _same(known, value))


def _same(left: object, right: object) -> bool:
    return type(left) is type(right) and left == right
