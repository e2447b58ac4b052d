"""Hidden models are left out by their trimmed key (rest-runners.md 3.3)."""

from __future__ import annotations

import pytest

from relay.runners.models import model_key, visible_models

OPUS = {"provider": "anthropic", "id": "opus", "contextWindow": 200_000}
NESTED = {"provider": "openrouter", "id": "meta/llama/3"}


@pytest.mark.parametrize(
    ("hidden", "left"),
    [
        ([], [OPUS, NESTED]),
        (["anthropic/opus"], [NESTED]),
        ([" anthropic / opus "], [NESTED]),
        (["Anthropic/opus"], [OPUS, NESTED]),
        (["openrouter/meta/llama/3"], [OPUS]),
        (["openrouter/ meta /llama/3"], [OPUS]),
        (["anthropic"], [OPUS, NESTED]),
    ],
)
def test_hidden_models_are_left_out(hidden: list[str], left: list[object]) -> None:
    assert visible_models([OPUS, NESTED], hidden) == left


def test_a_model_with_spaces_around_its_parts_is_the_same_model() -> None:
    assert visible_models([{"provider": " anthropic ", "id": "opus "}], ["anthropic/opus"]) == []


def test_a_model_without_provider_or_id_is_never_hidden() -> None:
    odd = [{"provider": "", "id": "x"}, {"id": "x"}, {"provider": "p", "id": 5}]
    assert visible_models(odd, ["/x", "p/5"]) == odd


def test_what_is_no_list_of_objects_is_empty() -> None:
    assert visible_models({"a": 1}, []) == []
    assert visible_models(["x", None, OPUS], []) == [OPUS]


def test_a_key_needs_both_parts() -> None:
    assert model_key("a", " b/c ") == "a/b/c"
    assert model_key(" ", "b") is None
    assert model_key("a", "") is None


def test_a_model_that_nests_too_deeply_is_left_out_since_the_list_never_fails() -> None:
    deep: dict[str, object] = {}
    for _ in range(900):
        deep = {"inner": deep}
    models = [OPUS, {"provider": "p", "id": "deep", "more": deep}, "none"]
    assert visible_models(models, []) == [OPUS]
