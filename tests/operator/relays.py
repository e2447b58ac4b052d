"""Make data directories of filled relays, and compare them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from relay.config import Settings
from relay.config_load import load_settings
from relay.storage import load_migrations
from tests.storage import history

#: The attachment that the filled databases name.
FILE: Final = "00000000-0000-4000-8000-000000000002-note.txt"
SECRETS: Final = f'{{"auth":"{history.SECRET}"}}\n'


def settings_of(data_dir: Path, **environment: str) -> Settings:
    """Answer the settings of the relay in this directory."""
    return load_settings(flags={"data.dir": str(data_dir)}, environment=environment)


def fill(data_dir: Path, version: int | None = None) -> Settings:
    """Make a data directory as a relay of this database version left it; without a version as today's does."""
    history.create(data_dir / "relay.db", version or load_migrations()[-1].number)
    (data_dir / "secrets.json").write_text(SECRETS, encoding="utf-8")
    (data_dir / "attachments").mkdir(mode=0o700)
    (data_dir / "attachments" / FILE).write_text("hello", encoding="utf-8")
    for path in (data_dir / "relay.db", data_dir / "secrets.json", data_dir / "attachments" / FILE):
        path.chmod(0o600)
    return settings_of(data_dir)


def picture(data_dir: Path) -> dict[str, bytes]:
    """Answer every file below a directory with its bytes, but for locks and what SQLite keeps beside a database."""
    return {
        path.relative_to(data_dir).as_posix(): path.read_bytes()
        for path in sorted(data_dir.rglob("*"))
        if path.is_file() and not path.name.endswith((".lock", "-shm", "-wal"))
    }
