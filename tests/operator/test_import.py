"""Importing a PizzaPi server's records: what its users hold goes on to work, and every failure is one line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from relay.app import Application
from relay.clock import Clock
from relay.config import Settings
from relay.http.listener import Listener, ListenOptions
from relay.operator.errors import OperatorError
from relay.operator.pizzapi.run import Report, Request, import_pizzapi
from relay.storage import DatabaseInUse, Storage, load_migrations
from tests.operator import pizzapi
from tests.operator.relays import picture, settings_of
from tests.storage import history
from tests.storage.history import tables

KEY = {"x-api-key": pizzapi.KEYS[0]}


@dataclass(frozen=True, slots=True)
class Site:
    """Reach a running relay."""

    url: str
    http: aiohttp.ClientSession

    async def get(self, path: str, headers: dict[str, str] | None = None) -> object:
        """Answer the JSON of a GET that has to work."""
        async with self.http.get(self.url + path, headers=KEY if headers is None else headers) as answer:
            assert answer.status == 200, (path, await answer.text())
            return await answer.json()

    async def signs_in(self, password: str = pizzapi.PASSWORD) -> bool:
        """Tell whether the password is right."""
        body = {"email": pizzapi.EMAIL, "password": password}
        async with self.http.post(f"{self.url}/api/auth/sign-in/email", json=body) as answer:
            return answer.status == 200

    async def bytes_of(self, attachment: str) -> bytes:
        """Download an attachment."""
        async with self.http.get(f"{self.url}/api/attachments/{attachment}", headers=KEY) as answer:
            assert answer.status == 200
            return await answer.read()


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Site]:
    """Serve the relay of these settings."""
    listener = Listener(ListenOptions(host="127.0.0.1", port=0, everywhere=False, tls_cert=None, tls_key=None))
    application = await Application.create(settings, Clock(), port=listener.port, scheme="http")
    await listener.start(application.http.app)
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            yield Site(f"http://127.0.0.1:{listener.port}", http)
    finally:
        await listener.stop(application.close)


@pytest.fixture
def auth_db(tmp_path: Path) -> Path:
    """The database of a PizzaPi server, and its attachments beside it."""
    return pizzapi.create(tmp_path / "pizzapi" / "auth.db")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of a fresh relay that was given the server's secret."""
    return settings_of(tmp_path / "data", BETTER_AUTH_SECRET=pizzapi.SECRET)


async def _imported(settings: Settings, auth_db: Path, *, merge: bool = False, secret: Path | None = None) -> Report:
    request = Request(auth_db, auth_db.parent / "attachments", secret, merge)
    return await import_pizzapi(settings, request, Clock())


async def test_account_22_an_imported_database_keeps_password_key_and_cookie(settings: Settings, auth_db: Path) -> None:
    report = await _imported(settings, auth_db)
    assert report.cookies
    async with serving(settings) as site:
        assert await site.signs_in()
        assert not await site.signs_in("Passwörd1-of-jay")
        me = {"userId": pizzapi.USER, "userName": "Jo"}
        for headers in (*({"x-api-key": key} for key in pizzapi.KEYS), {"Cookie": pizzapi.COOKIE}):
            assert await site.get("/api/me", headers) == me


