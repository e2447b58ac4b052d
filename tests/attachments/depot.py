"""A relay of which tests see the attachment directory and table, and how they read its answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from relay.config import AttachmentSettings
from tests.attachments.forms import Answer
from tests.sessions.stage import Stage, until


class Depot(Stage):
    """A relay with attachment settings of the test's own."""

    def configure(self, **attachments: object) -> None:
        self._settings = replace(self._settings, attachments=AttachmentSettings(**attachments))  # type: ignore[arg-type]  # the test names the fields

    @property
    def files(self) -> list[Path]:
        """Answer everything in the attachment directory."""
        directory = self.app.attachments.files.directory
        return sorted(directory.iterdir()) if directory.exists() else []

    async def rows(self) -> int:
        return len(await self.app.storage.fetch_all("SELECT 1 FROM attachment"))


def items(answer: Answer) -> list[dict[str, object]]:
    assert answer.status == 200, answer.body
    body = json.loads(answer.body)
    assert set(body) == {"attachments"}
    assert isinstance(body["attachments"], list)
    return body["attachments"]


def said(answer: Answer) -> tuple[int, object]:
    return answer.status, json.loads(answer.body)


async def nothing_is_left(stage: Depot) -> None:
    """Hold that neither a file nor a half one nor a row stayed."""
    await until(lambda: stage.files == [])
    assert await stage.rows() == 0
    assert stage.app.sessions.registry.get("s1") is not None
