"""What every adapter holds to of order: keys, ranges, second keys; one function a rule, run as the store's contract is."""

import random

from carryon.storage.keys import INTEGER_MAX, Key, beneath, order_of
from carryon.storage.store import Add, Delete, Entry, Put

from tests.contracts.store_contract import Database, Rule

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

RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    """Enter a rule under its name."""
    RULES[function.__name__] = function
    return function


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
