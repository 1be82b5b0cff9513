"""The shell of one session with one relay: a socket, a clock and the log around the pure machine `carryon_sync.device.session`.

1. One task gives the machine its events, one at a time, and carries out the effects of each before the next.
2. A failing socket or disk ends the connection, never the session: what is durable is where the next connection begins.
3. What the relay has acked and what other devices say in their receipts is evidence, kept in `Evidence` for the status.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, assert_never
from urllib.parse import urlsplit

from carryon_sync.device.effects import (
    Acked,
    Close,
    Effect,
    FetchOutbox,
    FetchWants,
    FindHeld,
    KeepReceipt,
    MakeReceipt,
    Notice,
    Open,
    Send,
    Sign,
    StartOver,
    StoreChanges,
    StoreFound,
    StoreMembers,
)
from carryon_sync.device.holes import Hole
from carryon_sync.device.session import Session
from carryon_sync.device.status import Phase
from carryon_sync.device.wanting import ASKED_MAX
from carryon_sync.formats.change import Seen, id_in
from carryon_sync.formats.ids import text_of
from carryon_sync.formats.rejected import Rejected
from carryon_sync.formats.running import RUNNING_START
from carryon_sync.protocol.closing import Closing
from carryon_sync.protocol.frames import PROTOCOL
from carryon_sync.protocol.parts import messages

from carryon.core.environment import ConnectionFailed, Ended, Environment, Socket
from carryon.core.log.identity import Identity
from carryon.core.log.received import Receiving, Taken
from carryon.core.relays.agreement import Agreement
from carryon.core.relays.evidence import Evidence
from carryon.crypto.receipts import NoteDigest, Receipt, certificate_in, open_receipt, seal_receipt
from carryon.storage.errors import Fenced, StorageError
from carryon.storage.log import Log

EVENTS_MAX: Final = 1024
LOST: Final = "the connection to the relay was lost; it is tried again by itself"

Event = Callable[[], Sequence[Effect]]


class RelayLink:
    """This device's line to one relay, while this core leads."""

    def __init__(
        self,
        environment: Environment,
        log: Log,
        identity: Identity,
        receiving: Receiving,
        address: str,
        fence: int,
        evidence: Evidence,
        taken: Callable[[Taken], None],
        changed: Callable[[], None],
        met: Callable[[], None],
        digests: Callable[[], Sequence[NoteDigest]],
    ) -> None:
        """`address` is the relay's URL, ending in a slash; `taken` is told what came; `changed` that the evidence did; `met` that members.

        `digests` gives what this device makes of the notes that changed last.
        """
        self._environment = environment
        self._log = log
        self._identity = identity
        self._receiving = receiving
        self._address = address
        self._fence = fence
        self._evidence = evidence
        self._taken = taken
        self._changed = changed
        self._met = met
        self._digests = digests
        self._events: asyncio.Queue[Event] = asyncio.Queue(EVENTS_MAX)
        self._hints: set[str] = set()
        self._late_hints: deque[str] = deque()
        self._position_by_id: dict[bytes, int] = {}
        self._socket: Socket | None = None
        self._connection: asyncio.Task[None] | None = None
        self._receipt_time = 0
        self._session: Session

    async def run(self) -> None:
        """Keep the session until cancelled."""
        reached = await self._log.relays.reached(self._address)
        self._evidence.agreement = Agreement(await self._log.relays.marks(self._address), reached)
        # Where own changes of earlier runs lie in the relay's log is not kept; they are not beyond this.
        self._evidence.own_reach(reached)
        await self._refill()
        await self._read_receipts()
        self._session = Session(
            self._identity.notebook,
            self._identity.certificate,
            origin_of(self._address),
            self._identity.members,
            reached,
            await self._log.relays.holes(self._address),
        )
        try:
            await self._carry_out((*self._claims(), *self._session.start(self._clock())))
            while True:
                await self._carry_out((await self._next_event())())
                self._note_state()
        finally:
            self._drop_socket(Closing.GOING_AWAY, "the device stops syncing")
            self._evidence.live = False

    def appended(self, entered: Iterable[tuple[int, bytes]]) -> None:
        """Changes have entered the outbox, each at a position of the log, with its tag."""
        for pos, tag in entered:
            self._evidence.entered(pos, tag)
        self._hint("changed")

    def hint(self) -> None:
        """The network may be there, or the person looks."""
        self._hint("online")

    def members_changed(self) -> None:
        """Records were added on this device."""
        self._hint("members")

    def lacking(self) -> None:
        """Something turned out not to be here whole."""
        self._hint("lacking")

    def ask_again(self) -> None:
        """Ask for everything that is lacking once more, on a new connection: each thing is asked for once on each."""
        self._hint("again")

    def _hint(self, name: str) -> None:
        # A hint says "look": twice is once, so each takes one place in the queue until it is looked at. One that finds no place
        # waits beside the queue: what it tells of is told only once, and would lie until the next connection.
        if name not in self._hints:
            self._hints.add(name)
            self._late_hints.append(name)
            self._queue_hints()

    def _queue_hints(self) -> None:
        while self._late_hints and not self._events.full():
            self._events.put_nowait(partial(self._hinted, self._late_hints.popleft()))

    def _hinted(self, name: str) -> Sequence[Effect]:
        self._hints.discard(name)
        match name:
            case "changed":
                return self._session.changed()
            case "members":
                return self._session.members_changed()
            case "lacking":
                return self._session.lacking()
            case "again":
                return (*self._ended("asked to ask again"), *self._session.hint_online(self._clock()))
            case _:
                return self._session.hint_online(self._clock())

    async def _next_event(self) -> Event:
        due = self._session.next_tick
        timeout = None if due is None else max(0.0, (due - self._clock()) / 1000)
        try:
            async with asyncio.timeout(timeout):
                event = await self._events.get()
        except TimeoutError:
            return lambda: self._session.tick(self._clock())
        self._queue_hints()
        return event

    async def _carry_out(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            try:
                answer = await self._effect(effect)
            except Fenced:
                raise
            except StorageError as error:
                self._evidence.words = str(error)
                await self._carry_out(self._ended(f"this device could not store what came: {error}"))
                return
            await self._carry_out(answer)

    async def _effect(self, effect: Effect) -> Sequence[Effect]:
        session = self._session
        match effect:
            case Open():
                self._connection = asyncio.ensure_future(self._connect())
            case Close(code, words):
                return self._ended(words, code)
            case Send(data):
                if self._socket is not None:
                    for message in messages(data):
                        self._socket.send(message)
            case Sign(message):
                # A commit that was answered as failed may have been made: what waits is counted anew.
                await self._refill()
                await self._exchange_members()
                [proof] = await self._environment.primitives.sign(self._identity.signing.private, [message])
                return session.signed(proof, self._clock())
            case StoreMembers(records):
                return await self._store_members(records)
            case StartOver(_, reached):
                await self._log.relays.start_over(self._address, reached, self._fence)
                self._evidence.agreement = Agreement({}, reached)
                self._evidence.own_sequence = 0
                await self._refill()
                return (*session.started_over(), *self._claims())
            case StoreChanges():
                return await self._store_changes(effect)
            case StoreFound():
                return await self._store_found(effect)
            case FindHeld(holes):
                return await self._find_held(holes)
            case FetchOutbox(after, limit):
                return await self._fetch_outbox(after, limit)
            case FetchWants():
                return await self._want()
            case Acked(sequences):
                for id, _ in sequences:
                    if id in self._position_by_id:
                        self._evidence.acked(self._position_by_id[id])
            case KeepReceipt(certificate, sealed):
                await self._keep_receipt(certificate, sealed)
                return self._claims()
            case MakeReceipt(reached):
                return session.receipt(await self._receipt(reached))
            case Notice():
                # Nobody keeps events yet; what stands of it is in the status.
                pass
            case _:
                assert_never(effect)
        return ()

    async def _connect(self) -> None:
        url = socket_url(self._address, self._identity.notebook)
        try:
            socket = await self._environment.connect(url, PROTOCOL)
        except ConnectionFailed as failure:
            words = str(failure)
            await self._events.put(lambda: self._ended(words))
            return
        self._socket = socket
        await self._events.put(lambda: self._session.connected(self._clock(), self._environment.random(32)))
        while not isinstance(said := await socket.receive(), Ended):
            await self._events.put(lambda data=said: self._session.received(data, self._clock()))  # type: ignore[misc]
        words, code = said.words or LOST, said.code
        await self._events.put(lambda: self._ended(words, said=code) if self._socket is socket else ())

    def _ended(self, words: str, code: Closing = Closing.NORMAL, *, said: int = Closing.NORMAL) -> Sequence[Effect]:
        """Let the connection go, closing it with a code, where the relay has not ended it and `said` one."""
        self._drop_socket(code, words)
        self._evidence.forget_acks()
        jitter = int.from_bytes(self._environment.random(4), "big") / 2**32
        return self._session.disconnected(self._clock(), words, jitter, said)

    def _drop_socket(self, code: Closing, words: str) -> None:
        if self._connection is not None:
            self._connection.cancel()
            self._connection = None
        if self._socket is not None:
            self._socket.close(code, words)
            self._socket = None

    async def _store_members(self, records: Sequence[bytes]) -> Sequence[Effect]:
        admitted = await self._identity.learn(records)
        if admitted.records:
            await self._receiving.members_changed()
            await self._read_receipts()
            self._met()
        return self._session.members_stored()

    async def _exchange_members(self) -> None:
        if await self._identity.read_kept():
            self._met()
        # Also what a full disk refused before: a relay gives no record again that the hello names as held.
        await self._identity.learn(())

    async def _store_changes(self, effect: StoreChanges) -> Sequence[Effect]:
        dropped: tuple[bytes, ...] = ()
        if effect.changes:
            taken = await self._receiving.receive(effect.changes, self._address, self._fence)
            self._took(taken, effect.reached)
            # The log is held up to what came too early, found no room, or came as its author never signed it: a hole until it is here.
            dropped = (*taken.dropped, *taken.early, *taken.unsigned)
        shown = await self._log.relays.shown(
            self._address,
            dict(effect.places),
            self._fence,
            effect.reached,
            alone=effect.alone,
            dropped=[Hole(id, effect.after) for id in dropped],
            room=self._session.holes.room,
            marks=self._evidence.agreement.followed(effect.after, [id for id, _ in effect.places]),
        )
        for id, _ in effect.places:
            self._position_by_id.pop(id, None)
        for pos, sequence in shown.left.items():
            self._evidence.shown(pos, sequence)
        return (*self._session.stored(shown.holes, self._clock()), *self._session.lacking())

    def _took(self, taken: Taken, reached: Seen | None) -> None:
        if taken.own:
            # A profile that was put back gets its own words from the relay: they have never waited in its outbox.
            self._evidence.own_reach(reached)
        self._evidence.told(taken.seen)
        self._taken(taken)

    async def _store_found(self, effect: StoreFound) -> Sequence[Effect]:
        taken = await self._receiving.receive(effect.changes, self._address, self._fence, finished=effect.finished)
        self._took(taken, self._session.status.reached)
        given = {id for data in effect.changes if (id := id_in(data)) is not None}
        holes = self._session.holes.among(given.difference(taken.refused, taken.dropped))
        return (*await self._fill(holes), *self._session.found_stored())

    async def _find_held(self, holes: Sequence[Hole]) -> Sequence[Effect]:
        held = await self._log.relays.waiting_for(self._address, [hole.id for hole in holes])
        return await self._fill([hole for hole in holes if hole.id in held])

    async def _fill(self, holes: Sequence[Hole]) -> Sequence[Effect]:
        if not holes:
            return ()
        left = await self._log.relays.filled(self._address, {hole.id: hole.sequence for hole in holes}, self._fence)
        for pos, sequence in left.items():
            self._evidence.shown(pos, sequence)
        return self._session.held([hole.id for hole in holes], self._clock())

    async def _fetch_outbox(self, after: int, limit: int) -> Sequence[Effect]:
        entries = await self._log.relays.outbox(self._address, limit, self._fence, after)
        for entry in entries:
            self._position_by_id[entry.change.id] = entry.pos
            self._evidence.read(entry.pos, entry.change.header.tag)
        position = entries[-1].pos if entries else after
        # What was sealed before a removal is not for who was removed: the envelope is renewed, the change is the same.
        renewed = await self._identity.renewed([entry.change for entry in entries])
        return self._session.outbox([change.encode() for change in renewed], position)

    async def _want(self) -> Sequence[Effect]:
        # All of it: what this connection has asked for already is left out by the session, and must not hide the rest.
        holdback = self._receiving.holdback
        tags = holdback.marked[:ASKED_MAX]
        for tag in tags:
            holdback.fetching(tag)
        wanted = await self._log.quarantine.wanted()
        return self._session.want(tags, holdback.wants(ASKED_MAX), wanted, self._clock())

    async def _keep_receipt(self, certificate: bytes, sealed: bytes) -> None:
        known = self._evidence.receipts.get(certificate)
        # The frame's name is the relay's word: what counts is whom the receipt itself names.
        if certificate_in(sealed) == certificate != self._identity.certificate and await self._believe(sealed):
            # What the relay has kept comes first; what comes later, or is new, a device has just said: it is there.
            if self._evidence.live or (known is not None and self._evidence.receipts[certificate] != known):
                self._evidence.neighbour_at = self._environment.now()
            await self._log.relays.keep_receipt(self._address, certificate, sealed, self._fence)

    def _claims(self) -> Sequence[Effect]:
        reached = self._session.status.reached
        claims = (one.sequence for one in self._evidence.receipts.values() if reached and one.log == reached.log)
        return self._session.claimed(max(claims, default=0), self._clock())

    async def _believe(self, sealed: bytes) -> bool:
        certificate = certificate_in(sealed)
        known = None if isinstance(certificate, Rejected) else self._identity.members.certificate(certificate)
        if known is None or isinstance(certificate, Rejected):
            return False
        receipt = await open_receipt(self._identity.keyring, sealed, known.signing)
        if isinstance(receipt, Rejected):
            return False
        if certificate == self._identity.certificate:
            self._receipt_time = max(self._receipt_time, receipt.time)
            return False
        self._evidence.receipts[certificate] = receipt
        self._evidence.agreement.heard(certificate, receipt)
        self._compare_notes(certificate, receipt)
        return True

    def _compare_notes(self, certificate: bytes, receipt: Receipt) -> None:
        own = {one.tag: one for one in self._digests()}
        for theirs in receipt.notes:
            ours = own.get(theirs.tag)
            if ours is not None and ours.heads == theirs.heads and ours.content != theirs.content:
                self._evidence.diverged[theirs.tag] = certificate

    async def _receipt(self, reached: Seen) -> bytes:
        mark = self._evidence.agreement.mark_before(reached.sequence)
        # Others tell a device's later receipt by its time: a clock that was set back must not make this one the older.
        self._receipt_time = max(self._environment.now(), self._receipt_time + 1)
        receipt = Receipt(
            log=reached.log,
            sequence=reached.sequence,
            running=reached.running,
            mark=RUNNING_START if mark is None else mark.running,
            changes=self._log.changes.position,
            waiting=self._receiving.holdback.count,
            quarantined=len(self._log.quarantine.known),
            time=self._receipt_time,
            notes=tuple(self._digests()),
        )
        identity = self._identity
        sealed = await seal_receipt(identity.keyring, identity.signing, identity.certificate, receipt, identity.random)
        try:
            await self._log.relays.keep_receipt(self._address, identity.certificate, sealed, self._fence)
        except Fenced:
            raise
        except StorageError:
            # It is said all the same: a full disk shows in what cannot be stored.
            pass
        return sealed

    async def _refill(self) -> None:
        # The stream takes out of the outbox what the relay has: what entered it later would stay there.
        await self._log.relays.refill(self._address, self._fence)
        position = await self._log.changes.refresh()
        pending = await self._log.relays.pending(self._address)
        reached = await self._log.relays.reached(self._address)
        if self._evidence.counted(pending.tags, position):
            # A commit was made and answered as failed: where its changes stand is no further than the cursor that moved with them.
            self._evidence.own_reach(reached)

    async def _read_receipts(self) -> None:
        for sealed in await self._log.relays.receipts(self._address):
            await self._believe(sealed)

    def _note_state(self) -> None:
        status, evidence = self._session.status, self._evidence
        evidence.live = status.phase is Phase.LIVE
        evidence.head = status.head if status.phase is Phase.CATCHING_UP else None
        if evidence.live:
            evidence.heard = self._environment.now()
        evidence.words = status.words
        evidence.reached, evidence.held = status.reached, status.held
        self._changed()

    def _clock(self) -> int:
        return int(asyncio.get_running_loop().time() * 1000)


def origin_of(address: str) -> str:
    """Host and port of a relay's address, as its sockets name them: lower case, without a default port."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    named = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return named if parts.port in (None, default) else f"{named}:{parts.port}"


def socket_origin(address: str) -> str:
    """The origin of the sockets at a relay's address, as the page's policy names it."""
    return f"{'wss' if urlsplit(address).scheme == 'https' else 'ws'}://{origin_of(address)}"


def socket_url(address: str, notebook: bytes) -> str:
    """The address of a notebook's socket at a relay."""
    scheme, rest = address.split("://", 1)
    return f"{'wss' if scheme == 'https' else 'ws'}://{rest}sync/{text_of(notebook)}"
