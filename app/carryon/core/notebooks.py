"""The notebooks of this device: which there are, which are open, and what is shown of the device beside what is in them.

It stands between the core, which serves tabs, and the errands that a tab gives: both open notebooks, neither knows the other.

1. Each notebook is for itself: one that cannot be opened is said in words, stays as it is, and keeps no other from opening.
2. No notebook is ever deleted. One in which nobody has written anything since it was made, and which is neither the current one nor in a
   tab, is not listed; so a notebook that a join has replaced is out of sight, and is listed again with the first word in it, whichever
   core wrote that.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from carryon_sync.formats.rejected import Rejected

from carryon.core.device_view import Shown, read_names, was_invited_by
from carryon.core.environment import Environment
from carryon.core.log.identity import Unreadable
from carryon.core.open_notebook import OpenNotebook
from carryon.core.tabs.sessions import Tabs, TabSession
from carryon.crypto.notebook_keys import decode_secrets
from carryon.storage.device import DamagedNotebook, DeviceStore, KeptNotebook
from carryon.storage.errors import Damaged, Gone, StorageError
from carryon.storage.layouts import STORES
from carryon.views.device import Toast
from carryon.views.legible import legible

KEEP_AGAIN_S: Final = 2.0
TOAST_S: Final = 8.0
# What a notebook holds when it has just been made: the root, this device's certificate, the first epoch; the welcome note.
RECORDS_MADE: Final = 3
CHANGES_MADE: Final = 1
NOTHING_LOST: Final = "Nothing of it was deleted, and every other notebook works as ever."
LASTING_WAY_OUT: Final = (
    "Its notes are on your other devices as far as they were synced; a newer Carryon may open it here again."
)
PASSING_WAY_OUT: Final = "Reload the page to try again."


class NotOpened(Exception):
    """A notebook cannot be opened; `lasting` where trying again would not help."""

    def __init__(self, name: str, reason: str, *, lasting: bool) -> None:
        way_out = LASTING_WAY_OUT if lasting else PASSING_WAY_OUT
        super().__init__(f"“{name}” cannot be opened: {reason}. {NOTHING_LOST} {way_out}")
        self.lasting = lasting


class Notebooks:
    """The notebooks of one device in one core; `begin` gives it the device's store and who runs its tasks."""

    def __init__(self, environment: Environment, tabs: Tabs) -> None:
        self.environment = environment
        self.tabs = tabs
        self.shown = Shown()
        self.current = ""
        self.device: DeviceStore
        self._tasks: asyncio.TaskGroup
        self._opened: dict[str, OpenNotebook] = {}
        self._opening = asyncio.Lock()
        self._is_listing = False
        self._toast: asyncio.TimerHandle | None = None

    def begin(self, device: DeviceStore, tasks: asyncio.TaskGroup) -> None:
        """Use this store, and run what is open in these tasks."""
        self.device = device
        self._tasks = tasks

    def of(self, session: TabSession) -> OpenNotebook:
        """The notebook that a tab shows."""
        assert session.state is not None, "a tab shows a notebook from its hello on"
        return self._opened[session.state.notebook]

    def opened(self) -> Sequence[OpenNotebook]:
        """All notebooks that are open."""
        return tuple(self._opened.values())

    def one_open(self, session: TabSession) -> str:
        """The notebook that a tab shows, or one that it can be shown: the current one need not have opened in this core."""
        shown = session.state.notebook if session.state is not None else self.current
        return shown if shown in self._opened else next(iter(self._opened))

    def spawn(self, errand: Coroutine[Any, Any, None]) -> None:
        """Run an errand beside everything else."""
        self._tasks.create_task(errand)

    async def open(self, notebook: str) -> OpenNotebook:
        """Have a notebook of this device open. Raises `NotOpened`."""
        if notebook in self._opened:
            # Who reads in one that is open never waits for another one to open.
            return self._opened[notebook]
        async with self._opening:
            if notebook not in self._opened:
                self._opened[notebook] = await self._opened_or_said(notebook)
            return self._opened[notebook]

    async def named(self, session: TabSession, notebook: str) -> OpenNotebook:
        """The notebook that a message of a tab is for; empty: the one that the tab shows. Raises `NotOpened`."""
        return await self.open(notebook) if notebook else self.of(session)

    async def open_one_of(self, current: str) -> OpenNotebook | None:
        """Have the current notebook open, or the first that can be; None where none will ever be. Raises `NotOpened`."""
        refused: dict[str, NotOpened] = {}
        others = [notebook for notebook in await self.device.notebooks() if notebook != current]
        opened = None
        # The current one twice: that one read gave rot is no reason to show another notebook from then on.
        for notebook in (current, current, *others):
            try:
                opened = await self.open(notebook)
            except NotOpened as error:
                refused[notebook] = error
            else:
                refused.pop(notebook, None)
                break
        for why in refused.values():
            self.shown.problem(str(why))
        if opened is not None:
            return opened
        passing = next((error for error in refused.values() if not error.lasting), None)
        if passing is not None:
            raise passing
        return None

    async def read_list(self) -> None:
        """Read again which notebooks there are to be shown."""
        in_tabs = {session.state.notebook for session in self.tabs if session.state is not None}
        listed: list[tuple[str, str]] = []
        names: Counter[str] = Counter()
        for notebook, kept in (await self.device.notebooks()).items():
            if notebook == self.current or notebook in in_tabs or not await self.is_as_made(kept):
                name = name_of(kept)
                names[name] += 1
                listed.append((notebook, name if names[name] == 1 else f"{name} ({names[name]})"))
        self.shown.notebooks = tuple(listed)
        self.tabs.dirty()

    async def open_others(self) -> None:
        """Have all notebooks that are listed open."""
        for notebook, _ in self.shown.notebooks:
            try:
                await self.open(notebook)
            except NotOpened as error:
                self.shown.problem(str(error))
                self.tabs.dirty()

    async def is_as_made(self, kept: KeptNotebook | DamagedNotebook) -> bool:
        """Whether a notebook is just as its making left it: nobody has written in it, and nobody was invited."""
        if isinstance(kept, DamagedNotebook):
            return False
        try:
            store = await self.environment.open_store(kept.database, STORES)
            changes = await store.read("log", limit=CHANGES_MADE + 1)
            records = await store.read("members", limit=RECORDS_MADE + 1)
            written = await store.read("journal", limit=1) or await store.read("waiting", limit=1)
            await store.close()
        except StorageError:
            # What cannot be looked at is listed, and opening it says why.
            return False
        return len(changes) == CHANGES_MADE and len(records) == RECORDS_MADE and not written

    def _changed(self, notebook: str) -> None:
        self.tabs.dirty()
        opened = self._opened.get(notebook)
        if opened is None or self._is_listing or notebook in dict(self.shown.notebooks):
            return
        if opened.outgoing.waiting or opened.log.changes.position > CHANGES_MADE:
            # It was out of sight, and somebody has written in it.
            self._is_listing = True
            self.spawn(self._list_again())

    async def _list_again(self) -> None:
        self._is_listing = False
        try:
            await self.read_list()
        except StorageError as error:
            self.shown.problem(f"The list of notebooks could not be read: {error}. Reload the page to see all of them.")

    async def _opened_or_said(self, notebook: str) -> OpenNotebook:
        kept = (await self.device.notebooks()).get(notebook)
        if kept is None:
            raise NotOpened(f"Notebook {notebook[:6]}", "this device does not have it", lasting=True)
        try:
            return await self._open(kept)
        except (StorageError, Unreadable) as error:
            lasting = isinstance(error, Damaged | Gone | Unreadable)
            raise NotOpened(name_of(kept), str(error).rstrip("."), lasting=lasting) from error

    async def _open(self, kept: KeptNotebook | DamagedNotebook) -> OpenNotebook:
        if isinstance(kept, DamagedNotebook):
            raise Damaged("this device's key for it is gone, or its record is damaged")
        secrets = decode_secrets(await self.device.secrets(kept.id))
        if isinstance(secrets, Rejected):
            raise Damaged(secrets.reason)
        opened = await OpenNotebook.open(self.environment, kept, secrets, self.tabs, lambda: self._changed(kept.id))
        try:
            address = await self.device.setting(f"relay/{kept.id}")
            opened.syncing.connect(None if address is None else address.decode())
            await read_names(self.shown, opened)
        except BaseException:
            # Its author is free again: its rows would wait for this core to end.
            await opened.close()
            raise
        self._tasks.create_task(self._run_notebook(kept.id, opened))
        return opened

    async def _run_notebook(self, notebook: str, opened: OpenNotebook) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(opened.run())
            tasks.create_task(self._keep_address(notebook, opened))
            tasks.create_task(self._read_names(opened))

    async def _read_names(self, opened: OpenNotebook) -> None:
        """Know a device's name when its record has come, and say who has joined by an invite of this one."""
        while True:
            await opened.members_met.wait()
            opened.members_met.clear()
            met = await read_names(self.shown, opened)
            joined = [legible(self.shown.names[id]) for id in met if was_invited_by(opened.identity, id)]
            if joined:
                self.show_toast(Toast(f"{' and '.join(joined)} {'has' if len(joined) == 1 else 'have'} joined"))
            self.tabs.dirty()

    def show_toast(self, toast: Toast) -> None:
        """Show passing words for a while."""
        self.shown.toast = toast
        if self._toast is not None:
            self._toast.cancel()
        self._toast = asyncio.get_running_loop().call_later(TOAST_S, self.end_toast)

    def end_toast(self) -> None:
        """Show passing words no longer."""
        self.shown.toast = None
        self.tabs.dirty()

    async def _keep_address(self, notebook: str, opened: OpenNotebook) -> None:
        """Keep the relay's address when it is changed here, and take it over when another core has kept another one."""
        syncing, kept = opened.syncing, opened.syncing.address
        while True:
            await syncing.address_due()
            address = syncing.address
            try:
                if address is not None and address != kept:
                    await self.device.set(f"relay/{notebook}", address.encode())
                    kept = address
                    syncing.address_kept()
                    continue
                setting = await self.device.setting(f"relay/{notebook}")
            except StorageError as error:
                self.shown.problem(
                    f"The relay's address could not be kept or read on this device: {error}. It is tried again."
                )
                self.tabs.dirty()
                await asyncio.sleep(KEEP_AGAIN_S)
                syncing.look_at_address()
            else:
                if setting is not None and syncing.address == address:
                    kept = setting.decode()
                    syncing.connect(kept)


def name_of(kept: KeptNotebook | DamagedNotebook) -> str:
    """A notebook's name for people."""
    return kept.name if isinstance(kept, KeptNotebook) else f"Notebook {kept.id[:6]}"
