"""A relay's room: one notebook, its connections, its ledger's head; a pure machine, events in, effects out.

A connection's life: `joined` → challenge · members, hello → members, welcome (when what the device brought is
committed) · changes from its cursor · then push, got, want, receipt, members in any order.

1. Commit before ack, ack and fan-out after commit: nobody sees what a crash could take back. One batch is committed at
   a time; what comes meanwhile is the next (group commit).
2. The same id again gets the same ack. A fork is kept, acked, passed on and reported.
3. What goes out to whom, and how fast, is its `Audience`.
4. A broken frame ends its connection; a refused record or change is named in an error and the rest goes on.
5. Everything is bounded: what a connection may have un-acked, what the room holds uncommitted, how many are in it.

Every effect that says → in `room_effects.py` is answered by calling that method, in the order in which the ledger did
it. `now` is in ms on a clock that only moves forward, `date` in ms since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable

from carryon_sync.formats.change import Change, Kind, decode_change, id_in
from carryon_sync.formats.records import Invite
from carryon_sync.formats.rejected import Rejected
from carryon_sync.protocol.batches import BATCH_BYTES_MAX, batched
from carryon_sync.protocol.closing import Closing
from carryon_sync.protocol.frames import (
    FRAME_BYTES_MAX,
    LINE_BYTES_MAX,
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
from carryon_sync.relay.admission import Admission, Taken, Verify
from carryon_sync.relay.audience import PAGE_BYTES_MAX, WINDOW_BYTES, Audience, Effects, to
from carryon_sync.relay.ledger import Committed, FoundPage, Opened, Page, entry_of
from carryon_sync.relay.pending import Pending
from carryon_sync.relay.room_effects import Commit, Find, HangUp, Read, Report
from carryon_sync.relay.visitor import Place, Visitor

PENDING_BYTES_MAX = 64 << 20
CONNECTIONS_MAX = 1000
# Who is not let in yet brings a batch of records and a hello, which are no larger.
DOOR_BYTES_MAX = BATCH_BYTES_MAX + LINE_BYTES_MAX
PATIENCE_MS = 60_000


class Room:
    """One notebook at a relay."""

    def __init__(self, notebook: bytes, opened: Opened, verify: Verify, *, patience_ms: int = PATIENCE_MS) -> None:
        """Begin with what the ledger keeps; `patience_ms` is how long a device may take to get on."""
        self._notebook = notebook
        self._log = opened.log
        self._head = opened.head
        self._running = opened.running
        self._receipts = dict(opened.receipts)
        self._admission = Admission(notebook, opened.records, verify)
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

    # Connections.

    def joined(self, connection: int, nonce: bytes, origin: str, now: int) -> Effects:
        """Take a new connection; `nonce` is 32 random bytes, `origin` the host and port it asked for."""
        effects: Effects = []
        if len(self._audience.visitors) >= CONNECTIONS_MAX:
            effects = self._audience.make_room()
            if not effects:
                words = f"{CONNECTIONS_MAX} connections are in this notebook, which is the limit"
                return [HangUp(connection, Closing.FLOODED, words)]
        self._audience.visitors[connection] = Visitor(connection, nonce, origin, now)
        return [*effects, to(connection, Challenge(nonce, self._log, self._admission.members.tips()))]

    def left(self, connection: int) -> None:
        """Forget a connection that ended."""
        self._audience.visitors.pop(connection, None)

    def received(self, connection: int, data: bytes, now: int, date: int) -> Effects:
        """Take one message of a connection."""
        visitor = self._audience.visitors.get(connection)
        if visitor is None:
            return []
        visitor.heard = now
        frame = visitor.reader.read(data, DOOR_BYTES_MAX if visitor.place is Place.DOOR else FRAME_BYTES_MAX)
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
                return self._take_records(visitor, records, date)
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

    def _take_records(self, visitor: Visitor, records: tuple[bytes, ...], date: int) -> Effects:
        effects: Effects = []
        for data in records:
            taken = self._admission.take(data, visitor.brought, visitor.certificate is not None, date)
            if isinstance(taken, Rejected):
                effects.append(to(visitor.connection, Error("refused-record", taken.reason)))
            elif isinstance(taken, Taken):
                self._pending.records.append((visitor.connection, taken.record.id, data))
                if isinstance(taken.record, Invite):
                    visitor.brought.add(taken.record.id)
                if taken.used_up is not None:
                    self._pending.forgotten.append((taken.used_up.id, taken.used_up.encode()))
        return [*effects, *self._commit()]

    def _take_hello(self, visitor: Visitor, hello: Hello, now: int, date: int) -> Effects:
        refused = self._admission.let_in(hello, visitor.origin, visitor.nonce, date)
        if refused is not None:
            error = to(visitor.connection, Error(refused.code, refused.words))
            return [error, *self._audience.hang_up(visitor, Closing.NOT_LET_IN, refused.words)]
        visitor.greets(hello, now)
        if self._pending.records or (self._committing is not None and self._committing.records):
            return []
        return self._greet((visitor,))

    def _take_push(self, visitor: Visitor, changes: tuple[bytes, ...]) -> Effects:
        if visitor.unacked_bytes >= WINDOW_BYTES:
            words = f"{visitor.unacked_bytes} bytes are not acked yet, the limit is {WINDOW_BYTES}: wait for acks"
            return self._audience.hang_up(visitor, Closing.FLOODED, words)
        if self._pending.size >= PENDING_BYTES_MAX:
            return self._audience.hang_up(visitor, Closing.FLOODED, "the relay is behind with storing: try again later")
        assert visitor.certificate is not None, "only devices push"
        may_write = self._admission.members.may_write(visitor.certificate)
        refused: dict[str, list[bytes]] = {}
        for data in changes:
            change = decode_change(data)
            reason = _refused(change, self._notebook, may_write)
            if reason is None and isinstance(change, Change):
                visitor.pushes(change.id)
                visitor.unacked_bytes += len(data)
                self._pending.push(visitor.connection, entry_of(change, data))
            elif reason is not None:
                refused.setdefault(reason, []).append(id_in(data) or bytes(32))
        errors = (Error("refused-change", reason, tuple(ids)) for reason, ids in refused.items())
        return [*(to(visitor.connection, error) for error in errors), *self._commit()]

    # Steps.

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
        members = self._admission.members.without(hello.tips)
        effects: Effects = [
            to(visitor.connection, MembersRecords(batch)) for batch in batched(record.encode() for record in members)
        ]
        welcome = Welcome(self._log, self._head, self._running, visitor.sent, FRAME_BYTES_MAX, WINDOW_BYTES)
        effects.append(to(visitor.connection, welcome))
        if isinstance(hello.who, ByInvite):
            return effects
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
    if change.header.kind is not Kind.CHANGE:
        return f"this relay does not take {change.header.kind.name.lower()}s yet: it needs an update"
    return None
