"""One conversation of a device with its relay: from the first try to connect until the socket has ended; a pure machine.

1. Cursor and running hash are durable before they count; a connection that ends anywhere loses nothing: what the stream
   has not shown stays in the outbox and is pushed again.
2. The relay is never believed about the past: another log, a head behind what it showed, another hash, or an ack that
   its stream contradicts make the device start over at 0, and say so. Nothing here deletes anything.
   Nor about the future: what it names and does not give, or owes and does not send, it withholds (`holes`, `withheld`).
3. Pushes wait for nothing, not even for the welcome; after starting over they wait for the stream to end, which tells
   what the relay has already.
4. What the next conversation has to know is in `Lasting`; everything else ends with this one.

Its parts: `greeting` up to the welcome, `given` the members' records, `downstream` the relay's stream, `upstream` the
outbox, `wanting` what is lacking, `liveness`. Its methods are those of `session`, where their order stands.
"""

from __future__ import annotations

from collections.abc import Sequence

from carryon_sync.device.complaints import Stands
from carryon_sync.device.downstream import Downstream, Lied
from carryon_sync.device.effects import (
    Acked,
    Close,
    Effect,
    FetchWants,
    FindHeld,
    KeepReceipt,
    MakeReceipt,
    Notice,
    Open,
    Send,
    StartOver,
    StoreMembers,
    Why,
)
from carryon_sync.device.given import Given
from carryon_sync.device.greeting import Greeting, judge
from carryon_sync.device.holes import Hole
from carryon_sync.device.lasting import Lasting
from carryon_sync.device.liveness import SHARE, Liveness
from carryon_sync.device.status import Phase, Status
from carryon_sync.device.upstream import Upstream
from carryon_sync.device.wanting import Wanting
from carryon_sync.device.withheld import Withheld
from carryon_sync.formats.change import Seen
from carryon_sync.formats.rejected import Rejected
from carryon_sync.formats.running import RUNNING_START
from carryon_sync.protocol.closing import Closing
from carryon_sync.protocol.codec import encode
from carryon_sync.protocol.frames import (
    Ack,
    Challenge,
    Changes,
    Error,
    Found,
    Frame,
    Got,
    MembersRecords,
    Ping,
    Pong,
    Range,
    Receipt,
    Unknown,
    Welcome,
)
from carryon_sync.protocol.parts import Reader

WINDOW_BYTES = 4 << 20
HINT_PATIENCE_MS = 5_000
RECEIPT_MS = 1_000

# What is said of a relay: codes of complaints.
CONNECTION = "connection"
LIED = "lied"

Effects = list[Effect]


