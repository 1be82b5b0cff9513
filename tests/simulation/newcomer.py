"""How a device comes to everybody's notebook: as people do it, by opening a link in a tab and pressing Join.

1. The link is asked of a core that has the notebook. (The page would draw a code of it, which takes longer than all the
   rest.) While none can be made, one is asked for again.
2. A person presses Join until it has joined; where the page says that the link is no good, another one is asked for.
3. Some have written in their own notebook before: then they keep it beside.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Final

from tests.simulation.device import Device
from tests.simulation.habits import INVITE_ANYWHERE, OWN_NOTEBOOK
from tests.simulation.tab import Tab
from tests.simulation.texts import SECRET
from tests.simulation.virtual_loop import until
from tests.simulation.world import World

LOOK_S: Final = 0.5
PRESSES_MAX: Final = 20
DRAFTS_MAX: Final = 3
DRAFT_S: Final = 30.0


class Newcomer:
    """One device on its way in."""

    def __init__(self, world: World, device: Device, random: Random) -> None:
        self._world = world
        self._device = device
        self._random = random
        self._secret = ""
        self._pressed = 0
        self._tab: Tab | None = None

    async def join(self, seconds: float) -> bool:
        """Join within some seconds, whatever strikes meanwhile; says whether it has."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        self._world.witness.coming.add(self._device.profile)
        if self._world.follows(OWN_NOTEBOOK):
            await self._write(min(end, loop.time() + DRAFT_S))
        while not self._belongs():
            if loop.time() > end:
                self._leave()
                return False
            await self._step()
            await asyncio.sleep(LOOK_S)
        self._world.joined(self._device)
        return True

    async def _write(self, end: float) -> None:
        """Write in the device's own notebook, which it keeps then."""
        loop, drafts = asyncio.get_running_loop(), self._random.randint(1, DRAFTS_MAX)
        tab = self._tab = self._world.open_tab(self._device.worker())
        while drafts and loop.time() < end:
            await asyncio.sleep(LOOK_S)
            if tab not in self._world.tabs:
                return
            if tab.ready == "ready" and tab.note is not None and tab.saved:
                if not self._world.watch.of(self._device):
                    self._world.observe(tab)
                tab.type(f"{SECRET} mine {self._random.randrange(1000)} ")
                drafts -= 1
        await until(lambda: tab.saved or loop.time() > end, "its drafts are saved", 2 * DRAFT_S)

    async def _step(self) -> None:
        tab = self._tab
        if not self._secret:
            await self._ask()
        elif tab is None or tab not in self._world.tabs or tab.query != "?join":
            self._leave()
            self._tab = self._world.open_tab(self._device.worker(), "?join", self._secret)
        elif tab.ready == "ready":
            page = "".join(tab.regions.values())
            if 'data-action="join.accept"' not in page or self._pressed >= PRESSES_MAX:
                # The core that knew the link has died, or the link is no good: another one cannot be worse.
                self._secret, self._pressed = "", 0
                self._leave()
            elif "aria-disabled" not in page:
                self._pressed += 1
                tab.act("join.accept")

    async def _ask(self) -> None:
        hosts = [tab for tab in self._world.tabs if tab.ready == "ready" and tab.worker.device in self._world.members]
        if not self._world.follows(INVITE_ANYWHERE):
            hosts = [tab for tab in hosts if self._world.leads(tab)]
        if hosts:
            try:
                self._secret = await self._world.invite(self._random.choice(hosts))
            except AssertionError:
                # It cannot be made now (no relay yet, no room, no core): it is asked for again.
                return

    def _belongs(self) -> bool:
        return bool(self._world.opened(self._device, self._world.notebook))

    def _leave(self) -> None:
        if self._tab in self._world.tabs:
            self._world.close_tab(self._tab)
        self._tab = None
