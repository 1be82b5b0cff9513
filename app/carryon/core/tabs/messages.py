"""The one table of messages between a tab and the core.

A message is a plain object with a `type`; bytes travel as `Uint8Array`. The classes below *are* the table: their names in lower case
are the types, their fields the members. `python -m carryon.core.tabs.messages` prints it as TypeScript, to which `tsc` holds the tab.

1. What a tab says is decoded at the door: `decode` gives a message of `FromTab` or `Rejected`, and never raises for bad input.
2. `seq` counts per load of a tab, from 1, over `Act` and `Edit` together. Each message is answered for itself: `Saved(seq)` says that this
   one is durable, `Dropped(seq)` that nothing of it is to be kept. What was refused with words in it is answered by neither.
3. A tab keeps what is not yet answered and says it again in `Hello.pending`; twice is once: an edit is a CRDT update, an act is known by
   its `nonce`, which is kept with what it did and names what it creates.
4. `notebook` is that of the note, or that which the tab showed when something was pressed; empty before the tab has heard of one. A tab
   may show another one when it says it again.
5. `shown` is the newest number that the core gave with `Bind` or `Update` for the note; the core knows which heads it stands for. No number
   is given twice, by whatever core.
6. Texts and bytes have no limit at this door: how long each may be is a rule of who takes it, whose refusal is answered. What is refused
   here could not be said again in a hello either, and its tab would never be greeted.

It does not know what an action means: that is `carryon.views`.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from carryon_sync.formats.rejected import Rejected

# More than a person types in a day: who writes on while nothing can be saved is never refused.
PENDING_MAX: Final = 1_000_000
FILES_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file that the person chose: its path below the chosen folder, and the browser's `File`."""

    path: str
    file: Any


@dataclass(frozen=True, slots=True)
class Act:
    """An action of the interface, by name; `nonce` is a fresh id that names what the action creates."""

    seq: int
    nonce: str
    name: str
    args: Mapping[str, str]
    files: tuple[FileEntry, ...] = ()
    notebook: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """An update of the open note's document, made by the tab's editor."""

    seq: int
    note: str
    update: bytes
    shown: int
    notebook: str = ""


@dataclass(frozen=True, slots=True)
class Hello:
    """A tab is here: at load, after a dead core, back from the back/forward cache.

    `unkept` counts what was not saved when the page was left before, and found no room to be kept.
    """

    tab: str
    client: int
    query: str
    fragment: str
    rows: int
    note: str | None
    vector: bytes | None
    pending: tuple[Act | Edit, ...]
    language: str
    offset: int
    online: bool
    visible: bool
    unkept: int = 0


@dataclass(frozen=True, slots=True)
class Scrolled:
    """The first row in view, and how many fit."""

    first: int
    rows: int


@dataclass(frozen=True, slots=True)
class Navigated:
    """The address changed by the browser's back or forward."""

    query: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The result of a `Call`."""

    call: int
    ok: bool
    value: str


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether the tab is visible, and what the browser believes about the network."""

    visible: bool
    online: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """A new release is installed and waits."""


@dataclass(frozen=True, slots=True)
class Bye:
    """The page is being left."""


@dataclass(frozen=True, slots=True)
class Ready:
    """How the core is: ready, read-only or failed, with words when it is not ready."""

    state: str
    words: str
    release: str


@dataclass(frozen=True, slots=True)
class Regions:
    """The inner HTML of the regions that changed, and the notebook that the tab shows now."""

    notebook: str
    regions: Mapping[str, str]
    title: str
    place: str
    pane: str


@dataclass(frozen=True, slots=True)
class Bind:
    """The state that the editor of a note lacks, and the vector of what the core has; the tab answers with an `Edit` of what the core lacks.

    `anew`: what the editor holds beyond it was refused; it begins anew with this state.
    """

    notebook: str
    note: str
    update: bytes
    vector: bytes
    shown: int
    anew: bool


@dataclass(frozen=True, slots=True)
class Update:
    """An update of an open note that came from elsewhere."""

    note: str
    update: bytes
    shown: int


@dataclass(frozen=True, slots=True)
class Saved:
    """What this tab sent as `seq` is durable on this device."""

    seq: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """What this tab sent as `seq` is not kept: an action that was refused in words, or words that the person let go of."""

    seq: int


@dataclass(frozen=True, slots=True)
class Located:
    """The address of what the tab shows now."""

    query: str
    replace: bool


@dataclass(frozen=True, slots=True)
class Call:
    """What only a window can do; `args` are text, numbers or bytes by name."""

    call: int
    name: str
    args: Mapping[str, str | int | bytes]


@dataclass(frozen=True, slots=True)
class Released:
    """The core has let go of this port, because too much waits on it: the tab greets it by another one, with all that is not saved."""


FromTab = Hello | Act | Edit | Scrolled | Navigated | Answered | Presence | Waiting | Bye
ToTab = Ready | Regions | Bind | Update | Saved | Dropped | Located | Call | Released

FROM_TAB: Final[Mapping[str, type]] = {kind.__name__.lower(): kind for kind in typing.get_args(FromTab)}
TO_TAB: Final[Mapping[str, type]] = {kind.__name__.lower(): kind for kind in typing.get_args(ToTab)}


def decode(data: object) -> FromTab | Rejected:
    """Decode what a tab sent, a mapping of plain values, into a message."""
    if not isinstance(data, Mapping) or not isinstance(data.get("type"), str):
        return Rejected("a message from a tab is an object with a type")
    kind = FROM_TAB.get(data["type"])
    if kind is None:
        return Rejected(f"a tab sent a message of the unknown type {data['type'][:40]!r}")
    decoded = _decode_fields(kind, data)
    return typing.cast(FromTab | Rejected, decoded)


