"""Back up and restore: `relay backup FILE`, `relay restore FILE`."""

from __future__ import annotations

from pathlib import Path

import click

from relay.cli.place import Place, guarded, place


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@place
def backup(where: Place, file: Path, force: bool) -> None:
    """Write database, secrets and attachments into FILE, a .tar.gz, while the relay runs or not.

    FILE holds every secret of the relay and is readable for you alone; keep it so.
    """
    settings = where.settings()
    # Imported here: `--help` needs none of it.
    from relay.clock import Clock
    from relay.operator.backup import make_backup

    made = guarded(lambda: make_backup(settings, file, now_ms=Clock().now_ms(), replace=force))
    counts = made.contents
    where.answer(
        {
            "file": str(made.file),
            "size": made.size,
            "schema": made.schema,
            "users": counts.users,
            "sessions": counts.sessions,
            "attachments": counts.attachments - made.missing,
        },
        [
            f"wrote {made.file}, {made.size} bytes: {counts.users} users, {counts.sessions} sessions,"
            f" {counts.attachments - made.missing} attachments"
        ],
    )


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Move the records that are there aside.")
@place
def restore(where: Place, file: Path, force: bool) -> None:
    """Verify the backup FILE and put it into the data directory of a relay that does not run."""
    settings = where.settings()
    from datetime import UTC, datetime

    from relay.operator.restore import restore as restore_backup

    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    done = guarded(lambda: restore_backup(settings, file, stamp=stamp, force=force))
    counts = done.contents
    lines = [
        f"restored the backup of {done.manifest.created_at}: {counts.users} users, {counts.sessions} sessions,"
        f" {counts.attachments} attachments"
    ]
    if done.aside is not None:
        lines.append(f"the records that were there are in {done.aside}")
    where.answer(
        {
            "createdAt": done.manifest.created_at,
            "relay": done.manifest.relay,
            "schema": done.manifest.schema,
            "users": counts.users,
            "sessions": counts.sessions,
            "attachments": counts.attachments,
            "aside": None if done.aside is None else str(done.aside),
        },
        lines,
    )
