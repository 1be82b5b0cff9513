"""The notebooks of this device: which there are, which are open, and what is shown of the device beside what is in them.

It stands between the core, which serves tabs, and the errands that a tab gives: both open and close notebooks, neither knows the other.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Final

from carryon_sync.formats.rejected import Rejected

from carryon.core.device_view import Shown, read_names, was_invited_by
from carryon.core.environment import Environment
from carryon.core.open_notebook import OpenNotebook
from carryon.core.tabs.sessions import Tabs, TabSession
from carryon.crypto.notebook_keys import decode_secrets
from carryon.storage.device import DeviceStore, KeptNotebook
from carryon.storage.errors import Damaged, StorageError
from carryon.views.device import Toast
from carryon.views.legible import legible

KEEP_AGAIN_S: Final = 2.0
TOAST_S: Final = 8.0


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
        self._running: dict[str, asyncio.Task[None]] = {}
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

    def spawn(self, errand: Coroutine[None, None, None]) -> None:
        """Run an errand beside everything else."""
        self._tasks.create_task(errand)

    async def open(self, notebook: str) -> OpenNotebook:
        """Have a notebook of this device open."""
        async with self._opening:
            if notebook not in self._opened:
                kept = (await self.device.notebooks())[notebook]
                self._opened[notebook] = await self._open(kept)
            return self._opened[notebook]

    async def close(self, notebook: str) -> None:
        """Close a notebook that no tab shows any more."""
        opened = self._opened.pop(notebook)
        running = self._running.pop(notebook)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await opened.close()

    async def read_list(self) -> None:
        """Read again which notebooks there are."""
        kept = await self.device.notebooks()
        self.shown.notebooks = tuple((each.id, each.name) for each in kept.values())

    async def open_others(self) -> None:
        """Have all notebooks of this device open."""
        for notebook, _ in self.shown.notebooks:
            await self.open(notebook)

    async def _open(self, kept: KeptNotebook) -> OpenNotebook:
        secrets = decode_secrets(await self.device.secrets(kept.id))
        if isinstance(secrets, Rejected):
            raise Damaged(f"notebook {kept.name} cannot be opened: {secrets.reason}")
        opened = await OpenNotebook.open(self.environment, kept, secrets, self.tabs, self.tabs.dirty)
        address = await self.device.setting(f"relay/{kept.id}")
        opened.syncing.connect(None if address is None else address.decode())
        await read_names(self.shown, opened)
        self._running[kept.id] = self._tasks.create_task(self._run_notebook(kept.id, opened))
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