async def test_users_find_everything_else_in_its_place(settings: Settings, auth_db: Path) -> None:
    await _imported(settings, auth_db)
    async with serving(settings) as site:
        pinned = await site.get("/api/sessions/pinned")
        assert isinstance(pinned, dict)
        (session,) = pinned["pinnedSessions"]
        assert (session["sessionId"], session["sessionName"], session["cwd"]) == (
            pizzapi.PINNED,
            "fixed",
            "/home/jo/project",
        )
        listed = await site.get("/api/sessions?includePersisted=1")
        assert isinstance(listed, dict)
        assert {one["sessionId"] for one in listed["persistedSessions"]} == {pizzapi.PINNED, pizzapi.ENDED}
        assert await site.bytes_of(pizzapi.UPLOAD) == pizzapi.UPLOADED
        assert await site.bytes_of(pizzapi.IMAGE) == pizzapi.DRAWN
        hidden = {"hiddenModels": ["anthropic/old", "openai/older"]}
        assert await site.get("/api/settings/hidden-models") == hidden
        assert await site.get("/api/settings/subagent-model") == {"model": "anthropic/claude-sonnet-4"}
        keys = await site.get("/api/auth/api-key/list", {"Cookie": pizzapi.COOKIE})
        assert isinstance(keys, list)
        assert [(key["name"], key["scope"]) for key in keys] == [
            ("cli", "full"),
            ("runner", "full"),
            ("short", "full"),
        ]


async def test_what_programs_rely_on_goes_on(settings: Settings, auth_db: Path) -> None:
    await _imported(settings, auth_db)
    async with serving(settings) as site:
        webhooks = await site.get("/api/webhooks")
        assert isinstance(webhooks, dict)
        by_name = {one["name"]: one for one in webhooks["webhooks"]}
        assert by_name["deploy"]["id"] == "51a03efd-41cf-4cda-b393-ac5e2c68e406"
        assert by_name["deploy"]["secret"] == "c599a08f3a4a32b146da8c714ba620d2b94aa0e055740c2355c096c21370c843"
        assert by_name["deploy"]["eventFilter"] == ["build"]
        assert by_name["on runner"]["model"] == {"provider": "anthropic", "id": "claude-sonnet-4"}
        push = await site.get("/api/push/subscriptions")
        assert isinstance(push, dict)
        assert [
            (one["endpoint"], one["enabledEvents"], one["suppressChildNotifications"]) for one in push["subscriptions"]
        ] == [
            ("https://push.example.com/send/abc", "agent_needs_input,agent_error", False),
            ("https://push.example.com/send/def", "*", True),
        ]
        subscriptions = await site.get(f"/api/sessions/{pizzapi.PINNED}/trigger-subscriptions")
        assert isinstance(subscriptions, dict)
        (schedule,) = subscriptions["subscriptions"]
        assert (schedule["triggerType"], schedule["runnerId"]) == ("time:cron", "runner-1")
        assert schedule["params"] == {"cron": "0 9 * * 1"}
        assert schedule["filters"] == [
            {"field": "branch", "value": "main", "op": "contains"},
            {"field": "n", "value": [1, 2], "op": "eq"},
        ]
        assert schedule["filterMode"] == "or"
    rows = tables(settings.database_path)
    (listener,) = rows["runner_trigger_listener"]
    assert listener["user_id"] == pizzapi.USER
    assert json.loads(str(listener["listener"])) == {
        "prompt": "review it",
        "cwd": "/home/jo/project",
        "model": {"provider": "anthropic", "id": "claude-sonnet-4"},
        "params": None,
        "autoClose": True,
    }
    assert {row["path"] for row in rows["runner_recent_folder"]} == {"/home/jo/project", "/home/jo/other"}
    assert json.loads(bytes(rows["relay_session_state"][0]["state"]))["sessionName"] == "fixed"  # type: ignore[call-overload]  # a blob


async def test_the_server_s_files_are_left_as_they_are(settings: Settings, auth_db: Path) -> None:
    before = picture(auth_db.parent)
    await _imported(settings, auth_db)
    assert picture(auth_db.parent) == before


async def test_a_second_import_adds_nothing_and_overwrites_nothing(settings: Settings, auth_db: Path) -> None:
    first = (await _imported(settings, auth_db)).imported
    storage = await Storage.open(settings.database_path)
    await storage.write(lambda tx: tx.execute("UPDATE user SET name = 'Renamed here'"))
    await storage.close()
    before = tables(settings.database_path)
    second = (await _imported(settings, auth_db)).imported
    assert dict(second.added) == {}
    assert second.known == first.added
    assert tables(settings.database_path) == before


