"""A relay's ledger in one SQLite file, `relay.sqlite`, in a folder that one process at a time may use.

    notebooks  no · notebook (16) · log (16)                        a row from the first commit on
    records    place · notebook no · id (32) · data                 members' records, in the order they came
    changes    key · notebook no · id (32) · tag (16) · author (16) · n · running (32) · data
    receipts   notebook no · certificate (32) · data

1. `key` is notebook no · 2^40 + sequence number: a notebook's log lies together and is read in order by its row ids.
2. What a want costs is bounded by what one page of its answer holds: each thing wanted is read along an index in the
   log's order, and no further than the page goes.
3. WAL with `synchronous=FULL`: a commit is on the disk when it returns. One connection, in exclusive locking mode, used
   by one thread: before SQLite 3.51.3, two connections on one WAL file could corrupt it.
4. The file `lock` is held as long as the process lives, so a second one is refused in words before it opens anything.
5. `user_version` is the format: a file of a newer release, or of an early trial, is refused in words, never repaired.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import sqlite3
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from carryon_sync.formats.running import RUNNING_START, run
from carryon_sync.protocol.frames import ITEMS_MAX, Want
from carryon_sync.relay.ledger import Batch, Committed, Entry, FoundPage, Opened, Page, Place

FORMAT = 2
CACHE_KIB = 64 << 10
_SEQUENCE_BITS = 40

_SCHEMA = """
CREATE TABLE notebooks (no INTEGER PRIMARY KEY, notebook BLOB NOT NULL UNIQUE, log BLOB NOT NULL);
CREATE TABLE records (
    place INTEGER PRIMARY KEY, notebook INTEGER NOT NULL, id BLOB NOT NULL, data BLOB NOT NULL, UNIQUE (notebook, id)
);
CREATE TABLE changes (
    key INTEGER PRIMARY KEY, notebook INTEGER NOT NULL, id BLOB NOT NULL, tag BLOB NOT NULL, author BLOB NOT NULL,
    n INTEGER NOT NULL, running BLOB NOT NULL, data BLOB NOT NULL, UNIQUE (notebook, id)
);
CREATE INDEX chains ON changes (notebook, tag, author, n);
CREATE TABLE receipts (
    notebook INTEGER NOT NULL, certificate BLOB NOT NULL, data BLOB NOT NULL, PRIMARY KEY (notebook, certificate)
) WITHOUT ROWID;
"""
# Not part of the format: a file that was made without it gets it, and a release that does not know it keeps it up.
_INDEX = "CREATE INDEX IF NOT EXISTS tags ON changes (notebook, tag)"


class LedgerUnusable(Exception):
    """The folder or the file cannot be used; the message says why and what to do."""


class SqliteLedger:
    """Keep notebooks in a folder; every method blocks, and all are called from the thread that made it."""

    def __init__(self, folder: Path) -> None:
        """Open the folder, made if missing. Raises LedgerUnusable."""
        self._lock = _locked(folder)
        path = folder / "relay.sqlite"
        try:
            self._db = _connected(path)
        except sqlite3.Error as fault:
            os.close(self._lock)
            words = f"{path} cannot be opened ({fault}): restore it from a backup, or name another folder with --data"
            raise LedgerUnusable(words) from fault
        self._numbers: dict[bytes, int] = {}
        self._heads: dict[bytes, tuple[int, bytes]] = {}

    def open(self, notebook: bytes) -> Opened:
        """Return a notebook's state; one that was not known has the id of a new log."""
        row = self._db.execute("SELECT no, log FROM notebooks WHERE notebook = ?", (notebook,)).fetchone()
        if row is None:
            return Opened(os.urandom(16), 0, RUNNING_START, (), {})
        no, log = row
        self._numbers[notebook] = no
        head, running = self._heads[notebook] = self._head(no)
        records = self._db.execute("SELECT data FROM records WHERE notebook = ? ORDER BY place", (no,))
        receipts = self._db.execute("SELECT certificate, data FROM receipts WHERE notebook = ?", (no,))
        return Opened(log, head, running, tuple(data for (data,) in records), dict(receipts.fetchall()))

    def commit(self, batches: Mapping[bytes, Batch]) -> dict[bytes, Committed]:
        """Keep the batches of several notebooks in one durable transaction, all or none."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            committed = {notebook: self._keep(notebook, batch) for notebook, batch in batches.items()}
            self._db.execute("COMMIT")
        except BaseException:
            for notebook in batches:
                self._numbers.pop(notebook, None)
                self._heads.pop(notebook, None)
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return committed

    def page(self, notebook: bytes, after: int, bytes_max: int) -> Page:
        """Read on after `after`."""
        no = self._numbers.get(notebook)
        if no is None:
            return Page(after, None if after else RUNNING_START, ())
        row = self._db.execute("SELECT running FROM changes WHERE key = ?", (_key(no, after),)).fetchone()
        running = RUNNING_START if not after else None if row is None else row[0]
        rows = self._db.execute(
            "SELECT id, data FROM changes WHERE key > ? AND key < ? ORDER BY key LIMIT ?",
            (_key(no, after), _key(no + 1, 0), ITEMS_MAX),
        )
        return Page(after, running, tuple(_bounded(rows, bytes_max)))

    def find(self, notebook: bytes, want: Want, bytes_max: int) -> FoundPage:
        """Read what is wanted, in the log's order."""
        no = self._numbers.get(notebook)
        if no is None:
            return FoundPage((), 0, False)
        head, _ = self._heads[notebook]
        keys = self._wanted(no, want)
        rows = (
            (key, self._db.execute("SELECT data FROM changes WHERE key = ?", (key,)).fetchone()[0])
            for key in keys[:ITEMS_MAX]
        )
        found = list(_bounded(rows, bytes_max))
        more = len(found) < len(keys)
        reached = found[-1][0] - _key(no, 0) if more else head
        return FoundPage(tuple(data for _, data in found), reached, more)

    def close(self) -> None:
        """Fold the write-ahead log into the file and let go of both."""
        self._db.close()
        os.close(self._lock)

    def _keep(self, notebook: bytes, batch: Batch) -> Committed:
        db = self._db
        no = self._number(notebook, batch.log)
        for id, data in batch.records + batch.forgotten:
            db.execute(
                "INSERT INTO records (notebook, id, data) VALUES (?, ?, ?)"
                " ON CONFLICT (notebook, id) DO UPDATE SET data = excluded.data",
                (no, id, data),
            )
        for certificate, data in batch.receipts:
            db.execute("INSERT OR REPLACE INTO receipts VALUES (?, ?, ?)", (no, certificate, data))
        places = tuple(self._place(notebook, no, entry) for entry in batch.changes)
        return Committed(places, *self._heads[notebook])

    def _place(self, notebook: bytes, no: int, entry: Entry) -> Place:
        db = self._db
        row = db.execute("SELECT key FROM changes WHERE notebook = ? AND id = ?", (no, entry.id)).fetchone()
        if row is not None:
            return Place(entry.id, row[0] - _key(no, 0), new=False, fork=False)
        head, running = self._heads[notebook]
        sequence, running = head + 1, run(running, (entry.id,))
        chain = (no, entry.tag, entry.author, entry.n)
        forked = db.execute("SELECT 1 FROM changes WHERE (notebook, tag, author, n) = (?, ?, ?, ?)", chain).fetchone()
        db.execute(
            "INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (_key(no, sequence), no, entry.id, entry.tag, entry.author, entry.n, running, entry.data),
        )
        self._heads[notebook] = sequence, running
        return Place(entry.id, sequence, new=True, fork=forked is not None)

    def _number(self, notebook: bytes, log: bytes) -> int:
        no = self._numbers.get(notebook)
        if no is not None:
            return no
        row = self._db.execute("SELECT no FROM notebooks WHERE notebook = ?", (notebook,)).fetchone()
        if row is None:
            query = "INSERT INTO notebooks (notebook, log) VALUES (?, ?) RETURNING no"
            row = self._db.execute(query, (notebook, log)).fetchone()
        number = self._numbers[notebook] = int(row[0])
        self._heads[notebook] = self._head(number)
        return number

    def _head(self, no: int) -> tuple[int, bytes]:
        row = self._db.execute(
            "SELECT key, running FROM changes WHERE key < ? AND key > ? ORDER BY key DESC LIMIT 1",
            (_key(no + 1, 0), _key(no, 0)),
        ).fetchone()
        return (0, RUNNING_START) if row is None else (row[0] - _key(no, 0), row[1])

    def _wanted(self, no: int, want: Want) -> list[int]:
        """Return the first keys of what is wanted, in the log's order, and one more than fits a page if there is one."""
        after = _key(no, want.after)
        query = "SELECT key FROM changes INDEXED BY tags WHERE notebook = ? AND tag = ? AND key > ? ORDER BY key"
        found = [self._db.execute(query, (no, tag, after)) for tag in set(want.tags)]
        query = "SELECT key FROM changes WHERE (notebook, tag, author, n) = (?, ?, ?, ?) AND key > ? ORDER BY key"
        numbers = {(one.tag, one.author, n) for one in want.ranges for n in range(one.first, one.last + 1)}
        found += [self._db.execute(query, (no, *number, after)) for number in numbers]
        query = "SELECT key FROM changes WHERE notebook = ? AND id = ? AND key > ?"
        found += [self._db.execute(query, (no, id, after)) for id in set(want.ids)]
        keys = (key for (key,) in heapq.merge(*found))
        return list(islice(_once(keys), ITEMS_MAX + 1))


