"""JavaScript's comparison and conversions, against what a JavaScript engine answered (rest-runners.md 3.5, 3.8)."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.triggers.loose import loosely_equal, to_number, to_text
from tests.triggers.javascript import EQUAL, NUMBER, TEXT, VALUES

numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers()
scalars = st.none() | st.booleans() | numbers | st.text(max_size=5)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2)
)


@pytest.mark.parametrize("left", range(len(VALUES)))
def test_equality_is_that_of_the_reference_table(left: int) -> None:
    answers = "".join("1" if loosely_equal(VALUES[left], other) else "0" for other in VALUES)
    assert answers == EQUAL[left]


def test_numbers_are_those_of_the_reference_table() -> None:
    assert [repr(to_number(value)) for value in VALUES] == list(NUMBER)


def test_texts_are_those_of_the_reference_table() -> None:
    assert [to_text(value) for value in VALUES] == list(TEXT)


def test_runners_10_numeric_text_equals_its_number_and_the_word_true_equals_no_boolean() -> None:
    assert loosely_equal("5", 5)
    assert loosely_equal("1", True)
    assert loosely_equal("", 0)
    assert not loosely_equal("true", True)
    assert not loosely_equal(None, 0)
    assert not loosely_equal(None, False)
    assert loosely_equal(None, None)


@given(values, values)
def test_equality_is_symmetrical(left: object, right: object) -> None:
    assert loosely_equal(left, right) == loosely_equal(right, left)
    assert loosely_equal(left, right, case_sensitive=False) == loosely_equal(right, left, case_sensitive=False)


@given(st.text(max_size=8), st.text(max_size=8))
def test_texts_are_equal_in_any_case_only_when_case_does_not_count(left: str, right: str) -> None:
    assert loosely_equal(left, right) == (left == right)
    assert loosely_equal(left, right, case_sensitive=False) == (left.lower() == right.lower())


@given(numbers)
def test_the_text_of_a_number_reads_back_as_the_number(number: float) -> None:
    as_double = _double(number)
    assert to_number(to_text(number)) == as_double
    assert loosely_equal(to_text(number), number)
    if math.isfinite(as_double) and 1e-6 <= abs(as_double) < 1e21:
        assert "e" not in to_text(number)


@given(values)
def test_an_array_of_one_compares_as_its_element_does_with_texts(value: object) -> None:
    assert to_text([value]) == ("" if value is None else to_text(value))


def test_an_array_a_thousand_deep_is_read_without_recursion() -> None:
    nested: object = 5
    for _ in range(900):
        nested = [nested]
    assert json.loads(json.dumps(nested)) == nested
    assert to_text(nested) == "5"
    assert loosely_equal(nested, "5")


def test_integers_beyond_every_double_are_infinite() -> None:
    assert to_number(10**400) == math.inf
    assert to_text(-(10**400)) == "-Infinity"
    assert to_number("0x" + "f" * 300) == math.inf


def _double(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
