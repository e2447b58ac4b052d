"""`relay import-pizzapi` as a process."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.relay_process import relay, running
from tests.operator import pizzapi

DATA = ("--data-dir", "data")
SOURCE = ("--auth-db", "pizzapi/auth.db", "--attachments", "pizzapi/attachments")


async def test_it_says_what_it_imported_and_what_is_left_to_do(tmp_path: Path) -> None:
    pizzapi.create(tmp_path / "pizzapi" / "auth.db")
    done = await relay(tmp_path, "import-pizzapi", *SOURCE, *DATA)
    assert (done.code, done.err) == (0, "")
    first, cookies, push = done.out.splitlines()
    assert first.startswith("imported 1 users, 1 passwords, 2 cookies, 3 keys, 2 sessions, ")
    assert cookies.startswith("browsers have to sign in again: ")
    assert push.startswith("browsers have to subscribe to notifications again: ")
    again = await relay(tmp_path, "import-pizzapi", *SOURCE, "--json", *DATA)
    told = json.loads(again.out)
    assert (told["added"], told["known"]["keys"], told["unusable"]) == ({}, 3, {})


async def test_mistakes_are_one_line(tmp_path: Path) -> None:
    pizzapi.create(tmp_path / "pizzapi" / "auth.db")
    missing = await relay(tmp_path, "import-pizzapi", "--auth-db", "none.db", *DATA)
    assert (missing.code, missing.out, missing.err) == (1, "", "relay: there is no file none.db\n")
    async with running(tmp_path, "--port", "0", *DATA) as process:
        busy = await relay(tmp_path, "import-pizzapi", *SOURCE, *DATA)
        assert (busy.code, busy.out) == (1, "")
        assert busy.err.startswith("relay: another relay is using ")
        assert busy.err.count("\n") == 1
        await process.stop()
