"""What every adapter of the store port holds to, one function a rule, run on memory, SQLite and IndexedDB alike.

A rule takes a `Database`: a fresh, empty one, which it opens, closes and opens again. Nothing here imports pytest, so
that the same functions run in a browser's worker.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Protocol

from carryon.storage.errors import Busy, Exists, Moved, StorageError
from carryon.storage.keys import INTEGER_MAX, Key, beneath, order_of
from carryon.storage.store import Add, Delete, Entry, Expect, Operation, Present, Put, Store, Stored

STORES = (
    Stored("plain"),
    Stored("other"),
    Stored("numbered", numbered=True),
    Stored("paired", paired=True),
    Stored("both", numbered=True, paired=True),
)

KEYS_IN_ORDER: tuple[Key, ...] = (
    -INTEGER_MAX,
    -256,
    -1,
    0,
    1,
    2,
    255,
    256,
    INTEGER_MAX,
    "",
    "\0",
    "\0a",
    "A",
    "a",
    "a\0",
    "aa",
    "b",
    "é",
    "\uabcd",
    "😀",
    "\ufffd",
    b"",
    b"\x00",
    b"\x00\x00",
    b"\x00\x01",
    b"\x00\xff",
    b"\x01",
    b"a",
    b"a\x00",
    b"\xff",
    b"\xff\x00",
    (),
    ((),),
    (0,),
    (0, 0),
    (0, "a"),
    (0, b""),
    (0, ()),
    (1,),
    ("a",),
    ("a", 1),
    ("a\0",),
    ("b",),
    (b"",),
    (b"\x00",),
    (b"\x00", 1),
    (b"\x00\x00",),
    (b"a", 1),
    (b"a", 256),
    (b"a\x00", 0),
    ((), 1),
    ((0,),),
)
"""Keys of every type in the order of `keys`, but for the tuples, which `_in_order` sorts."""


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
async def keys_are_in_one_order(database: Database) -> None:
    """Integers, texts by UTF-16 units, bytes, tuples: read forwards and backwards in that order, as they were."""
    ordered = sorted(KEYS_IN_ORDER, key=order_of)
    assert [key for key in KEYS_IN_ORDER if not isinstance(key, tuple)] == [
        key for key in ordered if not isinstance(key, tuple)
    ]
    shuffled = list(KEYS_IN_ORDER)
    random.Random(5).shuffle(shuffled)
    store = await database.open()

    await store.commit([Put("plain", key, repr(key).encode()) for key in shuffled])
    await store.commit([Add("paired", b"", place, key) for place, key in enumerate(shuffled)])

    assert await store.read("plain") == [Entry(key, repr(key).encode()) for key in ordered]
    assert [entry.key for entry in await store.read("plain", reverse=True)] == ordered[::-1]
    by_second = await store.read("paired", unique_lower=-INTEGER_MAX)
    assert [entry.unique for entry in by_second] == ordered
    await store.close()


@rule
async def ranges_hold_both_their_ends(database: Database) -> None:
    """A range has both ends in it, may be open at either, and is empty where its ends are the wrong way round."""
    store = await database.open()
    await store.commit([Put("plain", key, b"") for key in range(1, 8)])

    async def between(
        lower: int | None, upper: int | None, limit: int | None = None, reverse: bool = False
    ) -> list[Key]:
        entries = await store.read("plain", lower=lower, upper=upper, limit=limit, reverse=reverse)
        return [entry.key for entry in entries]

    assert await between(3, 5) == [3, 4, 5]
    assert await between(4, 4) == [4]
    assert await between(None, 2) == [1, 2]
    assert await between(6, None) == [6, 7]
    assert await between(5, 3) == []
    assert await between(8, None) == []
    assert await between(2, 6, limit=2) == [2, 3]
    assert await between(2, 6, limit=2, reverse=True) == [6, 5]
    assert await between(None, None, limit=1, reverse=True) == [7]
    assert await between(2, 3, limit=99) == [2, 3]
    await store.close()


@rule
async def a_prefix_is_a_range(database: Database) -> None:
    """`beneath` a prefix are the tuples that begin with it, those of a longer or a greater element not."""
    store = await database.open()
    inside: list[Key] = [("a", 1), ("a", 2), ("a", "x"), ("a", b"\xff\xff"), ("a", b"\xff", 1)]
    outside: list[Key] = [("A", 1), ("a\0", 1), ("aa", 1), ("b",), "a", b"a", 1]
    await store.commit([Put("plain", key, b"") for key in (*inside, *outside)])
    lower, upper = beneath("a")

    entries = await store.read("plain", lower=lower, upper=upper)

    assert [entry.key for entry in entries] == sorted(inside, key=order_of)
    await store.close()


@rule
async def second_keys_find_and_order(database: Database) -> None:
    """By second key a record is found alone or in a range, in the second keys' order; one without is not among them."""
    store = await database.open()
    await store.commit(
        [
            Add("paired", b"c", 1, ("t", 3)),
            Add("paired", b"a", 2, ("t", 1)),
            Add("paired", b"none", 3),
            Add("paired", b"b", 4, ("t", 2)),
            Add("paired", b"u", 5, ("u", 1)),
        ]
    )
    lower, upper = beneath("t")

    assert await store.read("paired", unique=("t", 2)) == [Entry(4, b"b", ("t", 2))]
    assert await store.read("paired", unique=("t", 9)) == []
    ordered = await store.read("paired", unique_lower=lower, unique_upper=upper)
    assert [entry.value for entry in ordered] == [b"a", b"b", b"c"]
    last = await store.read("paired", unique_lower=lower, unique_upper=upper, limit=1, reverse=True)
    assert [entry.value for entry in last] == [b"c"]
    assert [entry.value for entry in await store.read("paired", unique_lower=("t", 3))] == [b"c", b"u"]
    assert [entry.value for entry in await store.read("paired", unique_upper=("t", 1))] == [b"a"]
    assert [entry.value for entry in await store.read("paired")] == [b"c", b"a", b"none", b"b", b"u"]
    await store.close()


@rule
async def many_records_are_found_at_once(database: Database) -> None:
    """Records are looked up by their keys or second keys, as many as there are; what is not there is left out."""
    store = await database.open()
    await store.commit([Put("plain", ("k", place), bytes([place])) for place in range(100)])
    await store.commit(
        [Add("paired", b"a", 1, ("s", b"x")), Add("paired", b"", (2, b"y"), "t"), Add("paired", b"c", 3)]
    )

    found = await store.find("plain", [("k", 99), ("k", 100), ("k", 5), ("k", 5), "k"])

    assert found == {("k", 5): Entry(("k", 5), b"\x05"), ("k", 99): Entry(("k", 99), b"c")}
    assert await store.find("paired", [(2, b"y"), 3]) == {(2, b"y"): Entry((2, b"y"), b"", "t"), 3: Entry(3, b"c")}
    by_second = await store.find("paired", [("s", b"x"), "t", 1], unique=True)
    assert by_second == {("s", b"x"): Entry(1, b"a", ("s", b"x")), "t": Entry((2, b"y"), b"", "t")}
    assert await store.find("plain", []) == {}
    await store.close()


@rule
async def a_second_key_is_free_again_after_its_record(database: Database) -> None:
    """Deleting a record frees its key and its second key."""
    store = await database.open()
    await store.commit([Add("paired", b"a", 1, "s")])

    await store.commit([Delete("paired", 1)])
    await store.commit([Add("paired", b"b", 2, "s")])

    assert await store.read("paired", unique="s") == [Entry(2, b"b", "s")]
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
