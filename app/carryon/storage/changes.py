"""Reading the log: by position, by note, and how far each author's chain of a note is held.

1. What comes out was whole and is what its second key says. What is damaged is left out, named in quarantine by the
   change's id, and can be asked for again; it hides no other change.
2. A position is taken once. `position` is the furthest this process has seen; others may have written further.
3. `load` gives a note at one position: the state that was kept and every change of the note behind it, up to there.
4. A damaged head, or a whole store of heads that is gone, is made anew from the log.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from carryon_sync.formats.change import Change, Link

from carryon.storage import layouts
from carryon.storage.errors import Damaged, Full, Moved
from carryon.storage.generation import Generation
from carryon.storage.keys import Key, beneath
from carryon.storage.layouts import NoteState
from carryon.storage.quarantine import DamagedRecord, Quarantine
from carryon.storage.store import Add, Entry, Expect, Put


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A change and its place in this device's log."""

    pos: int
    change: Change


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of the log: what is whole, what is not, the position it reaches, and whether more follows."""

    entries: tuple[LogEntry, ...]
    damaged: tuple[DamagedRecord, ...]
    pos: int
    more: bool


@dataclass(frozen=True, slots=True)
class Loaded:
    """A note as it is kept: a state, if one is, and the changes to absorb on top of it, in order, up to `pos`.

    `damaged` says that changes are missing from `entries`, so that what builds on them cannot be absorbed. `writers` says
    whose each client number of the state is.
    """

    state: bytes | None
    writers: Mapping[int, bytes]
    entries: tuple[LogEntry, ...]
    heads: Mapping[bytes, Link]
    damaged: tuple[DamagedRecord, ...]
    pos: int


class Changes:
    """The stores `log`, `heads` and `states`, for reading."""

    def __init__(self, generation: Generation, quarantine: Quarantine) -> None:
        self._generation = generation
        self._quarantine = quarantine
        self.position = 0

    async def open(self) -> None:
        """Find the end of the log and check that heads go with it. Raises `Damaged`."""
        await self.refresh()
        heads = await self._generation.store.read("heads", limit=1)
        if self.position and not heads:
            await self._remake_all_heads()
        if heads and not self.position:
            raise Damaged("the log of this notebook is gone, its heads are there: restore it from a relay or a backup")

    async def refresh(self) -> int:
        """Look for the end of the log again, and give it."""
        last = await self._generation.store.read("log", limit=1, reverse=True)
        self.reached(_pos(last[0]) if last else 0)
        return self.position

    def reached(self, pos: int) -> None:
        """Note that the log goes at least this far."""
        self.position = max(self.position, pos)

    async def entries(self, after: int = 0, limit: int | None = None) -> Page:
        """Give changes in the order of the log, after a position."""
        read = await self._generation.store.read("log", lower=after + 1, limit=limit)
        pos = _pos(read[-1]) if read else after
        self.reached(pos)
        entries, damaged = await self._sorted_out(read)
        return Page(entries, damaged, pos, limit is not None and len(read) == limit)

    async def at(self, positions: Sequence[int]) -> Page:
        """Give the changes at these ascending positions."""
        found = await self._generation.store.find("log", positions)
        entries, damaged = await self._sorted_out([found[pos] for pos in positions if pos in found])
        return Page(entries, damaged, positions[-1] if positions else 0, False)

    async def of_tag(self, tag: bytes, after: int = 0) -> Page:
        """Give the changes of one note in the order of the log, after a position."""
        lower, upper = beneath(tag)
        return await self._of_ranges([(lower, upper)], after, None)

    async def of_chain(self, tag: bytes, author: bytes, first: int, last: int) -> Page:
        """Give what one author's chain of a note holds from one number to another, both with it; forks too."""
        return await self._of_ranges([((tag, author, first), (tag, author, last, ()))], 0, None)

    async def heads_of(self, tag: bytes) -> dict[bytes, Link]:
        """Give how far each author's chain of a note is held."""
        lower, upper = beneath(tag)
        entries = await self._generation.store.read("heads", lower=lower, upper=upper)
        heads: dict[bytes, Link] = {}
        for entry in entries:
            author = _author(entry)
            head = layouts.head_in(entry.value, author)
            heads[author] = await self._remade_head(tag, author, entry.value) if head is None else head
        return heads

    async def heads_by(self, fingerprint: bytes) -> list[tuple[bytes, Link]]:
        """Give how far the chains of one device's authors are held, each with its tag. Reads all heads: for a rare act."""
        heads: list[tuple[bytes, Link]] = []
        for entry in await self._generation.entries("heads"):
            match entry.key:
                case (bytes() as tag, bytes() as author) if author.startswith(fingerprint):
                    head = layouts.head_in(entry.value, author)
                    heads.append((tag, await self._remade_head(tag, author, entry.value) if head is None else head))
        return heads

    async def held(self, asked: Collection[tuple[bytes, Link]]) -> set[bytes]:
        """Give the ids of those changes, asked for by tag and link, that the log holds; damaged ones count as held."""
        second_keys = {(tag, link.author, link.n, link.id): link.id for tag, link in asked}
        found = await self._generation.store.find("log", list(second_keys), unique=True)
        return {id for second, id in second_keys.items() if second in found}

    async def found(self, changes: Sequence[Change]) -> list[LogEntry]:
        """Give where these changes, which entered together, stand in the log; nothing if they are not there."""
        found = await self._generation.store.find("log", [layouts.second_key_of(one) for one in changes], unique=True)
        return [
            LogEntry(_pos(found[second]), one) for one in changes if (second := layouts.second_key_of(one)) in found
        ]

    async def readable(self, positions: Collection[int]) -> list[LogEntry]:
        """Give those of these places of the log that read; the others are named by whoever needs them."""
        found = await self._generation.store.find("log", sorted(positions))
        read = ((pos, layouts.change_in(entry.value, entry.unique)) for pos, entry in found.items())
        return [LogEntry(pos, change) for pos, change in read if isinstance(pos, int) and change is not None]

    async def whole(self, changes: Collection[Change]) -> set[bytes]:
        """Give the ids of those changes that the log holds undamaged; the others are worth appending."""
        found = await self._generation.store.find("log", [layouts.second_key_of(one) for one in changes], unique=True)
        return {
            one.id
            for one in changes
            if (entry := found.get(layouts.second_key_of(one))) and layouts.change_in(entry.value, entry.unique)
        }

    async def heads(self, chains: Collection[tuple[bytes, bytes]]) -> dict[tuple[bytes, bytes], Link]:
        """Give how far chains, named by tag and author, are held; those that are not are left out."""
        found = await self._generation.store.find("heads", list(chains))
        heads: dict[tuple[bytes, bytes], Link] = {}
        for tag, author in chains:
            entry = found.get((tag, author))
            if entry is not None:
                head = layouts.head_in(entry.value, author)
                heads[tag, author] = await self._remade_head(tag, author, entry.value) if head is None else head
        return heads

    async def load(self, note: str, tag: bytes, *, from_log: bool = False) -> Loaded:
        """Give a note as it is kept, or as the log alone has it."""
        # Every change up to here is committed, so that the reads below, whenever they happen, see all of them.
        pos = self.position
        state, heads, fork = await asyncio.gather(
            self._state(note), self.heads_of(tag), self._generation.record("meta", ("fork", tag))
        )
        if state is not None and fork is not None:
            # A change beside the chain lies behind the heads that the state names: only its position tells.
            forked = layouts.number_in(fork)
            if forked is None or forked > state.pos:
                state = None
        if state is None or from_log:
            page = await self._of_ranges([beneath(tag)], 0, pos)
            return Loaded(None, {}, page.entries, _furthest({}, page.entries), page.damaged, pos)
        ranges = [
            ((tag, author, state.heads[author].n + 1 if author in state.heads else 1), (tag, author, ()))
            for author, head in heads.items()
            if author not in state.heads or head.n > state.heads[author].n
        ]
        page = await self._of_ranges(ranges, state.pos, max(pos, state.pos))
        heads_reached = _furthest(state.heads, page.entries)
        return Loaded(state.state, state.writers, page.entries, heads_reached, page.damaged, max(pos, state.pos))

    async def _state(self, note: str) -> NoteState | None:
        value = await self._generation.record("states", (note, 0))
        payload = None if value is None else await self._generation.unseal(f"states/{note}", value)
        return None if payload is None else layouts.state_in(payload, note)

    async def _of_ranges(self, ranges: Iterable[tuple[Key, Key]], after: int, until: int | None) -> Page:
        parts = await asyncio.gather(
            *(self._generation.store.read("log", unique_lower=lower, unique_upper=upper) for lower, upper in ranges)
        )
        read = [
            entry for part in parts for entry in part if after < _pos(entry) and (until is None or _pos(entry) <= until)
        ]
        read.sort(key=_pos)
        entries, damaged = await self._sorted_out(read)
        return Page(entries, damaged, _pos(read[-1]) if read else after, False)

    async def _sorted_out(self, read: Iterable[Entry]) -> tuple[tuple[LogEntry, ...], tuple[DamagedRecord, ...]]:
        changes = [(entry, layouts.change_in(entry.value, entry.unique)) for entry in read]
        if suspects := [entry.key for entry, change in changes if change is None]:
            # A read may give rot where the record has none.
            again = await self._generation.store.find("log", suspects)
            changes = [
                (
                    entry,
                    change or (entry.key in again and layouts.change_in(again[entry.key].value, entry.unique)) or None,
                )
                for entry, change in changes
            ]
        damaged = tuple(DamagedRecord("log", entry.key, entry.unique) for entry, change in changes if change is None)
        await self._quarantine.add(damaged)
        return tuple(LogEntry(_pos(entry), change) for entry, change in changes if change is not None), damaged

    async def _remade_head(self, tag: bytes, author: bytes, value: bytes) -> Link:
        lower, upper = beneath(tag, author)
        last = await self._generation.store.read("log", unique_lower=lower, unique_upper=upper, limit=1, reverse=True)
        if not last:
            raise Damaged(
                f"the head of author {author.hex()} is damaged and the log has none of its changes: restore a backup"
            )
        head = _link(last[0].unique)
        try:
            await self._generation.commit(
                [Expect("heads", (tag, author), value), Put("heads", (tag, author), layouts.head_value(head))]
            )
        except Moved:  # Another core mended or moved it first.
            return (await self.heads_of(tag))[author]
        except Full:  # It is known all the same, and mended where there is room.
            return head
        return head

    async def _remake_all_heads(self) -> None:
        """Make all heads in one commit, so that a store of heads is whole or empty."""
        heads: dict[tuple[bytes, bytes], Link] = {}
        for entry in await self._generation.store.read("log", unique_lower=()):
            link, tag = _link(entry.unique), _tag(entry.unique)
            heads[tag, link.author] = link  # In the order of second keys the last of a chain is its furthest.
        await self._generation.commit(
            [Add("heads", layouts.head_value(link), (tag, author)) for (tag, author), link in heads.items()]
        )


