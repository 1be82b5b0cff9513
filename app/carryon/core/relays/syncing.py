"""Sync of one notebook with its relay: led by one core of the device, followed by the others, with evidence for the status in all.

1. The leading core runs the session (`relay_link`) under a fencing token; when the token is no longer the newest, it stops leading.
2. Followers learn the evidence by broadcast; they show it only as far as it covers what they know to be in the log, and is of their relay.
3. What a person asks of any core reaches the leading one by way of the storage: members' records and the relay's address are kept first,
   then posted as a hint, and read again on each hint, by whoever begins to lead, before each connection, and when somebody looks.
4. The relay's address is a setting of the notebook: set by the person, found because it serves this page, or "" when the person
   disconnected. A site that no relay serves is asked again when the network comes or somebody looks.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from carryon_sync.formats.change import Seen

from carryon.core.environment import Channel, Environment
from carryon.core.log.identity import Identity
from carryon.core.log.received import Receiving, Taken
from carryon.core.relays.evidence import Evidence
from carryon.core.relays.relay_link import RelayLink
from carryon.crypto.receipts import NoteDigest
from carryon.storage.errors import Fenced, StorageError
from carryon.storage.log import Log

NEVER_S: Final = 2**32 - 1
WATCHED_MS: Final = 90_000
PROBE_S_MAX: Final = 300.0
STORAGE_PAUSE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How far this device's words have come, from evidence; `position` is the end of the log that it covers."""

    position: int
    waiting: int
    live: bool
    on_relay: bool
    seen_by: tuple[bytes, ...]
    heard: int | None
    words: str
    fetching: tuple[int, int] | None = None
    """How much of the relay's log is here, and how much there was when this device began to catch up with it."""


