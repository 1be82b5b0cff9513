"""The store port: named stores of keyed records, read by ranges, written by atomic commits, alike in every adapter.

1. A database holds the stores that it was opened with, each described by a `Stored`. Keys are `keys.Key`, in their
   order; values are bytes. What the bytes mean is `layouts`' matter.
2. A *numbered* store gives each record the next whole number, from 1; a number is never given twice, even after its
   record is gone. Every other store takes its keys from the caller.
3. A *paired* store may give each record a second key, unique in the store, by which it can be read as well.
4. `commit` is all or nothing, in the order of its operations, each seeing what those before it did, and is durable when
   it returns. The first operation that cannot be done decides the error, and nothing is written.
5. `read` sees whole commits only, and every commit that returned before it was called. Both ends of a range are in it.
6. An adapter whose connection is lost opens it again, three tries, then says so (`Lost`). A read is asked again; a
   commit whose outcome is not known is not, and its caller gets `Lost`. A caller that is cancelled does not know it either:
   the commit is made as a whole, or not at all.

The port does not retry, cache, seal or interpret anything, and offers no transaction that would wait for its caller.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from carryon.storage.keys import Key, order_of

OPENING_TRIES_MAX = 3


@dataclass(frozen=True, slots=True)
class Stored:
    """One store of a database: its name, whether it numbers its records, whether they may have a second key."""

    name: str
    numbered: bool = False
    paired: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as it was read."""

    key: Key
    value: bytes
    unique: Key | None = None


@dataclass(frozen=True, slots=True)
class Add:
    """Add a record that is not there, else `Exists`. The key is None in a numbered store, and only there."""

    store: str
    value: bytes
    key: Key | None = None
    unique: Key | None = None


@dataclass(frozen=True, slots=True)
class Put:
    """Set a record, whether or not it is there. Not for numbered or paired stores."""

    store: str
    key: Key
    value: bytes


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a record; one that is not there is no error."""

    store: str
    key: Key


@dataclass(frozen=True, slots=True)
class Expect:
    """Go on only if the record holds exactly this value, or with None: is not there; else `Moved`."""

    store: str
    key: Key
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Present:
    """Go on only if the record is there, else `Moved`."""

    store: str
    key: Key


Operation: TypeAlias = Add | Put | Delete | Expect | Present


class Store(Protocol):
    """A database that is open."""

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
        """Give the records of a range in order: by key, or by second key if any `unique…` is given.

        Both ends are in the range; `unique` alone asks for one record. Raises `Lost` or `Damaged`.
        """
        ...

    async def find(self, store: str, keys: Sequence[Key], *, unique: bool = False) -> dict[Key, Entry]:
        """Give those of the records that are there by the keys asked for, or second keys, as of one moment.

        Raises `Lost` or `Damaged`.
        """
        ...

    async def commit(self, operations: Sequence[Operation]) -> list[Key]:
        """Do all operations or none, durably; give the keys of the `Add`s in order.

        Raises `Moved`, `Exists`, `Full`, `Busy`, `Lost`, or `Damaged`.
        """
        ...

    async def close(self) -> None:
        """Let go of the database; what was committed stays. Closing twice is no error."""
        ...


@dataclass(frozen=True, slots=True)
class Range:
    """What a read asks for, checked: by the second key or the first, from, to, how many, which way round."""

    paired: bool
    lower: Key | None
    upper: Key | None
    limit: int | None
    reverse: bool

    @property
    def empty(self) -> bool:
        """Say whether nothing can lie in the range; IndexedDB refuses to be asked for it."""
        return self.lower is not None and self.upper is not None and order_of(self.lower) > order_of(self.upper)


def asked_range(
    stored: Stored,
    lower: Key | None,
    upper: Key | None,
    unique: Key | None,
    unique_lower: Key | None,
    unique_upper: Key | None,
    limit: int | None,
    reverse: bool,
) -> Range:
    """Make the arguments of `Store.read` one checked value; a wrong question is a wrong program."""
    assert limit is None or limit >= 1, f"a read of {limit} records of {stored.name!r} asks for nothing"
    if unique is None and unique_lower is None and unique_upper is None:
        return Range(False, lower, upper, limit, reverse)
    assert stored.paired, f"records of {stored.name!r} have no second key"
    assert lower is None and upper is None, "a read goes by the key or by the second key, not by both"
    if unique is None:
        return Range(True, unique_lower, unique_upper, limit, reverse)
    assert unique_lower is None and unique_upper is None, "a read asks for one second key or for a range of them"
    return Range(True, unique, unique, limit, reverse)


def check_asked(stored: Stored, unique: bool) -> None:
    """Assert that a store can be asked so."""
    assert stored.paired or not unique, f"records of {stored.name!r} have no second key"


def by_name(stores: Iterable[Stored]) -> Mapping[str, Stored]:
    """Give the stores by name."""
    return {stored.name: stored for stored in stores}


def check_operations(stores: Mapping[str, Stored], operations: Sequence[Operation]) -> None:
    """Assert that every operation is one its store takes; a wrong one is a wrong program."""
    for operation in operations:
        stored = stores.get(operation.store)
        assert stored is not None, f"there is no store {operation.store!r}"
        match operation:
            case Add(key=key, unique=unique):
                assert (key is None) == stored.numbered, f"{stored.name!r} takes no such key: {key!r}"
                assert unique is None or stored.paired, f"records of {stored.name!r} have no second key"
            case Put():
                assert not stored.numbered and not stored.paired, f"records of {stored.name!r} are added, never put"
            case Delete() | Expect() | Present():
                pass
