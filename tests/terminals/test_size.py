"""What clients say of a terminal's size."""

from __future__ import annotations

import math

import pytest

from relay.terminals.size import clamped, measured
from relay.terminals.terminal import Size


@pytest.mark.parametrize(
    ("value", "read"),
    [(1, 1), (120, 120), (1000, 1000), (1001, 1000), (10**30, 1000), (0, 1), (-3, 1), (99.7, 99), (0.2, 1)],
)
def test_a_number_is_clamped_to_1_to_1000(value: float, read: int) -> None:
    assert clamped(value, 80) == read


@pytest.mark.parametrize("value", [None, "120", True, [], {}])
def test_what_is_no_number_counts_as_the_default(value: object) -> None:
    assert clamped(value, 80) == 80


@pytest.mark.parametrize("value", [None, "9", False, True, 0, -1, [9], math.nan])
def test_a_resize_that_is_no_positive_number_changes_nothing(value: object) -> None:
    assert measured({"cols": value, "rows": 40}, Size(80, 24)) == Size(80, 40)
    assert measured({"cols": 40, "rows": value}, Size(80, 24)) == Size(40, 24)
    assert measured({}, Size(80, 24)) == Size(80, 24)