class Syncing:
    """One notebook's sync in one core."""

    def __init__(
        self,
        environment: Environment,
        log: Log,
        identity: Identity,
        receiving: Receiving,
        taken: Callable[[Taken], None],
        changed: Callable[[], None],
        met: Callable[[], None],
        digests: Callable[[], Sequence[NoteDigest]],
    ) -> None:
        """`taken` is told what came from relays, `changed` that the standing may have changed, `met` that members' records came.

        `digests` gives what this device makes of the notes that changed last.
        """
        self._environment = environment
        self._log = log
        self._identity = identity
        self._receiving = receiving
        self._taken = taken
        self._changed = changed
        self._met = met
        self._digests = digests
        self._channel: Channel | None = None
        self._link: RelayLink | None = None
        self._evidence = Evidence()
        self._heard_standing: Standing | None = None
        self._position = 0
        self._address: str | None = None
        self._address_set = asyncio.Event()
        self._address_due = asyncio.Event()
        self._members_due = asyncio.Event()
        self._look = asyncio.Event()

    @property
    def address(self) -> str | None:
        """The relay's address; "" when the person disconnected, None when none is known."""
        return self._address

    def connect(self, address: str | None) -> None:
        """Sync with the relay at this address from now on; "" for none."""
        if address != self._address:
            self._address = address
            self._evidence = Evidence()
            self._heard_standing = None
            self._address_set.set()
            self._address_due.set()
            self._changed()

    async def address_due(self) -> None:
        """Wait until the address may be another one than is kept: changed here, or kept by another core."""
        await self._address_due.wait()
        self._address_due.clear()

    def look_at_address(self) -> None:
        """Have the kept address looked at again."""
        self._address_due.set()

    def address_kept(self) -> None:
        """The address is kept: other cores are to read it."""
        self._post({"type": "address"})

    def broadcast(self, channel: Channel) -> None:
        """Use this channel to tell the other cores."""
        self._channel = channel

    def heard(self, message: Mapping[str, str | int]) -> None:
        """Take in what the leading core says of the standing."""
        match message.get("type"):
            case "standing" if message["address"] == (self._address or ""):
                self._heard_standing = _standing_in(message)
                self._changed()
            case "standing" | "address":
                self._address_due.set()
            case "members":
                self._members_due.set()
            case "again" if self._link is not None:
                self._link.ask_again()
            case _:
                return

    def appended(self, entered: Sequence[tuple[int, bytes]]) -> None:
        """Changes that the relay does not have are in the log, each at a position, with its tag."""
        self._position = max([self._position, *(pos for pos, _ in entered)])
        if self._link is not None:
            self._link.appended(entered)
        self._tell()

    def took(self, taken: Taken) -> None:
        """Changes were taken that may be on no relay."""
        self._evidence.told(taken.seen)
        self.appended(taken.entered)

    def members_changed(self) -> None:
        """Members' records were added on this device, and kept."""
        if self._link is not None:
            self._link.members_changed()
        self._met()

    def members_kept(self) -> None:
        """This core has kept members' records that are new: other cores are to read them."""
        self.members_changed()
        self._post({"type": "members"})

    async def meet_members(self) -> None:
        """Meet for ever whom other cores of this device have met."""
        while True:
            await self._members_due.wait()
            self._members_due.clear()
            try:
                if await self._identity.read_kept():
                    await self._receiving.members_changed()
                    self.members_changed()
            except StorageError:
                # They are kept, and read again.
                await asyncio.sleep(STORAGE_PAUSE_S)
                self._members_due.set()

    def lacking(self) -> None:
        """Something turned out not to be here whole."""
        if self._link is not None:
            self._link.lacking()

    def ask_again(self) -> None:
        """The person wants what is lacking to be asked for once more; a core that follows tells the one that leads."""
        if self._link is not None:
            self._link.ask_again()
        elif self._channel is not None:
            self._channel.post({"type": "again"})

    def hint(self) -> None:
        """The network may be there, or the person looks."""
        self._look.set()
        self._read_again()
        if self._link is not None:
            self._link.hint()

    def _read_again(self) -> None:
        self._address_due.set()
        self._members_due.set()

    def _post(self, message: Mapping[str, str | int]) -> None:
        if self._channel is not None:
            self._channel.post(message)

    def seen(self) -> Sequence[Seen]:
        """How far relays' logs are held, for the next change."""
        held = self._evidence.held
        mark = None if held is None else self._evidence.agreement.mark_before(held.sequence)
        return () if mark is None else (mark,)

    def is_watched(self) -> bool:
        """Whether another device was there to see edits a moment ago."""
        return self._evidence.live and self._environment.now() - self._evidence.neighbour_at < WATCHED_MS

    def apart(self) -> int:
        """Seconds since this device last heard a relay."""
        heard = self.standing().heard
        return NEVER_S if heard is None else min(NEVER_S, max(0, (self._environment.now() - heard) // 1000))

    def standing(self) -> Standing:
        """How far this device's words have come."""
        if self._link is not None:
            return self._led_standing()
        heard = self._heard_standing
        if heard is None:
            return Standing(0, 0, live=False, on_relay=False, seen_by=(), heard=None, words="")
        if heard.position < self._position:
            return Standing(
                heard.position,
                heard.waiting,
                heard.live,
                on_relay=False,
                seen_by=(),
                heard=heard.heard,
                words=heard.words,
                fetching=heard.fetching,
            )
        return heard

    def is_acked(self, tag: bytes) -> bool:
        """Whether the relay has all that is in the log of a note."""
        if self._link is None:
            return self.standing().on_relay
        return self._is_counted and not self._evidence.waits(tag)

    @property
    def _is_counted(self) -> bool:
        """Whether it is known of all that is shown here whether it waits for the relay."""
        evidence, receiving = self._evidence, self._receiving
        return evidence.known and evidence.reached is not None and receiving.accounted >= receiving.absorbed

    async def lead(self) -> None:
        """Run the session with the relay while this core leads; returns when another core has taken over."""
        self._read_again()
        while True:
            try:
                await self._lead(await self._log.relays.lead())
            except Fenced:
                return
            except StorageError as error:
                # A full or lost disk keeps nobody from reading: it is said, and tried again.
                self._evidence.words = str(error)
                self._changed()
                await asyncio.sleep(STORAGE_PAUSE_S)

    async def _lead(self, fence: int) -> None:
        await self._receiving.read_waiting()
        while True:
            self._address_set.clear()
            await self._forget_others(fence)
            if self._address:
                await self._link_until_changed(self._address, fence)
            elif self._address is None:
                await self._probe()
            else:
                await self._address_set.wait()

    async def _forget_others(self, fence: int) -> None:
        if self._address is not None:
            for name in self._log.relays.names:
                if name != self._address:
                    await self._log.relays.forget(name, fence)

    async def _link_until_changed(self, address: str, fence: int) -> None:
        self._evidence = Evidence()
        self._link = RelayLink(
            self._environment,
            self._log,
            self._identity,
            self._receiving,
            address,
            fence,
            self._evidence,
            self._taken,
            self._tell,
            self._link_met,
            self._digests,
        )
        running = asyncio.ensure_future(self._link.run())
        changing = asyncio.ensure_future(self._address_set.wait())
        try:
            await asyncio.wait((running, changing), return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
        finally:
            for task in (running, changing):
                task.cancel()
            await asyncio.gather(running, changing, return_exceptions=True)
            self._link = None
            self._changed()

    async def _probe(self) -> None:
        """Ask whether the site is served by a relay, again and again until somebody answers or the person names one."""
        pause = 1.0
        while self._address is None:
            self._look.clear()
            if await self._environment.is_relay(self._environment.place.site):
                self.connect(self._environment.place.site)
                return
            try:
                async with asyncio.timeout(pause):
                    await self._look.wait()
            except TimeoutError:
                pause = min(2 * pause, PROBE_S_MAX)

    def _led_standing(self) -> Standing:
        evidence = self._evidence
        on_relay = self._is_counted and not evidence.waiting
        seen_by: tuple[bytes, ...] = ()
        if on_relay and evidence.is_all_shown:
            members, sequence = self._identity.members, evidence.own_sequence
            seen_by = tuple(
                certificate
                for certificate, agreed in sorted(evidence.agreement.agreed.items())
                if agreed >= sequence and members.may_connect(certificate)
            )
        return Standing(
            self._receiving.accounted,
            evidence.waiting,
            evidence.live,
            on_relay,
            seen_by,
            evidence.heard,
            evidence.words or evidence.contradicted,
            _fetching(evidence),
        )

    def _link_met(self) -> None:
        self._met()
        self._post({"type": "members"})

    def _tell(self) -> None:
        if self._link is not None:
            self._post(_standing_message(self._address or "", self._led_standing()))
        self._changed()


def _fetching(evidence: Evidence) -> tuple[int, int] | None:
    here = evidence.reached.sequence if evidence.reached is not None else 0
    return (here, evidence.head) if evidence.head is not None and here < evidence.head else None


def _standing_message(address: str, standing: Standing) -> Mapping[str, str | int]:
    return {
        "type": "standing",
        "address": address,
        "position": standing.position,
        "waiting": standing.waiting,
        "live": int(standing.live),
        "on_relay": int(standing.on_relay),
        "seen_by": ",".join(certificate.hex() for certificate in standing.seen_by),
        "heard": -1 if standing.heard is None else standing.heard,
        "words": standing.words,
        "fetched": standing.fetching[0] if standing.fetching else -1,
        "head": standing.fetching[1] if standing.fetching else -1,
    }


def _standing_in(message: Mapping[str, str | int]) -> Standing:
    heard = int(message["heard"])
    return Standing(
        position=int(message["position"]),
        waiting=int(message["waiting"]),
        live=bool(message["live"]),
        on_relay=bool(message["on_relay"]),
        seen_by=tuple(bytes.fromhex(each) for each in str(message["seen_by"]).split(",") if each),
        heard=None if heard < 0 else heard,
        words=str(message["words"]),
        fetching=None if int(message["head"]) < 0 else (int(message["fetched"]), int(message["head"])),
    )
