"""Who is in a room, and what goes out to them: the stream to each at its own pace, and after a commit acks, records, receipts.

1. Who stands at the head gets a commit at once, in one frame encoded once for all; who pushed part of it gets ids in
   place of what it pushed. Who is behind reads pages, a window of bytes ahead of what it says it has.
2. What a connection may leave un-got, for how long without any progress, and how long it may say nothing, is bounded. A
   hello may be long in coming from far away: who waits for one at the door stays until its place is needed.
3. Only what is committed goes out. Who may come in and what is taken from them is the room's to decide.
"""

from __future__ import annotations

from collections.abc import Sequence

from carryon_sync.protocol.batches import batched
from carryon_sync.protocol.closing import Closing
from carryon_sync.protocol.codec import encode
from carryon_sync.protocol.frames import Ack, Changes, Error, Frame, IdAlone, MembersRecords, Receipt
from carryon_sync.relay.door import DOOR_CONNECTIONS_MAX, gives_way, longest_at_door
from carryon_sync.relay.ledger import Committed, Page
from carryon_sync.relay.pending import Pending
from carryon_sync.relay.room_effects import Deliver, HangUp, Read, Report, RoomEffect
from carryon_sync.relay.visitor import Place, Visitor

WINDOW_BYTES = 4 << 20
PAGE_BYTES_MAX = 256 << 10
SILENCE_MS = 120_000
DOOR_MS = 3 * 60 * 60 * 1000

Effects = list[RoomEffect]


