"""What an owner's device owes to the members' records without being asked: a witness, the end of its invites, and epochs.

1. Whom this device invited, and who came in time, it witnesses: so that the newcomer is believed when the invite has expired.
2. An invite of its own that has expired it revokes, so that a relay that keeps no time, or lies, makes nobody a member by an
   old link. It does so when it found it expired for `EXPIRED_S`, up to date with a relay all along: who came in time is among
   the records by then, and a clock that jumped and was set right again has withdrawn nothing.
3. When epochs lie beside each other, or a device that is out can open the current one, or one that is in cannot, an owner
   writes one over all of them. The owner with the least id does so at once, the next ones when it is still owed after
   `PATIENCE_S` each: two that wrote at once would only have to begin again.
4. Only the core that leads does so.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from carryon_sync.formats.records import Role

from carryon.core.log.identity import Identity
from carryon.storage.errors import StorageError

PATIENCE_S: Final = 20.0
STORAGE_PAUSE_S: Final = 2.0
LOOK_S: Final = 60.0
EXPIRED_S: Final = 600.0


class Custody:
    """An owner's duties towards the records of one notebook."""

    def __init__(
        self,
        identity: Identity,
        now: Callable[[], int],
        is_live: Callable[[], bool],
        published: Callable[[], None],
    ) -> None:
        """`is_live` says whether all that the relay has is here; `published` is called when records were added that it is to have."""
        self._identity = identity
        self._now = now
        self._is_live = is_live
        self._published = published
        self._expired: dict[bytes, float] = {}  # by the id of an invite, since when: the loop's time, s

    async def run(self) -> None:
        """See to it until cancelled."""
        while True:
            changed = self._identity.changed
            try:
                await self._see_to_it()
            except StorageError:
                # What was not kept was not published either: it is owed still.
                await asyncio.sleep(STORAGE_PAUSE_S)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await changed.wait()

    async def _see_to_it(self) -> None:
        identity = self._identity
        if await identity.witness():
            self._published()
        await self._end_invites()
        if not identity.members.needs_epoch or not identity.members.is_owner(identity.certificate):
            return
        await asyncio.sleep(PATIENCE_S * self._rank())
        if identity.members.needs_epoch and await identity.begin_epoch({}):
            self._published()

    async def _end_invites(self) -> None:
        """Revoke what has been found expired long enough."""
        at = asyncio.get_running_loop().time()
        expired = self._identity.expired_invites(self._now()) if self._is_live() else []
        self._expired = {invite: self._expired.get(invite, at) for invite in expired}
        for invite in [invite for invite, since in self._expired.items() if at - since >= EXPIRED_S]:
            if await self._identity.revoke(invite):
                self._published()

    def _rank(self) -> int:
        """How many owners are to go first."""
        owners = sorted(device.id for device in self._identity.members.devices() if device.role == Role.OWNER)
        return owners.index(self._identity.certificate) if self._identity.certificate in owners else len(owners)
