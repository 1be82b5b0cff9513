"""What did not verify, open or apply, kept where it harms nobody, counted and shown.

1. Received bytes that were refused are kept. A damaged record of this device, and a change of the log that cannot be
   read, stay where they are; quarantine names them. Nothing is deleted for being damaged.
2. The same thing is kept once. What has been mended, or has entered the log after all, leaves (`settling`); what stood in the log all
   the while changes the mark of mendings with that, for what was derived from the log without it (`mendings`).
3. At most `ITEMS_MAX` things are kept, `WHOLE_MAX` of them and `BYTES_MAX` bytes whole. What finds no room for its bytes
   is named without them, so that what came first stays whole; names displace names, the oldest first.
4. Naming what a read came upon never fails the read: while the disk takes nothing, it is known to this core only.
5. What a person has seen and dismissed stays, and is marked by a second thing about it.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from carryon.storage import layouts
from carryon.storage.errors import Busy, Exists, Full, Lost
from carryon.storage.generation import Generation
from carryon.storage.keys import Key
from carryon.storage.store import Add, Delete, Operation, Put

ITEMS_MAX = 1000
WHOLE_MAX = 500
BYTES_MAX = 8 << 20
REASON_CHARACTERS_MAX = 500

_SEEN = "seen"
_MENDED = "mended"
_MENDED_PLACE = "meta/mended"


class Kind(StrEnum):
    """Why something is in quarantine."""

    DAMAGED = "damaged"
    """A record of this device does not read."""
    REFUSED = "refused"
    """Received bytes did not verify or open."""
    EARLY = "early"
    """A received change whose key or whose author's record is not here yet: it is tried again when they come."""
    UNREAD = "unread"
    """A change of the log that cannot be read, or of which not every edit fits its note."""


@dataclass(frozen=True, slots=True)
class Name:
    """A change, by its note's tag and its id."""

    tag: bytes
    id: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """Received bytes that did not verify or open, and why; `change` where they could be read as one.

    Without bytes: a change of the log (UNREAD), which stays there.
    """

    reason: str
    data: bytes
    kind: Kind = Kind.REFUSED
    change: Name | None = None

    @property
    def about(self) -> Key:
        """What names it in quarantine."""
        if self.change is None:
            return self.kind.value, hashlib.sha256(self.data).digest()
        return about_change(self.kind, self.change)


