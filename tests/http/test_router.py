"""The router: which row answers which raw path."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from relay.http.errors import ApiError
from relay.http.router import Router, decode, target_path
from relay.http.routes import Call, Json, Route


async def _answer(call: Call) -> Json:
    return None


def _route(method: str, path: str, host: str | None = None) -> Route:
    def accepts(request: web.Request) -> bool:
        return request.headers.get("Host", "") == host

    return Route(method, path, _answer, path, host=accepts if host is not None else None)


ROUTES = [
    _route("GET", "/"),
    _route("GET", "/api/runners"),
    _route("POST", "/api/runners/spawn"),
    _route("GET", "/api/runners/{runnerId}"),
    _route("GET", "/api/runners/{id}/models"),
    _route("DELETE", "/api/runners/{runnerId}/recent-folders"),
    _route("PUT", "/api/sessions/{sessionId}/pin"),
    _route("*", "/api/sessions/{sessionId}/pin"),
    _route("GET", "/api/sessions/pinned"),
    _route("DELETE", "/api/subscriptions/{target:path}"),
    _route("*", "/api/tunnel/{sessionId}/{port}/{rest:tail}"),
    _route("*", "/socket.io/"),
    _route("*", "/{rest:tail}", host="x.t.localhost"),
]


def _find(method: str, path: str, host: str = "localhost") -> tuple[str, str, dict[str, str]] | None:
    request = make_mocked_request(method, path, headers={"Host": host})
    found = Router(ROUTES).find(request, target_path(request))
    return None if found is None else (found.route.method, found.route.path, found.raw)


def test_a_literal_path_is_found_whatever_its_query() -> None:
    assert _find("GET", "/api/runners?a=/b#c") == ("GET", "/api/runners", {})
    assert _find("GET", "/") == ("GET", "/", {})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/runners"),
        ("GET", "/api/runners/"),
        ("GET", "/api/runners//models"),
        ("GET", "/API/runners"),
        ("GET", "/%61pi/runners"),
        ("GET", "/api/sessions"),
        ("GET", "//api/runners"),
        ("GET", "/socket.io"),
        ("DELETE", "/api/subscriptions/"),
        ("GET", "/api/tunnel/s/3000"),
    ],
)
def test_what_no_row_names_is_not_found(method: str, path: str) -> None:
    assert _find(method, path) is None


def test_a_parameter_takes_one_segment_and_keeps_its_escapes() -> None:
    assert _find("GET", "/api/runners/a%2Fb/models") == ("GET", "/api/runners/{id}/models", {"id": "a%2Fb"})


def test_rows_of_one_shape_may_name_their_parameters_differently() -> None:
    assert _find("GET", "/api/runners/x") == ("GET", "/api/runners/{runnerId}", {"runnerId": "x"})


def test_a_literal_of_another_method_leaves_the_parameter_its_chance() -> None:
    assert _find("POST", "/api/runners/spawn") == ("POST", "/api/runners/spawn", {})
    assert _find("GET", "/api/runners/spawn") == ("GET", "/api/runners/{runnerId}", {"runnerId": "spawn"})


def test_a_row_for_the_method_wins_over_one_for_every_method() -> None:
    assert _find("PUT", "/api/sessions/s/pin") == ("PUT", "/api/sessions/{sessionId}/pin", {"sessionId": "s"})
    assert _find("PATCH", "/api/sessions/s/pin") == ("*", "/api/sessions/{sessionId}/pin", {"sessionId": "s"})


def test_the_rest_of_a_path_may_hold_slashes_and_only_a_tail_may_be_empty() -> None:
    assert _find("DELETE", "/api/subscriptions/a/b%2Fc/") == (
        "DELETE",
        "/api/subscriptions/{target:path}",
        {"target": "a/b%2Fc/"},
    )
    row = "/api/tunnel/{sessionId}/{port}/{rest:tail}"
    assert _find("GET", "/api/tunnel/s/80/") == ("*", row, {"sessionId": "s", "port": "80", "rest": ""})
    assert _find("GET", "/api/tunnel/s/80//x/y?q") == ("*", row, {"sessionId": "s", "port": "80", "rest": "/x/y"})


def test_rows_of_a_host_come_first_and_only_for_their_host() -> None:
    assert _find("GET", "/api/runners", "x.t.localhost") == ("*", "/{rest:tail}", {"rest": "api/runners"})
    assert _find("GET", "/api/runners", "y.t.localhost") == ("GET", "/api/runners", {})


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("/api/x/../runners", "/api/runners"),
        ("/api/x/%2e%2E/runners", "/api/runners"),
        ("/api/./runners", "/api/runners"),
        ("/api/%2e/runners", "/api/runners"),
        ("/../../etc/passwd", "/etc/passwd"),
        ("/api/runners/..", "/api/"),
        ("/api/runners/.", "/api/runners/"),
        ("/.%2e/x", "/x"),
        ("/...", "/..."),
        ("/.hidden", "/.hidden"),
        ("//host/x", "//host/x"),
        ("http://host:80/api/runners?x", "/api/runners"),
        ("http://host", "http://host"),
        ("*", "*"),
    ],
)
def test_dot_segments_are_resolved_before_matching(path: str, clean: str) -> None:
    assert target_path(_with_target(path)) == clean


def _with_target(target: str) -> web.Request:
    # The mocked request is parsed from a URL of its own; the raw target is what a client really sent.
    request = make_mocked_request("GET", "/")
    request._message = request._message._replace(path=target)
    return request


@given(st.text(alphabet="/.%2eEab", max_size=30))
def test_no_dot_segment_is_left_in_a_path(text: str) -> None:
    cleaned = target_path(_with_target("/" + text))
    for segment in cleaned.split("/"):
        assert segment.lower().replace("%2e", ".") not in {".", ".."}
    assert cleaned.startswith("/")


@given(st.text())
def test_decoding_undoes_what_clients_encode(text: str) -> None:
    assert decode(quote(text, safe="")) == text


def test_decoding_happens_once() -> None:
    assert decode("time%253Acron") == "time%3Acron"
    assert decode("a+b") == "a+b"


@pytest.mark.parametrize("raw", ["%", "%4", "%zz", "a%2", "%ff", "%c3", "%C0%80", "%ed%a0%80", "\udcff"])
def test_a_broken_escape_is_a_400(raw: str) -> None:
    with pytest.raises(ApiError) as caught:
        decode(raw)
    assert caught.value.status == 400


def test_raw_utf8_bytes_in_a_path_are_read_as_utf8() -> None:
    assert decode("\udcc3\udca4") == "ä"


@pytest.mark.parametrize("path", ["api", "/a{x}", "/{x:path}/y", "/{x", "/{1x}", "/{x:rest}"])
def test_a_path_that_cannot_be_read_is_refused_at_the_start(path: str) -> None:
    with pytest.raises(ValueError, match=r"route|parameter"):
        Router([_route("GET", path)])


def test_two_rows_for_one_place_are_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match=r"two routes for GET /a/\{y\}"):
        Router([_route("GET", "/a/{x}"), _route("GET", "/a/{y}")])
