"""Keep the durable records: one SQLite file, one writer, numbered migrations."""

from relay.storage.database import DatabaseInUse, Params, Row, Storage, StorageError, Transaction
from relay.storage.migrations import Migration, NewerDatabase, load_migrations

__all__ = [
    "DatabaseInUse",
    "Migration",
    "NewerDatabase",
    "Params",
    "Row",
    "Storage",
    "StorageError",
    "Transaction",
    "load_migrations",
]