async def test_a_later_import_brings_what_is_new(settings: Settings, auth_db: Path) -> None:
    await _imported(settings, auth_db)
    pizzapi.change(auth_db, "INSERT INTO user_hidden_model VALUES ('m3', '" + pizzapi.USER + "', 'x/y', '')")
    assert dict((await _imported(settings, auth_db)).imported.added) == {"hidden models": 1}


async def _with_jo(settings: Settings) -> None:
    """Make an account of the same e-mail in our records."""
    history.create(settings.database_path, load_migrations()[-1].number)


async def test_an_account_of_the_same_email_is_refused(settings: Settings, auth_db: Path) -> None:
    await _with_jo(settings)
    before = tables(settings.database_path)
    with pytest.raises(OperatorError, match=r"there is an account jo@example.com already; --merge gives"):
        await _imported(settings, auth_db)
    assert tables(settings.database_path) == before
    assert not (settings.data_dir / "attachments").exists()


async def test_or_on_demand_given_what_the_imported_one_has(settings: Settings, auth_db: Path) -> None:
    await _with_jo(settings)
    await _imported(settings, auth_db, merge=True)
    async with serving(settings) as site:
        # The password of the account that was here counts.
        assert not await site.signs_in()
        assert await site.signs_in(history.PASSWORD)
        for headers in (KEY, {"Cookie": pizzapi.COOKIE}, {"x-api-key": history.KEY}):
            me = await site.get("/api/me", headers)
            assert isinstance(me, dict)
            assert me["userId"] == "user-jo"
        pinned = await site.get("/api/sessions/pinned")
        assert isinstance(pinned, dict)
        assert {one["sessionId"] for one in pinned["pinnedSessions"]} == {pizzapi.PINNED, "session-1"}


def _garbage(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1000)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _scribbled(path: Path) -> None:
    body = bytearray(path.read_bytes())
    for page in range(2, len(body) // 4096):
        body[page * 4096 : page * 4096 + 64] = b"\xa5" * 64
    path.write_bytes(body)


def _ours(path: Path) -> None:
    path.unlink()
    history.create(path, load_migrations()[-1].number)


def _missing(path: Path) -> None:
    path.unlink()


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _without(table: str) -> Callable[[Path], None]:
    return lambda path: pizzapi.change(path, f"DROP TABLE {table}")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_garbage, "is no database, or is damaged: file is not a database"),
        (_empty, "is no PizzaPi database: it has no table 'user'"),
        (_cut, "is no database, or is damaged|is damaged"),
        (_scribbled, "is no database, or is damaged|is damaged"),
        (_ours, "is no PizzaPi database: user has no column 'createdAt'"),
        (_missing, "there is no file"),
        (_directory, "there is no file"),
        (_without("apikey"), "is no PizzaPi database: it has no table 'apikey'"),
    ],
)
async def test_a_file_that_is_no_whole_pizzapi_database_changes_nothing(
    settings: Settings, auth_db: Path, damage: Callable[[Path], None], says: str
) -> None:
    damage(auth_db)
    with pytest.raises(OperatorError, match=says) as refused:
        await _imported(settings, auth_db)
    assert "\n" not in str(refused.value)
    assert not settings.data_dir.exists()


async def test_an_older_server_s_database_has_fewer_tables(settings: Settings, auth_db: Path) -> None:
    for table in ("webhook", "user_preference", "native_push_registration", "extracted_attachment_session"):
        pizzapi.change(auth_db, f"DROP TABLE {table}")
    pizzapi.change(auth_db, "ALTER TABLE relay_session DROP COLUMN sessionName")
    counts = (await _imported(settings, auth_db)).imported
    assert (counts.added["users"], counts.added["sessions"], counts.added["webhooks"]) == (1, 2, 0)


