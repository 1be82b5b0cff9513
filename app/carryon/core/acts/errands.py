"""What a person asks of the device rather than of a note: import, export, invite, join, relay, update."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, assert_never

from carryon_sync.formats.ids import text_of
from carryon_sync.formats.rejected import Rejected

from carryon.core.acts.exporting import Exported, export_note, export_notebook
from carryon.core.acts.importing import Importing
from carryon.core.acts.pairing import NewMember, invite, join_notebook
from carryon.core.device_view import host_of, read_names
from carryon.core.notebooks import Notebooks, NotOpened
from carryon.core.open_notebook import OpenNotebook
from carryon.core.relays.relay_link import socket_origin
from carryon.core.tabs.messages import FileEntry
from carryon.core.tabs.sessions import Invitation, TabSession
from carryon.crypto.join_link import JoinLink, check_address, decode_link
from carryon.storage.device import KeptNotebook
from carryon.storage.errors import StorageError
from carryon.storage.layouts import STORES
from carryon.storage.log import Log
from carryon.views import orders
from carryon.views.device import Invite, Joining, Progress
from carryon.views.orders import Order
from carryon.views.tab import Tab
from carryon.views.tab import answered as after_answer

PERSIST: Final = "persist"
HERE_ALREADY: Final = "This device has this notebook already."


class Errands:
    """Carry out orders for the notebooks of one core."""

    def __init__(self, notebooks: Notebooks) -> None:
        self._notebooks = notebooks
        self._importing: Importing | None = None

    async def carry_out(
        self, order: Order, opened: OpenNotebook, session: TabSession, files: Sequence[FileEntry]
    ) -> str | None:
        """Carry out an order of a tab about a notebook; None, or the words of why it could not be done."""
        notebooks, shown = self._notebooks, self._notebooks.shown
        match order:
            case orders.ImportFiles():
                return self._start_import(opened, session, files)
            case orders.CancelImport():
                if self._importing is not None:
                    self._importing.cancelled = True
            case orders.CloseReport():
                shown.report = None
            case orders.ExportNotebook():
                notebooks.spawn(self._export(opened, session))
            case orders.ExportNote(note):
                return await self._export_note(opened, session, note)
            case orders.AddDevice():
                return await self._add_device(opened)
            case orders.CloseInvite():
                shown.invite = None
            case orders.Join():
                return await self._join(session)
            case orders.DeclineJoin():
                session.invitation = None
            case orders.ConnectRelay(address):
                return self._connect(opened, address)
            case orders.DisconnectRelay():
                opened.syncing.connect("")
            case orders.SwitchNotebook(notebook):
                return await self._switch(session, notebook)
            case orders.AcceptUpdate():
                for each in notebooks.tabs:
                    each.call("update", {})
            case orders.ShowToast(toast):
                notebooks.show_toast(toast)
            case orders.DismissToast():
                notebooks.end_toast()
            case orders.DismissProblem(words):
                shown.problems = tuple(problem for problem in shown.problems if problem != words)
            case orders.LetGo():
                session.let_go()
            case orders.AskAgain():
                opened.syncing.ask_again()
            case orders.DismissTrouble(name):
                return await self._dismiss(opened, name)
            case orders.KeepStorage():
                session.call(PERSIST, {})
            case _:
                assert_never(order)
        notebooks.tabs.dirty()
        return None

    def answered(self, session: TabSession, call: int, ok: bool, value: str) -> None:
        """Take a window's answer to a call."""
        name = session.answered(call)
        if name == PERSIST:
            self._notebooks.shown.persisted = ok and value == "true"
        elif not ok and name != "focus":
            self._notebooks.shown.problem(f"The browser could not do this ({name}): {value}")
        if session.state is not None and name is not None:
            session.state = after_answer(session.state, name, ok)
        self._notebooks.tabs.dirty()

    async def look_at_storage(self) -> None:
        """Learn whether the browser has promised to keep the storage; asking for the promise is the person's to begin."""
        # That it has not, now, is no refusal: nobody has asked in this session.
        if await self._notebooks.environment.is_persisted():
            self._notebooks.shown.persisted = True
            self._notebooks.tabs.dirty()

    def invited(self, session: TabSession, fragment: str) -> None:
        """A tab was opened with an invite's link, which is that tab's alone: what one tab shows, another one's link cannot change."""
        link = decode_link(fragment)
        if isinstance(link, Rejected):
            shown = Joining("", "", "", problem=f"{link.reason[:1].upper()}{link.reason[1:]}.")
            session.invitation = Invitation(None, shown)
            return
        problem = self._barred(link.relay)
        if text_of(link.notebook) in dict(self._notebooks.shown.notebooks):
            problem = HERE_ALREADY
        if problem is not None:
            session.invitation = Invitation(None, Joining("", "", host_of(link.relay), problem=problem))
            return
        shown = Joining(f"Notebook {text_of(link.notebook)[:6]}", "owner", host_of(link.relay))
        session.invitation = Invitation(link, shown)

    def _start_import(self, opened: OpenNotebook, session: TabSession, files: Sequence[FileEntry]) -> str | None:
        if self._importing is not None:
            return "An import is running: wait for it, or cancel it, then choose the files again."
        self._importing = Importing(opened, self._progressed, session.hello.offset if session.hello else 0)
        self._notebooks.shown.report = None
        self._progressed(Progress(0, len(files), "Importing"))
        self._notebooks.spawn(self._import(self._importing, files))
        return None

    async def _import(self, importing: Importing, files: Sequence[FileEntry]) -> None:
        chosen = [self._notebooks.environment.chosen_file(entry.file, entry.path) for entry in files]
        try:
            self._notebooks.shown.report = await importing.run(chosen)
        except StorageError as error:
            self._notebooks.shown.problem(
                f"The import stopped: {error}. What was imported before is safe: make room, then import again; nothing is doubled."
            )
        finally:
            self._importing, self._notebooks.shown.importing = None, None
            self._notebooks.tabs.dirty()

    def _progressed(self, progress: Progress) -> None:
        self._notebooks.shown.importing = progress
        self._notebooks.tabs.dirty()

    async def _export(self, opened: OpenNotebook, session: TabSession) -> None:
        self._save(session, await export_notebook(opened, session.name, self._exported_so_far))

    def _exported_so_far(self, progress: Progress | None) -> None:
        self._notebooks.shown.exporting = progress
        self._notebooks.tabs.dirty()

    async def _export_note(self, opened: OpenNotebook, session: TabSession, note: str) -> str | None:
        exported = await export_note(opened, session.name, note)
        if isinstance(exported, str):
            return exported
        self._save(session, exported)
        return None

    def _save(self, session: TabSession, exported: Exported) -> None:
        if exported.problem is not None:
            self._notebooks.shown.problem(exported.problem)
            self._notebooks.tabs.dirty()
        session.call("download", {"name": exported.name, "media": exported.media, "bytes": exported.data})

    async def _dismiss(self, opened: OpenNotebook, name: str) -> str | None:
        try:
            await opened.log.quarantine.dismiss(opened.attention.named(name))
        except StorageError as error:
            return f"This could not be dismissed on this device: {error}."
        return None

    async def _add_device(self, opened: OpenNotebook) -> str | None:
        link = await invite(opened)
        if isinstance(link, Rejected):
            return link.reason
        self._notebooks.shown.invite = Invite(
            link, "For one device, for 24 hours. Whoever has the link can read and write all notes of this notebook."
        )
        return None

    def _connect(self, opened: OpenNotebook, address: str) -> str | None:
        address = address if address.endswith("/") else f"{address}/"
        problem = check_address(address)
        if problem is not None:
            return f"{problem.reason[:1].upper()}{problem.reason[1:]}."
        barred = self._barred(address)
        if barred is None:
            opened.syncing.connect(address)
        return barred

    def _barred(self, address: str) -> str | None:
        """Why the page's policy keeps this site from talking to a relay; None when it does not."""
        place = self._notebooks.environment.place
        if socket_origin(address) in (socket_origin(place.site), *place.relays):
            return None
        return (
            f"{host_of(address)} is not a relay that this site may talk to: "
            "whoever serves this page names the others that it may use."
        )

    async def _switch(self, session: TabSession, notebook: str) -> str | None:
        try:
            await self._notebooks.open(notebook)
        except NotOpened as error:
            return str(error)
        session.state = Tab(notebook, rows=session.state.rows if session.state else Tab(notebook).rows)
        await self._notebooks.read_list()
        return None

    async def _join(self, session: TabSession) -> str | None:
        invitation = session.invitation
        if invitation is None or invitation.link is None:
            return "There is no invitation here any more: open the link again."
        notebooks, link = self._notebooks, invitation.link
        self._show_join(session, busy=True)
        # Two cores that join the same notebook at once would each keep the other's certificate.
        held = await notebooks.environment.locks.acquire(f"join-{text_of(link.notebook)}", wait=False)
        if held is None:
            self._show_join(session, busy=False)
            return "Another window is joining this notebook: wait for it."
        try:
            return await self._join_held(session, link)
        finally:
            held.release()
            self._show_join(session, busy=False)

    def _show_join(self, session: TabSession, **changes: Any) -> None:
        if session.invitation is not None:
            session.invitation = replace(session.invitation, shown=replace(session.invitation.shown, **changes))
        self._notebooks.tabs.dirty([session])

    async def _join_held(self, session: TabSession, link: JoinLink) -> str | None:
        notebooks = self._notebooks
        if text_of(link.notebook) in await notebooks.device.notebooks():
            return HERE_ALREADY
        joined = await join_notebook(notebooks.environment, link)
        if isinstance(joined, Rejected):
            self._show_join(session, problem="", words=joined.reason)
            return joined.reason
        await self._keep_joined(session, joined)
        session.invitation = None
        return None

    async def _keep_joined(self, session: TabSession, joined: NewMember) -> None:
        notebooks = self._notebooks
        notebook, left = text_of(joined.secrets.notebook), await notebooks.device.current()
        known = await notebooks.device.notebooks()
        is_first = all([await notebooks.is_as_made(one) for one in known.values()])
        kept = KeptNotebook(notebook, "Notes" if is_first or not joined.inviter else f"Notes from {joined.inviter}")
        log = await Log.make(
            await notebooks.environment.open_store(kept.database, STORES), notebooks.environment.at_rest
        )
        await log.members.begin(joined.records)
        await log.close()
        await notebooks.device.set(f"relay/{notebook}", joined.relay.encode())
        await notebooks.device.add_notebook(kept, joined.secrets.encode(), instead_of=left)
        notebooks.current = notebook
        opened = await notebooks.open(notebook)
        await read_names(notebooks.shown, opened)
        session.state = Tab(notebook, rows=session.state.rows if session.state else Tab(notebook).rows)
        session.forget_shown()
        # One that is as it was made is not listed from here on: nothing is closed, and nothing deleted.
        await notebooks.read_list()
