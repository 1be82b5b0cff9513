"""A simulated tab: the protocol of `static/js` (tab, unsaved, replica) in Python, with a note's document as the editor.

1. Every act and edit gets the next number of this load and is kept until it is said to be saved, or dropped; a new core is
   told of all that is kept in the hello.
2. Each note that was open is one more replica, which stays; on each binding it answers with what the core lacks.
3. A reload keeps what was not saved (session storage) and loses the replicas; a crash loses both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from html import unescape
from random import Random
from typing import Any, Final, Protocol, assert_never

from carryon.core.tabs.messages import Bind, Call, Dropped, Located, Ready, Regions, Released, Saved, ToTab, Update
from carryon.notes.note import Note
from carryon_sync.formats.ids import text_of

from tests.simulation.device import PickedFile, Worker
from tests.simulation.port import Port

ROWS: Final = 20
_EDITOR: Final = re.compile(r'<carryon-editor [^>]*data-note="([^"]*)"[^>]*data-editable="true"')


class Witness(Protocol):
    """Who watches what a tab was told, for the invariants."""

    def saved(self, tab: Tab, messages: Sequence[Mapping[str, Any]]) -> None:
        """These messages were said to be saved."""

    def sent(self, tab: Tab, message: Mapping[str, Any]) -> None:
        """The tab sends what its person pressed."""

    def heard(self, tab: Tab, message: ToTab) -> None:
        """The core says this to the tab, in this moment; it arrives a moment later."""

    def shown(self, tab: Tab, note: str, update: bytes) -> None:
        """The core has shown the tab what others wrote."""


@dataclass(frozen=True, slots=True)
class Replica:
    """The open note in the tab's editor, its notebook, and the newest number that the core gave."""

    notebook: str
    note: Note
    shown: int


