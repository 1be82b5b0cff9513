"""What one relay process gives to one address, and to connections that have proven nothing: counted, and nothing else.

1. A connection is a guest from its first byte on, and a stranger until a room has let it in. There are so many guests
   together, and one address has at most a share of them. For a newcomer beyond that the stranger gives way that has
   been here longest; where all are let in, the newcomer is refused.
2. An address has few WebSockets that said no hello; beyond that, too, the longest of them gives way.
3. What was received and is not a whole message, or frame, yet lies in memory: it is bounded per guest, less for strangers, per
   address, and for all together. Who goes beyond is hung up.
4. A guest's messages are taken at a pace; an address gets a part of one processor, its strangers a smaller one. Nothing
   is refused for coming faster: it waits in the socket.

IPv6 gives a household a /64, so that is an address here. Times are in seconds on a clock that only moves forward.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from ipaddress import IPv6Address, ip_address

from carryon_sync.protocol.frames import FRAME_BYTES_MAX

CONNECTIONS_MAX = 20_000
ADDRESS_CONNECTIONS_MAX = 2_000
ADDRESS_SHARE = 4
ADDRESS_DOOR_MAX = 64
# How long an address's pace is remembered is a matter of how many come.
ADDRESSES_MAX = 40_000
# A frame, and what the socket's buffers hold of the next ones.
STRANGER_UNREAD_BYTES_MAX = 2 << 20
GUEST_UNREAD_BYTES_MAX = FRAME_BYTES_MAX + (2 << 20)
ADDRESS_UNREAD_BYTES_MAX = 64 << 20
UNREAD_BYTES_MAX = 256 << 20
MESSAGES_A_SECOND = 1_000
MESSAGES_AT_ONCE = 4_000
# Of one processor, for all guests of an address, and for its strangers; and what they may have of it at once.
GUESTS_SHARE = 0.5
GUESTS_SECONDS_AT_ONCE = 5
STRANGERS_SHARE = 0.25
STRANGERS_SECONDS_AT_ONCE = 0.5


class Pace:
    """So much a second, and so much at once."""

    def __init__(self, a_second: float, at_once: float) -> None:
        self._a_second = a_second
        self._at_once = at_once
        self._spent = 0.0
        self._looked = 0.0

    def wait(self, cost: float, now: float) -> float:
        """Spend something; return for how many seconds to wait before more may be spent."""
        self._spent = max(0.0, self._spent - (now - self._looked) * self._a_second) + cost
        self._looked = now
        return max(0.0, (self._spent - self._at_once) / self._a_second)


class Guest:
    """One connection; `end` is called with words when it has to give way."""

    def __init__(self, doors: Doors, address: _Address, end: Callable[[str], None]) -> None:
        self.end = end
        self.stranger = True
        self.unread_bytes = 0
        self._held_bytes = 0
        self._doors = doors
        self._address = address
        self._pace = Pace(MESSAGES_A_SECOND, MESSAGES_AT_ONCE)

    def received(self, size: int) -> str | None:
        """Count bytes that came; say what is too much."""
        self._count(size)
        most = STRANGER_UNREAD_BYTES_MAX if self.stranger else GUEST_UNREAD_BYTES_MAX
        for held, limit, whose in (
            (self.unread_bytes, most, "this connection"),
            (self._address.unread_bytes, ADDRESS_UNREAD_BYTES_MAX, "this address"),
            (self._doors.unread_bytes, UNREAD_BYTES_MAX, "all connections"),
        ):
            if held > limit:
                return f"{held} bytes of unfinished messages are held for {whose}, the limit is {limit}: send it again"
        return None

    def read(self, size: int) -> None:
        """Count bytes that were taken in as a message."""
        self._count(-min(size, self.unread_bytes - self._held_bytes))

    def holds(self, size: int) -> None:
        """Count the bytes that its room holds of an unfinished frame: they were read, and are unread still."""
        self._count(size - self._held_bytes)
        self._held_bytes = size

    def at_door(self, forwarded_for: str | None) -> str | None:
        """Note that this is a WebSocket now, and whose, where a proxy says so; say why it is refused."""
        if forwarded_for is not None:
            address = self._doors.address(forwarded_for)
            refused = self._doors.make_room(address)
            if refused is not None:
                return refused
            self._address.leave(self)
            self._address = address
            address.enter(self)
        door = self._address.door
        if len(door) >= ADDRESS_DOOR_MAX:
            words = f"{ADDRESS_DOOR_MAX} connections from your address have said no hello"
            next(iter(door)).give_way(f"{words}, which is the limit: connect again")
        door[self] = None
        return None

    def let_in(self) -> None:
        """Note that a room has let it in."""
        self.stranger = False
        self._address.door.pop(self, None)

    def spent(self, seconds: float, now: float) -> float:
        """Count a message that was taken in `seconds` of work; return for how many to wait before the next."""
        wait = max(self._pace.wait(1, now), self._address.pace.wait(seconds, now))
        return max(wait, self._address.strangers_pace.wait(seconds, now)) if self.stranger else wait

    def give_way(self, words: str) -> None:
        """End, with words."""
        self.left()
        self.end(words)

    def left(self) -> None:
        """Note that the connection has ended, or is ending."""
        self._count(-self.unread_bytes)
        self._held_bytes = 0
        self._address.leave(self)
        self._doors.leave(self)

    def _count(self, size: int) -> None:
        self.unread_bytes += size
        self._address.unread_bytes += size
        self._doors.unread_bytes += size


class _Address:
    """What is held for one address."""

    def __init__(self) -> None:
        self.guests: dict[Guest, None] = {}
        self.door: dict[Guest, None] = {}
        self.unread_bytes = 0
        self.pace = Pace(GUESTS_SHARE, GUESTS_SECONDS_AT_ONCE)
        self.strangers_pace = Pace(STRANGERS_SHARE, STRANGERS_SECONDS_AT_ONCE)

    def enter(self, guest: Guest) -> None:
        self.guests[guest] = None
        self.unread_bytes += guest.unread_bytes

    def leave(self, guest: Guest) -> None:
        if guest in self.guests:
            del self.guests[guest]
            self.unread_bytes -= guest.unread_bytes
        self.door.pop(guest, None)


class Doors:
    """All connections of the process."""

    def __init__(self, proxies: Iterable[str] = (), connections_max: int = CONNECTIONS_MAX) -> None:
        """`proxies` are the addresses of trusted ones, which bring other people's connections."""
        self.unread_bytes = 0
        self._proxies = frozenset(map(_name, proxies))
        self._connections_max = connections_max
        self._address_max = min(ADDRESS_CONNECTIONS_MAX, connections_max // ADDRESS_SHARE)
        self._guests: dict[Guest, None] = {}
        self._addresses: dict[bytes, _Address] = {}

    def knock(self, peer: str, end: Callable[[str], None]) -> Guest | str:
        """Take a new connection; say why it is refused."""
        address = self.address(peer)
        refused = None if self.is_proxy(peer) else self.make_room(address)
        words = f"{self._connections_max} connections are open at this relay"
        refused = refused or _make_room(self._guests, self._connections_max, words)
        if refused is not None:
            return refused
        guest = Guest(self, address, end)
        address.enter(guest)
        self._guests[guest] = None
        return guest

    def make_room(self, address: _Address) -> str | None:
        """Make room for one more of an address; say why there is none."""
        words = f"{self._address_max} connections are open from your address"
        return _make_room(address.guests, self._address_max, words)

    def is_proxy(self, peer: str) -> bool:
        """Say whether an address is a trusted proxy's."""
        return bool(self._proxies) and _name(peer) in self._proxies

    def forwarded_for(self, peer: str, header: str) -> str | None:
        """Return for whom a trusted proxy brings a connection, by its X-Forwarded-For; None where it says so of nobody."""
        if not self.is_proxy(peer):
            return None
        named = (one.strip() for one in reversed(header.split(",")))
        return next((one for one in named if one and not self.is_proxy(one)), None)

    def address(self, peer: str) -> _Address:
        """Return what is held for an address; those that nobody is here from are forgotten when they are too many."""
        name = _name(peer)
        held = self._addresses.get(name)
        if held is None:
            if len(self._addresses) >= ADDRESSES_MAX:
                self._addresses = {key: one for key, one in self._addresses.items() if one.guests}
            held = self._addresses[name] = _Address()
        return held

    def leave(self, guest: Guest) -> None:
        """Forget a guest."""
        self._guests.pop(guest, None)


def _make_room(crowd: Collection[Guest], limit: int, words: str) -> str | None:
    if len(crowd) < limit:
        return None
    stranger = next((guest for guest in crowd if guest.stranger), None)
    if stranger is None:
        return f"{words}, which is the limit: connect again later"
    stranger.give_way(f"{words}, which is the limit: connect again")
    return None


def _name(address: str) -> bytes:
    """Return what connections are counted by."""
    try:
        read = ip_address(address.partition("%")[0])
    except ValueError:
        return address.encode()
    if not isinstance(read, IPv6Address):
        return read.packed
    return read.packed[:8] if read.ipv4_mapped is None else read.ipv4_mapped.packed