class Conversation:
    """One conversation; `phase` is where it stands, `explained` whether it was said already why it ends."""

    def __init__(self, lasting: Lasting) -> None:
        self.phase = Phase.OPENING
        self.explained = False
        self._lasting = lasting
        self._alive = Liveness(lasting.patience.ms_min)
        self._reader = Reader()
        self._greeting: Greeting | None = None
        self._given = Given(lasting.members)
        self._starting_over: Seen | None = None
        self._down: Downstream | None = None
        self._up = Upstream(WINDOW_BYTES)
        self._early_acks: list[tuple[bytes, int]] = []
        self._wanting = Wanting()
        self._withheld = Withheld(lasting)
        self._receipt_due: int | None = None

    def open(self, now: int) -> Effects:
        """Ask for the socket."""
        self._lasting.complaints.began()
        self._alive.expect(now, pinging=False)
        return [Open()]

    def connected(self, now: int, nonce: bytes) -> Effects:
        """Note that the socket is open."""
        assert len(nonce) == 32, "a nonce has 32 bytes"
        self.phase = Phase.CONNECTED
        self._greeting = Greeting(self._lasting.notebook, self._lasting.certificate, self._lasting.origin, nonce)
        self._alive.be_patient(self._lasting.patience.ms)
        self._alive.expect(now, pinging=True)
        return []

    def hint_online(self, now: int) -> Effects:
        """See whether the socket lives, and whether the relay gives now what it did not give before."""
        if self.phase not in (Phase.CATCHING_UP, Phase.LIVE) or self._alive.is_hurried:
            return []
        self._wanting.ask_again()
        return [_sent(self._alive.ping(now, HINT_PATIENCE_MS)), *self.lacking()]

    def received(self, data: bytes, now: int) -> Effects:
        """Take in one message."""
        if self.phase in (Phase.OPENING, Phase.CLOSING):
            return []
        self._alive.heard(now)
        frame = self._reader.read(data)
        if frame is None:
            self._withheld.came(now)
            return []
        if isinstance(frame, Rejected):
            return self._broken(frame.reason)
        return self._took(frame, self._reader.size, now)

    def tick(self, now: int) -> Effects:
        """Do what is due."""
        if self.phase is Phase.CLOSING:
            return []
        if self._alive.overdue(now):
            if self.phase is not Phase.OPENING:
                self._lasting.patience.ended()
            return self._close(Closing.SILENT, "the relay does not answer")
        effects: Effects = []
        if self._down and self._down.got_due is not None and now >= self._down.got_due:
            effects.append(_sent(Got(self._down.got())))
        if self._receipt_due is not None and now >= self._receipt_due and self._lasting.held is not None:
            self._receipt_due = None
            effects.append(MakeReceipt(self._lasting.held))
        if self._alive.ping_due(now):
            effects.append(_sent(self._alive.ping(now)))
        if self._wanting.again_due is not None and now >= self._wanting.again_due:
            self._wanting.ask_again()
            effects += self.lacking()
        return [*effects, *self._say_withheld(now)]

    @property
    def next_tick(self) -> int | None:
        """Return when `tick` is due next, in ms; None while nothing is."""
        if self.phase is Phase.CLOSING:
            return None
        got_due = self._down.got_due if self._down else None
        due = (self._alive.next, got_due, self._receipt_due, self._withheld_due, self._wanting.again_due)
        return min((one for one in due if one is not None), default=None)

    @property
    def status(self) -> Status:
        """Say where it stands."""
        return Status(
            phase=self.phase,
            last_heard=self._alive.last_heard,
            round_trip=self._alive.round_trip,
            reached=self._lasting.reached,
            held=self._lasting.held,
            head=None if self._down is None else max(self._down.head, self._down.streamed.sequence),
            unacked=self._up.unacked,
            failures=self._lasting.retry.failures,
            retry_at=self._lasting.retry.at,
            words=self._lasting.complaints.words,
        )

    def changed(self) -> Effects:
        """Note that changes have entered this relay's outbox."""
        self._up.changed()
        return [*self._find_held(), *self._push()]

    def claimed(self, now: int) -> Effects:
        """Note that other devices have said anew how far they hold the relay's log."""
        self._withheld.look(now)
        return []

    def members_changed(self) -> Effects:
        """Note that records have been added to `Members`, here or by another relay's session."""
        if self.phase not in (Phase.GREETED, Phase.CATCHING_UP, Phase.LIVE):
            return []
        return [_sent(frame) for frame in self._given.more()]

    def lacking(self) -> Effects:
        """Note that something is to be fetched: a tag was marked, or a predecessor is missing."""
        return [FetchWants()] if self.phase is Phase.LIVE and self._wanting.idle else []

    def started_over(self) -> Effects:
        """Note that the new cursor is kept and the whole log is on its way into the outbox."""
        assert self._starting_over is not None, "answers a StartOver"
        self._lasting.reached, self._starting_over = self._starting_over, None
        self._up.rewind()
        return self._prove() if self.phase is Phase.PROVING else self._push()

    def signed(self, proof: bytes, now: int) -> Effects:
        """Send hello with its proof, behind the records that the relay lacks and before the first pushes."""
        if self.phase is not Phase.PROVING or self._greeting is None:
            return []
        hello = self._greeting.hello(proof, self._lasting.members.tips())
        if hello is None:
            return []
        self.phase = Phase.GREETED
        self._alive.expect(now, pinging=True)
        members = (_sent(frame) for frame in self._given.beyond(self._greeting.tips))
        return [*members, _sent(hello), *self._push()]

    def members_stored(self) -> Effects:
        """Note that the received records are kept: this device may be allowed to write now."""
        return self._push()

    def stored(self, holes: Sequence[Hole], now: int) -> Effects:
        """Note that the oldest `StoreChanges` that was not answered yet is durable, with the holes that it left."""
        if self._down is None:
            return []
        self._down.stored(now)
        self._lasting.reached = self._down.reached
        self._lasting.holes.open(holes)
        if self._receipt_due is None and self.phase is Phase.LIVE:
            self._receipt_due = now + RECEIPT_MS
        due = self._down.got_due
        return [_sent(Got(self._down.got()))] if due is not None and due <= now else []

    def outbox(self, changes: Sequence[bytes], position: int) -> Effects:
        """Take a page of the outbox; `position` is that of its last change in the log."""
        self._up.fetched(changes, position)
        return self._push()

    def want(self, tags: Sequence[bytes], ranges: Sequence[Range], ids: Sequence[bytes], now: int) -> Effects:
        """Ask the relay for what is lacking, if anything."""
        named = (*self._lasting.holes.ids, *ids)
        want = self._wanting.want(tags, ranges, named, now) if self.phase is Phase.LIVE else None
        if want is None:
            return []
        self._withheld.asked(now)
        return [_sent(want)]

    def held(self, ids: Sequence[bytes], now: int) -> Effects:
        """Note that these changes are held now, some of which may have been lacking."""
        if not self._lasting.holes.fill(ids):
            return []
        self._lasting.complaints.settled(ids)
        if self.phase is not Phase.LIVE or self._lasting.reached is None:
            return []
        self._receipt_due = now
        if self._lasting.holes.are_untold:
            return [
                *self._start_over(Why.LACKING, self._lasting.reached.log),
                *self._close(Closing.NORMAL, Why.LACKING.value),
            ]
        return []

    def found_stored(self) -> Effects:
        """Note that a page of what was wanted was taken in; ask for the next, or whether anything else is lacking."""
        if self.phase is not Phase.LIVE:
            return []
        asked = self._wanting.ids
        following = self._wanting.next()
        if following is not None:
            return [_sent(following)]
        return [*self._withheld.answered(asked), FetchWants()]

    def receipt(self, sealed: bytes) -> Effects:
        """Give the relay this device's receipt."""
        return [_sent(Receipt(self._lasting.certificate, sealed))] if self.phase is Phase.LIVE else []

    # Frames.

    def _took(self, frame: Frame, size: int, now: int) -> Effects:
        match frame:
            case Challenge():
                return self._challenged(frame)
            case MembersRecords(records):
                self._given.received(records)
                return [StoreMembers(records)]
            case Welcome():
                return self._welcomed(frame, now)
            case Changes():
                return self._streamed(frame, size, now)
            case Ack(sequences, ids):
                return self._was_acked(tuple(zip(ids, sequences, strict=True)), now)
            case Found():
                self._withheld.came(now)
                stored = self._wanting.found(frame)
                return self._broken(stored.reason) if isinstance(stored, Rejected) else [stored]
            case Receipt(certificate, sealed):
                return [KeepReceipt(certificate, sealed)]
            case Error(code, words, ids):
                self.explained = not ids
                stands = Stands.UNTIL_SETTLED if ids else Stands.UNTIL_LIVE
                self._lasting.complaints.say(code, words, stands, ids)
                self._up.settled(ids)
                return [Notice(code, words, ids), *self._push()]
            case Ping(no):
                return [_sent(Pong(no))]
            case Pong(no):
                self._alive.ponged(no, now)
                if self.phase is Phase.LIVE and self._up.idle:
                    self._lasting.complaints.stored()
                return []
            case Unknown(name):
                return [Notice("unknown-frame", f"the relay sent a frame {name!r}, which this release does not know")]
            case _:
                return self._broken(f"a relay does not send {type(frame).__name__}")

    def _challenged(self, frame: Challenge) -> Effects:
        if self.phase is not Phase.CONNECTED or self._greeting is None:
            return self._broken("a second challenge")
        self.phase = Phase.PROVING
        self._alive.answered()
        why = self._greeting.challenged(frame, self._lasting.reached)
        return self._prove() if why is None else self._start_over(why, frame.log)

    def _prove(self) -> Effects:
        assert self._greeting is not None and self._lasting.reached is not None, "a proof answers a challenge"
        return [self._greeting.proof(self._lasting.reached)]

    def _welcomed(self, frame: Welcome, now: int) -> Effects:
        reached = self._lasting.reached
        if self.phase is not Phase.GREETED or reached is None:
            return self._broken("a welcome that nothing asked for")
        judged = judge(frame, reached)
        if isinstance(judged, Rejected):
            return self._broken(judged.reason)
        if isinstance(judged, Lied):
            return self._disown(judged.words)
        self.phase = Phase.CATCHING_UP
        self._alive.answered()
        self._up.window_bytes = min(WINDOW_BYTES, frame.window_bytes)
        starting_over = [] if judged is None else self._start_over(judged, frame.log)
        self._down = Downstream(reached if judged is None else Seen(frame.log, 0, RUNNING_START), frame)
        self._withheld.streamed(self._down.streamed.sequence, now)
        self._withheld.promised(frame.head, now)
        early, self._early_acks = self._early_acks, []
        return [*starting_over, *self._compare(early, now), *self._went_live(now)]

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
                self._withheld.streamed(self._down.streamed.sequence, now)
                self._lasting.complaints.settled(id for id, _ in stored.places)
                return [stored, *self._went_live(now)]

    def _was_acked(self, sequences: tuple[tuple[bytes, int], ...], now: int) -> Effects:
        # What was never pushed is no evidence of anything.
        sequences = self._up.pushed(sequences)
        self._up.settled(id for id, _ in sequences)
        if self._down is not None:
            return [*self._compare(sequences, now), *self._push()]
        self._early_acks += sequences
        return self._push()

    def _compare(self, sequences: Sequence[tuple[bytes, int]], now: int) -> Effects:
        """Hold acks against the stream; those that it does not contradict are evidence."""
        assert self._down is not None, "there is a stream to compare with"
        counting = self._down.acked(sequences)
        if isinstance(counting, Lied):
            return self._disown(counting.words)
        if not counting:
            return []
        self._lasting.complaints.stored()
        self._lasting.complaints.settled(id for id, _ in counting)
        self._withheld.promised(max(sequence for _, sequence in counting), now)
        return [] if self._withheld.is_said else [Acked(counting)]

    # Steps.

    def _went_live(self, now: int) -> Effects:
        if self.phase is not Phase.CATCHING_UP or self._down is None or not self._down.caught_up:
            return []
        self.phase, self._lasting.holding = Phase.LIVE, False
        self._lasting.complaints.live()
        self._lasting.retry.succeeded()
        self._lasting.patience.needed(SHARE * self._alive.slowest_ms)
        self._alive.be_patient(self._lasting.patience.ms)
        self._receipt_due = now
        return [*self._find_held(), *self.lacking(), *self._push()]

    def _push(self) -> Effects:
        """Push what the window has room for, and read on in the outbox."""
        early = self.phase in (Phase.GREETED, Phase.CATCHING_UP) and not self._lasting.holding
        ready = (early or self.phase is Phase.LIVE) and self._starting_over is None
        if not ready or not self._lasting.members.may_write(self._lasting.certificate):
            return []
        pushes: Effects = [_sent(push) for push in self._up.offer()]
        fetch = self._up.fetch()
        return pushes if fetch is None else [*pushes, fetch]

    def _start_over(self, why: Why, log: bytes) -> Effects:
        is_under_way, self._starting_over = self._starting_over is not None, Seen(log, 0, RUNNING_START)
        self._lasting.holding = why is not Why.FIRST
        self._withheld.begin_anew()
        notice: Effects = []
        if why is not Why.FIRST:
            self._lasting.complaints.say("started-over", why.value, Stands.UNTIL_LIVE)
            notice.append(Notice("started-over", why.value))
        # A welcome may tell of another log, and the acks before it contradict themselves.
        return notice if is_under_way else [*notice, StartOver(why, self._starting_over)]

    def _disown(self, words: str) -> Effects:
        """Start over with a relay that contradicts itself: the next connection begins at 0."""
        assert self._lasting.reached is not None, "only a known log can differ"
        self._lasting.complaints.say(LIED, f"the relay contradicts itself: {words}", Stands.FOR_GOOD)
        starting_over = self._start_over(Why.DIFFERS, self._lasting.reached.log)
        return [*starting_over, *self._close(Closing.BROKEN, words)]

    @property
    def _withheld_due(self) -> int | None:
        since = self._withheld.since(self.phase is Phase.LIVE)
        return None if since is None else since + self._alive.patience_ms

    def _say_withheld(self, now: int) -> Effects:
        """Say what the relay has not given in time."""
        if self._withheld_due is None or now < self._withheld_due:
            return []
        effects: Effects = []
        if self._withheld.is_answer_late(now, self._alive.patience_ms):
            effects += self._withheld.answered(self._wanting.ids)
        late = self._withheld.late_stream(now, self._alive.patience_ms)
        if late is not None:
            # It may be a fault that means no harm: another connection brings it then.
            effects += [late, *self._close(Closing.SILENT, late.words)]
        return effects

    def _find_held(self) -> Effects:
        holes = self._lasting.holes.told
        return [FindHeld(holes)] if holes and self.phase is Phase.LIVE else []

    def _broken(self, reason: str) -> Effects:
        return self._close(Closing.BROKEN, f"the relay does not keep to the protocol: {reason}")

    def _close(self, code: Closing, words: str) -> Effects:
        self.phase, self.explained, self._receipt_due, self._down = Phase.CLOSING, True, None, None
        self._lasting.complaints.say(CONNECTION, words, Stands.UNTIL_LIVE)
        return [Notice("closed", words), Close(code, words)]


def _sent(frame: Frame) -> Send:
    return Send(encode(frame))
