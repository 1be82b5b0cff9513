"""A store in the browser's IndexedDB, over the host's storage calls (`static/js/storage.js`).

1. The host does each commit in one `readwrite` transaction with `durability: "strict"` and answers on `complete`. No
   transaction ever waits for Python: all operations are handed over at once.
2. Keys go over as numbers, strings, `Uint8Array`s and arrays, values as `Uint8Array`s, and come back so.
3. The host names its failures (`error.name`); `_said` puts them in the port's words, and nobody else reads them.
4. A connection that was closed (by a deletion, by the browser) is opened again, three tries, before a read or a commit
   is given up. A commit that failed under way is not made again here: its outcome is not known (`Lost`).
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, assert_never

from js import Object
from pyodide.ffi import JsException, JsProxy, jsnull, to_js

from carryon.storage.errors import Busy, Closed, Damaged, Exists, Full, Lost, Moved, StorageError
from carryon.storage.keys import INTEGER_MAX, Key
from carryon.storage.store import (
    OPENING_TRIES_MAX,
    Add,
    Delete,
    Entry,
    Expect,
    Operation,
    Present,
    Put,
    Stored,
    asked_range,
    by_name,
    check_asked,
    check_operations,
)

_NOTHING = (None, jsnull)
"""JavaScript's `undefined` and `null`."""


class IndexedDbStore:
    """One IndexedDB database that is open; make it with `IndexedDbStore.open`."""

    def __init__(self, host: Any, name: str, stores: Mapping[str, Stored]) -> None:
        self._host = host
        self._name = name
        self._stores = stores
        self._handle: Any = None
        self._opening = asyncio.Lock()
        self._closed = False

    @classmethod
    async def open(cls, host: Any, name: str, stores: Iterable[Stored]) -> "IndexedDbStore":
        """Open or make the database; `host` is the host's `storage`. Raises `Busy`, `Closed`, `Lost`, `Full`."""
        store = cls(host, name, by_name(stores))
        await store._connected()
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
        asked = asked_range(self._stores[store], lower, upper, unique, unique_lower, unique_upper, limit, reverse)
        if asked.empty:
            return []
        lower, upper = _asked(asked.lower), _asked(asked.upper)
        bounds = {"uniqueLower": lower, "uniqueUpper": upper} if asked.paired else {"lower": lower, "upper": upper}
        question = {**bounds, "limit": limit, "reverse": reverse}
        return _entries(await self._call("read", store, question, again=True))

    async def find(self, store: str, keys: Sequence[Key], *, unique: bool = False) -> dict[Key, Entry]:
        """See `Store.find`."""
        check_asked(self._stores[store], unique)
        entries = _entries(await self._call("find", store, [_asked(key) for key in keys], unique, again=True))
        return {key: entry for entry in entries if (key := entry.unique if unique else entry.key) is not None}

    async def commit(self, operations: Sequence[Operation]) -> list[Key]:
        """See `Store.commit`."""
        check_operations(self._stores, operations)
        if not operations:
            return []
        answer = await self._call("commit", [_given(operation) for operation in operations], again=False)
        return [_key(key) for key in answer]

    async def close(self) -> None:
        """See `Store.close`."""
        self._closed = True
        self._let_go()

    async def _call(self, method: str, *arguments: Any, again: bool) -> Any:
        """Ask the host, with the connection opened again if it was lost; `again` says that the call may be repeated."""
        given = [to_js(argument, dict_converter=Object.fromEntries) for argument in arguments]
        for tries_left in reversed(range(OPENING_TRIES_MAX)):
            handle = await self._connected()
            try:
                answer = await getattr(self._host, method)(handle, *given)
            except JsException as error:
                said = _said(self._name, error)
                if not isinstance(said, Lost):
                    raise said from error
                self._let_go()
                # InvalidStateError: the connection was closed before a transaction began, so nothing was done.
                if tries_left == 0 or not (again or error.name == "InvalidStateError"):
                    raise said from error
                continue
            return answer.to_py()
        raise AssertionError("the last try returned or raised")

    async def _connected(self) -> Any:
        assert not self._closed, f"{self._name} was closed by its owner"
        async with self._opening:
            if self._handle is None:
                self._handle = await self._opened()
            return self._handle

    async def _opened(self) -> Any:
        stores = [
            {"name": stored.name, "auto": stored.numbered, "unique": stored.paired} for stored in self._stores.values()
        ]
        given = to_js(stores, dict_converter=Object.fromEntries)
        for tries_left in reversed(range(OPENING_TRIES_MAX)):
            try:
                return await self._host.open(self._name, given)
            except JsException as error:
                said = _said(self._name, error)
                if not isinstance(said, Lost) or tries_left == 0:
                    raise said from error
        raise AssertionError("the last try returned or raised")

    def _let_go(self) -> None:
        if self._handle is not None:
            self._host.close(self._handle)
            self._handle = None


def _given(operation: Operation) -> list[Any]:
    """Write an operation as the host takes it."""
    match operation:
        case Add(store=store, value=value, key=key, unique=unique):
            return ["add", store, _asked(key), value, _asked(unique)]
        case Put(store=store, key=key, value=value):
            return ["put", store, _asked(key), value]
        case Delete(store=store, key=key):
            return ["delete", store, _asked(key)]
        case Expect(store=store, key=key, value=value):
            return ["expect", store, _asked(key), jsnull if value is None else value]
        case Present(store=store, key=key):
            return ["present", store, _asked(key)]
        case _:
            assert_never(operation)


def _asked(key: Key | None) -> Any:
    """Write a key so that it goes over as a number where it is one: Pyodide makes a BigInt of the greatest."""
    match key:
        case int():
            return float(key) if abs(key) == INTEGER_MAX else key
        case tuple():
            return [_asked(element) for element in key]
        case _:
            return key


def _entries(columns: Any) -> list[Entry]:
    """Read records as the host gives them: in columns, all values as one run of bytes."""
    values, end = bytes(columns["values"]), 0
    entries = []
    for key, unique, length in zip(columns["keys"], columns["uniques"], columns["lengths"], strict=True):
        start, end = end, end + length
        entries.append(Entry(_key(key), values[start:end], None if unique in _NOTHING else _key(unique)))
    return entries


def _key(value: Any) -> Key:
    """Read a key as the host gave it."""
    match value:
        case int() | str():
            return value
        case list():
            return tuple(_key(element) for element in value)
        case memoryview():
            return bytes(value)
        case _:
            raise Damaged(f"{value!r} is not a key that this release writes: reload, or restore a backup")


def _said(name: str, error: Any) -> StorageError:
    """Say a failure of the host in the port's words."""
    match error.name:
        case "Moved":
            return Moved(error.store, _refused_key(error) or ())
        case "Exists":
            return Exists(error.store, _refused_key(error))
        case "QuotaExceededError":
            return Full("the browser gives Carryon no more room: free some on this device; nothing was written")
        case "Blocked":
            return Busy(f"another tab holds database {name} and does not let go: close the other tabs of Carryon")
        case "VersionError" | "NotFoundError":
            return Closed(f"database {name} was made by a newer release: reload to update Carryon ({error.message})")
        case _:
            return Lost(
                f"the connection to database {name} was lost ({error.name}: {error.message}): it is tried again"
            )


def _refused_key(error: Any) -> Key | None:
    """Read the key of a record that the host refused; a numbered one that was to be added has none."""
    key = error.key.to_py() if isinstance(error.key, JsProxy) else error.key
    return None if key in _NOTHING else _key(key)
