"""Write the dump of a new migration: `python -m tests.storage.history`."""

from __future__ import annotations

from tests.storage.history import write_missing

if __name__ == "__main__":
    print("wrote", write_missing())
