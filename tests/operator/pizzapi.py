"""A database as a PizzaPi server wrote it, with what its users hold of it."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Final

SECRET: Final = "0123456789abcdef0123456789abcdef"
EMAIL: Final = "jo@example.com"
PASSWORD: Final = "Passwörd1-of-jo"
#: The key of `pizza setup`, one that the web UI made for a runner, and one that ends.
KEYS: Final = (
    "16b84cc17c29d3d346b1aa3241089dea79c6827b4d7f33cd4fc84646c562ae76",
    "ppruSJfbaJmPTHkJErORwhTVipzaHXtMQYsfmuicJNmoTNMJHARXUOCZzxErcQsBlqdz",
    "zfNRfiPoVAytfwYrBHNiphkvKYQqmuWkZEXAnteFgQPDXebbHNHMRQnYMUFpnPob",
)
COOKIE: Final = (
    "better-auth.session_token=qVF80KwLTldIgAkgRqVnqRDSdjRTKHRQ.GU2hZMSR310Ul%2BXkZgkZ5xRheCYnPjxkQNFCIT92TP0%3D"
)
USER: Final = "u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3"
PINNED: Final = "bbf7c610-3148-4f66-a9db-05ece0e6c86a"
ENDED: Final = "07aae515-ee9b-43fd-96df-1dbee6b2d71a"
UPLOAD: Final = "c1795093-5db3-4275-9680-c4d6ce5ffc9a"
UPLOADED: Final = b"hello, attachment"
IMAGE: Final = "37ddfb19dcea2a62c8708a57"
DRAWN: Final = bytes(range(250)) * 48


def create(path: Path) -> Path:
    """Make the database and, in `attachments` beside it, the files of its attachments."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(Path(__file__).with_name("pizzapi.sql").read_text(encoding="utf-8"))
    files = path.parent / "attachments"
    files.mkdir()
    (files / f"{UPLOAD}-n_C3_B6te.txt").write_bytes(UPLOADED)
    (files / f"extracted-{IMAGE}.png").write_bytes(DRAWN)
    return path


def change(path: Path, *statements: str) -> None:
    """Run SQL on the database."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
