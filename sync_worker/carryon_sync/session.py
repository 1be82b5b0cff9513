"""A device's session with one relay, as a pure machine: events in, effects out; no socket, clock, key or randomness.

A conversation, in order:

    start ─ Open ─ connected(nonce) ─ receive challenge ─ [StartOver(FIRST | REPLACED) ─ started_over] ─ Sign ─ signed
    Send members that the relay lacks ─ Send hello ─ FetchOutbox ─ outbox ─ Send push …                 (pipelined)
    receive members ─ StoreMembers ─ members_stored
    receive welcome ─ [StartOver(WENT_BACK | DIFFERS) ─ started_over]
    receive changes ─ StoreChanges ─ stored ─ … ─ Send got                      until the welcome's head: live
    live: FetchWants ─ want ─ Send want ─ receive found ─ StoreFound ─ found_stored ─ (next page, or done)
          MakeReceipt ─ receipt ─ Send receipt           receive receipt ─ KeepReceipt
          changed ─ FetchOutbox ─ outbox ─ Send push     receive ack ─ Acked
    Close, or the socket ends ─ disconnected(jitter) ─ tick ─ Open …

The shell's part:

1. One task gives events one at a time and carries out the effects of each in order, before the next event. An effect
   that says → in `effects.py` is answered by calling that method; what the answer returns is carried out at once, in
   its place, before the effects that stood behind. `Open` alone is answered whenever the socket is there or is not.
2. `tick(now)` is called when `next_tick` is due; `now` is in ms on any clock that only moves forward.
3. Whenever the socket ends, whoever ended it: `disconnected`. An effect that fails (storage, keys) is answered by
   closing the socket and calling `disconnected`; the next connection begins with what is durable.
4. Several sessions, one per relay, share one `Members`. Each other session is told of new records by `members_changed`
   and of what entered its outbox by `changed`.

Rules:

1. Cursor and running hash are durable before they count; a connection that ends anywhere loses nothing: what the stream
   has not shown stays in the outbox and is pushed again.
2. The relay is never believed about the past: another log, a head behind what it showed, another hash, or an ack that
   its stream contradicts make the device start over at 0, and say so. Nothing here deletes anything.
3. Pushes wait for nothing, not even for the welcome; after starting over they wait for the stream to end, which tells
   what the relay has already.
4. Reconnecting: full jitter over 0.5 s · 2^failures, 60 s at most; at once on `hint_online`. Failures are forgotten
   when the session is live, so a relay that never gets that far is not hammered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from carryon_sync.batches import batched
from carryon_sync.change import Seen
from carryon_sync.closing import Closing
from carryon_sync.codec import decode, encode
from carryon_sync.downstream import Downstream, Lied
from carryon_sync.effects import (
    Acked,
    Close,
    Effect,
    FetchWants,
    KeepReceipt,
    MakeReceipt,
    Notice,
    Open,
    Send,
    Sign,
    StartOver,
    StoreMembers,
    Why,
)
from carryon_sync.frames import (
    Ack,
    ByCertificate,
    Challenge,
    Changes,
    Error,
    Found,
    Frame,
    Got,
    Hello,
    MembersRecords,
    Ping,
    Pong,
    Range,
    Receipt,
    Unknown,
    Welcome,
    hello_signed,
)
from carryon_sync.liveness import Liveness
from carryon_sync.members import Members
from carryon_sync.records import Record, decode_record
from carryon_sync.rejected import Rejected
from carryon_sync.running import RUNNING_START
from carryon_sync.status import Phase, Status
from carryon_sync.upstream import Upstream
from carryon_sync.wanting import Wanting

WINDOW_BYTES = 4 << 20
RETRY_MS_MIN = 500
RETRY_MS_MAX = 60_000
PATIENCE_MS = 30_000
HINT_PATIENCE_MS = 5_000
RECEIPT_MS = 1_000

Effects = list[Effect]


class Session:
    """One device's session with one relay."""

    def __init__(
        self,
        notebook: bytes,
        certificate: bytes,
        origin: str,
        members: Members,
        reached: Seen | None,
        *,
        patience_ms: int = PATIENCE_MS,
    ) -> None:
        """Make a session that is stopped.

        `origin` is host and port as the socket's address has them; `reached` is what is kept of this relay, None for a
        new one; `patience_ms` is how long an answer may take: links that are far away need more.
        """
        self._notebook = notebook
        self._certificate = certificate
        self._origin = origin
        self._members = members
        self._reached = reached
        self._patience_ms = patience_ms
        self._phase = Phase.STOPPED
        self._failures = 0
        self._retry_at: int | None = None
        self._holding = False
        self._words = ""
        self._forget_connection()

    def _forget_connection(self) -> None:
        self._alive = Liveness(self._patience_ms)
        self._nonce = b""
        self._challenge: Challenge | None = None
        self._hello: Hello | None = None
        self._starting_over: Seen | None = None
        self._down: Downstream | None = None
        self._up = Upstream(WINDOW_BYTES)
        self._wanting = Wanting()
        self._relay_records: set[bytes] = set()
        self._receipt_due: int | None = None
        self._said = ""

    # What the person and the machine do.

    def start(self, now: int) -> Effects:
        """Begin to keep a connection."""
        assert self._phase is Phase.STOPPED, f"started when {self._phase.value}"
        return self._open(now)

    def stop(self) -> Effects:
        """Close the connection, if there is one, and open none until `start`."""
        connected = self._phase not in (Phase.STOPPED, Phase.WAITING)
        self._phase, self._retry_at = Phase.STOPPED, None
        self._forget_connection()
        return [Close(Closing.NORMAL, "the device stops syncing")] if connected else []

    def hint_online(self, now: int) -> Effects:
        """Take a hint that the network is there or the person looks: try at once, or see whether the socket lives."""
        if self._phase is Phase.WAITING:
            return self._open(now)
        if self._phase in (Phase.CATCHING_UP, Phase.LIVE) and not self._alive.pinged:
            return [_sent(self._alive.ping(now, min(self._patience_ms, HINT_PATIENCE_MS)))]
        return []

    def changed(self) -> Effects:
        """Note that changes have entered this relay's outbox."""
        self._up.changed()
        return self._push()

    def members_changed(self) -> Effects:
        """Note that records have been added to `Members`, here or by another relay's session."""
        if self._phase not in (Phase.GREETED, Phase.CATCHING_UP, Phase.LIVE):
            return []
        return self._give(record for record in self._members.records() if record.id not in self._relay_records)

    def lacking(self) -> Effects:
        """Note that something is to be fetched: a tag was marked, or a predecessor is missing."""
        return [FetchWants()] if self._phase is Phase.LIVE and self._wanting.idle else []

    # What the socket and the clock do.

    def connected(self, now: int, nonce: bytes) -> Effects:
        """Note that the socket is open; `nonce` is 32 random bytes."""
        if self._phase is not Phase.OPENING:
            return [Close(Closing.NORMAL, "the session was stopped meanwhile")]
        assert len(nonce) == 32, "a nonce has 32 bytes"
        self._phase, self._nonce = Phase.CONNECTED, nonce
        self._alive.expect(now)
        return []

    def disconnected(self, now: int, words: str, jitter: float) -> Effects:
        """Note that the socket ended, or never opened; `jitter` is random, from 0 up to 1."""
        if self._phase in (Phase.STOPPED, Phase.WAITING):
            return []
        self._words = self._said or words
        backoff = min(RETRY_MS_MAX, RETRY_MS_MIN << min(self._failures, 16))
        self._forget_connection()
        self._phase, self._retry_at = Phase.WAITING, now + int(backoff * jitter)
        self._failures += 1
        return []

    def received(self, data: bytes, now: int) -> Effects:
        """Take in one message."""
        if self._phase in (Phase.STOPPED, Phase.WAITING, Phase.OPENING, Phase.CLOSING):
            return []
        self._alive.heard(now)
        frame = decode(data)
        if isinstance(frame, Rejected):
            return self._broken(frame.reason)
        return self._took(frame, len(data), now)

    def tick(self, now: int) -> Effects:
        """Do what is due."""
        if self._retry_at is not None and now >= self._retry_at:
            return self._open(now)
        if self._phase is Phase.CLOSING:
            return []
        if self._alive.overdue(now):
            return self._close(Closing.SILENT, "the relay does not answer")
        effects: Effects = []
        if self._down and self._down.got_due is not None and now >= self._down.got_due:
            effects.append(_sent(Got(self._down.got())))
        if self._receipt_due is not None and now >= self._receipt_due and self._reached is not None:
            self._receipt_due = None
            effects.append(MakeReceipt(self._reached))
        if self._alive.ping_due(now):
            effects.append(_sent(self._alive.ping(now, self._patience_ms)))
        return effects

    @property
    def next_tick(self) -> int | None:
        """Return when `tick` is due next, in ms; None while nothing is."""
        if self._phase in (Phase.STOPPED, Phase.CLOSING):
            return None
        got_due = self._down.got_due if self._down else None
        due = (self._retry_at, self._alive.next, got_due, self._receipt_due)
        return min((one for one in due if one is not None), default=None)

    @property
    def status(self) -> Status:
        """Say where the session stands."""
        return Status(
            phase=self._phase,
            last_heard=self._alive.last_heard,
            round_trip=self._alive.round_trip,
            reached=self._reached,
            head=None if self._down is None else max(self._down.head, self._down.streamed.sequence),
            unacked=self._up.unacked,
            failures=self._failures,
            retry_at=self._retry_at,
            words=self._words,
        )

    # What the shell answers.

    def started_over(self) -> Effects:
        """Note that the new cursor is kept and the whole log is on its way into the outbox."""
        assert self._starting_over is not None, "answers a StartOver"
        self._reached, self._starting_over = self._starting_over, None
        self._up.rewind()
        return self._prove() if self._phase is Phase.PROVING else self._push()

    def signed(self, proof: bytes, now: int) -> Effects:
        """Send hello with its proof, behind the records that the relay lacks and before the first pushes."""
        if self._phase is not Phase.PROVING or self._hello is None or self._challenge is None:
            return []
        self._relay_records = {record.id for record in self._members.records()}
        members = self._give(self._members.without(self._challenge.tips))
        hello = _sent(replace(self._hello, tips=self._members.tips(), proof=proof))
        self._phase = Phase.GREETED
        self._alive.expect(now)
        return [*members, hello, *self._push()]

    def members_stored(self) -> Effects:
        """Note that the received records are kept: this device may be allowed to write now."""
        return self._push()

    def stored(self, now: int) -> Effects:
        """Note that the oldest `StoreChanges` that was not answered yet is durable."""
        if self._down is None:
            return []
        self._down.stored(now)
        self._reached = self._down.reached
        if self._receipt_due is None and self._phase is Phase.LIVE:
            self._receipt_due = now + RECEIPT_MS
        due = self._down.got_due
        return [_sent(Got(self._down.got()))] if due is not None and due <= now else []

    def outbox(self, changes: Sequence[bytes], position: int) -> Effects:
        """Take a page of the outbox; `position` is that of its last change in the log."""
        self._up.fetched(changes, position)
        return self._push()

    def want(self, tags: Sequence[bytes], ranges: Sequence[Range], ids: Sequence[bytes]) -> Effects:
        """Ask the relay for what is lacking, if anything."""
        want = self._wanting.want(tags, ranges, ids) if self._phase is Phase.LIVE else None
        return [] if want is None else [_sent(want)]

    def found_stored(self) -> Effects:
        """Note that a page of what was wanted was taken in; ask for the next, or whether anything else is lacking."""
        if self._phase is not Phase.LIVE:
            return []
        following = self._wanting.next()
        return [FetchWants()] if following is None else [_sent(following)]

    def receipt(self, sealed: bytes) -> Effects:
        """Give the relay this device's receipt."""
        return [_sent(Receipt(self._certificate, sealed))] if self._phase is Phase.LIVE else []

    # Frames.

    def _took(self, frame: Frame, size: int, now: int) -> Effects:
        match frame:
            case Challenge():
                return self._challenged(frame)
            case MembersRecords(records):
                return self._was_given(records)
            case Welcome():
                return self._welcomed(frame, now)
            case Changes():
                return self._streamed(frame, size, now)
            case Ack(sequences, ids):
                return self._was_acked(tuple(zip(ids, sequences, strict=True)))
            case Found():
                stored = self._wanting.found(frame)
                return self._broken(stored.reason) if isinstance(stored, Rejected) else [stored]
            case Receipt(certificate, sealed):
                return [KeepReceipt(certificate, sealed)]
            case Error(code, words, ids):
                self._said = self._words = words
                self._up.settled(ids)
                return [Notice(code, words, ids), *self._push()]
            case Ping(no):
                return [_sent(Pong(no))]
            case Pong(no):
                self._alive.ponged(no, now)
                return []
            case Unknown(name):
                return [Notice("unknown-frame", f"the relay sent a frame {name!r}, which this release does not know")]
            case _:
                return self._broken(f"a relay does not send {type(frame).__name__}")

    def _challenged(self, frame: Challenge) -> Effects:
        if self._phase is not Phase.CONNECTED:
            return self._broken("a second challenge")
        self._challenge, self._phase = frame, Phase.PROVING
        self._alive.answered()
        if self._reached is None or (self._reached.log != frame.log and not self._reached.sequence):
            return self._start_over(Why.FIRST, frame.log)
        if self._reached.log != frame.log:
            return self._start_over(Why.REPLACED, frame.log)
        return self._prove()

    def _prove(self) -> Effects:
        assert self._challenge is not None and self._reached is not None, "a proof answers a challenge"
        reached = self._reached
        who = ByCertificate(self._certificate)
        self._hello = Hello(who, self._nonce, reached.log, reached.sequence, reached.running, (), b"")
        return [Sign(hello_signed(self._notebook, self._origin, self._challenge.nonce, self._hello))]

    def _was_given(self, records: tuple[bytes, ...]) -> Effects:
        read = (decode_record(record) for record in records)
        self._relay_records.update(record.id for record in read if not isinstance(record, Rejected))
        return [StoreMembers(records)]

    def _welcomed(self, frame: Welcome, now: int) -> Effects:
        reached = self._reached
        if self._phase is not Phase.GREETED or reached is None:
            return self._broken("a welcome that nothing asked for")
        if frame.log != reached.log or frame.since not in (0, reached.sequence):
            return self._broken("the welcome is not for the log that the challenge named")
        self._phase = Phase.CATCHING_UP
        self._alive.answered(pinging=True)
        self._up.window_bytes = min(WINDOW_BYTES, frame.window_bytes)
        if frame.since == reached.sequence:
            if frame.head < reached.sequence or (frame.head == reached.sequence and frame.running != reached.running):
                return self._disown("the relay's log is not the one that it showed before")
            self._down = Downstream(reached, frame)
            return self._went_live(now)
        why = Why.WENT_BACK if frame.head < reached.sequence else Why.DIFFERS
        self._down = Downstream(Seen(frame.log, 0, RUNNING_START), frame)
        return [*self._start_over(why, frame.log), *self._went_live(now)]

    def _streamed(self, frame: Changes, size: int, now: int) -> Effects:
        if self._down is None:
            return self._broken("changes came before the welcome")
        stored = self._down.follow(frame, size)
        match stored:
            case Rejected(reason):
                return self._broken(reason)
            case Lied(words):
                return self._disown(words)
            case _:
                return [stored, *self._went_live(now)]

    def _was_acked(self, sequences: tuple[tuple[bytes, int], ...]) -> Effects:
        lied = None if self._down is None else self._down.acked(sequences)
        if lied is not None:
            return self._disown(lied.words)
        self._up.settled(id for id, _ in sequences)
        return [Acked(sequences), *self._push()]

    # Steps.

    def _open(self, now: int) -> Effects:
        self._phase, self._retry_at = Phase.OPENING, None
        self._alive.expect(now)
        return [Open()]

    def _went_live(self, now: int) -> Effects:
        if self._phase is not Phase.CATCHING_UP or self._down is None or not self._down.caught_up:
            return []
        self._phase, self._failures, self._words, self._holding = Phase.LIVE, 0, "", False
        self._receipt_due = now
        return [*self.lacking(), *self._push()]

    def _push(self) -> Effects:
        """Push what the window has room for, and read on in the outbox."""
        early = self._phase in (Phase.GREETED, Phase.CATCHING_UP) and not self._holding
        ready = (early or self._phase is Phase.LIVE) and self._starting_over is None
        if not ready or not self._members.may_write(self._certificate):
            return []
        pushes: Effects = [_sent(push) for push in self._up.offer()]
        fetch = self._up.fetch()
        return pushes if fetch is None else [*pushes, fetch]

    def _give(self, records: Iterable[Record]) -> Effects:
        giving = list(records)
        self._relay_records.update(record.id for record in giving)
        return [_sent(MembersRecords(batch)) for batch in batched(record.encode() for record in giving)]

    def _start_over(self, why: Why, log: bytes) -> Effects:
        self._starting_over = Seen(log, 0, RUNNING_START)
        self._holding = why is not Why.FIRST
        notice: Effects = [] if why is Why.FIRST else [Notice("started-over", why.value)]
        return [*notice, StartOver(why, self._starting_over)]

    def _disown(self, words: str) -> Effects:
        """Start over with a relay that contradicts itself: the next connection begins at 0."""
        assert self._reached is not None, "only a known log can differ"
        starting_over = self._start_over(Why.DIFFERS, self._reached.log)
        return [*starting_over, *self._close(Closing.BROKEN, words)]

    def _broken(self, reason: str) -> Effects:
        return self._close(Closing.BROKEN, f"the relay does not keep to the protocol: {reason}")

    def _close(self, code: Closing, words: str) -> Effects:
        self._phase, self._said, self._receipt_due, self._down = Phase.CLOSING, words, None, None
        return [Notice("closed", words), Close(code, words)]


def _sent(frame: Frame) -> Send:
    return Send(encode(frame))