def _once(ascending: Iterable[int]) -> Iterable[int]:
    last = None
    for key in ascending:
        if key != last:
            yield key
        last = key


def _key(no: int, sequence: int) -> int:
    return (no << _SEQUENCE_BITS) + sequence


def _bounded(rows: Iterable[tuple[Any, bytes]], bytes_max: int) -> Iterable[tuple[Any, bytes]]:
    """Take rows whose second column is counted, at least one, at most about `bytes_max`."""
    size = 0
    for row in rows:
        size += len(row[1])
        if size > bytes_max and size > len(row[1]):
            return
        yield row


def _locked(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as fault:
        words = f"the data folder {folder} cannot be used ({fault.strerror}): name another one with --data"
        raise LedgerUnusable(words) from fault
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        holder = os.read(lock, 20).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        words = f"the data folder {folder} is in use by process {holder}: stop it, or name another folder with --data"
        raise LedgerUnusable(words) from fault
    os.truncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    return lock


def _connected(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > FORMAT:
            raise LedgerUnusable(f"{path} has format {version}, this release knows {FORMAT}: run the newer release")
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        if 0 < version < FORMAT:
            words = "was written by an early trial release, in a form that this one does not read"
            raise LedgerUnusable(f"{path} {words}: nothing of it was changed; move it away, and devices fill a new one")
        if version == 0:
            db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
        db.execute(_INDEX)
    except BaseException:
        db.close()
        raise
    return db
