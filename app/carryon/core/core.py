"""The composition root: one core, all its tabs, and the notebooks of this device that are open.

1. Each tab has one task, which takes the tab's messages in their order; nothing else changes what the tab shows.
2. An error that nobody foresaw ends the core with words in every tab. What was saved is safe, and what was not is still in the tabs.
3. What is decided is decided in `views` (actions), `notebook` (commands) and `carryon_sync` (session); here things are only carried out.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, assert_never

from carryon_sync.formats.rejected import Rejected

from carryon.core.acts.acted import acted
from carryon.core.acts.bound import bind
from carryon.core.acts.edited import edited, refuse_edit
from carryon.core.acts.errands import Errands
from carryon.core.acts.first_start import first_notebook
from carryon.core.device_view import device_of
from carryon.core.environment import Environment
from carryon.core.notebooks import Notebooks, NotOpened
from carryon.core.tabs.messages import (
    Act,
    Answered,
    Bye,
    Edit,
    FromTab,
    Hello,
    Navigated,
    Presence,
    Released,
    Scrolled,
    Waiting,
    decode,
    refused_act,
)
from carryon.core.tabs.sessions import FRAMED_PLACE, BindDue, TabPort, Tabs, TabSession
from carryon.storage import device as device_layout
from carryon.storage.device import DeviceStore
from carryon.views.action import Call
from carryon.views.page import title_of, view
from carryon.views.route import is_step, query_of, route
from carryon.views.tab import Tab, pane_of, scrolled

FRAME_S: Final = 0.3
# As many as JavaScript's whole numbers hold, with room to count on.
SHOWN_BYTES: Final = 6


class Core:
    """One core; `attach` gives it tabs, `run` runs it."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.tabs = Tabs(self._render)
        self.notebooks = Notebooks(environment, self.tabs)
        self._ready = asyncio.Event()
        self._tasks: asyncio.TaskGroup
        self._errands = Errands(self.notebooks)
        self._framed: TabSession | None = None
        self._frame_due = asyncio.Event()
        self._welcome: str | None = None
        self.fault: str | None = None

    async def run(self, open_doors: Callable[[], None]) -> None:
        """Open the device and serve its tabs until cancelled; `open_doors` is called when tabs may be attached."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                open_doors()
                await self._start()
                self._ready.set()
                self._tasks.create_task(self.notebooks.open_others())
                self._tasks.create_task(self._errands.look_at_storage())
                self._tasks.create_task(self._keep_frames())
        except* Exception as failures:
            words = "; ".join(_words_of(failure) for failure in _leaves(failures))
            # The tabs stay as they are, to be written in: they keep what is typed for the core that comes next.
            self.fault = words
            for session in self.tabs:
                session.ready("failed", words, self.environment.place.release)
            raise

    def attach(self, open_port: Callable[[Callable[[object], None]], TabPort]) -> None:
        """Take a tab's port; `open_port` is given who receives its messages."""
        session: TabSession
        port = open_port(lambda data: self._received(session, data))
        session = TabSession(port, int.from_bytes(self.environment.random(SHOWN_BYTES)))
        self.tabs.add(session)
        if self.fault is not None:
            session.ready("failed", self.fault, self.environment.place.release)
            return
        session.task = self._tasks.create_task(self._serve(session))

    async def _start(self) -> None:
        store = await self.environment.open_store(device_layout.NAME, device_layout.STORES)
        device = DeviceStore(store, self.environment.at_rest)
        notebooks = self.notebooks
        notebooks.begin(device, self._tasks)
        current = await device.current()
        opened = await notebooks.open_one_of(current) if current is not None else None
        if opened is None:
            opened = await notebooks.open(await first_notebook(self.environment, device, instead_of=current))
            # Where a notebook has just been made its welcome note is open, ready to type.
            self._welcome = next(iter(opened.notebook.rows), None)
        notebooks.current = opened.notebook.id
        await notebooks.read_list()

    def _received(self, session: TabSession, data: object) -> None:
        message = decode(data)
        if isinstance(message, Rejected):
            self.notebooks.shown.problem(f"A tab sent something that was refused: {message.reason}. Reload the page.")
            self.tabs.dirty()
            act = refused_act(data)
            if act is not None:
                session.dropped(act)
            return
        if isinstance(message, Bye):
            self._gone(session)
            return
        try:
            session.messages.put_nowait(message)
        except asyncio.QueueFull:
            # The tab keeps what is not acked and says it again on its next hello.
            session.post(Released())
            self._gone(session)

    def _gone(self, session: TabSession) -> None:
        self.tabs.remove(session)
        if session.task is not None:
            session.task.cancel()
        session.port.close()

    async def _serve(self, session: TabSession) -> None:
        await self._ready.wait()
        while True:
            message = await session.messages.get()
            if session.state is None and not isinstance(message, Hello):
                continue
            self._say(await self._take(session, message))

    async def _take(self, session: TabSession, message: FromTab | BindDue) -> str | None:
        match message:
            case Hello():
                return await self._hello(session, message)
            case BindDue():
                return await self._bind(session, None, None)
            case Edit():
                return await self._edit(session, message)
            case Act():
                return await self._act(session, message)
            case Scrolled(first, rows):
                session.state = scrolled(self._state(session), first, rows)
                self.tabs.dirty([session])
            case Navigated(query):
                await self._go(session, route(query, self._state(session)), is_told=True)
            case Answered(call, ok, value):
                self._errands.answered(session, call, ok, value)
            case Presence(visible, _):
                session.visible = visible
                for opened in self.notebooks.opened():
                    opened.hint()
            case Waiting():
                self.notebooks.shown.update_waiting = True
                self.tabs.dirty()
            case Bye():
                self._gone(session)
            case _:
                assert_never(message)
        return None

    async def _hello(self, session: TabSession, hello: Hello) -> str | None:
        # Its editor gets the note when what it brings is in it: an edit of its own is never sent back to it.
        session.hello, session.greeted = hello, False
        session.visible = hello.visible
        session.forget_shown()
        if hello.fragment:
            self._errands.invited(session, hello.fragment)
        if hello.unkept:
            self.notebooks.shown.problem(unkept_words(hello.unkept))
        state = scrolled(route(hello.query, Tab(self.notebooks.current)), 0, hello.rows)
        if not hello.query and self._welcome is not None:
            state, self._welcome = replace(state, note=self._welcome), None
        await self._go(session, state, is_told=True)
        problems = []
        for pending in hello.pending:
            if isinstance(pending, Act):
                problems.append(await self._act(session, pending, again=True))
            else:
                problems.append(await self._take(session, pending))
        self._ready_again(session)
        session.greeted = True
        self._render(session)
        problems.append(await self._bind(session, hello.note, hello.vector))
        return next((problem for problem in problems if problem), None)

    async def _edit(self, session: TabSession, edit: Edit) -> str | None:
        try:
            await edited(await self.notebooks.named(session, edit.notebook), session, edit)
        except NotOpened as error:
            refuse_edit(session, edit, str(error))
        if session.not_kept:
            self.tabs.dirty([session])
        if session.greeted and session.bound in session.astray:
            session.bound = None
            return await self._bind(session, None, None)
        return None

    async def _act(self, session: TabSession, act: Act, *, again: bool = False) -> str | None:
        before = self._state(session)
        try:
            opened = await self.notebooks.named(session, act.notebook)
        except NotOpened as error:
            session.refuse(act.seq, str(error), act.args.get("value", ""))
            session.call("stay", {"note": act.nonce})
            return None
        tab = before if opened.notebook.id == before.notebook else Tab(opened.notebook.id, rows=before.rows)
        is_taken = again and await opened.log.journal.has_taken(act.nonce)
        device = device_of(opened, session, self.notebooks.shown)
        done = await acted(opened, session, tab, device, act, self._errands, is_taken=is_taken)
        await self._go(session, self._state(session), before=before, calls=done.calls)
        return done.problem

    async def _go(
        self,
        session: TabSession,
        state: Tab,
        *,
        before: Tab | None = None,
        is_told: bool = False,
        calls: Sequence[Call] = (),
    ) -> None:
        """Show `state` in a tab, and call it; `is_told` when the address is the browser's own doing."""
        if state.notebook not in dict(self.notebooks.shown.notebooks):
            state = replace(state, notebook=self.notebooks.current, note=None)
        try:
            await self.notebooks.open(state.notebook)
        except NotOpened as error:
            # One that is open is shown instead, and why.
            self._say(str(error))
            state = Tab(self.notebooks.one_open(session), rows=state.rows)
        session.state = state
        query = query_of(state, several=len(self.notebooks.shown.notebooks) > 1)
        session.located(query, replace=is_told or before is None or not is_step(before, state))
        if session.greeted:
            try:
                # Its text is in the first picture of a note: an editor shows it before it has the document.
                await self._load(session)
            finally:
                self._render(session)
        elif calls:
            # They are about what the act made, which a tab that is still being greeted is not shown yet.
            self._render(session)
        for call in calls:
            session.call(call.name, call.args)
        if session.greeted:
            self._say(await self._bind(session, None, None))

    async def _load(self, session: TabSession) -> None:
        opened, note = self.notebooks.of(session), self._state(session).note
        if note is not None and opened.notebook.sees(session.name, note):
            await opened.documents.use(note)

    async def _bind(self, session: TabSession, held: str | None, vector: bytes | None) -> str | None:
        def due() -> None:
            self.notebooks.spawn(session.messages.put(BindDue()))

        return await bind(self.notebooks.of(session), session, held, vector, due)

    def _say(self, problem: str | None) -> None:
        if problem:
            self.notebooks.shown.problem(problem)
            self.tabs.dirty()

    def _state(self, session: TabSession) -> Tab:
        assert session.state is not None, "a tab has a state from its hello on"
        return session.state

    def _render(self, session: TabSession) -> None:
        opened, state = self.notebooks.of(session), self._state(session)
        if session.greeted and session.told != opened.read_only:
            self._ready_again(session)
        with opened.notebook.seen_by(session.name):
            regions = view(opened.notebook, state, device_of(opened, session, self.notebooks.shown))
            title = title_of(opened.notebook, state)
        session.show_regions(opened.notebook.id, regions, title, state.place, pane_of(state))
        if session.visible and state.place == FRAMED_PLACE:
            self._framed = session
            self._frame_due.set()

    def _ready_again(self, session: TabSession) -> None:
        session.told = words = self.notebooks.of(session).read_only
        session.ready("read-only" if words else "ready", words, self.environment.place.release)

    async def _keep_frames(self) -> None:
        while True:
            await self._frame_due.wait()
            await asyncio.sleep(FRAME_S)
            self._frame_due.clear()
            frame = self._framed.frame() if self._framed is not None else None
            if frame is not None:
                await self.environment.keep_frame(frame)


def unkept_words(count: int) -> str:
    """Say what a page could not keep when it was left."""
    edits = "1 edit was" if count == 1 else f"{count:,} edits were"
    return (
        f"{edits} not saved when this page was left, and more than the browser keeps for a page: the oldest of them are lost. "
        "What came after them is here: make room on this device, and look through the note that you wrote in last."
    )


def _leaves(failures: BaseExceptionGroup[Exception]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for failure in failures.exceptions:
        leaves += _leaves(failure) if isinstance(failure, BaseExceptionGroup) else [failure]
    return leaves


def _words_of(failure: BaseException) -> str:
    return str(failure) or type(failure).__name__
