"""What a caller wants of a new session, read and written (rest-runners.md 3.2, 4.3, 5.2, 14.4)."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.http.errors import ApiError
from relay.runners.names import valid_name
from relay.sessions.spawn_order import EFFORTS, Model, SpawnOrder, find_model, read_model, read_order

_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def test_everything_goes_to_the_runner_under_its_name() -> None:
    order = read_order(
        {
            "cwd": "/w",
            "prompt": " do it ",
            "imageUrls": ["a", 5, *"bcdefghij"],
            "agent": {"name": " coder ", "systemPrompt": "be", "tools": ["x"], "disallowedTools": "y"},
            "parentSessionId": "p",
            "resumeId": "old",
            "autoClose": True,
            "effort": "xhigh",
            "idempotencyKey": "k",
        }
    )
    assert order.payload("s1") == {
        "sessionId": "s1",
        "cwd": "/w",
        "prompt": " do it ",
        "imageUrls": list("abcdefgh"),
        "agent": {"name": "coder", "systemPrompt": "be", "disallowedTools": "y"},
        "parentSessionId": "p",
        "resumeId": "old",
        "autoClose": True,
        "effort": "xhigh",
    }


def test_what_is_not_wanted_is_absent() -> None:
    assert read_order({}).payload("s1") == {"sessionId": "s1"}
    assert read_order({"prompt": "", "agent": {"name": " "}, "autoClose": 1}).payload("s1") == {"sessionId": "s1"}


def test_a_resume_path_wins_over_a_resume_id() -> None:
    assert read_order({"resumePath": "/t.jsonl", "resumeId": "old"}).payload("s") == {
        "sessionId": "s",
        "resumePath": "/t.jsonl",
    }


def test_models_and_hidden_models_are_carried() -> None:
    order = SpawnOrder(model=Model("p", "m"), hidden_models=("p/x",))
    assert order.payload("s") == {"sessionId": "s", "model": {"provider": "p", "id": "m"}, "hiddenModels": ["p/x"]}


@pytest.mark.parametrize("effort", sorted(EFFORTS))
def test_every_effort_of_the_contract_is_taken(effort: str) -> None:
    assert read_order({"effort": effort}).effort == effort


@pytest.mark.parametrize("effort", ["", "High", "huge", 3, ["high"], True])
def test_another_effort_is_refused(effort: object) -> None:
    with pytest.raises(ApiError) as caught:
        read_order({"effort": effort})
    assert caught.value.status == 400


@pytest.mark.parametrize("name", ["..", "a..b", ".a", "a.", "a/b", "a b", "a\n", "x" * 65])
def test_an_invalid_agent_name_is_refused(name: str) -> None:
    with pytest.raises(ApiError, match="Invalid agent name"):
        read_order({"agent": {"name": f"a/{name}" if name.strip() != name else name}})


def test_models_are_read_in_both_forms() -> None:
    assert read_model({"provider": " p ", "id": " m "}) == Model("p", "m")
    assert read_model("p/a/b") == Model("p", "a/b")
    assert read_model(" bare ") == "bare"
    nothings: list[object] = [None, "", " ", "/m", "p/", 5, [], {"provider": "p"}, {"provider": " ", "id": "m"}]
    for nothing in nothings:
        assert read_model(nothing) is None


def test_a_bare_id_is_the_first_providers() -> None:
    named = [{"provider": provider, "id": name} for provider, name in (("a", "n"), ("b", "m"), ("c", "m"))]
    models: list[object] = [5, {"id": "m"}, *named]
    assert find_model(models, "m") == Model("b", "m")
    assert find_model(models, "M") is None
    assert find_model(None, "m") is None


@given(st.dictionaries(st.sampled_from(["cwd", "prompt", "imageUrls", "agent", "effort", "autoClose", "model"]), _JSON))
def test_no_body_breaks_the_reader(body: dict[str, object]) -> None:
    read_model(body.get("model"))
    try:
        payload = read_order(body).payload("s")
    except ApiError as refusal:
        payload = {"sessionId": "s", "refused": refusal.status}
    assert payload["sessionId"] == "s"
    assert payload.get("refused", 400) == 400
    assert None not in payload.values()


@given(st.text(alphabet=string.ascii_letters + "._-/ \n", max_size=70))
def test_valid_names_are_safe_path_segments(name: str) -> None:
    if valid_name(name):
        assert 1 <= len(name) <= 64
        assert "/" not in name
        assert ".." not in name
        assert not name.startswith(".")
        assert not name.endswith((".", "\n"))