@dataclass(eq=False)
class Tab:
    """One tab of a worker, from `open` on."""

    worker: Worker
    random: Random
    query: str = ""
    fragment: str = ""
    witness: Witness | None = None
    name: str = ""
    client: int = 0
    ready: str = "starting"
    words: str = ""
    title: str = ""
    regions: dict[str, str] = field(default_factory=dict)
    kept: list[dict[str, Any]] = field(default_factory=list)
    replica: Replica | None = None
    notebook: str = ""
    calls: list[Call] = field(default_factory=list)
    updates: int = 0
    _port: Port | None = None
    _sequence: int = 0
    _clocks: dict[str, int] = field(default_factory=dict)
    _documents: dict[str, Note] = field(default_factory=dict)

    def open(self) -> Tab:
        """Open the page."""
        self.name = text_of(self.random.randbytes(16))
        self.client = self.random.getrandbits(32)
        self.worker.join(self)
        return self

    def close(self) -> None:
        """Leave the page."""
        self._say({"type": "bye"})
        self.crash()

    def crash(self) -> None:
        """The tab's process dies: nobody is told."""
        if self._port is not None:
            self._port.hang_up()
        self._port = None
        self.worker.leave(self)

    def reload(self) -> None:
        """Load the page again: what was not saved is kept, and the address."""
        worker = self.worker
        self._say({"type": "bye"})
        if self._port is not None:
            self._port.hang_up()
        self._port, self.replica, self._sequence = None, None, 0
        self.ready, self.fragment, self.notebook = "starting", "", ""
        self.regions.clear()
        self._clocks.clear()
        self._documents.clear()
        kept, self.kept = self.kept, []
        for message in kept:
            if not message.get("files"):
                self._keep(message)
        worker.tabs.remove(self)
        self.open()

    # What a person does.

    def act(self, action: str, /, *, files: Mapping[str, bytes | PickedFile] | None = None, **args: str) -> str:
        """Press something; gives the nonce, which names what the action creates."""
        nonce = text_of(self.random.randbytes(16))
        chosen = [{"path": path, "file": data} for path, data in (files or {}).items()]
        place = {"notebook": self.notebook, "files": chosen}
        message = {"type": "act", "nonce": nonce, "name": action, "args": args, **place}
        if self.witness is not None:
            self.witness.sent(self, message)
        self._send(message)
        return nonce

    def go(self, query: str) -> None:
        """Use the browser's back or forward."""
        self.query = query
        self._say({"type": "navigated", "query": query})

    def look(self) -> None:
        """Come to the front."""
        self._say({"type": "presence", "visible": True, "online": True})

    def type(self, text: str, at: int | None = None) -> None:
        """Write into the editor, at its end or somewhere."""
        body = self.text
        place = len(body) if at is None else at
        self._splice(place, place, text)

    def erase(self, start: int, end: int) -> None:
        """Delete in the editor."""
        self._splice(start, end, "")

    @property
    def note(self) -> str | None:
        """The note that can be written in now: its editor is on the page, and bound."""
        editor = _EDITOR.search(self.regions.get("note", ""))
        bound = self.replica and self.replica.note.id
        return bound if editor is not None and editor[1] == bound else None

    @property
    def text(self) -> str:
        """What stands in the editor."""
        assert self.replica is not None, "no note is open in this tab"
        return self.replica.note.body

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is on its way between this tab and its core."""
        return self._port is None or self._port.is_quiet

    @property
    def saved(self) -> bool:
        """Whether everything that was done here is said to be saved."""
        return not self.kept

    @property
    def status(self) -> str:
        """The words of the status line."""
        return words_in(self.regions.get("status", ""))

    # What the worker and the core say.

    def connected(self, port: Port) -> None:
        """A core is there: say hello."""
        self._port = port
        if self.witness is not None:
            port.overheard = partial(self.witness.heard, self)
        self.ready = "starting"
        note = self.replica.note if self.replica else None
        self._say(
            {
                "type": "hello",
                "tab": self.name,
                "client": self.client,
                "query": self.query,
                "fragment": self.fragment,
                "rows": ROWS,
                "note": note and note.id,
                "vector": note and note.vector(),
                "pending": list(self.kept),
                "language": "en",
                "offset": 0,
                "online": True,
                "visible": True,
            }
        )

    def take(self, message: ToTab) -> None:
        """Take a message of the core."""
        match message:
            case Ready(state, words, _):
                self.ready, self.words = state, words
            case Regions(notebook, regions, title, _, _):
                self.regions.update(regions)
                self.notebook, self.title = notebook, title
            case Bind():
                self._bind(message)
            case Update(note, update, shown):
                self.updates += 1
                if self.replica is not None and self.replica.note.id == note:
                    self.replica.note.apply(update)
                    self.replica = replace(self.replica, shown=shown)
                    if self.witness is not None:
                        self.witness.shown(self, note, update)
            case Saved(seq):
                told = self._answered(seq)
                if self.witness is not None:
                    self.witness.saved(self, told)
            case Dropped(seq):
                self._answered(seq)
            case Located(query, _):
                self.query = query
            case Call(call, name, _):
                self.calls.append(message)
                self._say({"type": "answered", "call": call, "ok": True, "value": self._perform(name)})
            case Released():
                self.worker.tabs.remove(self)
                self.worker.join(self)
            case _:
                assert_never(message)

    def _perform(self, name: str) -> str:
        """A window's answer to a call; a browser that is asked to keep the storage says yes, and remembers it."""
        if name != "persist":
            return ""
        self.worker.device.persisted = True
        return "true"

    def _bind(self, message: Bind) -> None:
        note = None if message.anew else self._documents.get(message.note)
        if note is None:
            note = self._documents[message.note] = self._new_document(message)
            self.replica = Replica(message.notebook, note, message.shown)
            return
        note.apply(message.update)
        self.replica = Replica(message.notebook, note, message.shown)
        theirs = clocks(message.vector)
        if any(clock > theirs.get(client, 0) for client, clock in clocks(note.vector()).items()):
            self._edited(note.update_since(message.vector))

    def _new_document(self, message: Bind) -> Note:
        note = Note.load(message.note, self.client, message.update)
        if clocks(note.vector()).get(self.client, 0) == self._clocks.get(message.note, 0):
            return note
        # Something was written under this client number that is not here: it must not be used twice.
        return Note.load(message.note, self.random.getrandbits(32), message.update)

    def _splice(self, start: int, end: int, text: str) -> None:
        assert self.replica is not None, "no note is open in this tab"
        update = self.replica.note.splice(start, end, text)
        if update:
            self._edited(update)

    def _edited(self, update: bytes) -> None:
        assert self.replica is not None, "an edit is made in the editor"
        note = self.replica.note
        self._clocks[note.id] = clocks(note.vector()).get(self.client, 0)
        place = {"notebook": self.replica.notebook, "note": note.id}
        self._send({"type": "edit", **place, "update": update, "shown": self.replica.shown})

    def _answered(self, seq: int) -> list[dict[str, Any]]:
        told = [each for each in self.kept if each["seq"] == seq]
        self.kept = [each for each in self.kept if each["seq"] != seq]
        return told

    def _send(self, message: dict[str, Any]) -> None:
        self._say(self._keep(message))

    def _keep(self, message: dict[str, Any]) -> dict[str, Any]:
        self._sequence += 1
        self.kept.append({**message, "seq": self._sequence})
        return self.kept[-1]

    def _say(self, message: dict[str, Any]) -> None:
        if self._port is not None:
            self._port.say(message)


def clocks(vector: bytes) -> dict[int, int]:
    """How far a state vector reaches, by client."""
    numbers = _numbers(vector)
    return {next(numbers): next(numbers) for _ in range(next(numbers))}


def words_in(html: str) -> str:
    """The text of a region, its tags left out."""
    parts = html.replace("<", "\n<").split("\n")
    return unescape(" ".join(" ".join(part.rpartition(">")[2] for part in parts).split()))


def _numbers(encoded: bytes) -> Iterator[int]:
    value = shift = 0
    for byte in encoded:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0
