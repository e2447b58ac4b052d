"""Run an import from the files of a PizzaPi server into the data directory of a relay that does not run."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from relay.app_settings import secrets_file
from relay.clock import Clock
from relay.config import Settings
from relay.operator.pizzapi import secrets
from relay.operator.pizzapi.files import Files
from relay.operator.pizzapi.importing import Import, Imported
from relay.operator.pizzapi.store import Source
from relay.operator.restore import check_finished
from relay.storage import Storage


@dataclass(frozen=True, slots=True)
class Request:
    """Say what to import.

    `attachments` is the server's directory of files, None for where the rows say that they are; `secret_file` is where
    its secrets are, None for the settings or a file beside the database; `merge` as for `Import`.
    """

    auth_db: Path
    attachments: Path | None = None
    secret_file: Path | None = None
    merge: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """Say what was imported, and whether browsers stay signed in and push subscriptions stay valid.

    Both are False where the server's secret is not known or another one is in use here.
    """

    imported: Imported
    cookies: bool
    push: bool


async def import_pizzapi(settings: Settings, request: Request, clock: Clock) -> Report:
    """Import; raises OperatorError, StorageError (also when a relay runs) and SecretsError."""
    await asyncio.to_thread(check_finished, settings.data_dir)
    source = await asyncio.to_thread(Source, request.auth_db)
    try:
        wanted = await asyncio.to_thread(secrets.find, settings, request.auth_db, request.secret_file)
        files = Files(request.attachments, settings.attachments_dir)
        storage = await Storage.open(settings.database_path)
        try:
            work = Import(
                source,
                files,
                now_ms=clock.now_ms(),
                retention=settings.history.retention,
                merge=request.merge,
            )
            imported = await work.run(storage)
            kept = await asyncio.to_thread(secrets.keep, secrets_file(settings), wanted)
        finally:
            await storage.close()
    finally:
        source.close()
    return Report(
        imported,
        cookies=bool(wanted.auth) and (settings.auth.secret or kept.auth) == wanted.auth,
        push=bool(wanted.vapid) and (settings.push.vapid_private_key or kept.vapid) == wanted.vapid,
    )
