"""A store in one SQLite file, for CPython: one connection (`sqlite_connection`), on one thread of its own.

1. Reads and commits are done in the order in which they were asked for.
2. Commits that wait while one is being written are written together: as many as wait, one flush of the disk.
3. A caller that is cancelled does not take back what it gave to be written.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar, assert_never

from carryon.storage.errors import StorageError
from carryon.storage.keys import Key
from carryon.storage.sqlite_connection import SqliteConnection
from carryon.storage.store import Entry, Operation, Range, Stored, asked_range, by_name, check_asked, check_operations

GROUP_COMMITS_MAX = 64

T = TypeVar("T")


@dataclass(slots=True)
class _Reading:
    store: str
    asked: Range
    result: "Future[list[Entry]]" = field(default_factory=Future)


@dataclass(slots=True)
class _Finding:
    store: str
    keys: tuple[Key, ...]
    unique: bool
    result: "Future[dict[Key, Entry]]" = field(default_factory=Future)


@dataclass(slots=True)
class _Writing:
    operations: tuple[Operation, ...]
    result: "Future[list[Key]]" = field(default_factory=Future)


@dataclass(slots=True)
class _Closing:
    result: "Future[None]" = field(default_factory=Future)


_Request: TypeAlias = _Reading | _Finding | _Writing | _Closing


class SqliteStore:
    """One SQLite file that is open; make it with `SqliteStore.open`."""

    def __init__(self, path: Path, stores: Mapping[str, Stored], pages_max: int | None) -> None:
        self._path = path
        self._stores = stores
        self._requests: queue.SimpleQueue[_Request] = queue.SimpleQueue()
        self._connection = SqliteConnection(path, stores, pages_max)
        self._thread = threading.Thread(target=self._work, name=f"sqlite {path.name}", daemon=True)
        self._closed = False

    @classmethod
    async def open(cls, path: Path, stores: Iterable[Stored], *, pages_max: int | None = None) -> "SqliteStore":
        """Open or make the file; `pages_max` bounds its size (4,096 bytes a page). Raises `Busy`, `Lost`, `Damaged`."""
        store = cls(path, by_name(stores), pages_max)
        await asyncio.to_thread(store._connection.open)
        store._thread.start()
        return store

    async def read(
        self,
        store: str,
        *,
        lower: Key | None = None,
        upper: Key | None = None,
        unique: Key | None = None,
        unique_lower: Key | None = None,
        unique_upper: Key | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> list[Entry]:
        """See `Store.read`."""
        stored = self._stores[store]
        asked = asked_range(stored, lower, upper, unique, unique_lower, unique_upper, limit, reverse)
        reading = _Reading(store, asked)
        self._ask(reading)
        return await asyncio.wrap_future(reading.result)

    async def find(self, store: str, keys: Sequence[Key], *, unique: bool = False) -> dict[Key, Entry]:
        """See `Store.find`."""
        check_asked(self._stores[store], unique)
        finding = _Finding(store, tuple(keys), unique)
        self._ask(finding)
        return await asyncio.wrap_future(finding.result)

    async def commit(self, operations: Sequence[Operation]) -> list[Key]:
        """See `Store.commit`."""
        check_operations(self._stores, operations)
        writing = _Writing(tuple(operations))
        self._ask(writing)
        # A caller that is cancelled does not take back what is on its way to the disk.
        return await asyncio.shield(asyncio.wrap_future(writing.result))

    async def close(self) -> None:
        """See `Store.close`."""
        if self._closed:
            return
        closing = _Closing()
        self._ask(closing)
        self._closed = True
        await asyncio.wrap_future(closing.result)

    def _ask(self, request: _Request) -> None:
        assert not self._closed, f"{self._path.name} was closed by its owner"
        self._requests.put(request)

    def _work(self) -> None:
        """Serve requests in order until one closes; neighbouring commits are written together."""
        waiting: list[_Request] = []
        while True:
            request = waiting.pop(0) if waiting else self._requests.get()
            match request:
                case _Reading():
                    _resolve(request.result, partial(self._connection.read, request.store, request.asked))
                case _Finding():
                    asked = partial(self._connection.find, request.store, request.keys, request.unique)
                    _resolve(request.result, asked)
                case _Writing():
                    group = [request]
                    while len(group) < GROUP_COMMITS_MAX and not self._requests.empty():
                        following = self._requests.get()
                        if not isinstance(following, _Writing):
                            waiting.append(following)
                            break
                        group.append(following)
                    _resolve_group(group, self._connection)
                case _Closing():
                    _resolve(request.result, self._connection.close)
                    return
                case _:
                    assert_never(request)


def _resolve(result: "Future[T]", work: Callable[[], T]) -> None:
    try:
        result.set_result(work())
    except Exception as error:
        result.set_exception(error)


def _resolve_group(group: Sequence[_Writing], connection: SqliteConnection) -> None:
    try:
        outcomes = connection.write([writing.operations for writing in group])
    except Exception as error:
        for writing in group:
            writing.result.set_exception(error)
        return
    for writing, outcome in zip(group, outcomes, strict=True):
        if isinstance(outcome, StorageError):
            writing.result.set_exception(outcome)
        else:
            writing.result.set_result(outcome)
