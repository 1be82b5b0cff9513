"""The tabs of this core: what each shows, and what each still has to be told.

1. A tab is told only what changed: regions are compared with what it shows, updates go to the tabs that have the note open.
2. Regions are rendered `RENDER_S` after the first fact that changed them, however many follow; an editor's update is sent at once.
3. `shown` numbers what a tab's editor has been given; the number stands for the heads of a note at that moment, so that an edit can name
   what the person had seen when making it. It serves that note and this connection only: each connection counts from a random number.
4. What was refused and holds words stays with its tab until the person lets go of it: the tab is told neither that it is saved nor that it
   is dropped, and shows the words.
"""

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from carryon_sync.formats.change import Link

from carryon.core.environment import Frame
from carryon.core.tabs.messages import (
    Call,
    Dropped,
    FromTab,
    Hello,
    Located,
    Ready,
    Regions,
    Saved,
    ToTab,
    Update,
)
from carryon.crypto.join_link import JoinLink
from carryon.views.device import Joining
from carryon.views.tab import Tab

MESSAGES_MAX: Final = 4096
SHOWN_MAX: Final = 64
RENDER_S: Final = 0.04
FRAMED_PLACE: Final = "notes"
FRAMED_REGIONS: Final = ("nav", "list", "note", "status")

Heads = Mapping[bytes, Link]


@dataclass(frozen=True, slots=True)
class BindDue:
    """What kept a tab's editor from being bound is durable now: the core's word to itself."""


@dataclass(frozen=True, slots=True)
class NotKept:
    """What a tab sent and was refused: why, and the words that are in it."""

    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that a tab was opened with: its link, where it can be used, and what is shown of it."""

    link: JoinLink | None
    shown: Joining


class TabPort(Protocol):
    """The core's end of the port to one tab."""

    def post(self, message: ToTab) -> None:
        """Send a message to the tab."""

    def close(self) -> None:
        """Let go of the port."""


