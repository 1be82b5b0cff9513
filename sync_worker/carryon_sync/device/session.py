"""A device's session with one relay, as a pure machine: events in, effects out; no socket, clock, key or randomness.

A session is one `Conversation` after another, and the time between them. A conversation, in order:

    start ─ Open ─ connected(nonce) ─ receive challenge ─ [StartOver(FIRST | REPLACED) ─ started_over] ─ Sign ─ signed
    Send members that the relay lacks ─ Send hello ─ FetchOutbox ─ outbox ─ Send push …                 (pipelined)
    receive members ─ StoreMembers ─ members_stored
    receive welcome ─ [StartOver(WENT_BACK | DIFFERS) ─ started_over]
    receive changes ─ StoreChanges ─ stored ─ … ─ Send got                      until the welcome's head: live
    live: FetchWants ─ want ─ Send want ─ receive found ─ StoreFound ─ held, found_stored ─ (next page, or done)
          MakeReceipt ─ receipt ─ Send receipt           receive receipt ─ KeepReceipt ─ claimed
          FindHeld ─ held
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

Reconnecting: after a while (`retrying`), at once on `hint_online`. What holds within a conversation stands there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from carryon_sync.device.complaints import Stands
from carryon_sync.device.conversation import CONNECTION, Conversation, Effects
from carryon_sync.device.effects import Close
from carryon_sync.device.holes import Hole, Holes
from carryon_sync.device.lasting import Lasting
from carryon_sync.device.patience import Patience
from carryon_sync.device.status import Phase, Status
from carryon_sync.formats.change import Seen
from carryon_sync.formats.members import Members
from carryon_sync.protocol.closing import Closing
from carryon_sync.protocol.frames import Range

PATIENCE_MS = 30_000


class Session:
    """One device's session with one relay."""

    def __init__(
        self,
        notebook: bytes,
        certificate: bytes,
        origin: str,
        members: Members,
        reached: Seen | None,
        holes: Iterable[Hole] = (),
        *,
        patience_ms: int = PATIENCE_MS,
    ) -> None:
        """Make a session that is stopped.

        `origin` is host and port as the socket's address has them; `reached` is what is kept of this relay, None for a
        new one, and `holes` what that lacks; `patience_ms` is how long a silence may be, on links that need no more.
        """
        self._lasting = Lasting(notebook, certificate, origin, members, reached, Holes(holes), Patience(patience_ms))
        self._stopped = True
        self._talk: Conversation | None = None

    # What the person and the machine do.

    def start(self, now: int) -> Effects:
        """Begin to keep a connection."""
        assert self._stopped, f"started when {self.status.phase.value}"
        self._stopped = False
        return self._open(now)

    def stop(self) -> Effects:
        """Close the connection, if there is one, and open none until `start`."""
        talk, self._talk, self._stopped = self._talk, None, True
        self._lasting.retry.tried()
        return [] if talk is None else [Close(Closing.NORMAL, "the device stops syncing")]

    def hint_online(self, now: int) -> Effects:
        """Take a hint that the network is there or the person looks: try at once, or see whether the socket lives."""
        if self._talk is not None:
            return self._talk.hint_online(now)
        return [] if self._stopped else self._open(now)

    def changed(self) -> Effects:
        """Note that changes have entered this relay's outbox."""
        return [] if self._talk is None else self._talk.changed()

    def members_changed(self) -> Effects:
        """Note that records have been added to `Members`, here or by another relay's session."""
        return [] if self._talk is None else self._talk.members_changed()

    def lacking(self) -> Effects:
        """Note that something is to be fetched: a tag was marked, or a predecessor is missing."""
        return [] if self._talk is None else self._talk.lacking()

    # What the socket and the clock do.

    def connected(self, now: int, nonce: bytes) -> Effects:
        """Note that the socket is open; `nonce` is 32 random bytes."""
        if self._talk is None or self._talk.phase is not Phase.OPENING:
            return [Close(Closing.NORMAL, "the session was stopped meanwhile")]
        return self._talk.connected(now, nonce)

    def disconnected(self, now: int, words: str, jitter: float, code: int = Closing.NORMAL) -> Effects:
        """Note that the socket ended, or never opened; `jitter` is random, from 0 up to 1.

        `words` and `code` are those with which the relay closed it, if it did, and say why where nothing has said so.
        """
        if self._talk is not None:
            if code in (Closing.FAILED, Closing.FLOODED):
                self._lasting.complaints.say("not-stored", words, Stands.UNTIL_STORED)
            elif not self._talk.explained:
                self._lasting.complaints.say(CONNECTION, words, Stands.UNTIL_LIVE)
            self._lasting.retry.failed(now, jitter)
            self._talk = None
        return []

    def received(self, data: bytes, now: int) -> Effects:
        """Take in one message."""
        return [] if self._talk is None else self._talk.received(data, now)

    def tick(self, now: int) -> Effects:
        """Do what is due."""
        if self._lasting.retry.due(now):
            return self._open(now)
        return [] if self._talk is None else self._talk.tick(now)

    @property
    def next_tick(self) -> int | None:
        """Return when `tick` is due next, in ms; None while nothing is."""
        return self._lasting.retry.at if self._talk is None else self._talk.next_tick

    @property
    def status(self) -> Status:
        """Say where the session stands."""
        if self._talk is not None:
            return self._talk.status
        phase, retry = Phase.STOPPED if self._stopped else Phase.WAITING, self._lasting.retry
        reached, held, words = self._lasting.reached, self._lasting.held, self._lasting.complaints.words
        return Status(phase, None, None, reached, held, None, 0, retry.failures, retry.at, words)

    @property
    def holes(self) -> Holes:
        """Return what the relay's log has shown and is not here."""
        return self._lasting.holes

    # What the shell answers.

    def started_over(self) -> Effects:
        """Note that the new cursor is kept and the whole log is on its way into the outbox."""
        assert self._talk is not None, "answers a StartOver"
        return self._talk.started_over()

    def signed(self, proof: bytes, now: int) -> Effects:
        """Send hello with its proof, behind the records that the relay lacks and before the first pushes."""
        return [] if self._talk is None else self._talk.signed(proof, now)

    def members_stored(self) -> Effects:
        """Note that the received records are kept: this device may be allowed to write now."""
        return [] if self._talk is None else self._talk.members_stored()

    def stored(self, holes: Sequence[Hole], now: int) -> Effects:
        """Note that the oldest `StoreChanges` that was not answered yet is durable, with the holes that it left."""
        return [] if self._talk is None else self._talk.stored(holes, now)

    def outbox(self, changes: Sequence[bytes], position: int) -> Effects:
        """Take a page of the outbox; `position` is that of its last change in the log."""
        return [] if self._talk is None else self._talk.outbox(changes, position)

    def want(self, tags: Sequence[bytes], ranges: Sequence[Range], ids: Sequence[bytes], now: int) -> Effects:
        """Ask the relay for what is lacking, and for what fills the holes, if anything."""
        return [] if self._talk is None else self._talk.want(tags, ranges, ids, now)

    def held(self, ids: Sequence[bytes], now: int) -> Effects:
        """Note that these changes are held now, some of which may have been lacking."""
        return [] if self._talk is None else self._talk.held(ids, now)

    def claimed(self, sequence: int, now: int) -> Effects:
        """Note how far other devices say that they hold the relay's log, the furthest of them."""
        self._lasting.claimed = sequence
        return [] if self._talk is None else self._talk.claimed(now)

    def found_stored(self) -> Effects:
        """Note that a page of what was wanted was taken in; ask for the next, or whether anything else is lacking."""
        return [] if self._talk is None else self._talk.found_stored()

    def receipt(self, sealed: bytes) -> Effects:
        """Give the relay this device's receipt."""
        return [] if self._talk is None else self._talk.receipt(sealed)

    def _open(self, now: int) -> Effects:
        self._lasting.retry.tried()
        self._talk = Conversation(self._lasting)
        return self._talk.open(now)