def refused_act(data: object) -> int | None:
    """The number of an act that `decode` refused; it holds nothing that is to be kept."""
    if not isinstance(data, Mapping) or data.get("type") != "act":
        return None
    seq = _decode_int(data.get("seq"))
    return None if isinstance(seq, Rejected) else seq


def encode(message: ToTab) -> dict[str, object]:
    """Return the plain object for a message to a tab."""
    fields = {field.name: getattr(message, field.name) for field in dataclasses.fields(message)}
    return {"type": type(message).__name__.lower(), **fields}


def _decode_fields(kind: type, data: Mapping[str, object]) -> object:
    values: dict[str, object] = {}
    hints = _hints(kind)
    for field in dataclasses.fields(kind):
        raw = data.get(field.name)
        if raw is None and field.default is not dataclasses.MISSING:
            continue
        value = _decode_value(hints[field.name], raw)
        if isinstance(value, Rejected):
            return Rejected(f"{kind.__name__.lower()}.{field.name}: {value.reason}")
        values[field.name] = value
    return kind(**values)


_HINTS: Final[dict[type, dict[str, Any]]] = {}


def _hints(kind: type) -> dict[str, Any]:
    # Resolving the hints costs more than decoding with them, and Edit comes with every key.
    if kind not in _HINTS:
        _HINTS[kind] = typing.get_type_hints(kind)
    return _HINTS[kind]


def _decode_value(hint: Any, raw: object) -> object:
    if hint is bytes:
        return _decode_bytes(raw)
    if hint is bool:
        return raw if isinstance(raw, bool) else Rejected("is not true or false")
    if hint is int:
        return _decode_int(raw)
    if hint is str:
        return _decode_text(raw)
    if hint is Any:
        return raw
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType) and type(None) in typing.get_args(hint):
        inner = next(part for part in typing.get_args(hint) if part is not type(None))
        return None if raw is None else _decode_value(inner, raw)
    if origin is tuple:
        return _decode_items(typing.get_args(hint)[0], raw)
    return _decode_texts(raw)


def _decode_bytes(raw: object) -> bytes | Rejected:
    return bytes(raw) if isinstance(raw, bytes | bytearray | memoryview) else Rejected("is not bytes")


def _decode_int(raw: object) -> int | Rejected:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not -(2**53) < raw < 2**53 or raw != int(raw):
        return Rejected("is not a whole number")
    return int(raw)


def _decode_text(raw: object) -> str | Rejected:
    if not isinstance(raw, str):
        return Rejected("is not text")
    # A lone surrogate (half a key press of an emoji) can be held by a JavaScript string but not be stored as UTF-8.
    return raw.encode("utf-8", "replace").decode("utf-8")


def _decode_texts(raw: object) -> Mapping[str, str] | Rejected:
    if not isinstance(raw, Mapping):
        return Rejected("is not an object")
    texts: dict[str, str] = {}
    for name, value in raw.items():
        text = _decode_text(value)
        if not isinstance(name, str) or isinstance(text, Rejected):
            return Rejected("holds something other than text by name")
        texts[name] = text
    return texts


def _decode_items(hint: Any, raw: object) -> tuple[object, ...] | Rejected:
    is_file = hint is FileEntry
    limit = FILES_MAX if is_file else PENDING_MAX
    if not isinstance(raw, list | tuple):
        return Rejected("is not a list")
    if len(raw) > limit:
        return Rejected(f"has {len(raw)} entries, the limit is {limit}")
    items: list[object] = []
    for entry in raw:
        item = _decode_file(entry) if is_file else _decode_pending(entry)
        if isinstance(item, Rejected):
            return item
        items.append(item)
    return tuple(items)


def _decode_file(entry: object) -> object:
    return _decode_fields(FileEntry, entry) if isinstance(entry, Mapping) else Rejected("an entry is not a file")


def _decode_pending(entry: object) -> object:
    if isinstance(entry, Mapping) and entry.get("type") in ("act", "edit"):
        return decode(entry)
    return Rejected("a pending entry is neither an act nor an edit")


_TYPESCRIPT: Final[Mapping[Any, str]] = {
    str: "string",
    int: "number",
    bool: "boolean",
    bytes: "Uint8Array",
    Any: "File",
}


def typescript() -> str:
    """Return the table as TypeScript declarations."""
    lines = ["// Written by `python -m carryon.core.tabs.messages`; the table is app/carryon/core/tabs/messages.py."]
    for kind in (FileEntry, *FROM_TAB.values(), *TO_TAB.values()):
        hints = _hints(kind)
        members = [] if kind is FileEntry else [f'  type: "{kind.__name__.lower()}";']
        for field in dataclasses.fields(kind):
            optional = "?" if field.default is not dataclasses.MISSING else ""
            members.append(f"  {field.name}{optional}: {_typescript_type(hints[field.name])};")
        lines += [f"export interface {kind.__name__} {{", *members, "}"]
    for name, kinds in (("FromTab", FROM_TAB), ("ToTab", TO_TAB)):
        lines.append(f"export type {name} = {' | '.join(kind.__name__ for kind in kinds.values())};")
    return "\n".join(lines) + "\n"


def _typescript_type(hint: Any) -> str:
    if hint in _TYPESCRIPT:
        return _TYPESCRIPT[hint]
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return hint.__name__
    arguments = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if origin is tuple:
        return f"Array<{_typescript_type(arguments[0])}>"
    if origin in (typing.Union, types.UnionType):
        return " | ".join("null" if part is type(None) else _typescript_type(part) for part in arguments)
    return f"Record<string, {_typescript_type(arguments[1])}>"


if __name__ == "__main__":
    print(typescript(), end="")
