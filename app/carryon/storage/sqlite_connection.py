"""The layout of a SQLite file and the blocking half of its store: one connection, opened again when it is lost.

Application id 0x6361726F ("caro"), user version 1. Each store is a table of its name:

    "<store>" (place INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, value BLOB NOT NULL, second BLOB UNIQUE)
    "numbers of stores" (store TEXT PRIMARY KEY, next INTEGER NOT NULL)        the next number of each numbered store

with keys as `keys.encode_key` writes them, so that SQLite's comparison of BLOBs is the order of keys.

1. Write-ahead log, `synchronous=FULL`: a commit that returned survives the loss of power.
2. The file is locked for this one connection while it is open. Two connections to one write-ahead log can corrupt it in
   SQLite before 3.51.3, so a second one, of this process or another, is refused in words (`Busy`).
3. A group of commits is one transaction, each commit in a savepoint of its own: what one expects in vain undoes that
   one only.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar, assert_never

from carryon.storage.errors import Busy, Closed, Damaged, Exists, Full, Lost, Moved, StorageError
from carryon.storage.keys import Key, decode_key, encode_key
from carryon.storage.store import (
    OPENING_TRIES_MAX,
    Add,
    Delete,
    Entry,
    Expect,
    Operation,
    Present,
    Put,
    Range,
    Stored,
)

APPLICATION_ID = 0x6361726F
USER_VERSION = 1
_NUMBERS = "numbers of stores"

Commit: TypeAlias = Sequence[Operation]
T = TypeVar("T")


class SqliteConnection:
    """The one connection to a file; every call may block, so it belongs to one thread."""

    def __init__(self, path: Path, stores: Mapping[str, Stored], pages_max: int | None) -> None:
        self._path = path
        self._stores = stores
        self._pages_max = pages_max
        self._open: sqlite3.Connection | None = None

    def open(self, *, again: bool = False) -> None:
        """Open the file, made if it is missing; but not `again`, where it must be the one that was there."""
        mode = "rw" if again else "rwc"
        try:
            connection = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode={mode}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=0,
            )
        except sqlite3.Error as error:
            raise self._said(error) from error
        try:
            # Exclusive before the first access: no shared-memory file, and nobody else gets in.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._check(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA trusted_schema = OFF")
            if self._pages_max is not None:
                connection.execute(f"PRAGMA max_page_count = {self._pages_max}")
            connection.execute("BEGIN IMMEDIATE")
            self._lay_out(connection)
            connection.execute("COMMIT")
        except (sqlite3.Error, StorageError) as error:
            connection.close()
            raise self._said(error) from error
        self._open = connection

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def read(self, store: str, asked: Range) -> list[Entry]:
        """Give the records of a range."""
        return self._tried(lambda connection: self._read(connection, store, asked))

    def find(self, store: str, keys: Sequence[Key], unique: bool) -> dict[Key, Entry]:
        """Give the records that are there, by the keys asked for."""

        def found(connection: sqlite3.Connection) -> dict[Key, Entry]:
            records = {key: self._read(connection, store, Range(unique, key, key, None, False)) for key in keys}
            return {key: entries[0] for key, entries in records.items() if entries}

        return self._tried(found)

    def _tried(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Read, again on a new connection where the old one is lost."""
        tries = 0
        while True:
            try:
                return work(self._connection())
            except sqlite3.Error as error:
                said = self._said(error)
                tries += 1
                if not isinstance(said, Lost) or tries == OPENING_TRIES_MAX:
                    raise said from error

    def write(self, group: Sequence[Commit]) -> list[list[Key] | StorageError]:
        """Write a group of commits in one transaction, durably, and give the outcome of each."""
        try:
            connection = self._begun()
            outcomes = [self._written(connection, operations) for operations in group]
            connection.execute("COMMIT")
            return outcomes
        except (sqlite3.Error, StorageError) as error:
            self._roll_back()
            said = self._said(error)
            if isinstance(said, Full) and len(group) > 1:
                # One large commit must not refuse the small ones beside it. Safe: a full disk wrote nothing.
                return [outcome for operations in group for outcome in self.write([operations])]
            return [said for _ in group]

    def _begun(self) -> sqlite3.Connection:
        """Begin a transaction, on a new connection where the old one is lost: nothing has been done yet."""
        connection = self._connection()
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            said = self._said(error)
            if not isinstance(said, Lost):
                raise said from error
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
        return connection

    def _connection(self) -> sqlite3.Connection:
        """Give the connection, opened again if it was lost."""
        tries = 0
        while self._open is None:
            try:
                self.open(again=True)
            except Lost:
                tries += 1
                if tries == OPENING_TRIES_MAX:
                    raise
        return self._open

    def _check(self, connection: sqlite3.Connection) -> None:
        """Refuse a file that is not ours, or newer than this release, before anything of it is touched."""
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if application != APPLICATION_ID and (application or version or tables):
            raise Damaged(f"{self._path.name} is no database of Carryon: name another folder")
        if version > USER_VERSION:
            raise Closed(f"{self._path.name} is of layout {version}, this release knows {USER_VERSION}: update Carryon")

    def _lay_out(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {USER_VERSION}")
        connection.execute(f'CREATE TABLE IF NOT EXISTS "{_NUMBERS}" (store TEXT PRIMARY KEY, next INTEGER NOT NULL)')
        for name in self._stores:
            connection.execute(
                f'CREATE TABLE IF NOT EXISTS "{name}" '
                "(place INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, value BLOB NOT NULL, second BLOB UNIQUE)"
            )

    def _read(self, connection: sqlite3.Connection, store: str, asked: Range) -> list[Entry]:
        column = "second" if asked.paired else "key"
        conditions, values = [f"{column} IS NOT NULL"], list[bytes | int]()
        if asked.lower is not None:
            conditions.append(f"{column} >= ?")
            values.append(encode_key(asked.lower))
        if asked.upper is not None:
            conditions.append(f"{column} <= ?")
            values.append(encode_key(asked.upper))
        query = f'SELECT key, value, second FROM "{store}" WHERE {" AND ".join(conditions)} ORDER BY {column}'
        if asked.reverse:
            query += " DESC"
        if asked.limit is not None:
            query += " LIMIT ?"
            values.append(asked.limit)
        try:
            return [
                Entry(decode_key(key), value, None if second is None else decode_key(second))
                for key, value, second in connection.execute(query, values)
            ]
        except ValueError as error:
            raise Damaged(f"{self._path.name} holds a record of {store!r} under an unreadable key: {error}") from error

    def _written(self, connection: sqlite3.Connection, operations: Sequence[Operation]) -> list[Key] | StorageError:
        """Do one commit's operations; what it expected in vain undoes it and becomes its outcome."""
        connection.execute("SAVEPOINT one")
        try:
            keys = [key for operation in operations for key in self._done(connection, operation)]
        except (Moved, Exists) as refused:
            connection.execute("ROLLBACK TO one")
            connection.execute("RELEASE one")
            return refused
        connection.execute("RELEASE one")
        return keys

    def _done(self, connection: sqlite3.Connection, operation: Operation) -> list[Key]:
        table = f'"{operation.store}"'
        match operation:
            case Add(store=store, value=value, key=key, unique=unique):
                if key is None:
                    key = self._next_number(connection, store)
                second = None if unique is None else encode_key(unique)
                try:
                    connection.execute(
                        f"INSERT INTO {table} (key, value, second) VALUES (?, ?, ?)", (encode_key(key), value, second)
                    )
                except sqlite3.IntegrityError as error:
                    raise Exists(store, key if ".key" in str(error) else unique) from error
                return [key]
            case Put(key=key, value=value):
                connection.execute(
                    f"INSERT INTO {table} (key, value) VALUES (?, ?) "
                    "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    (encode_key(key), value),
                )
            case Delete(key=key):
                connection.execute(f"DELETE FROM {table} WHERE key = ?", (encode_key(key),))
            case Expect(store=store, key=key, value=value):
                row = connection.execute(f"SELECT value FROM {table} WHERE key = ?", (encode_key(key),)).fetchone()
                if (None if row is None else row[0]) != value:
                    raise Moved(store, key)
            case Present(store=store, key=key):
                if connection.execute(f"SELECT 1 FROM {table} WHERE key = ?", (encode_key(key),)).fetchone() is None:
                    raise Moved(store, key)
            case _:
                assert_never(operation)
        return []

    def _next_number(self, connection: sqlite3.Connection, store: str) -> int:
        row = connection.execute(
            f'INSERT INTO "{_NUMBERS}" (store, next) VALUES (?, 2) '
            "ON CONFLICT (store) DO UPDATE SET next = next + 1 RETURNING next - 1",
            (store,),
        ).fetchone()
        return int(row[0])

    def _roll_back(self) -> None:
        """Undo what is open; a connection that cannot even do that is let go and opened again later."""
        if self._open is None:
            return
        try:
            if self._open.in_transaction:
                self._open.execute("ROLLBACK")
        except sqlite3.Error:
            self.close()

    def _said(self, error: Exception) -> StorageError:
        """Say a failure in the port's words; what means a lost connection lets go of it."""
        if isinstance(error, StorageError):
            return error
        name = self._path.name
        match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_IOERR) & 0xFF:
            case sqlite3.SQLITE_FULL:
                return Full(f"{name} cannot grow: the disk or its quota is full. Free some room, nothing was written")
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return Busy(f"{name} is in use by another process: end that one, or name another folder")
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                return Damaged(f"{name} is not readable as a database ({error}): keep a copy, restore a backup")
            case _:
                self.close()
                return Lost(f"the connection to {name} was lost ({error}): it is opened again at the next try")
