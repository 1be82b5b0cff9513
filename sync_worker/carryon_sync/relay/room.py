"""A relay's room: one notebook, its connections, its ledger's head; a pure machine, events in, effects out.

A connection's life: `joined` → challenge · members, hello → members, welcome (when what the device brought is
committed) · changes from its cursor · then push, got, want, receipt, members in any order.

1. Commit before ack, ack and fan-out after commit: nobody sees what a crash could take back. One batch is committed at
   a time; what comes meanwhile is the next (group commit).
2. The same id again gets the same ack. A fork is kept, acked, passed on and reported.
3. What goes out to whom, and how fast, is its `Audience`.
4. A broken frame ends its connection; a refused record or change is named in an error and the rest goes on.
5. Everything is bounded: what a connection may have un-acked, what the room holds uncommitted, how many are in it, and
   by its `door` what may come before a hello. Who is let in is its `Reception`'s to say.
6. A connection ends with the commit of the record that ends its right to be in.

Every effect that says → in `room_effects.py` is answered by calling that method, in the order in which the ledger did
it. `now` is in ms on a clock that only moves forward, `date` in ms since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from carryon_sync.formats.change import Change, decode_change, id_in
from carryon_sync.formats.extras import decode_extra
from carryon_sync.formats.rejected import Rejected
from carryon_sync.protocol.batches import batched
from carryon_sync.protocol.closing import Closing
from carryon_sync.protocol.frames import (
    FRAME_BYTES_MAX,
    ByInvite,
    Challenge,
    Error,
    Found,
    Frame,
    Got,
    Hello,
    MembersRecords,
    Ping,
    Pong,
    Push,
    Receipt,
    Unknown,
    Want,
    Welcome,
)
from carryon_sync.relay.admission import Verify
from carryon_sync.relay.audience import PAGE_BYTES_MAX, WINDOW_BYTES, Audience, Effects, to
from carryon_sync.relay.door import DOOR_FRAME_BYTES_MAX, too_many, too_much
from carryon_sync.relay.ledger import Committed, FoundPage, Opened, Page, entry_of
from carryon_sync.relay.pending import Pending
from carryon_sync.relay.reception import Reception
from carryon_sync.relay.room_effects import Commit, Find, Read, Report
from carryon_sync.relay.visitor import Place, Visitor

PENDING_BYTES_MAX = 64 << 20
PATIENCE_MS = 60_000


class Room:
    """One notebook at a relay."""

    def __init__(
        self,
        notebook: bytes,
        opened: Opened,
        origins: Sequence[str],
        verify: Verify,
        *,
        patience_ms: int = PATIENCE_MS,
    ) -> None:
        """Begin with what the ledger keeps; `patience_ms` is how long a device may take to get on."""
        self._notebook = notebook
        self._log = opened.log
        self._head = opened.head
        self._running = opened.running
        self._receipts = dict(opened.receipts)
        self._reception = Reception(notebook, opened.records, origins, verify)
        self._audience = Audience(patience_ms)
        self._pending = Pending()
        self._committing: Pending | None = None

    @property
    def empty(self) -> bool:
        """Say whether nobody is here and nothing is being committed: then the room can be dropped."""
        return not self._audience.visitors and self._committing is None

    @property
    def head(self) -> int:
        """Return the sequence number of the newest change that is committed."""
        return self._head

    @property
    def unproven_bytes(self) -> int:
        """Return the size of the records that came while nobody here had proven anything."""
        return self._reception.unproven_bytes

    def unfinished_bytes(self, connection: int) -> int:
        """Return how many bytes are held of a frame whose parts have not all come."""
        visitor = self._audience.visitors.get(connection)
        return 0 if visitor is None else visitor.reader.unfinished_bytes

    def is_in(self, connection: int) -> bool:
        """Say whether a connection was let in."""
        visitor = self._audience.visitors.get(connection)
        return visitor is not None and visitor.place is not Place.DOOR

    # Connections.

    def joined(self, connection: int, nonce: bytes, now: int) -> Effects:
        """Take a new connection; `nonce` is 32 random bytes."""
        entered = self._audience.enter(Visitor(connection, nonce, now))
        return [*entered, to(connection, Challenge(nonce, self._log, self._reception.members.tips()))]

    def left(self, connection: int) -> None:
        """Forget a connection that ended."""
        self._audience.visitors.pop(connection, None)

    def received(self, connection: int, data: bytes, now: int, date: int) -> Effects:
        """Take one message of a connection."""
        visitor = self._audience.visitors.get(connection)
        if visitor is None:
            return []
        visitor.heard = now
        excess = too_much(visitor, len(data)) if visitor.place is Place.DOOR else None
        if excess is not None:
            return self._audience.hang_up(visitor, Closing.FLOODED, excess)
        frame = visitor.reader.read(data, DOOR_FRAME_BYTES_MAX if visitor.place is Place.DOOR else FRAME_BYTES_MAX)
        if frame is None:
            return []
        if isinstance(frame, Rejected):
            return self._audience.broken(visitor, frame.reason)
        return self._took(visitor, frame, now, date)

    def tick(self, now: int) -> Effects:
        """Hang up on who says nothing, who never said hello, and who has not got on with what it was sent."""
        return self._audience.tick(now)

    # What the ledger answers.

    def committed(self, committed: Committed, now: int) -> Effects:
        """Ack and pass on what is durable now, and commit what came meanwhile."""
        done, self._committing = self._committing, None
        assert done is not None, "answers a Commit"
        before, self._head, self._running = self._head, committed.head, committed.running
        effects: Effects = []
        effects += self._audience.give_records(done)
        effects += self._turn_out() if done.records else []
        effects += self._audience.ack(done, committed)
        entries = (entry for _, entry in done.changes)
        fresh = [(place.id, entry.data) for place, entry in zip(committed.places, entries, strict=True) if place.new]
        effects += self._audience.fan_out(before, self._head, fresh, now)
        for certificate, sealed in done.receipts.items():
            self._receipts[certificate] = sealed
            effects += self._audience.give_receipt(certificate, sealed)
        forks = sum(place.fork for place in committed.places)
        if forks:
            effects.append(Report("fork", f"{forks} changes stand at a number that their author's chain has already"))
        if not self._pending.records:
            effects += self._greet(
                visitor for visitor in self._audience.visitors.values() if visitor.place is Place.GREETED
            )
        return [*effects, *self._commit()]

    def read(self, connection: int, page: Page, now: int) -> Effects:
        """Send a page to a connection that is behind; the first one says where it is let in."""
        visitor = self._audience.visitors.get(connection)
        if visitor is None:
            return []
        visitor.reading = False
        greeting = self._welcome(visitor, page) if visitor.place is Place.GREETED else []
        return [*greeting, *self._audience.page(visitor, page, self._head, now)]

    def found(self, connection: int, no: int, page: FoundPage) -> Effects:
        """Answer a want."""
        visitor = self._audience.visitors.get(connection)
        if visitor is None:
            return []
        visitor.finding = False
        return [to(connection, Found(no, page.changes, page.reached, page.more))]

    # Frames.

    def _took(self, visitor: Visitor, frame: Frame, now: int, date: int) -> Effects:
        match frame:
            case MembersRecords(records):
                return self._take_records(visitor, records, now, date)
            case Hello() if visitor.hello is None:
                return self._take_hello(visitor, frame, now, date)
            case Ping(no):
                return [to(visitor.connection, Pong(no))]
            case Pong():
                visitor.ponged(now)
                return []
            case Unknown(name):
                words = f"this relay does not know the frame {name!r}: it needs an update"
                return [to(visitor.connection, Error("unknown-frame", words))]
        if visitor.certificate is None:
            return self._audience.broken(visitor, f"{type(frame).__name__} came from who is not let in as a device")
        match frame:
            case Push(changes):
                return self._take_push(visitor, changes)
            case Got(cursor):
                if not visitor.got(cursor, now):
                    return self._audience.broken(visitor, f"{cursor} was not sent")
                return self._audience.feed(visitor, self._head)
            case Want() if not visitor.finding:
                visitor.finding = True
                return [Find(visitor.connection, frame, PAGE_BYTES_MAX)]
            case Receipt(certificate, sealed):
                if certificate != visitor.certificate:
                    return self._audience.broken(visitor, "a receipt of another device")
                self._pending.receipts[certificate] = sealed
                return self._commit()
            case _:
                return self._audience.broken(visitor, f"a device does not send {type(frame).__name__} now")

    def _take_records(self, visitor: Visitor, records: tuple[bytes, ...], now: int, date: int) -> Effects:
        excess = too_many(visitor, len(records)) if visitor.place is Place.DOOR else None
        if excess is not None:
            return self._audience.hang_up(visitor, Closing.FLOODED, excess)
        pending = self._pending if self._audience.anybody_in else None
        refused = self._reception.take(visitor, records, pending, now, date)
        errors = (to(visitor.connection, Error("refused-record", reason)) for reason in refused)
        return [*errors, *self._commit()]

    def _take_hello(self, visitor: Visitor, hello: Hello, now: int, date: int) -> Effects:
        refused = self._reception.let_in(visitor, hello, date)
        if refused is not None:
            return self._audience.turn_away(visitor, refused.code, refused.words)
        visitor.greets(hello, now)
        self._reception.proven(self._pending)
        effects = [*self._audience.make_way(visitor), *self._commit()]
        if self._pending.records or (self._committing is not None and self._committing.records):
            return effects
        return [*effects, *self._greet((visitor,))]

    def _take_push(self, visitor: Visitor, changes: tuple[bytes, ...]) -> Effects:
        if visitor.unacked_bytes >= WINDOW_BYTES:
            words = f"{visitor.unacked_bytes} bytes are not acked yet, the limit is {WINDOW_BYTES}: wait for acks"
            return self._audience.hang_up(visitor, Closing.FLOODED, words)
        if self._pending.size >= PENDING_BYTES_MAX:
            return self._audience.hang_up(visitor, Closing.FLOODED, "the relay is behind with storing: try again later")
        assert visitor.certificate is not None, "only devices push"
        may_write = self._reception.members.may_write(visitor.certificate)
        refused: dict[str, list[bytes]] = {}
        for data in changes:
            change = decode_change(data)
            reason = _refused(change, self._notebook, may_write)
            if reason is None and isinstance(change, Change):
                reason = self._reception.refused(change, visitor.certificate)
            if reason is None and isinstance(change, Change):
                visitor.pushes(change.id)
                visitor.unacked_bytes += len(data)
                self._pending.push(visitor.connection, entry_of(change, data))
            elif reason is not None:
                refused.setdefault(reason, []).append(id_in(data) or bytes(32))
        errors = (Error("refused-change", reason, tuple(ids)) for reason, ids in refused.items())
        return [*(to(visitor.connection, error) for error in errors), *self._commit()]

    # Steps.

    def _turn_out(self) -> Effects:
        """Hang up on everybody whom the records that are committed now do not let in any more."""
        effects: Effects = []
        for visitor in tuple(self._audience.visitors.values()):
            out = self._reception.out(visitor)
            if out is not None:
                effects += self._audience.turn_away(visitor, out.code, out.words)
        return effects

    def _commit(self) -> Effects:
        """Commit what is pending, unless a commit is under way."""
        if self._committing is not None or not self._pending:
            return []
        self._committing = self._pending.cut()
        return [Commit(self._committing.batch(self._log))]

    def _greet(self, visitors: Iterable[Visitor]) -> Effects:
        """Read the running hash at the cursor that each visitor named, and the first page behind it."""
        effects: Effects = []
        for visitor in visitors:
            if visitor.hello is not None and not visitor.reading:
                visitor.reading = True
                effects.append(Read(visitor.connection, visitor.hello.cursor, PAGE_BYTES_MAX))
        return effects

    def _welcome(self, visitor: Visitor, page: Page) -> Effects:
        hello = visitor.hello
        assert hello is not None, "a welcome answers a hello"
        known = hello.log == self._log and page.running == hello.running
        visitor.place, visitor.sent = Place.IN, hello.cursor if known else 0
        members = self._reception.members.without(hello.tips)
        effects: Effects = [
            to(visitor.connection, MembersRecords(batch)) for batch in batched(record.encode() for record in members)
        ]
        welcome = Welcome(self._log, self._head, self._running, visitor.sent, FRAME_BYTES_MAX, WINDOW_BYTES)
        effects.append(to(visitor.connection, welcome))
        if isinstance(hello.who, ByInvite):
            words = "these are the members' records: certify yourself by the invite, and connect as a device"
            return [*effects, *self._audience.hang_up(visitor, Closing.NORMAL, words)]
        for certificate, sealed in self._receipts.items():
            if certificate != visitor.certificate:
                effects.append(to(visitor.connection, Receipt(certificate, sealed)))
        return effects


def _refused(change: Change | Rejected, notebook: bytes, may_write: bool) -> str | None:
    if isinstance(change, Rejected):
        return change.reason
    if not may_write:
        return "this device is certified to read only: an owner can certify it to write"
    if change.header.notebook != notebook:
        return "the change is of another notebook"
    extra = decode_extra(change.header)
    return extra.reason if isinstance(extra, Rejected) else None
