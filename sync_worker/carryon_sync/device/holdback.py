"""Changes enter the log in causal order only; what comes before its predecessors waits here, bounded, stopping nothing.

A change's predecessors are its author's previous change of the tag (`prev`, at n − 1) and its `needs`. pycrdt settles
differently on updates out of order, so this order is an invariant of the log.

1. A predecessor is held when its *id* is: numbers alone would take one branch of a fork for the other. So the machine
   says which ids it must know about (`asks`), and the shell answers with those that the log holds.
2. What waits is bounded, in number and in bytes. When it is full, the tag with most waiting is dropped from it and
   marked *to fetch*: the shell lets the cursor move on and asks for that tag with `want`, later, page by page.
3. Of a marked tag, what can be released is, and the rest is not kept: the fetch brings it again. From the moment it is
   asked for, its changes wait like others, so nothing falls between; an overflow marks it again.
4. It holds no changes, only their names: the shell keeps the sealed bytes of what waits, and drops what is dropped.
5. After a start, and after anything entered the log by another way, `asks(())` and `take((), held)` look again.
6. A change of a device that had been put out, or had lost the right to write, when it was written, and that does not say so,
   (`ended`) waits for somebody's word as well: it is vouched for when it is a head of the frontier that its remover held,
   or when what builds on it counts. So whatever of that device's chain a member in good standing held, or went on from,
   counts, and nothing else does, in whatever order it comes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from carryon_sync.formats.change import NO_PREV, Change, Link
from carryon_sync.protocol.frames import Range

WAITING_MAX = 4096
WAITING_BYTES_MAX = 64 << 20
NEED_BYTES = 256  # what one need takes in memory: compressed, a change may name very many


@dataclass(frozen=True, slots=True)
class Arrived:
    """A verified change by its names; `needs` come from its opened body, `size` what it takes, sealed, with its needs."""

    id: bytes
    tag: bytes
    author: bytes
    n: int
    prev: bytes
    needs: tuple[Link, ...]
    size: int
    ended: bool = False

    @property
    def predecessors(self) -> tuple[Link, ...]:
        """Return what must be held before this."""
        own = () if self.prev == NO_PREV else (Link(self.author, self.n - 1, self.prev),)
        return (*own, *self.needs)


def arrived(change: Change, needs: tuple[Link, ...], *, ended: bool = False) -> Arrived:
    """Name an opened change; `ended` where its device was out, or might not write, and it does not know of that."""
    header = change.header
    size = len(change.ciphertext) + NEED_BYTES * len(needs)
    return Arrived(change.id, header.tag, header.author, header.n, header.prev, needs, size, ended)


@dataclass(frozen=True, slots=True)
class Asked:
    """A predecessor whose being held the machine must know: look it up by all four."""

    tag: bytes
    link: Link


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the shell does, in one transaction: append `released` in this order, keep `waiting`, drop `dropped`.

    `released` may name changes that waited (they leave the store `waiting`) and such as came now. `marked` are tags to
    fetch from now on.
    """

    released: tuple[bytes, ...]
    waiting: tuple[bytes, ...]
    dropped: tuple[bytes, ...]
    marked: tuple[bytes, ...]


