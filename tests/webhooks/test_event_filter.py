"""Prove the event filter against the words of the contract, for every JSON body."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.webhooks.event_filter import event_type, fires

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["push", "pull_request", "webhook", "", "Push", "1", "true", "None"])
FILTERS = st.none() | st.lists(NAMES, max_size=4)
BODIES = st.dictionaries(st.sampled_from(["type", "Type", "repo"]), JSON | NAMES, max_size=3)


@patient
@given(BODIES, FILTERS)
def test_a_body_fires_exactly_when_the_contract_says_so(
    body: dict[str, object], event_filter: list[str] | None
) -> None:
    kind = body["type"] if body.get("type") is not None else "webhook"
    # In JavaScript's `includes` a value of another kind equals no string.
    expected = (
        event_filter is None or event_filter == [] or any(type(kind) is str and kind == one for one in event_filter)
    )
    assert fires(event_filter, event_type(body)) == expected


@patient
@given(BODIES, NAMES)
def test_githubs_header_stands_in_for_a_missing_type_only(body: dict[str, object], event: str) -> None:
    kind = body.get("type")
    if kind is None:
        assert event_type(body, event) == (event or "webhook")
    else:
        assert event_type(body, event) == event_type(body)


@patient
@given(JSON.filter(lambda value: value is not None and not isinstance(value, str)), st.lists(NAMES, min_size=1))
def test_a_type_that_is_no_text_is_in_no_filter(kind: object, event_filter: list[str]) -> None:
    assert not fires(event_filter, event_type({"type": kind}))
    assert fires([], event_type({"type": kind}))