class Audience:
    """The connections of a room, by number."""

    def __init__(self, patience_ms: int) -> None:
        """Begin with nobody; `patience_ms` is how long a device may take to get on, its round trips beside."""
        self.visitors: dict[int, Visitor] = {}
        self._patience_ms = patience_ms

    @property
    def anybody_in(self) -> bool:
        """Say whether anybody here was let in."""
        return any(visitor.place is not Place.DOOR for visitor in self.visitors.values())

    def tick(self, now: int) -> Effects:
        """Hang up on who says nothing, who never said hello, and who has not got on with what it was sent."""
        effects: Effects = []
        for visitor in tuple(self.visitors.values()):
            silence = now - visitor.heard
            if visitor.place is Place.DOOR:
                if now - visitor.waits_from >= DOOR_MS:
                    effects += self.hang_up(visitor, Closing.SILENT, "no hello came")
            elif silence >= SILENCE_MS + self._patience_ms:
                effects += self.hang_up(visitor, Closing.SILENT, f"nothing was heard for {silence} ms")
            elif visitor.stalls(now, WINDOW_BYTES, self._patience_ms):
                words = f"{visitor.ungot_bytes} bytes were sent and not said to be got: connect again to go on"
                effects += self.hang_up(visitor, Closing.SLOW, words)
        return effects

    def enter(self, visitor: Visitor) -> Effects:
        """Take in a newcomer at the door."""
        effects: Effects = []
        longest = longest_at_door(self.visitors.values())
        if longest is not None:
            words = f"{DOOR_CONNECTIONS_MAX} connections wait here without a hello, which is the limit: connect again"
            effects = self.hang_up(longest, Closing.FLOODED, words)
        self.visitors[visitor.connection] = visitor
        return effects

    def make_way(self, visitor: Visitor) -> Effects:
        """Find a place for a visitor that was let in just now."""
        leaves = gives_way(self.visitors.values(), visitor)
        if leaves is None:
            return []
        words = "as many connections are in this notebook as may be: close other windows, or connect again later"
        return self.hang_up(leaves, Closing.FLOODED, words)

    def page(self, visitor: Visitor, page: Page, head: int, now: int) -> Effects:
        """Send a page to a visitor that is behind, and read on."""
        if page.after != visitor.sent or not page.changes or visitor.certificate is None:
            return self.feed(visitor, head)
        frame = self._changes_for(visitor, page.after, page.changes)
        visitor.streamed(page.after + len(page.changes), len(frame), now, WINDOW_BYTES)
        return [Deliver((visitor.connection,), frame), *self.feed(visitor, head)]

    def feed(self, visitor: Visitor, head: int) -> Effects:
        """Read on for a visitor that is behind and has room."""
        behind = visitor.place is Place.IN and visitor.certificate is not None and visitor.sent < head
        if not behind or visitor.reading or visitor.ungot_bytes >= WINDOW_BYTES:
            return []
        visitor.reading = True
        return [Read(visitor.connection, visitor.sent, PAGE_BYTES_MAX)]

    def fan_out(self, before: int, head: int, fresh: list[tuple[bytes, bytes]], now: int) -> Effects:
        """Send what was committed after `before`, ids and changes, to who stood there."""
        if not fresh:
            return []
        ids = {id for id, _ in fresh}
        effects: Effects = []
        others: list[int] = []
        frame = encode(Changes(before, tuple(data for _, data in fresh)))
        for visitor in self.visitors.values():
            # Who is reading a page is not at the head: that page, or the next one, brings this.
            live = visitor.certificate is not None and visitor.place is Place.IN and visitor.sent == before
            if not live or visitor.ungot_bytes >= WINDOW_BYTES:
                continue
            if visitor.pushed.isdisjoint(ids):
                others.append(visitor.connection)
                visitor.streamed(head, len(frame), now, WINDOW_BYTES)
            else:
                own = self._changes_for(visitor, before, fresh)
                effects.append(Deliver((visitor.connection,), own))
                visitor.streamed(head, len(own), now, WINDOW_BYTES)
        if others:
            effects.append(Deliver(tuple(others), frame))
        return effects

    def ack(self, done: Pending, committed: Committed) -> Effects:
        """Tell who pushed what is committed now where it stands."""
        acks: dict[int, tuple[list[int], list[bytes]]] = {}
        for place, (connection, entry) in zip(committed.places, done.changes, strict=True):
            visitor = self.visitors.get(connection)
            if visitor is None:
                continue
            visitor.unacked_bytes -= len(entry.data)
            if place.sequence <= visitor.sent:
                visitor.pushed.discard(place.id)
            sequences, ids = acks.setdefault(connection, ([], []))
            sequences.append(place.sequence)
            ids.append(place.id)
        return [to(connection, Ack(tuple(sequences), tuple(ids))) for connection, (sequences, ids) in acks.items()]

    def give_records(self, done: Pending) -> Effects:
        """Give everybody who is in the records that others brought."""
        effects: Effects = []
        for visitor in self.visitors.values() if done.records else ():
            if visitor.place is Place.IN:
                lacking = (data for connection, _, data in done.records if connection != visitor.connection)
                effects += [to(visitor.connection, MembersRecords(batch)) for batch in batched(lacking)]
        return effects

    def give_receipt(self, certificate: bytes, sealed: bytes) -> Effects:
        """Give a device's receipt to all others that are in."""
        others = tuple(
            visitor.connection
            for visitor in self.visitors.values()
            if visitor.place is Place.IN and visitor.certificate not in (None, certificate)
        )
        return [Deliver(others, encode(Receipt(certificate, sealed)))] if others else []

    def turn_away(self, visitor: Visitor, code: str, words: str) -> Effects:
        """End the connection of who may not be in, or not any more."""
        return [to(visitor.connection, Error(code, words)), *self.hang_up(visitor, Closing.NOT_LET_IN, words)]

    def broken(self, visitor: Visitor, reason: str) -> Effects:
        """End the connection of who does not keep to the protocol."""
        error = to(visitor.connection, Error("broken", reason))
        return [error, *self.hang_up(visitor, Closing.BROKEN, reason)]

    def hang_up(self, visitor: Visitor, code: Closing, words: str) -> Effects:
        """End a connection from the room's side."""
        del self.visitors[visitor.connection]
        return [HangUp(visitor.connection, code, words), Report("hung-up", words)]

    def _changes_for(self, visitor: Visitor, after: int, changes: Sequence[tuple[bytes, bytes]]) -> bytes:
        """Write changes for one visitor, with ids in place of those that it pushed."""
        items = tuple(IdAlone(id) if id in visitor.pushed else data for id, data in changes)
        visitor.pushed.difference_update(id for id, _ in changes)
        return encode(Changes(after, items))


def to(connection: int, frame: Frame) -> Deliver:
    """Send a frame to one connection."""
    return Deliver((connection,), encode(frame))
