"""What every adapter of the store port holds to, one function a rule, run on memory, SQLite and IndexedDB alike.

A rule takes a `Database`: a fresh, empty one, which it opens, closes and opens again. Nothing here imports pytest, so
that the same functions run in a browser's worker.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Protocol

from carryon.storage.errors import Busy, Exists, Moved, StorageError
from carryon.storage.keys import Key, order_of
from carryon.storage.store import Add, Delete, Entry, Expect, Operation, Present, Put, Store, Stored

STORES = (
    Stored("plain"),
    Stored("other"),
    Stored("numbered", numbered=True),
    Stored("paired", paired=True),
    Stored("both", numbered=True, paired=True),
)


class Database(Protocol):
    """A database of one rule: empty at first, and the same one at every opening."""

    shared: bool
    """Whether two stores may be open on it at once."""

    async def open(self) -> Store:
        """Open it, or open it again."""
        ...


Rule = Callable[[Database], Awaitable[None]]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    """Enter a rule under its name."""
    RULES[function.__name__] = function
    return function


async def refused(store: Store, operations: list[Operation], kind: type[StorageError]) -> StorageError:
    """Commit what must be refused with an error of this kind."""
    try:
        await store.commit(operations)
    except StorageError as error:
        assert type(error) is kind, f"{kind.__name__} was to be raised, not {error!r}"
        return error
    raise AssertionError(f"{kind.__name__} was to be raised, and the commit was made")


async def keys(store: Store, name: str) -> list[Key]:
    """Give all keys of a store."""
    return [entry.key for entry in await store.read(name)]


@rule
async def what_was_committed_is_read(database: Database) -> None:
    """A record comes back with its key, its value and its second key, in the types in which they went in."""
    store = await database.open()

    added = await store.commit([Add("plain", b"one", ("a", 1, b"x")), Add("paired", b"two", 7, ("s", b"y", ()))])

    assert added == [("a", 1, b"x"), 7]
    assert await store.read("plain") == [Entry(("a", 1, b"x"), b"one")]
    assert await store.read("paired") == [Entry(7, b"two", ("s", b"y", ()))]
    (entry,) = await store.read("plain")
    assert type(entry.value) is bytes and type(entry.key) is tuple
    await store.close()


@rule
async def a_commit_is_all_or_nothing(database: Database) -> None:
    """When one operation is refused, no other of its commit is done, in whatever store, before or after it."""
    store = await database.open()
    await store.commit([Put("plain", 1, b"old"), Put("plain", 2, b"stays"), Add("paired", b"p", 1, "second")])
    before = [await store.read(stored.name) for stored in STORES]

    await refused(
        store,
        [
            Put("plain", 1, b"new"),
            Delete("plain", 2),
            Delete("paired", 1),
            Add("paired", b"q", 2, "second"),
            Add("numbered", b"n"),
            Add("other", b"o", 1),
            Expect("plain", 1, b"something else"),
            Put("plain", 3, b"late"),
        ],
        Moved,
    )

    assert [await store.read(stored.name) for stored in STORES] == before
    await store.close()


@rule
async def operations_see_those_before_them(database: Database) -> None:
    """Each operation of a commit sees what those before it did."""
    store = await database.open()

    await store.commit(
        [
            Expect("plain", 1, None),
            Add("plain", b"a", 1),
            Expect("plain", 1, b"a"),
            Put("plain", 1, b"b"),
            Expect("plain", 1, b"b"),
            Present("plain", 1),
            Delete("plain", 1),
            Expect("plain", 1, None),
            Add("plain", b"c", 1),
            Add("paired", b"x", 1, "s"),
            Delete("paired", 1),
            Add("paired", b"y", 1, "s"),
        ]
    )

    assert await store.read("plain") == [Entry(1, b"c")]
    assert await store.read("paired", unique="s") == [Entry(1, b"y", "s")]
    await store.close()


@rule
async def the_first_refusal_is_the_one_said(database: Database) -> None:
    """The first operation that cannot be done decides the error, and names its store."""
    store = await database.open()
    await store.commit([Put("plain", 1, b"a"), Put("other", 1, b"a")])

    first = await refused(store, [Add("plain", b"b", 1), Expect("other", 1, None)], Exists)
    second = await refused(store, [Expect("other", 1, None), Add("plain", b"b", 1)], Moved)

    assert isinstance(first, Exists) and first.store == "plain"
    assert isinstance(second, Moved) and second.store == "other"
    await store.close()


@rule
async def expect_compares_every_byte(database: Database) -> None:
    """Expect holds for exactly the value it names, and for None only where there is no record."""
    store = await database.open()
    await store.commit([Put("plain", 1, b"abc"), Put("plain", 2, b"")])

    await store.commit([Expect("plain", 1, b"abc"), Expect("plain", 2, b""), Expect("plain", 3, None)])

    for key, value in ((1, b"abd"), (1, b"ab"), (1, b"abcd"), (1, None), (2, None), (2, b"\0"), (3, b"")):
        await refused(store, [Expect("plain", key, value)], Moved)
    await store.close()


@rule
async def present_asks_for_a_record(database: Database) -> None:
    """Present holds while the record is there, whatever its value."""
    store = await database.open()
    await store.commit([Put("plain", 1, b"")])

    await store.commit([Present("plain", 1)])

    await refused(store, [Present("plain", 2)], Moved)
    await store.commit([Delete("plain", 1)])
    await refused(store, [Present("plain", 1)], Moved)
    await store.close()


@rule
async def add_never_replaces(database: Database) -> None:
    """Add is refused where its key or its second key is taken, and the record there is as it was."""
    store = await database.open()
    await store.commit([Add("paired", b"first", 1, ("t", 1)), Add("both", b"first", unique="u")])

    await refused(store, [Add("paired", b"second", 1, ("t", 2))], Exists)
    await refused(store, [Add("paired", b"second", 2, ("t", 1))], Exists)
    await refused(store, [Add("both", b"second", unique="u")], Exists)
    await refused(store, [Add("plain", b"a", 5), Add("plain", b"b", 5)], Exists)

    assert await store.read("paired") == [Entry(1, b"first", ("t", 1))]
    assert [entry.value for entry in await store.read("both")] == [b"first"]
    assert await store.read("plain") == []
    await store.close()


@rule
async def put_replaces_and_delete_removes(database: Database) -> None:
    """Put sets a record whether or not it is there; Delete removes it whether or not it is there."""
    store = await database.open()

    await store.commit([Put("plain", 1, b"a"), Put("plain", 1, b"b"), Put("plain", 2, b"c"), Delete("plain", 9)])
    await store.commit([Put("plain", 2, b"d"), Delete("plain", 1)])

    assert await store.read("plain") == [Entry(2, b"d")]
    await store.close()


@rule
async def numbers_are_given_once(database: Database) -> None:
    """A numbered store counts from 1, never gives a number twice, not even after deleting and opening again."""
    store = await database.open()
    first = await store.commit([Add("numbered", b"a"), Add("numbered", b"b")])
    await refused(store, [Add("numbered", b"lost"), Present("plain", 1)], Moved)
    await store.commit([Delete("numbered", key) for key in first])
    second = await store.commit([Add("numbered", b"c")])
    await store.commit([Delete("numbered", key) for key in second])
    await store.close()
    store = await database.open()

    third = await store.commit([Add("numbered", b"d"), Add("both", b"e")])

    given = [*first, *second, third[0]]
    assert first == [1, 2] and third[1] == 1
    assert all(isinstance(number, int) for number in given)
    assert given == sorted(set(given), key=order_of)
    assert await keys(store, "numbered") == [third[0]]
    await store.close()


@rule
async def an_empty_commit_is_nothing(database: Database) -> None:
    """A commit without operations is made, and gives no keys."""
    store = await database.open()

    assert await store.commit([]) == []

    await store.close()


@rule
async def large_values_come_back(database: Database) -> None:
    """Values of 1 MB with every byte in them, and empty ones, come back as they were."""
    store = await database.open()
    value = random.Random(1).randbytes(1_000_000) + bytes(range(256))

    await store.commit([Put("plain", "large", value), Put("plain", "empty", b"")])

    assert await store.read("plain") == [Entry("empty", b""), Entry("large", value)]
    await store.commit([Expect("plain", "large", value)])
    await store.close()


@rule
async def large_commits_are_made(database: Database) -> None:
    """Two thousand operations are one commit, and a thousand records one read."""
    store = await database.open()

    await store.commit([Put("plain", ("k", place % 1000), bytes([place // 1000])) for place in range(2000)])

    entries = await store.read("plain")
    assert [entry.key for entry in entries] == [("k", place) for place in range(1000)]
    assert {entry.value for entry in entries} == {b"\x01"}
    await store.close()


@rule
async def what_was_committed_stays(database: Database) -> None:
    """What was committed is there after closing and opening again; closing twice is no error."""
    store = await database.open()
    await store.commit([Put("plain", 1, b"a"), Add("numbered", b"b"), Add("paired", b"c", 1, "s")])
    before = [await store.read(stored.name) for stored in STORES]
    await store.close()
    await store.close()

    store = await database.open()

    assert [await store.read(stored.name) for stored in STORES] == before
    assert await store.read("paired", unique="s") == [Entry(1, b"c", "s")]
    await store.close()


@rule
async def commits_at_once_are_all_made(database: Database) -> None:
    """Many commits at once are each made once; those that are refused harm none of the others."""
    store = await database.open()
    await store.commit([Put("plain", "taken", b"")])

    async def attempt(place: int) -> bool:
        guard = Expect("plain", "taken", b"" if place % 3 else None)
        try:
            await store.commit([Put("plain", place, b"x"), guard, Add("numbered", b"n")])
        except Moved:
            return False
        return True

    outcomes = await asyncio.gather(*(attempt(place) for place in range(90)))

    made = [place for place in range(90) if place % 3]
    assert [place for place, outcome in enumerate(outcomes) if outcome] == made
    assert await keys(store, "plain") == [*made, "taken"]
    assert len(await keys(store, "numbered")) == len(made)
    await store.close()


@rule
async def a_commit_whose_caller_is_cancelled_is_whole_or_not_there(database: Database) -> None:
    """Whenever its caller is cancelled, a commit is made as a whole or not at all, and the store goes on."""
    store = await database.open()

    for turns in range(8):
        records: list[Operation] = [Put("plain", ("turn", turns, each), b"x") for each in range(3)]
        committing = asyncio.ensure_future(store.commit(records))
        for _ in range(turns):
            await asyncio.sleep(0)
        committing.cancel()
        await asyncio.gather(committing, return_exceptions=True)
        await store.commit([Put("other", turns, b"after")])

        made = await store.read("plain", lower=("turn", turns), upper=("turn", turns, ()))
        assert len(made) in (0, 3)

    assert len(await store.read("other")) == 8
    await store.close()


@rule
async def of_rivals_one_wins(database: Database) -> None:
    """Of commits that expect the same record and change it, exactly one is made."""
    store = await database.open()
    await store.commit([Put("plain", "count", b"0")])

    async def rival(name: int) -> bool:
        try:
            await store.commit([Expect("plain", "count", b"0"), Put("plain", "count", b"1"), Put("other", name, b"")])
        except Moved:
            return False
        return True

    outcomes = await asyncio.gather(*(rival(name) for name in range(10)))

    assert sum(outcomes) == 1
    assert await keys(store, "other") == [outcomes.index(True)]
    await store.close()


@rule
async def reads_see_whole_commits(database: Database) -> None:
    """A read at any moment sees both records of a commit or neither, and what returned before it was asked."""
    store = await database.open()
    await store.commit([Put("plain", 1, b"\0"), Put("plain", 2, b"\0")])

    async def write() -> None:
        for count in range(1, 40):
            await store.commit([Put("plain", 1, bytes([count])), Put("plain", 2, bytes([count]))])
            entries = await store.read("plain")
            assert entries[0].value == bytes([count])

    async def look() -> None:
        for _ in range(40):
            one, two = await store.read("plain")
            assert one.value == two.value

    await asyncio.gather(write(), look(), look())
    await store.close()


@rule
async def two_handles_are_one_database(database: Database) -> None:
    """What one store committed the other reads and expects; or where there is but one, a second is refused in words."""
    one = await database.open()
    if not database.shared:
        try:
            await database.open()
        except Busy as busy:
            assert "in use" in str(busy)
            await one.close()
            return
        raise AssertionError("a second store was opened beside the first")
    two = await database.open()

    await one.commit([Put("plain", 1, b"a"), Add("numbered", b"n")])

    assert await two.read("plain") == [Entry(1, b"a")]
    await two.commit([Expect("plain", 1, b"a"), Put("plain", 1, b"b"), Add("numbered", b"m")])
    await refused(one, [Expect("plain", 1, b"a")], Moved)
    assert [entry.value for entry in await one.read("numbered")] == [b"n", b"m"]
    await one.close()
    assert await two.read("plain") == [Entry(1, b"b")]
    await two.close()
