"""A device under a rule of the log: a database with a first core, and others when asked for."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from carryon.storage.changes import LogEntry
from carryon.storage.errors import StorageError
from carryon.storage.keys import Key
from carryon.storage.layouts import JournalRow
from carryon.storage.log import Fold, Log
from carryon.storage.store import Add, Delete, Operation, Put, Store
from carryon_sync.formats.change import Change, Link, Seen

from tests.contracts import store_contract as contracts
from tests.contracts.samples import ALICE, HmacAtRest
from tests.contracts.store_contract import Database

HOME = "https://home.example"
AWAY = "https://away.example"
AT_START = Seen(b"l" * 16, 0, bytes(32))


@dataclass(slots=True)
class Device:
    """A device under a rule: a first core, and more when asked for."""

    database: Database
    store: Store
    log: Log

    async def second_log(self) -> Log:
        """Open the log once more, as another core does."""
        store = await self.database.open() if self.database.shared else self.store
        return await Log.open(store, HmacAtRest())

    async def reopened(self) -> Log:
        """Close the log and open it again."""
        await self.log.close()
        self.store = await self.database.open()
        self.log = await Log.open(self.store, HmacAtRest())
        return self.log

    async def rot(self, store: str, key: Key, value: bytes) -> None:
        """Change a record behind the log's back."""
        (entry,) = await self.store.read(store, lower=key, upper=key)
        if store == "log":
            again: Operation = Add(store, value, key, entry.unique)
        elif store == "members":
            again = Add(store, value, unique=entry.unique)
        else:
            again = Put(store, key, value)
        await self.store.commit([Delete(store, key), again])


Rule: TypeAlias = Callable[[Device], Awaitable[None]]


def entering(rules: dict[str, contracts.Rule]) -> Callable[[Rule], Rule]:
    """Make the decorator that enters a rule on a device, under its name, among rules on a database."""

    def enter(function: Rule) -> Rule:
        async def run(database: Database) -> None:
            store = await database.open()
            device = Device(database, store, await Log.make(store, HmacAtRest()))
            await function(device)
            await device.log.close()

        rules[function.__name__] = run
        return function

    return enter


async def refused(work: Awaitable[object], kind: type[StorageError]) -> None:
    """Await what must be refused with an error of this kind."""
    try:
        await work
    except StorageError as error:
        assert type(error) is kind, f"{kind.__name__} was to be raised, not {error!r}"
        return
    raise AssertionError(f"{kind.__name__} was to be raised")


def row(note: str, update: bytes, author: bytes = ALICE, base: Sequence[Link] = ()) -> JournalRow:
    """Make a journal row."""
    return JournalRow(author, note, tuple(base), 1_700_000_000_000, 7, update)


async def connected(log: Log, *relays: str) -> int:
    """Connect relays from nothing; give the fencing token."""
    fence = await log.relays.lead()
    for relay in relays:
        await log.relays.start_over(relay, AT_START, fence)
        await log.relays.outbox(relay, 1, fence)
    return fence


async def logged(log: Log) -> list[Change]:
    """Give the whole log."""
    return [entry.change for entry in (await log.changes.entries()).entries]


async def outbox(log: Log, relay: str, fence: int) -> list[Change]:
    """Give a relay's whole outbox."""
    return [entry.change for entry in await log.relays.outbox(relay, 1000, fence)]


async def folded(log: Log, *changes: Change) -> list[LogEntry]:
    """Fold own changes of one chain each, on the heads that are there."""
    entries = []
    for one in changes:
        heads = await log.changes.heads_of(one.header.tag)
        entries += await log.fold([Fold(one, heads.get(one.header.author))])
    return entries
