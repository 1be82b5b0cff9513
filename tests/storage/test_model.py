"""Memory and SQLite are one store: the same commits and reads give the same answers and leave the same records."""

import asyncio
import tempfile
from pathlib import Path

from carryon.storage.errors import StorageError
from carryon.storage.keys import Key
from carryon.storage.memory_store import MemoryDisk, MemoryStore
from carryon.storage.sqlite_store import SqliteStore
from carryon.storage.store import Add, Delete, Expect, Operation, Present, Put, Store
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.store_contract import STORES

few_keys: st.SearchStrategy[Key] = st.sampled_from([1, 2, "a", "b", b"a", ("a",), ("a", 1), ("a", 2)])
values = st.sampled_from([b"", b"x", b"y"])
operations: st.SearchStrategy[Operation] = st.one_of(
    st.builds(Add, st.just("plain"), values, few_keys),
    st.builds(Add, st.just("numbered"), values),
    st.builds(Add, st.just("paired"), values, few_keys, st.none() | few_keys),
    st.builds(Add, st.just("both"), values, st.none(), st.none() | few_keys),
    st.builds(Put, st.just("plain"), few_keys, values),
    st.builds(Delete, st.sampled_from(["plain", "paired"]), few_keys),
    st.builds(Delete, st.sampled_from(["numbered", "both"]), st.integers(1, 4)),
    st.builds(Expect, st.sampled_from(["plain", "paired"]), few_keys, st.none() | values),
    st.builds(Present, st.sampled_from(["plain", "paired"]), few_keys),
)
commits = st.lists(operations, max_size=5)
questions = st.fixed_dictionaries(
    {},
    optional={
        "lower": few_keys,
        "upper": few_keys,
        "limit": st.integers(1, 3),
        "reverse": st.booleans(),
    },
) | st.fixed_dictionaries(
    {},
    optional={
        "unique_lower": few_keys,
        "unique_upper": few_keys,
        "limit": st.integers(1, 3),
        "reverse": st.booleans(),
    },
)
steps = st.lists(commits | st.tuples(st.sampled_from(["paired", "both"]), questions), max_size=12)


async def answers(store: Store, history: list[object]) -> list[object]:
    """Do the steps and give what was answered, refusals by name, then all records."""
    given_back: list[object] = []
    for step in history:
        try:
            if isinstance(step, list):
                given_back.append(await store.commit(step))
            elif isinstance(step, tuple):
                name, question = step
                given_back.append(await store.read(name, **question))
        except StorageError as error:
            given_back.append((type(error).__name__, getattr(error, "store", None)))
    return [*given_back, *[await store.read(stored.name) for stored in STORES]]


@settings(max_examples=40, deadline=None)
@given(steps)
def test_memory_and_sqlite_answer_alike(history: list[object]) -> None:
    """Any sequence of commits and reads has the same outcome on both."""

    async def both() -> None:
        with tempfile.TemporaryDirectory() as folder:
            sqlite = await SqliteStore.open(Path(folder) / "model.sqlite", STORES)
            memory = MemoryStore(MemoryDisk(STORES))
            assert await answers(sqlite, history) == await answers(memory, history)
            await sqlite.close()

    asyncio.run(both())