def furthest(one: Link | None, other: Link) -> Link:
    """Give the head of a chain that reaches both: the greater number, and of a fork the greater id."""
    return other if one is None or (other.n, other.id) > (one.n, one.id) else one


def link_of(change: Change) -> Link:
    """Give the link that names a change."""
    return Link(change.header.author, change.header.n, change.id)


def _furthest(heads: Mapping[bytes, Link], entries: Iterable[LogEntry]) -> dict[bytes, Link]:
    reached = dict(heads)
    for entry in entries:
        link = link_of(entry.change)
        reached[link.author] = furthest(reached.get(link.author), link)
    return reached


def _pos(entry: Entry) -> int:
    assert isinstance(entry.key, int), "positions are numbers"
    return entry.key


def _author(entry: Entry) -> bytes:
    match entry.key:
        case (bytes(), bytes() as author):
            return author
        case _:
            raise AssertionError(f"{entry.key!r} is no key of a head")


def _link(second: Key | None) -> Link:
    match second:
        case (bytes(), bytes() as author, int() as n, bytes() as id):
            return Link(author, n, id)
        case _:
            raise AssertionError(f"{second!r} is no second key of the log")


def _tag(second: Key | None) -> bytes:
    match second:
        case (bytes() as tag, _, _, _):
            return tag
        case _:
            raise AssertionError(f"{second!r} is no second key of the log")
