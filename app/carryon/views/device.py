"""What the core knows beside the notebook, as the views need it: state, connections, other devices, work in progress.

1. All of it is evidence given by the core; the views add no judgement of their own.
2. Words are complete sentences or phrases of the person's language; lists are in the order to show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["unsaved", "saved", "relay", "seen"]
CoreState = Literal["ready", "read-only"]


@dataclass(frozen=True, slots=True)
class Status:
    """How far the notebook's last edit has come, by evidence; `words` is the rest of the line, or empty."""

    level: Level
    seen_by: tuple[str, ...] = ()
    words: str = ""


@dataclass(frozen=True, slots=True)
class Relay:
    """The relay of this notebook: its address, whether the line is up, and words about it.

    The address is empty when there is none, or the person disconnected; `offered` is one to suggest then.
    """

    address: str = ""
    connected: bool = False
    words: str = ""
    offered: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """A device of the notebook: its name, words (last contact, role), and whether it is this one."""

    name: str
    words: str
    this: bool = False


@dataclass(frozen=True, slots=True)
class Invite:
    """An invite that was made here: its link, and words (uses, until when)."""

    link: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Joining:
    """A notebook that an opened link invites to. `problem` says why it cannot be joined; `busy` while joining runs."""

    name: str
    role: str
    relay: str
    words: str = ""
    problem: str = ""
    busy: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """Long work: how many of how many (0: not yet known), and words about what is being done."""

    done: int
    total: int
    words: str = ""


FETCHED_TOLD_MIN: Final = 64
"""Changes whose coming is told: fewer are here before anybody has read it."""


def fetched_words(fetching: Progress | None) -> str:
    """Return how much has come of what is being fetched, in words; empty when that is not worth them."""
    if fetching is None or 0 < fetching.total - fetching.done < FETCHED_TOLD_MIN:
        return ""
    if not fetching.total:
        return "fetching the notes"
    return f"fetching the notes: {fetching.done:,} of {fetching.total:,} changes are here"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did: numbers of notes, and by path with the reason what was refused and what was left out.

    `beside` are those imported of which an earlier or later version is here, which is kept.
    """

    imported: int
    updated: int = 0
    unchanged: int = 0
    refused: tuple[tuple[str, str], ...] = ()
    left: tuple[tuple[str, str], ...] = ()
    cancelled: bool = False
    beside: int = 0


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that needs attention: about a note, where that is known, and words: what is wrong, what is done about it.

    `name` is for dismissing it, empty where that is not for a person to do; `can_ask` where it can be asked for again.
    """

    words: str
    note: str | None = None
    title: str = ""
    name: str = ""
    can_ask: bool = False


@dataclass(frozen=True, slots=True)
class Toast:
    """Passing words; `restore` is the note that Undo brings back from the trash."""

    words: str
    restore: str | None = None


@dataclass(frozen=True, slots=True)
class NotSaved:
    """What a tab wrote and cannot be saved: the reasons, and its words."""

    reasons: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Device:
    """All of it. `now` is in ms since 1970; `offset` is how many minutes the local time of the tab is ahead of UTC."""

    now: int
    release: str
    status: Status
    name: str = ""
    """Of this device."""
    notebooks: tuple[tuple[str, str], ...] = ()
    """(id, name) of each notebook on this device."""
    note_status: str = ""
    relay: Relay = Relay()
    devices: tuple[Member, ...] = ()
    invite: Invite | None = None
    joining: Joining | None = None
    importing: Progress | None = None
    report: ImportReport | None = None
    exporting: Progress | None = None
    fetching: Progress | None = None
    """Of the relay's log, while this device catches up with it: what is not here yet may be anything."""
    toast: Toast | None = None
    problems: tuple[str, ...] = ()
    """Errors in words: what happened, what is safe, what to do. They stay until the person dismisses them."""
    not_saved: NotSaved | None = None
    troubles: tuple[Trouble, ...] = ()
    """What needs attention, until it is mended or the person dismisses it."""
    note_trouble: str = ""
    """What of the tab's open note cannot be read."""
    update_waiting: bool = False
    persisted: bool | None = None
    """Whether the browser has promised to keep the storage; None: it has not said."""
    key_lies_beside: bool = False
    """Whether the key that seals what is stored here lies readable beside it."""
    core: CoreState = "ready"
    words: str = ""
    """Why the core is not ready."""
    offset: int = 0
