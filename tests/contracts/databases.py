"""The databases that contracts are run on under CPython: memory and SQLite."""

from collections.abc import Iterable
from pathlib import Path

from carryon.storage.memory_store import MemoryDisk, MemoryStore
from carryon.storage.sqlite_store import SqliteStore
from carryon.storage.store import Store, Stored


class MemoryDatabase:
    """A disk in memory."""

    shared = True

    def __init__(self, stores: Iterable[Stored]) -> None:
        self.disk = MemoryDisk(stores)

    async def open(self) -> Store:
        """Open another store on the disk."""
        return MemoryStore(self.disk)


class SqliteDatabase:
    """A file of SQLite."""

    shared = False

    def __init__(self, path: Path, stores: Iterable[Stored]) -> None:
        self.path = path
        self._stores = tuple(stores)

    async def open(self) -> Store:
        """Open the file."""
        return await SqliteStore.open(self.path, self._stores)
