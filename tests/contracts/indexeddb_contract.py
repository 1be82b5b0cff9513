"""What IndexedDB adds to the store contract: connections that are lost, and a host that cannot open any more."""

import random
from typing import TYPE_CHECKING, Any

from carryon.storage.errors import Full, Lost
from carryon.storage.indexeddb_store import IndexedDbStore
from carryon.storage.store import OPENING_TRIES_MAX, Entry, Put

from tests.contracts.store_contract import Database, Rule

if TYPE_CHECKING:
    from tests.contracts.in_browser import IndexedDbDatabase

RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    """Enter a rule under its name."""
    RULES[function.__name__] = function
    return function


def in_browser(database: Database) -> "IndexedDbDatabase":
    """Take the database for what it is here."""
    from tests.contracts.in_browser import IndexedDbDatabase

    assert isinstance(database, IndexedDbDatabase)
    return database


class CountingHost:
    """The host's storage with its openings counted, and refused from then on when `broken`."""

    def __init__(self, host: Any) -> None:
        self._host = host
        self.openings = 0
        self.broken = False
        self.handles: list[Any] = []

    async def open(self, name: str, stores: Any) -> Any:
        """Open, or fail as a browser does whose backing store has gone."""
        self.openings += 1
        if self.broken:
            # A database under an impossible version fails to open; made here, so that the failure is a real one.
            return await self._host.open()
        self.handles.append(await self._host.open(name, stores))
        return self.handles[-1]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)

    def lose(self) -> None:
        """Close the connection behind its owner's back."""
        self._host.close(self.handles[-1])


OBSERVE = """() => {
  const original = IDBDatabase.prototype.transaction;
  const events = [];
  IDBDatabase.prototype.transaction = function (...given) {
    const transaction = original.apply(this, given);
    if (transaction.mode === "readwrite") {
      events.push(transaction.durability);
      transaction.addEventListener("complete", () => events.push("complete"));
    }
    return transaction;
  };
  return { events, stop: () => { IDBDatabase.prototype.transaction = original; } };
}"""
"""Watches the browser's own transactions: their durability as they begin, and their ends."""


@rule
async def a_commit_is_strict_and_returns_when_complete(database: Database) -> None:
    """A5: each commit is one strict transaction, and has not returned before its `complete`."""
    from pyodide.code import run_js

    store = await database.open()
    observed = run_js(OBSERVE)()
    try:
        for place in range(5):
            await store.commit([Put("plain", place, bytes(100_000)), Put("other", place, b"")])
            assert observed.events.to_py() == ["strict", "complete"] * (place + 1)
    finally:
        observed.stop()
    await store.close()


@rule
async def a_lost_connection_is_opened_again(database: Database) -> None:
    """E3: a connection that was closed from outside is opened again by the next read or commit, and nothing is lost."""
    here = in_browser(database)
    host = CountingHost(here.host)
    store = await IndexedDbStore.open(host, here.name, here.stores)
    await store.commit([Put("plain", 1, b"a")])

    host.lose()
    assert await store.read("plain") == [Entry(1, b"a")]
    host.lose()
    await store.commit([Put("plain", 2, b"b")])

    assert await store.read("plain") == [Entry(1, b"a"), Entry(2, b"b")]
    assert host.openings == 3
    await store.close()


@rule
async def a_connection_that_stays_lost_is_said(database: Database) -> None:
    """E3: after three tries the loss is said, naming the database; when the host opens again, so does the store."""
    here = in_browser(database)
    host = CountingHost(here.host)
    store = await IndexedDbStore.open(host, here.name, here.stores)
    await store.commit([Put("plain", 1, b"a")])
    host.lose()
    host.broken = True
    before = host.openings

    for attempt in (store.read("plain"), store.commit([Put("plain", 1, b"b")])):
        try:
            await attempt
        except Lost as lost:
            assert here.name in str(lost)
        else:
            raise AssertionError("the loss was not said")
    assert host.openings == before + 2 * OPENING_TRIES_MAX

    host.broken = False
    assert await store.read("plain") == [Entry(1, b"a")]
    await store.close()


@rule
async def a_deletion_is_not_blocked(database: Database) -> None:
    """D6: an open store gives way to a deletion at once; asked again, it opens an empty database, which a log refuses."""
    here = in_browser(database)
    store = await here.open()
    await store.commit([Put("plain", 1, b"a")])

    await here.host.remove(here.name)

    assert await store.read("plain") == []
    await store.close()


async def fill(host: Any) -> str:
    """E1: write until there is no more room; say how many were kept, after seeing that no commit was half made."""
    here = _filled(host)
    store = await here.open()
    kept = 0
    try:
        for place in range(1000):
            # Random bytes: the browser would make room for others by compressing them.
            await store.commit([Put("plain", place, random.randbytes(500_000)), Put("other", place, b"")])
            kept += 1
    except Full as full:
        assert "room" in str(full)
        entries = [[entry.key for entry in await store.read(name)] for name in ("plain", "other")]
        assert entries == [list(range(kept))] * 2, "a commit that was refused left something"
        await store.close()
        return str(kept)
    raise AssertionError("five hundred megabytes found room")


async def go_on(host: Any, kept: int) -> str:
    """E1: with room again the same store goes on, with all that was kept."""
    here = _filled(host)
    store = await here.open()
    await store.commit([Put("plain", kept, b""), Put("other", kept, b"")])
    entries = await store.read("other")
    await store.close()
    await host.remove(here.name)
    return str(len(entries))


def _filled(host: Any) -> "IndexedDbDatabase":
    from tests.contracts.in_browser import IndexedDbDatabase
    from tests.contracts.store_contract import STORES

    return IndexedDbDatabase(host, "to be filled", STORES)


async def write_on(host: Any, said: Any) -> str:
    """Commit one record after the other until the browser is killed, and say each that returned."""
    store = await _written(host).open()
    place = 0
    while True:
        await store.commit([Put("plain", place, bytes(10_000)), Put("other", place, b"")])
        said(place)
        place += 1


async def written(host: Any) -> str:
    """Give what was kept, after seeing that no commit is there by half."""
    store = await _written(host).open()
    entries = [[entry.key for entry in await store.read(name)] for name in ("plain", "other")]
    assert entries[0] == entries[1] == list(range(len(entries[0])))
    return str(len(entries[0]))


def _written(host: Any) -> "IndexedDbDatabase":
    from tests.contracts.in_browser import IndexedDbDatabase
    from tests.contracts.store_contract import STORES

    return IndexedDbDatabase(host, "to be killed", STORES)