class HoldBack:
    """What waits for its predecessors in one notebook, and which tags are to be fetched."""

    def __init__(
        self,
        waiting: Iterable[Arrived] = (),
        marked: Iterable[bytes] = (),
        vouched: Iterable[bytes] = (),
        *,
        fetching: Collection[bytes] = (),
        waiting_max: int = WAITING_MAX,
        bytes_max: int = WAITING_BYTES_MAX,
    ) -> None:
        """Begin with what the store `waiting` keeps from before, the tags that were marked, and the heads of frontiers.

        `fetching` are those of the tags that are being asked for already.
        """
        self._waiting_max = waiting_max
        self._bytes_max = bytes_max
        self._waiting: dict[bytes, Arrived] = {}
        self._missing: dict[bytes, set[bytes]] = {}
        self._followers: dict[bytes, set[bytes]] = {}
        self._size = 0
        self._fetching: dict[bytes, bool] = {tag: tag in fetching for tag in marked}
        self._vouched: set[bytes] = set(vouched)
        for one in waiting:
            self._enter(one, frozenset())

    @property
    def count(self) -> int:
        """Return how many changes wait."""
        return len(self._waiting)

    @property
    def size(self) -> int:
        """Return how many bytes wait."""
        return self._size

    @property
    def marked(self) -> tuple[bytes, ...]:
        """Return the tags that are to be fetched, also those being fetched."""
        return tuple(self._fetching)

    @property
    def asked_for(self) -> tuple[bytes, ...]:
        """Return those of the marked tags that are being fetched."""
        return tuple(tag for tag, asked_for in self._fetching.items() if asked_for)

    @property
    def unvouched(self) -> tuple[Arrived, ...]:
        """Return what waits for somebody's word, because its device was out when it was written."""
        return tuple(one for id, one in self._waiting.items() if _word_for(id) in self._missing[id])

    def vouch(self, ids: Iterable[bytes]) -> None:
        """Take somebody's word for these changes, and so for what they build on; `take` then releases what can be."""
        named = set(ids)
        self._vouched |= named
        self._pass_on(named)

    def asks(self, arrivals: Sequence[Arrived]) -> frozenset[Asked]:
        """Return the predecessors of `arrivals` (of all that waits, when there are none) to look up in the log.

        Predecessors within `arrivals`, or that wait themselves, need no answer.
        """
        known = self._waiting.keys() | {one.id for one in arrivals}
        asking = arrivals or tuple(self._waiting.values())
        return frozenset(Asked(one.tag, link) for one in asking for link in one.predecessors if link.id not in known)

    def take(self, arrivals: Sequence[Arrived], held: Collection[bytes]) -> Outcome:
        """Take in changes that the log does not hold; `held` are the ids of those asked for that it does."""
        coming = [one for one in {one.id: one for one in arrivals}.values() if one.id not in self._waiting]
        for one in coming:
            self._enter(one, held)
        released = self._release(held)
        kept = [one for one in coming if one.id in self._waiting]
        dropped = [one.id for one in kept if self._fetching.get(one.tag) is False]
        for id in dropped:
            self._leave(id)
        marked = []
        while len(self._waiting) > self._waiting_max or self._size > self._bytes_max:
            tag = self._fullest()
            marked.append(tag)
            dropped += self._mark(tag)
        waiting = tuple(one.id for one in kept if one.id in self._waiting)
        return Outcome(released, waiting, tuple(dropped), tuple(marked))

    def wants(self, limit: int) -> tuple[Range, ...]:
        """Return the predecessors, at most `limit`, that what waits is waiting for, as ranges of one."""
        wanted: dict[bytes, Range] = {}
        for one in self._waiting.values():
            for link in one.predecessors:
                if len(wanted) == limit:
                    break
                if link.id in self._missing[one.id] and link.id not in self._waiting:
                    wanted[link.id] = Range(one.tag, link.author, link.n, link.n)
        return tuple(wanted.values())

    def fetching(self, tag: bytes) -> None:
        """Note that a marked tag is being asked for, from the beginning of the relay's log."""
        assert tag in self._fetching, "only a marked tag is fetched"
        self._fetching[tag] = True

    def fetched(self, tag: bytes) -> bool:
        """Note that a tag's last page was taken in; say whether its mark is gone, or it overflowed again meanwhile."""
        if self._fetching.get(tag) is False:
            return False
        self._fetching.pop(tag, None)
        return True

    def _enter(self, one: Arrived, held: Collection[bytes]) -> None:
        self._waiting[one.id] = one
        self._size += one.size
        missing = self._missing[one.id] = {link.id for link in one.predecessors if link.id not in held}
        in_order = not one.ended or one.id in self._vouched or self._is_built_on(one.id)
        if in_order:
            self._pass_on(missing)
        else:
            missing.add(_word_for(one.id))
        for id in missing:
            self._followers.setdefault(id, set()).add(one.id)

    def _is_built_on(self, id: bytes) -> bool:
        """Whether something that waits and is in order itself builds on a change."""
        return any(_word_for(follower) not in self._missing[follower] for follower in self._followers.get(id, ()))

    def _pass_on(self, ids: Iterable[bytes]) -> None:
        """What these build on is in order with them, where it waits; what comes later finds those that build on it."""
        open_ids = list(ids)
        while open_ids:
            id = open_ids.pop()
            if id in self._waiting and _word_for(id) in self._missing[id]:
                self._settle(_word_for(id))
                open_ids += [link.id for link in self._waiting[id].predecessors]

    def _leave(self, id: bytes) -> Arrived:
        one = self._waiting.pop(id)
        self._size -= one.size
        for predecessor in self._missing.pop(id):
            followers = self._followers[predecessor]
            followers.discard(id)
            if not followers:
                del self._followers[predecessor]
        return one

    def _release(self, held: Collection[bytes]) -> tuple[bytes, ...]:
        """Let go, in causal order, all whose predecessors are held or let go before them."""
        for id in held:
            self._settle(id)
        ready = deque(id for id, missing in self._missing.items() if not missing)
        released: list[bytes] = []
        while ready:
            id = ready.popleft()
            self._leave(id)
            released.append(id)
            ready += self._settle(id)
        return tuple(released)

    def _settle(self, predecessor: bytes) -> list[bytes]:
        """Take a predecessor off everybody's list; return whose list is empty now."""
        followers = self._followers.pop(predecessor, set())
        for id in followers:
            self._missing[id].discard(predecessor)
        return sorted(id for id in followers if not self._missing[id])

    def _mark(self, tag: bytes) -> list[bytes]:
        self._fetching[tag] = False
        ids = [id for id, one in self._waiting.items() if one.tag == tag]
        for id in ids:
            self._leave(id)
        return ids

    def _fullest(self) -> bytes:
        """Return the tag that takes the most of what is bounded; the first by name of equals."""
        shares: dict[bytes, float] = {}
        for one in self._waiting.values():
            share = 1 / self._waiting_max + one.size / self._bytes_max
            shares[one.tag] = shares.get(one.tag, 0.0) + share
        return min(shares, key=lambda tag: (-shares[tag], tag))


def _word_for(id: bytes) -> bytes:
    """Return what stands among a change's missing predecessors while nobody has vouched for it."""
    return b"word for " + id