class TabSession:
    """One tab, from its hello until its port is let go; `greeted` once all that its hello brought was taken."""

    def __init__(self, port: TabPort, shown: int) -> None:
        """`shown` is a random number to count from."""
        self.port = port
        self.messages: asyncio.Queue[FromTab | BindDue] = asyncio.Queue(MESSAGES_MAX)
        self.task: asyncio.Task[None] | None = None
        self.hello: Hello | None = None
        self.greeted = False
        self.state: Tab | None = None
        self.visible = True
        self.bound: str | None = None
        # Why the tab was told that nothing is written.
        self.told = ""
        self.invitation: Invitation | None = None
        self.not_kept: dict[int, NotKept] = {}
        # Notes of which the tab's editor holds words that were refused.
        self.astray: set[str] = set()
        self._regions: dict[str, str] = {}
        self._frame: tuple[str, str, str, str] = ("", "", "", "")
        self._query: str | None = None
        self._shown = shown
        self._heads_shown: OrderedDict[int, tuple[str, Heads]] = OrderedDict()
        self._calls: dict[int, str] = {}
        self._calls_made = itertools.count(1)

    @property
    def name(self) -> str:
        """The name that the tab has given itself, which outlives its loads and its core."""
        return self.hello.tab if self.hello else ""

    def post(self, message: ToTab) -> None:
        """Send a message to the tab."""
        self.port.post(message)

    def ready(self, state: str, words: str, release: str) -> None:
        """Tell the tab how the core is."""
        self.post(Ready(state, words, release))

    def saved(self, seq: int) -> None:
        """Tell the tab that what it sent as `seq` is durable."""
        self.not_kept.pop(seq, None)
        self.post(Saved(seq))

    def dropped(self, seq: int) -> None:
        """Tell the tab that what it sent as `seq` is not to be kept."""
        self.post(Dropped(seq))

    def refuse(self, seq: int, reason: str, text: str) -> None:
        """Show that what the tab sent as `seq` cannot be saved, with its words; the tab keeps it."""
        self.not_kept[seq] = NotKept(reason, text)

    def let_go(self) -> None:
        """The person wants the words no more that were refused."""
        for seq in self.not_kept:
            self.dropped(seq)
        self.not_kept.clear()

    def call(self, name: str, args: Mapping[str, str | int | bytes]) -> None:
        """Ask the tab for what only a window can do."""
        number = next(self._calls_made)
        self._calls[number] = name
        self.post(Call(number, name, args))

    def answered(self, call: int) -> str | None:
        """The name of a call that the tab has answered, once."""
        return self._calls.pop(call, None)

    def located(self, query: str, *, replace: bool) -> None:
        """Tell the tab the address of what it shows, when that changed."""
        if query != self._query:
            if self._query is not None or replace:
                self.post(Located(query, replace or self._query is None))
            self._query = query

    def forget_shown(self) -> None:
        """The page was loaded anew, or says so: what it shows is not known."""
        self._regions.clear()
        self._frame = ("", "", "", "")
        self.bound = None

    def show_regions(self, notebook: str, regions: Mapping[str, str], title: str, place: str, pane: str) -> None:
        """Send the regions that differ from what the tab shows."""
        changed = {name: html for name, html in regions.items() if self._regions.get(name) != html}
        if changed or self._frame != (notebook, title, place, pane):
            self._regions.update(changed)
            self._frame = (notebook, title, place, pane)
            self.post(Regions(notebook, changed, title, place, pane))

    def frame(self) -> Frame | None:
        """What the tab shows, to be painted at the next start before anything runs; None where that is not for keeping.

        It lies on the device in clear. So it holds the list and the open note, and of no other place anything: Settings shows an invite's
        link, and words in passing may say what was done with one.
        """
        _, title, place, pane = self._frame
        if self._query is None or place != FRAMED_PLACE:
            return None
        regions = {name: self._regions[name] for name in FRAMED_REGIONS}
        return {"query": self._query, "place": place, "pane": pane, "title": title, "regions": regions}

    def number(self, note: str, heads: Heads) -> int:
        """Number what the tab's editor of a note is given now."""
        if self._heads_shown.get(self._shown) != (note, heads):
            self._shown += 1
            self._heads_shown[self._shown] = (note, dict(heads))
            if len(self._heads_shown) > SHOWN_MAX:
                self._heads_shown.popitem(last=False)
        return self._shown

    def heads_shown(self, note: str, shown: int) -> Heads | None:
        """The heads behind a number; None when it is not one of this note on this connection."""
        of, heads = self._heads_shown.get(shown, ("", {}))
        return heads if of == note else None

    def update(self, note: str, update: bytes, heads: Heads) -> None:
        """Send an update of the note that the tab has open."""
        if self.bound == note:
            self.post(Update(note, update, self.number(note, heads)))


class Tabs:
    """All tabs, and one pending render for all of them."""

    def __init__(self, render: Callable[[TabSession], None]) -> None:
        """`render` shows a tab what it should show now."""
        self._render = render
        self._sessions: set[TabSession] = set()
        self._dirty: set[TabSession] = set()
        self._scheduled: asyncio.TimerHandle | None = None

    def __iter__(self) -> Iterator[TabSession]:
        """All tabs."""
        return iter(tuple(self._sessions))

    def add(self, session: TabSession) -> None:
        """A tab is here."""
        self._sessions.add(session)

    def remove(self, session: TabSession) -> None:
        """A tab is gone."""
        self._sessions.discard(session)
        self._dirty.discard(session)

    def dirty(self, sessions: Iterable[TabSession] | None = None) -> None:
        """Render these tabs, or all, in a moment."""
        self._dirty.update(self._sessions if sessions is None else sessions)
        if self._scheduled is None and self._dirty:
            self._scheduled = asyncio.get_running_loop().call_later(RENDER_S, self._render_dirty)

    def _render_dirty(self) -> None:
        self._scheduled = None
        sessions, self._dirty = self._dirty, set()
        for session in sessions & self._sessions:
            if session.state is not None:
                self._render(session)
