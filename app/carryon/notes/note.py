"""One note as a CRDT document: the only module that touches pycrdt, so that each of its traps is met in one place.

The document: root `body`, a text, the Markdown byte for byte; root `fields`, a flat map of multi-value registers
(fields.py). Garbage collection is on: the document is the present, the log is the past.

1. Updates must come in causal order. One that came too early is kept by pycrdt unseen and left out of every state;
   `pending` says so, and `state` then refuses: a checkpoint of such a document would lose text for good. That a mere
   deletion is missing cannot be seen here.
2. What an edit or an update brought is taken from its transaction's event, never from a difference of states: that
   would carry the whole delete set of the document.
3. An observer lives for one transaction only: those left on idle documents have leaked.
4. A client number is used by one core start and never again; it is given from outside and fits 32 bits.
5. An update that does not decode changes nothing. One that decodes and cannot be applied may be torn: BadUpdate says
   so, and the document must be thrown away and loaded again. A flipped bit is accepted two times in three: only the
   seal proves that bytes are right.
6. Texts are spliced in code points (offsets.py converts), and ranges are checked before pycrdt sees them.
7. Of each write and update it is known whether it changed words, that is body or title, or other fields only.

It knows no time, no author, no log; it never merges updates with pycrdt's `merge_updates`, which has lost text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pycrdt import Doc, Map, MapEvent, Text, TextEvent, TransactionEvent, get_update

from carryon.notes.difference import Hunk, hunks_between
from carryon.notes.fields import Field, key_of, read_field
from carryon.notes.offsets import BadOffset

client_max = 2**32 - 1
_nothing = b"\x00\x00"  # an update without structs and without deletions


class BadUpdate(Exception):
    """An update of a note cannot be applied; `torn` tells that the document must be loaded again."""

    def __init__(self, note: str, reason: str, torn: bool = False) -> None:
        super().__init__(f"an update of note {note} cannot be applied: {reason}")
        self.note = note
        self.reason = reason
        self.torn = torn


class Pending(Exception):
    """A document waits for predecessors of updates that it was given, so its state would leave them out."""

    def __init__(self, note: str) -> None:
        super().__init__(
            f"note {note} waits for changes that came before those it was given: its state would lose them"
        )


class Note:
    """The document of one note, written as one client."""

    def __init__(self, note_id: str, client: int) -> None:
        assert 0 <= client <= client_max, f"client number {client} does not fit 32 bits"
        self.id = note_id
        self.client = client
        self._doc: Doc[Any] = Doc(client_id=client, guid=note_id)
        self._body: Text = self._doc.get("body", type=Text)
        self._fields: Map[str] = self._doc.get("fields", type=Map)
        self._early: list[bytes] = []
        self._text: str | None = ""
        self.words_changed = False

    @classmethod
    def load(cls, note_id: str, client: int, state: bytes) -> Note:
        """Return the document that `state` describes, or raise BadUpdate."""
        note = cls(note_id, client)
        note._absorb(state)
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
        """Whether parts of applied updates wait for predecessors: then the document shows less than it was given."""
        if self._early:
            state = _clocks(self._doc.get_state())
            self._early = [update for update in self._early if self._lacks(update, state)]
        return bool(self._early)

    def field(self, name: str) -> Field:
        """Return what a multi-value register holds."""
        return read_field(self._fields.to_py() or {}, name)

    def fields(self) -> Mapping[str, str]:
        """Return all keys of the registers with their texts, winners and losers."""
        return {key: value for key, value in (self._fields.to_py() or {}).items() if isinstance(value, str)}

    def copy(self) -> Note:
        """Return another document with the same state, or raise Pending."""
        return Note.load(self.id, self.client, self.state())

    def apply(self, update: bytes) -> bytes:
        """Apply an update and return what of it was new here: empty when nothing was, or when it is `pending`."""
        # A set field names itself, by a name with a slash; watching costs more than the rest of an update of a text.
        return self._observed(lambda: self._absorb(update), is_field=b"/" in update)

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

        return self._observed(transact, is_field=True)

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
        return self._observed(lambda: self._replace([Hunk(start, end, text)], after))

    def state(self) -> bytes:
        """Return the whole document as one update, or raise Pending."""
        if self.pending:
            raise Pending(self.id)
        return self._doc.get_update()

    def fresh_state(self) -> bytes:
        """Return the state as a document writes it that never saw the single edits: its smallest form."""
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

    def _absorb(self, update: bytes) -> None:
        self._text = None
        try:
            self._doc.apply_update(update)
        except ValueError as fault:
            raise BadUpdate(self.id, str(fault).strip()) from fault
        except BaseException as fault:
            # A Rust panic is no Exception, and its class can be named by its module only.
            if not isinstance(fault, RuntimeError) and type(fault).__module__ != "pyo3_runtime":
                raise
            raise BadUpdate(self.id, str(fault).strip(), torn=True) from fault
        if self._lacks(update, None):
            self._early.append(update)

    def _lacks(self, update: bytes, state: Mapping[int, int] | None) -> bool:
        """Tell whether the document lacks a part of an applied update: its structs, or what its deletions delete."""
        vector = self._doc.get_state()
        rest = get_update(update, vector)
        if rest == _nothing:
            return False
        if rest[0] != 0:
            return True
        clocks = _clocks(vector) if state is None else state
        return any(clocks.get(client, 0) < end for client, end in _deleted_ends(rest[1:]))


def _clocks(vector: bytes) -> dict[int, int]:
    """Decode a state vector: a count, then pairs of client and clock."""
    numbers = _numbers(vector)
    count = next(numbers)
    return {next(numbers): next(numbers) for _ in range(count)}


def _deleted_ends(encoded: bytes) -> list[tuple[int, int]]:
    """Decode a delete set, per client a count of ranges of first clock and length; return the end of each."""
    numbers = _numbers(encoded)
    ends: list[tuple[int, int]] = []
    for _ in range(next(numbers)):
        client, ranges = next(numbers), next(numbers)
        ends += [(client, next(numbers) + next(numbers)) for _ in range(ranges)]
    return ends


def _numbers(encoded: bytes) -> Iterator[int]:
    """Decode integers of variable length: seven bits a byte, the low ones first, the eighth bit on all but the last."""
    value = shift = 0
    for byte in encoded:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0
