"""One note as a CRDT document: the only module that touches pycrdt, so that each of its traps is met in one place.

The document: root `body`, a text, the Markdown byte for byte; root `fields`, a flat map of multi-value registers
(fields.py). Garbage collection is on: the document is the present, the log is the past.

1. An update is read (update.py) before pycrdt is given it. One that is unfit changes nothing. One that came too early
   is set aside here and taken in as soon as what it needs is: pycrdt settles differently on what it was given early.
   `pending` says that something is set aside, and `state` then refuses: a checkpoint would lose text for good. An edit that
   may not wait releases nothing: what it returns is signed by this device, and must hold nobody else's words.
2. What an edit or an update brought is taken from its transaction's event, never from a difference of states: that
   would carry the whole delete set of the document.
3. An observer lives for one transaction only: those left on idle documents have leaked.
4. A client number is used by one core start or tab and never again; it is given from outside and fits 32 bits. It is
   the number of the device that used it first in this note (`writers`): what another device brings under it is refused,
   for two writers under one number diverge in silence. So is an update of a change that holds nothing but clocks of others'
   numbers that are here: it was written under a number that somebody had taken. Where no device is named nobody asks.
5. An update that pycrdt takes in by half, or fails over, tears the document: BadUpdate says so, and the document must be
   thrown away and loaded again without it. A flipped bit is often accepted: only the seal proves that bytes are right.
6. Texts are spliced in code points (offsets.py converts), and ranges are checked before pycrdt sees them.
7. Of each write and update it is known whether it changed words, that is body or title, or other fields only.
8. A change is absorbed update by update: what of it can be read is, whatever the rest is, and `unread` names it and why.

It knows no time, no author, no log; it never merges updates with pycrdt's `merge_updates`, which has lost text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pycrdt import Doc, Map, MapEvent, Text, TextEvent, TransactionEvent, get_update

from carryon.notes.difference import Hunk, hunks_between
from carryon.notes.fields import Field, key_of, read_field
from carryon.notes.offsets import BadOffset
from carryon.notes.update import Reading, Unfit, client_max, read_numbers, read_update

early_updates_max: Final = 1_000
early_bytes_max: Final = 4 << 20
too_early: Final = "it builds on what is not here"
_nothing = b"\x00\x00"  # an update without structs and without deletions


class BadUpdate(Exception):
    """An update of a note cannot be applied; `torn` tells that the document must be loaded again."""

    def __init__(self, note: str, reason: str, torn: bool = False) -> None:
        super().__init__(f"an update of note {note} cannot be applied: {reason}")
        self.note = note
        self.reason = reason
        self.torn = torn


@dataclass(frozen=True, slots=True)
class Unread:
    """Why a part of a change is not in the document; `early` where it will be, once what it builds on is."""

    reason: str
    early: bool


@dataclass(frozen=True, slots=True)
class _Early:
    change: bytes
    device: str
    update: bytes
    reading: Reading


class Pending(Exception):
    """A document waits for predecessors of updates that it was given, so its state would leave them out."""

    def __init__(self, note: str) -> None:
        super().__init__(
            f"note {note} waits for changes that came before those it was given: its state would lose them"
        )


class Note:
    """The document of one note, written as one client of one device."""

    def __init__(self, note_id: str, client: int, device: str = "") -> None:
        assert 0 <= client <= client_max, f"client number {client} does not fit 32 bits"
        self.id = note_id
        self.client = client
        self.device = device
        self._doc: Doc[Any] = Doc(client_id=client, guid=note_id)
        self._body: Text = self._doc.get("body", type=Text)
        self._fields: Map[str] = self._doc.get("fields", type=Map)
        self._clocks: dict[int, int] = {}
        self._writers: dict[int, str] = {}
        self._early: list[_Early] = []
        self._refused: dict[bytes, str] = {}
        self._text: str | None = ""
        self.words_changed = False

    @classmethod
    def load(
        cls, note_id: str, client: int, state: bytes, device: str = "", writers: Mapping[int, str] | None = None
    ) -> Note:
        """Return the document that `state`, which this device has made itself, describes, or raise BadUpdate."""
        note = cls(note_id, client, device)
        note._give(state)
        note._clocks = clocks_in(note._doc.get_state())
        note._writers = dict(writers or {})
        return note

    @property
    def body(self) -> str:
        """The Markdown, front matter included."""
        if self._text is None:
            self._text = str(self._body)
        return self._text

    @property
    def body_bytes(self) -> int:
        """How long the body is as UTF-8."""
        return len(self._body)

    @property
    def pending(self) -> bool:
        """Whether updates are set aside until their predecessors come: the document shows less than it was given."""
        return bool(self._early)

    @property
    def is_blank(self) -> bool:
        """Whether nothing was ever written in it."""
        return not self._clocks

    @property
    def writers(self) -> Mapping[int, str]:
        """Whose each client number is in this note."""
        return self._writers

    @property
    def unread(self) -> Mapping[bytes, Unread]:
        """The changes of which a part is not in the document, and why."""
        early = {one.change: Unread(too_early, early=True) for one in self._early}
        return early | {change: Unread(reason, early=False) for change, reason in self._refused.items()}

    @property
    def is_number_taken(self) -> bool:
        """Whether another device has used this document's client number: `renumbered` before it is written."""
        return self._writers.get(self.client, self.device) != self.device

    def renumbered(self, client: int) -> Note:
        """Return the same document, to be written as another client."""
        note = Note.load(self.id, client, self.update_since(b"\0"), self.device, self._writers)
        note._early, note._refused = self._early, self._refused
        return note

    def field(self, name: str) -> Field:
        """Return what a multi-value register holds."""
        return read_field(self._fields.to_py() or {}, name)

    def fields(self) -> Mapping[str, str]:
        """Return all keys of the registers with their texts, winners and losers."""
        return {key: value for key, value in (self._fields.to_py() or {}).items() if isinstance(value, str)}

    def copy(self) -> Note:
        """Return another document that holds the same."""
        return self.renumbered(self.client)

    def apply(self, update: bytes, *, wait: bool = True) -> bytes:
        """Apply an update of this device's own and return what was new here, with what it released.

        One that came too early is set aside, or refused where it may not `wait`; nothing is released then. Raises BadUpdate.
        """
        reading = self._read(update, self.device)
        if reading.lacks(self._clocks):
            if not wait:
                raise BadUpdate(self.id, too_early)
            self._set_aside(_Early(b"", self.device, update, reading))
            return b""
        # A set field names itself, by a name with a slash; watching costs more than the rest of an update of a text.
        is_field = b"/" in update or self.pending
        take = self._take_in if wait else self._take
        return self._observed(lambda: take(update, reading, self.device), is_field=is_field)

    def absorb(self, change: bytes, device: str, updates: Sequence[bytes]) -> list[bytes]:
        """Take in what can be of a change of a device, by its name, and return what was new here, in order.

        Raises BadUpdate only where the document is torn.
        """
        new = []
        for update in updates:
            try:
                reading = self._read(update, device)
                self._check_writes(reading, device)
                if reading.lacks(self._clocks):
                    self._set_aside(_Early(change, device, update, reading))
                    continue
            except BadUpdate as fault:
                self._refused[change] = fault.reason
                continue
            new.append(self._observed(partial(self._take_in, update, reading, device)))
        return [update for update in new if update]

    def write(self, counter: int, *, body: str | None = None, fields: Mapping[str, str] | None = None) -> bytes:
        """Set the body and fields in one transaction and return the update, empty when all is as asked for already.

        `counter` must be new for this client. The body becomes the text asked for by a small edit, so that what
        others write meanwhile stays.
        """
        hunks = hunks_between(self.body, body) if body is not None else []
        held = {name: self.field(name) for name in fields or {}}
        sets = {name: value for name, value in (fields or {}).items() if [v for _, v in held[name].values] != [value]}
        if not hunks and not sets:
            return b""

        def transact() -> None:
            with self._doc.transaction():
                if body is not None:
                    self._replace(hunks, body)
                for name, value in sets.items():
                    for key, _ in held[name].values:
                        del self._fields[key]
                    self._fields[key_of(name, self.client, counter)] = value

        return self._written(transact, is_field=True)

    def replace_body(self, text: str) -> bytes:
        """Turn the body into `text` by a small edit in one transaction; the update is empty when it is equal."""
        return self.write(0, body=text)

    def set_field(self, name: str, value: str, counter: int) -> bytes:
        """Set a field, which settles a conflict; the update is empty when it holds just this value. See `write`."""
        return self.write(counter, fields={name: value})

    def splice(self, start: int, end: int, text: str) -> bytes:
        """Replace the code points from `start` to `end` by `text`, or raise BadOffset."""
        if not 0 <= start <= end <= len(self.body):
            raise BadOffset(
                f"range {start} to {end} is outside of note {self.id}, which has {len(self.body)} characters"
            )
        if start == end and not text:
            return b""
        after = self.body[:start] + text + self.body[end:]
        return self._written(lambda: self._replace([Hunk(start, end, text)], after))

    def state(self) -> bytes:
        """Return the whole document as one update, or raise Pending."""
        if self.pending:
            raise Pending(self.id)
        return self._doc.get_update()

    def fresh_state(self) -> bytes:
        """Return the state as a document writes it that never saw the single edits: its smallest form. See `state`."""
        return Note.load(self.id, self.client, self.state()).state()

    def vector(self) -> bytes:
        """Return the state vector: how far this document holds each client."""
        return self._doc.get_state()

    def update_since(self, vector: bytes) -> bytes:
        """Return what the holder of `vector` lacks, and all deletions; raise BadUpdate when it is no vector."""
        try:
            return self._doc.get_update(vector)
        except ValueError as fault:
            raise BadUpdate(self.id, f"the state vector does not decode: {fault}") from fault

    def _replace(self, hunks: Sequence[Hunk], after: str) -> None:
        """Apply hunks to the text in one transaction, the last first: so the offsets of the others stay true.

        `after` is the text that comes out, which is cheaper to keep than to read.
        """
        body, point, offset = self.body, 0, 0
        edits: list[tuple[int, int, str]] = []
        for hunk in hunks:
            first = offset + len(body[point : hunk.start].encode())
            point, offset = hunk.end, first + len(body[hunk.start : hunk.end].encode())
            hunk.text.encode()  # Half a character is refused here, before anything is changed.
            edits.append((first, offset, hunk.text))
        with self._doc.transaction():
            for first, last, text in reversed(edits):
                if first < last:
                    del self._body[first:last]
                if text:
                    self._body.insert(first, text)
        self._text = after

    def _observed(self, transact: Callable[[], None], *, is_field: bool = False) -> bytes:
        """Carry out one transaction and return its update; `is_field` where it may be about fields, `words_changed` tells which."""
        updates: list[bytes] = []
        words: list[str] = []

        def observe(event: TransactionEvent) -> None:
            updates.append(event.update)

        def observe_body(_: TextEvent) -> None:
            words.append("body")

        def observe_fields(event: MapEvent) -> None:
            # The library's types do not know of its keys.
            words.extend(key for key in event.keys if key.startswith("title/"))  # type: ignore[attr-defined]

        subscription = self._doc.observe(observe)
        fields = self._fields.observe(observe_fields) if is_field else None
        body = self._body.observe(observe_body) if is_field else None
        try:
            transact()
        finally:
            self._doc.unobserve(subscription)
            if fields is not None:
                self._fields.unobserve(fields)
            if body is not None:
                self._body.unobserve(body)
        assert len(updates) <= 1, "one transaction has one event"
        update = updates[0] if updates and updates[0] != _nothing else b""
        self.words_changed = bool(update) and (bool(words) or not is_field)
        return update

    def _written(self, transact: Callable[[], None], *, is_field: bool = False) -> bytes:
        """Make an edit of this document's own client, and return its update; `is_field` where it may be about fields."""
        update = self._observed(transact, is_field=is_field)
        if update:
            self._note_taken(read_update(update), self.device)
        return update

    def _read(self, update: bytes, device: str) -> Reading:
        try:
            reading = read_update(update)
        except Unfit as fault:
            raise BadUpdate(self.id, str(fault)) from fault
        self._check_writer(reading, device)
        return reading

    def _check_writer(self, reading: Reading, device: str) -> None:
        for client in reading.advances(self._clocks):
            if self._is_anothers(client, device):
                raise self._taken(client)

    def _check_writes(self, reading: Reading, device: str) -> None:
        """Refuse what holds nothing of its device: a tab may pass on what others wrote, a change is not made for that."""
        if reading.spans and all(self._is_anothers(client, device) for client in reading.spans):
            raise self._taken(next(iter(reading.spans)))

    def _is_anothers(self, client: int, device: str) -> bool:
        return self._writers.get(client, device) != device

    def _taken(self, client: int) -> BadUpdate:
        return BadUpdate(self.id, f"it is written under the number {client}, which is another device's here")

    def _set_aside(self, one: _Early) -> None:
        kept = [each.update for each in self._early]
        if one.update in kept:
            return
        if len(kept) >= early_updates_max or sum(map(len, kept)) + len(one.update) > early_bytes_max:
            raise BadUpdate(self.id, f"{too_early}, and too much waits already")
        self._early.append(one)

    def _take_in(self, update: bytes, reading: Reading, device: str) -> None:
        """Take in an update and what it releases, in one transaction."""
        if not self._early:
            self._take(update, reading, device)
            return
        with self._doc.transaction():
            self._take(update, reading, device)
            self._release()

    def _take(self, update: bytes, reading: Reading, device: str) -> None:
        self._give(update)
        self._note_taken(reading, device)

    def _release(self) -> None:
        """Take in what was set aside and need not wait any more, in the order in which it came."""
        released = True
        while released:
            released = False
            for one in [one for one in self._early if not one.reading.lacks(self._clocks)]:
                self._early.remove(one)
                try:
                    self._check_writer(one.reading, one.device)
                    if one.change:
                        self._check_writes(one.reading, one.device)
                except BadUpdate as fault:
                    self._refused[one.change] = fault.reason
                    continue
                self._take(one.update, one.reading, one.device)
                released = True

    def _note_taken(self, reading: Reading, device: str) -> None:
        for client in reading.advances(self._clocks):
            self._clocks[client] = reading.spans[client][1]
            if device:
                self._writers.setdefault(client, device)

    def _give(self, update: bytes) -> None:
        self._text = None
        try:
            self._doc.apply_update(update)
            rest = get_update(update, self._doc.get_state())
        except BaseException as fault:
            # A Rust panic is no Exception, and its class can be named by its module only.
            if not isinstance(fault, ValueError | RuntimeError) and type(fault).__module__ != "pyo3_runtime":
                raise
            raise BadUpdate(self.id, str(fault).strip(), torn=True) from fault
        if rest[:1] != b"\0":
            raise BadUpdate(self.id, "it was not taken in whole", torn=True)


def clocks_in(vector: bytes) -> dict[int, int]:
    """Return how far a state vector reaches, by client: it is a count, then pairs of client and clock."""
    numbers = read_numbers(vector)
    return dict(zip(numbers[1::2], numbers[2::2], strict=True))
