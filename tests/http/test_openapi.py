"""The document of a table: what each row turns into, and what may not be forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired, TypedDict, cast

import pytest

from relay.http.errors import RUNNER_NOT_FOUND, ErrorSpec
from relay.http.identity import Scope
from relay.http.openapi import document
from relay.http.routes import Auth, Body, Call, Json, Route
from relay.http.shapes import HTML, REFUSAL, Ok, Shape


class Query(TypedDict, total=False):
    """Turn pages."""

    limit: str


class Wish(TypedDict):
    """Ask for something."""

    name: str
    size: NotRequired[float]


async def _handle(call: Call) -> Json:
    return {}


def _row(method: str = "GET", path: str = "/api/things", **more: object) -> Route:
    return Route(method, path, _handle, "Do it", **{"shape": Shape(Ok), **more})  # type: ignore[arg-type]  # as named


def _operation(row: Route) -> Mapping[str, object]:
    paths = cast("Mapping[str, Mapping[str, Mapping[str, object]]]", document([row], "1")["paths"])
    [methods] = paths.values()
    [operation] = methods.values()
    return operation


def _statuses(row: Route) -> dict[str, object]:
    answers = cast("Mapping[str, Mapping[str, object]]", _operation(row)["responses"])
    return {status: answer["description"] for status, answer in answers.items()}


def test_a_row_without_a_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="a route without a shape: GET /api/things"):
        document([_row(shape=None)], "1")


def test_a_row_that_is_not_described_is_listed_with_the_reason() -> None:
    made = document([_row("*", "/api/other/{rest:tail}", shape=REFUSAL)], "1")
    assert made["paths"] == {}
    assert made["x-outside"] == [
        {
            "method": "*",
            "path": "/api/other/{rest}",
            "summary": "Do it",
            "reason": "it only refuses what no client means to send",
        }
    ]


def test_a_row_for_every_method_is_described_as_get_and_says_so() -> None:
    made = document([_row("*", "/health", auth=Auth.NONE)], "1")
    paths = cast("Mapping[str, Mapping[str, Mapping[str, object]]]", made["paths"])
    assert list(paths["/health"]) == ["get"]
    assert paths["/health"]["get"]["description"] == "Every method is answered alike."


def test_parameters_come_from_path_and_query_type() -> None:
    row = _row("PUT", "/api/things/{id}/{target:path}", shape=Shape(Ok, query=Query))
    assert _operation(row)["parameters"] == [
        {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}},
        {"name": "target", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}},
        {"name": "limit", "in": "query", "required": False, "schema": {"type": "string"}},
    ]


@pytest.mark.parametrize(
    ("auth", "schemes"),
    [(Auth.NONE, []), (Auth.KEY, ["apiKey", "bearer"]), (Auth.SESSION, ["cookie", "apiKey", "bearer"])],
)
def test_who_may_call_comes_from_the_row(auth: Auth, schemes: list[str]) -> None:
    assert _operation(_row(auth=auth))["security"] == [{name: []} for name in schemes]
    assert ("401" in _statuses(_row(auth=auth))) is bool(schemes)


def test_callers_that_the_handler_authorises_may_come_without_credentials_too() -> None:
    security = _operation(_row(auth=Auth.NONE, shape=Shape(Ok, any_auth=True)))["security"]
    assert security == [{}, {"cookie": []}, {"apiKey": []}, {"bearer": []}]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (Body.LENIENT, "A JSON object; anything else, no body included, counts as {}."),
        (Body.STRICT, "A JSON object; anything else is 400."),
    ],
)
def test_what_happens_to_a_body_of_another_kind_is_said(body: Body, words: str) -> None:
    row = _row("POST", body=body, shape=Shape(Ok, Wish))
    request = cast("Mapping[str, object]", _operation(row)["requestBody"])
    assert str(request["description"]).startswith(words)
    assert "optional fields of another type" in str(request["description"])
    assert ("Invalid JSON body" in str(_statuses(row)["400"])) is (body is Body.STRICT)


def test_errors_are_those_of_the_row_and_those_of_every_row() -> None:
    mine = ErrorSpec(409, "It is taken")
    found = _statuses(_row("POST", "/api/things/{id}", body=Body.STRICT, errors=(RUNNER_NOT_FOUND, mine), limit=10))
    assert found["404"] == "Runner not found"
    assert found["409"] == "It is taken"
    assert found["413"] == "Payload Too Large: body exceeds 10 bytes"
    scope = "This API key may not do that: its scope is {scope}"
    assert found["403"] == f"{scope}; Cross-origin request rejected"
    assert "malformed percent-escape" in str(found["400"])
    assert {"400", "401", "408", "415", "417", "500", "503"} < set(found)


def test_an_error_whose_text_somebody_else_writes_says_so() -> None:
    found = _statuses(_row(errors=(ErrorSpec(502, "{reason}"), ErrorSpec(409, "It is {what}"))))
    assert (found["502"], found["409"]) == ("The text says what went wrong", "It is {what}")


def test_a_get_is_not_said_to_refuse_what_only_writes_do() -> None:
    statuses = _statuses(_row())
    assert {"413", "408", "415"}.isdisjoint(statuses)
    assert "Cross-origin" not in str(statuses["403"])


def test_only_what_every_key_may_call_is_not_said_to_refuse_scopes() -> None:
    assert "403" not in _statuses(_row(scopes=frozenset(Scope)))
    assert "403" in _statuses(_row(scopes=frozenset({Scope.FULL, Scope.READ})))


def test_a_page_answers_html_and_its_errors_may() -> None:
    row = _row(shape=Shape(str, media=HTML, error_media=HTML), errors=(RUNNER_NOT_FOUND,))
    answers = cast("Mapping[str, Mapping[str, Mapping[str, object]]]", _operation(row)["responses"])
    assert list(answers["200"]["content"]) == [HTML]
    assert list(answers["404"]["content"]) == ["application/json", HTML]


def test_types_are_written_once_and_referred_to() -> None:
    rows = [_row("POST", body=Body.STRICT, shape=Shape(Ok, Wish)), _row("PUT", body=Body.STRICT, shape=Shape(Ok, Wish))]
    components = cast("Mapping[str, Mapping[str, Mapping[str, object]]]", document(rows, "1")["components"])
    assert set(components["schemas"]) == {"Ok", "Wish", "ErrorBody"}
    assert components["schemas"]["Wish"]["required"] == ["name"]
