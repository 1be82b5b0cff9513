"""A relay under an attacker's control: the real rooms, and a hand on every frame that goes to or comes from a device.

1. A lie is one function with a name. It waits for a frame that it can be told with, to one device, and gives the frames
   that go on in its place; then it is counted.
2. What lasts: `withheld` devices get no changes; `forked` devices talk to a twin of this relay, which began as a copy of
   it and goes on by itself.
3. `repent` ends everything; what was lied stays lied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from carryon_sync.formats.change import id_in
from carryon_sync.formats.rejected import Rejected
from carryon_sync.protocol.codec import decode, encode
from carryon_sync.protocol.frames import Ack, Changes, Frame, IdAlone, Push
from carryon_sync.relay.room_effects import Deliver, RoomEffect

from tests.simulation.network import Wire
from tests.simulation.relay import Relay
from tests.simulation.tally import Tally

PREFIX: Final = "relay lies: "
FLIPPED_BYTES: Final = 64
"""A bit is flipped within so many of the last bytes of a change: in what is sealed and signed, never in its names."""


class HostileRelay(Relay):
    """A relay that is honest until somebody makes it lie."""

    def __init__(self, origin: str, random: Random, tally: Tally) -> None:
        super().__init__(origin, random.randbytes)
        self.withheld: set[str] = set()
        self._dice = random
        self._tally = tally
        # Lies that wait for their frame, by device.
        self._lies: dict[str, list[str]] = {}
        self._before: dict[Wire, Changes] = {}
        self._twin: Relay | None = None
        self._forked: set[str] = set()
        self._with_twin: dict[Wire, Relay] = {}

    def lie(self, device: str, lie: str) -> None:
        """Tell a device a lie with the next frame that is fit for it."""
        self._lies.setdefault(device, []).append(lie)

    def fork(self, device: str) -> None:
        """Let a device talk to a twin from now on, whose log is this one's so far."""
        self._twin = Relay(self.origin, self._random)
        self._twin.ledger = self.photograph()
        self._forked = {device}
        self._tally.note("fault", f"{PREFIX}another log to one device")
        self._cut(device)

    def join_again(self, device: str) -> None:
        """Let a device talk to this relay itself."""
        self._forked.discard(device)
        self._cut(device)

    def repent(self) -> None:
        """Be honest from now on, and towards new connections: each thing is asked for once on each."""
        self._lies.clear()
        self.withheld.clear()
        for device in tuple(self._forked):
            self.join_again(device)
        for wire in [wire for _, wire in self._wires.values()]:
            wire.cut()

    # The network's side.

    def joined(self, wire: Wire, path: str) -> None:
        """See `Relay`."""
        if wire.device in self._forked and self._twin is not None:
            self._with_twin[wire] = self._twin
            self._twin.joined(wire, path)
        else:
            super().joined(wire, path)

    def received(self, wire: Wire, data: bytes) -> None:
        """See `Relay`."""
        twin = self._with_twin.get(wire)
        if twin is not None:
            twin.received(wire, data)
        elif not self._swallowed(wire, data):
            super().received(wire, data)

    def left(self, wire: Wire) -> None:
        """See `Relay`."""
        twin = self._with_twin.pop(wire, None)
        self._before.pop(wire, None)
        if twin is not None:
            twin.left(wire)
        else:
            super().left(wire)

    def _perform(self, notebook: bytes, effects: list[RoomEffect]) -> None:
        if not self._lies and not self.withheld:
            super()._perform(notebook, effects)
            return
        for effect in effects:
            if isinstance(effect, Deliver):
                for number in effect.connections:
                    if number in self._wires:
                        self._deliver(self._wires[number][1], effect.data)
            else:
                super()._perform(notebook, [effect])

    def _deliver(self, wire: Wire, data: bytes) -> None:
        frame = decode(data)
        if not isinstance(frame, Changes):
            wire.deliver(data)
            return
        if wire.device in self.withheld:
            self._tally.note("fault", f"{PREFIX}changes withheld")
            return
        frames: list[Frame] = [frame]
        for lie in self._lies.get(wire.device, ()):
            told = DOWN[lie](frame, self._before.get(wire), self._dice) if lie in DOWN else None
            if told is not None:
                frames = told
                self._told(wire.device, lie)
                break
        self._before[wire] = frame
        for each in frames:
            wire.deliver(encode(each))

    def _swallowed(self, wire: Wire, data: bytes) -> bool:
        """Whether a push ends here, acked and kept by nobody."""
        if FALSE_ACK not in self._lies.get(wire.device, ()):
            return False
        frame = decode(data)
        if isinstance(frame, Rejected) or not isinstance(frame, Push):
            return False
        ids = tuple(id for id in map(id_in, frame.changes) if id is not None)
        self._told(wire.device, FALSE_ACK)
        # Places that the stream has passed: nothing that comes later will contradict them.
        wire.deliver(encode(Ack(tuple(range(1, len(ids) + 1)), ids)))
        return True

    def _told(self, device: str, lie: str) -> None:
        self._lies[device].remove(lie)
        self._tally.note("fault", f"{PREFIX}{lie}")

    def _cut(self, device: str) -> None:
        wires = (*self._with_twin, *(wire for _, wire in self._wires.values()))
        for wire in [one for one in wires if one.device == device]:
            wire.cut()


def _id_alone(frame: Changes, _: Changes | None, random: Random) -> list[Frame] | None:
    """Name a change that the device does not have, as one that it pushed."""
    places = [place for place, item in enumerate(frame.items) if not isinstance(item, IdAlone)]
    if not places:
        return None
    place = random.choice(places)
    item = frame.items[place]
    id = None if isinstance(item, IdAlone) else id_in(item)
    return None if id is None else [_with(frame, place, IdAlone(id))]


def _flipped_bit(frame: Changes, _: Changes | None, random: Random) -> list[Frame] | None:
    """Flip a bit of one copy of a change."""
    places = [place for place, item in enumerate(frame.items) if not isinstance(item, IdAlone)]
    if not places:
        return None
    place = random.choice(places)
    item = frame.items[place]
    assert isinstance(item, bytes), "a change in full is bytes"
    data = bytearray(item)
    data[-1 - random.randrange(FLIPPED_BYTES)] ^= 1 << random.randrange(8)
    return [_with(frame, place, bytes(data))]


def _dropped(_: Changes, __: Changes | None, ___: Random) -> list[Frame] | None:
    """Send nothing."""
    return []


def _replayed(frame: Changes, before: Changes | None, _: Random) -> list[Frame] | None:
    """Send what was sent before once more."""
    return None if before is None else [frame, before]


def _reordered(frame: Changes, _: Changes | None, __: Random) -> list[Frame] | None:
    """Send changes in another order."""
    return None if len(frame.items) < 2 else [Changes(frame.since, frame.items[::-1])]


def _with(frame: Changes, place: int, item: bytes | IdAlone) -> Changes:
    return Changes(frame.since, (*frame.items[:place], item, *frame.items[place + 1 :]))


FALSE_ACK: Final = "an ack for what it does not keep"
DOWN: Final[Mapping[str, Callable[[Changes, Changes | None, Random], list[Frame] | None]]] = {
    "an id alone for what is not held": _id_alone,
    "a flipped bit in one copy": _flipped_bit,
    "changes dropped": _dropped,
    "changes replayed": _replayed,
    "changes reordered": _reordered,
}