@dataclass(frozen=True, slots=True)
class DamagedRecord:
    """A record of this device that did not read or open; `second` is its second key, which names a change."""

    store: str
    key: Key
    second: Key | None = None

    @property
    def about(self) -> Key:
        """What names it in quarantine."""
        place = Kind.DAMAGED.value, self.store, self.key
        return place if self.store != "log" or self.second is None else (*place, self.second)

    @property
    def reason(self) -> str:
        """Why it is there."""
        return f"record {self.key!r} of store {self.store!r} does not read"

    @property
    def data(self) -> bytes:
        """Nothing: the record stays where it is."""
        return b""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One thing in quarantine; its number grows for ever, and is 0 while the disk has not taken it."""

    number: int
    about: Key
    reason: str
    data: bytes
    seen: bool = False

    @property
    def kind(self) -> Kind:
        """Why it is there."""
        word = _parts(self.about)[0]
        assert isinstance(word, str), "a kind is a word"
        return Kind(word)

    @property
    def store(self) -> str | None:
        """The store of a damaged record."""
        parts = _parts(self.about)
        return parts[1] if self.kind is Kind.DAMAGED and isinstance(parts[1], str) else None

    @property
    def change(self) -> Name | None:
        """The change it is, or would be, where that is known; of one that waited only the id is."""
        match self.about:
            case (str(), bytes(tag), bytes(id)) | (str(), "log", int(), (bytes(tag), bytes(), int(), bytes(id))):
                return Name(tag, id)
            case (str(), "waiting", bytes(id)):
                return Name(b"", id)
            case _:
                return None


def about_change(kind: Kind, change: Name) -> Key:
    """Give what names a change in quarantine."""
    return kind.value, change.tag, change.id


class Quarantine:
    """The store `quarantine`; `touched` is called when it may have changed.

    `mended` is told what of the log was known here and is not named any more, by position where it was damaged and by tag where it could
    not be read: another core has mended it.
    """

    def __init__(self, generation: Generation) -> None:
        self._generation = generation
        self._untaken: dict[Key, Refused | DamagedRecord] = {}
        self._known: frozenset[Key] = frozenset()
        self.touched: Callable[[], None] = lambda: None
        self.mended: Callable[[Collection[int], Collection[bytes]], None] = lambda _positions, _tags: None

    @property
    def known(self) -> frozenset[Key]:
        """What was in it at the last look."""
        return self._known

    async def add(self, items: Sequence[Refused | DamagedRecord]) -> None:
        """Keep what is not kept yet; what the disk does not take now is known here and kept with what comes next."""
        if not items:
            return
        for item in items:
            self._untaken.setdefault(item.about, item)
        named = False
        while self._untaken:
            about, item = next(iter(self._untaken.items()))
            try:
                operations = await self.adding([item])
                if operations:
                    await self._generation.commit(operations)
                    named = True
            except Exists:  # Another core kept it meanwhile.
                named = True
            except (Full, Busy, Lost):
                named |= about not in self._known
                self._known |= self._untaken.keys()
                break
            self._untaken.pop(about, None)
            self._known |= {about}
        if named:
            self.touched()

    async def adding(self, items: Sequence[Refused | DamagedRecord]) -> list[Operation]:
        """Give the operations that keep what is not kept yet, for a commit that keeps more."""
        by_about: dict[Key, Refused | DamagedRecord] = {}
        for item in items:
            by_about.setdefault(item.about, item)
        if not by_about:
            return []
        entries = await self._generation.entries("quarantine")
        kept = {entry.unique for entry in entries}
        whole = {entry.key for entry in entries if layouts.quarantine_in(entry.value)[1]}
        new = [(about, item) for about, item in by_about.items() if about not in kept][: ITEMS_MAX - len(whole)]
        over = max(0, len(entries) + len(new) - ITEMS_MAX)
        named = [entry.key for entry in entries if entry.key not in whole]
        operations: list[Operation] = [Delete("quarantine", key) for key in named[:over]]
        places, room = WHOLE_MAX - len(whole), BYTES_MAX - sum(len(entry.value) for entry in entries)
        for about, item in new:
            data = item.data if places > 0 and len(item.data) <= room else b""
            places, room = places - bool(data), room - len(data)
            value = layouts.quarantine_value(item.reason[:REASON_CHARACTERS_MAX], data)
            operations.append(Add("quarantine", value, unique=about))
        return operations

    async def settling(self, abouts: Iterable[Key]) -> list[Operation]:
        """Give the operations that let go of what has been mended."""
        asked = [each for about in abouts for each in (about, (_SEEN, about))]
        found = await self._generation.store.find("quarantine", asked, unique=True) if asked else {}
        operations: list[Operation] = [Delete("quarantine", entry.key) for entry in found.values()]
        if any(_is_in_log(about) for about in asked):
            operations.append(Put("meta", _MENDED, await self._generation.seal(_MENDED_PLACE, b"")))
        return operations

    async def mendings(self) -> bytes:
        """Give a mark that is another one after each mending of the log, none (empty) before the first.

        A place of the log that was mended holds words which whoever read the log before, and went by, has not.
        """
        return await self._generation.record("meta", _MENDED) or b""

    def entered(self, changes: Iterable[Name]) -> list[Key]:
        """Give what is known here about changes that are received whole after all: also that one could not wait."""
        if not self._known:
            return []
        kinds = (Kind.REFUSED, Kind.EARLY)
        abouts = [
            about
            for one in changes
            for about in (*(about_change(kind, one) for kind in kinds), DamagedRecord("waiting", one.id).about)
        ]
        return [about for about in abouts if about in self._known]

    def damaged(self, second_keys: Collection[Key]) -> list[Key]:
        """What is known here about damaged records of the log with these second keys."""
        return [about for about in self._known if _position_in(about) is not None and _parts(about)[-1] in second_keys]

    async def settle(self, abouts: Iterable[Key]) -> None:
        """Let go of what has been mended, where it is known here; what the disk keeps now goes at the next look."""
        known = [about for about in abouts if about in self._known]
        if not known:
            return
        for about in known:
            self._untaken.pop(about, None)
        try:
            await self._generation.commit(await self.settling(known))
        except (Full, Busy, Lost):
            return
        self._known -= set(known)
        self.touched()

    async def items(self) -> list[Quarantined]:
        """Give all that is kept, oldest first."""
        entries = await self._generation.entries("quarantine")
        seen = {about for entry in entries if (about := _seen_in(entry.unique)) is not None}
        items = [
            Quarantined(entry.key, entry.unique, *layouts.quarantine_in(entry.value), entry.unique in seen)
            for entry in entries
            if isinstance(entry.key, int) and entry.unique is not None and _seen_in(entry.unique) is None
        ]
        items += [Quarantined(0, about, item.reason, item.data) for about, item in self._untaken.items()]
        before, self._known = self._known, frozenset(item.about for item in items)
        gone = before - self._known
        positions = {pos for about in gone if (pos := _position_in(about)) is not None}
        tags = {tag for about in gone if (tag := _unread_tag_in(about)) is not None}
        if positions or tags:
            self.mended(positions, tags)
        return items

    async def wanted(self) -> list[bytes]:
        """Give the ids of changes that are not here whole, so that they are to be asked for again."""
        wanted = []
        for item in await self.items() if self._known else ():
            is_lacking = item.kind in (Kind.DAMAGED, Kind.REFUSED) or (item.kind is Kind.EARLY and not item.data)
            if is_lacking and item.change is not None:
                wanted.append(item.change.id)
        return wanted

    async def dismissed(self, abouts: Sequence[Key]) -> set[Key]:
        """Give those that a person has dismissed."""
        found = await self._generation.store.find("quarantine", [(_SEEN, about) for about in abouts], unique=True)
        return {about for about in abouts if (_SEEN, about) in found}

    async def dismiss(self, abouts: Sequence[Key]) -> None:
        """Mark what a person has seen."""
        seen = await self.dismissed(abouts)
        new = [about for about in abouts if about not in seen]
        value = layouts.quarantine_value("", b"")
        await self._generation.commit([Add("quarantine", value, unique=(_SEEN, about)) for about in new])
        self.touched()


def _seen_in(about: Key | None) -> Key | None:
    match about:
        case (str(word), seen) if word == _SEEN:
            return seen
        case _:
            return None


def _is_in_log(about: Key) -> bool:
    """Whether this names something of the log that could not be read."""
    return _position_in(about) is not None or _unread_tag_in(about) is not None


def _position_in(about: Key) -> int | None:
    match about:
        case (Kind.DAMAGED.value, "log", int(pos), *_):
            return pos
        case _:
            return None


def _unread_tag_in(about: Key) -> bytes | None:
    match about:
        case (Kind.UNREAD.value, bytes(tag), *_):
            return tag
        case _:
            return None


def _parts(about: Key) -> tuple[Key, ...]:
    assert isinstance(about, tuple), f"{about!r} names nothing in quarantine"
    return about