async def test_rows_that_make_no_sense_are_left_out_and_counted(settings: Settings, auth_db: Path) -> None:
    pizzapi.change(
        auth_db,
        "INSERT INTO user VALUES ('nobody', 'No', '', 0, NULL, 'never', 'never')",
        "UPDATE apikey SET userId = 'gone' WHERE name = 'short'",
        "UPDATE push_subscription SET keys = 'not JSON' WHERE enabledEvents = '*'",
        "UPDATE trigger_subscription SET subscriptionJson = '['",
        "UPDATE relay_session_state SET state = x'ff7b'",
        "INSERT INTO native_push_registration VALUES ('n', 'u', 'android', 't', NULL, NULL, '', 1)",
    )
    counts = (await _imported(settings, auth_db)).imported
    assert {what: number for what, number in counts.unusable.items() if number} == {
        "users": 1,
        "keys": 1,
        "push subscriptions": 1,
        "subscriptions": 1,
        "native push registrations": 1,
    }
    async with serving(settings) as site:
        assert await site.signs_in()


async def test_attachments_without_a_file_are_left_out(settings: Settings, auth_db: Path) -> None:
    (auth_db.parent / "attachments" / f"{pizzapi.UPLOAD}-n_C3_B6te.txt").unlink()
    counts = (await _imported(settings, auth_db)).imported
    assert (counts.added["attachments"], counts.unusable["attachments"]) == (1, 1)


async def test_a_path_of_a_row_never_leads_out_of_the_directory(settings: Settings, auth_db: Path) -> None:
    (auth_db.parent / "secret.txt").write_text("not an attachment")
    pizzapi.change(auth_db, "UPDATE attachment SET filePath = '../secret.txt'")
    counts = (await _imported(settings, auth_db)).imported
    assert counts.unusable["attachments"] == 1
    (auth_db.parent / "attachments" / "odd ñame").write_bytes(b"odd")
    pizzapi.change(auth_db, "UPDATE attachment SET filePath = '/x/odd ñame'")
    await _imported(settings, auth_db)
    async with serving(settings) as site:
        assert await site.bytes_of(pizzapi.UPLOAD) == b"odd"


async def test_a_running_relay_is_left_alone(settings: Settings, auth_db: Path) -> None:
    storage = await Storage.open(settings.database_path)
    with pytest.raises(DatabaseInUse):
        await _imported(settings, auth_db)
    await storage.close()


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("better-auth-secret", pizzapi.SECRET + "\n", False),
        ("given", pizzapi.SECRET, True),
        ("config.json", json.dumps({"betterAuthSecret": pizzapi.SECRET, "vapid": {"privateKey": "k" * 43}}), True),
    ],
)
async def test_the_secret_is_found_and_kept(tmp_path: Path, auth_db: Path, name: str, text: str, named: bool) -> None:
    file = auth_db.parent / name
    file.write_text(text)
    settings = settings_of(tmp_path / "data")
    report = await _imported(settings, auth_db, secret=file if named else None)
    assert report.cookies
    assert report.push == (name == "config.json")
    async with serving(settings) as site:
        assert await site.get("/api/me", {"Cookie": pizzapi.COOKIE}) == {"userId": pizzapi.USER, "userName": "Jo"}


async def test_without_the_secret_it_says_that_browsers_sign_in_again(tmp_path: Path, auth_db: Path) -> None:
    report = await _imported(settings_of(tmp_path / "data"), auth_db)
    assert (report.cookies, report.push) == (False, False)


async def test_a_secret_of_our_own_stays(settings: Settings, auth_db: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secrets.json").write_text('{"auth":"ours"}')
    file = auth_db.parent / "better-auth-secret"
    file.write_text(pizzapi.SECRET)
    report = await _imported(settings_of(tmp_path / "data"), auth_db)
    assert not report.cookies
    assert json.loads((tmp_path / "data" / "secrets.json").read_text()) == {"auth": "ours"}
