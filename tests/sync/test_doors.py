"""The process's doors, rule by rule: how many may come, from where, with how much, at what pace."""

from __future__ import annotations

import pytest
from carryon_sync.protocol.frames import FRAME_BYTES_MAX
from carryon_sync.server import doors as limits
from carryon_sync.server.doors import (
    ADDRESS_DOOR_MAX,
    ADDRESS_UNREAD_BYTES_MAX,
    GUEST_UNREAD_BYTES_MAX,
    GUESTS_SECONDS_AT_ONCE,
    MESSAGES_AT_ONCE,
    STRANGER_UNREAD_BYTES_MAX,
    STRANGERS_SECONDS_AT_ONCE,
    UNREAD_BYTES_MAX,
    Doors,
    Guest,
    Pace,
)


class Street:
    """Doors, and who came to them."""

    def __init__(self, *, proxies: tuple[str, ...] = (), connections_max: int = 100) -> None:
        self.doors = Doors(proxies, connections_max)
        self.ended: dict[int, str] = {}
        self._came = 0

    def knock(self, peer: str = "192.0.2.1") -> Guest | str:
        self._came += 1
        number = self._came
        return self.doors.knock(peer, lambda words: self.ended.update({number: words}))

    def come(self, peer: str = "192.0.2.1") -> Guest:
        guest = self.knock(peer)
        assert isinstance(guest, Guest), guest
        return guest

    def member(self, peer: str = "192.0.2.1") -> Guest:
        guest = self.come(peer)
        assert guest.at_door(None) is None
        guest.let_in()
        return guest


class TestRoom:
    def test_an_address_has_its_share_and_then_its_longest_stranger_gives_way(self) -> None:
        street = Street(connections_max=20)
        for _ in range(5):
            street.come()

        street.come()

        assert list(street.ended) == [1]
        assert "from your address" in street.ended[1]
        assert isinstance(street.knock("192.0.2.2"), Guest)

    def test_members_give_way_to_nobody(self) -> None:
        street = Street(connections_max=20)
        for _ in range(5):
            street.member()

        refused = street.knock()

        assert isinstance(refused, str) and "5 connections are open from your address" in refused
        assert street.ended == {}

    def test_all_together_have_a_limit_and_the_longest_stranger_gives_way(self) -> None:
        street = Street(connections_max=8)
        street.member("192.0.2.1")
        for number in range(2, 9):
            street.come(f"192.0.2.{number}")

        street.come("192.0.2.9")

        assert list(street.ended) == [2]
        assert "at this relay" in street.ended[2]

    def test_who_left_leaves_its_place(self) -> None:
        street = Street(connections_max=4)
        street.come().left()

        street.come()

        assert street.ended == {}

    def test_i15_an_address_has_few_sockets_without_a_hello(self) -> None:
        street = Street(connections_max=1000)
        waiting = [street.come() for _ in range(ADDRESS_DOOR_MAX)]
        for guest in waiting:
            guest.at_door(None)
        waiting[0].let_in()
        street.come().at_door(None)
        assert street.ended == {}

        street.come().at_door(None)

        assert list(street.ended) == [2]
        assert "no hello" in street.ended[2]

    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            ("2001:db8::1", "2001:db8::ffff:1", True),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
            ("::ffff:192.0.2.1", "192.0.2.1", True),
            ("fe80::1%eth0", "fe80::2", True),
            ("192.0.2.1", "192.0.2.2", False),
            ("", "", True),
        ],
    )
    def test_a_household_is_one_address(self, one: str, other: str, same: bool) -> None:
        street = Street(connections_max=4)
        street.come(one)

        street.come(other)

        assert (len(street.ended) == 1) is same


class TestProxy:
    def test_whom_a_trusted_proxy_brings_is_counted_by_the_address_it_names(self) -> None:
        street = Street(proxies=("127.0.0.1",), connections_max=1000)
        for number in range(ADDRESS_DOOR_MAX + 1):
            guest = street.come("127.0.0.1")
            assert guest.at_door(street.doors.forwarded_for("127.0.0.1", f"192.0.2.{number}")) is None
        assert street.ended == {}

        for _ in range(ADDRESS_DOOR_MAX):
            street.come("127.0.0.1").at_door("192.0.2.0")

        assert list(street.ended) == [1]

    def test_a_proxys_own_connections_are_bounded_with_all_others_only(self) -> None:
        street = Street(proxies=("127.0.0.1",), connections_max=8)

        for _ in range(8):
            street.come("127.0.0.1")

        assert street.ended == {}

    def test_an_address_behind_a_proxy_has_its_share_and_no_more(self) -> None:
        street = Street(proxies=("127.0.0.1",), connections_max=8)
        for _ in range(2):
            guest = street.come("127.0.0.1")
            guest.at_door("192.0.2.1")
            guest.let_in()

        refused = street.come("127.0.0.1").at_door("192.0.2.1")

        assert refused is not None and "from your address" in refused

    @pytest.mark.parametrize(
        ("peer", "header", "named"),
        [
            ("192.0.2.9", "192.0.2.1", None),
            ("127.0.0.1", "192.0.2.1", "192.0.2.1"),
            ("127.0.0.1", "10.9.9.9, 192.0.2.1", "192.0.2.1"),
            ("127.0.0.1", "10.9.9.9, 192.0.2.1, 10.0.0.1", "192.0.2.1"),
            ("127.0.0.1", "10.0.0.1", None),
            ("127.0.0.1", "", None),
            ("127.0.0.1", " , ,", None),
            ("127.0.0.1", "nonsense", "nonsense"),
        ],
    )
    def test_what_stands_before_the_last_stranger_of_the_header_is_not_believed(
        self, peer: str, header: str, named: str | None
    ) -> None:
        doors = Doors(("127.0.0.1", "10.0.0.1"))

        assert doors.forwarded_for(peer, header) == named


class TestUnread:
    def test_i15_a_strangers_unfinished_message_is_small(self) -> None:
        guest = Street().come()

        assert guest.received(STRANGER_UNREAD_BYTES_MAX) is None
        assert "this connection" in (guest.received(1) or "")

    def test_a_members_may_be_as_large_as_a_change(self) -> None:
        guest = Street().member()

        assert guest.received(FRAME_BYTES_MAX + 14) is None
        guest.read(FRAME_BYTES_MAX + 14)
        assert guest.received(GUEST_UNREAD_BYTES_MAX) is None
        assert "this connection" in (guest.received(1) or "")

    def test_one_address_has_its_share_of_memory_and_all_have_an_end(self) -> None:
        street = Street(connections_max=1000)
        size = GUEST_UNREAD_BYTES_MAX
        said = [street.member().received(size) for _ in range(ADDRESS_UNREAD_BYTES_MAX // size + 1)]
        assert said[:-1] == [None] * (len(said) - 1)
        assert "this address" in (said[-1] or "")

        street = Street(connections_max=1000)
        said = [street.member(f"192.0.2.{number}").received(size) for number in range(UNREAD_BYTES_MAX // size + 1)]
        assert said[:-1] == [None] * (len(said) - 1)
        assert "all connections" in (said[-1] or "")

    def test_what_was_read_or_left_is_no_burden(self) -> None:
        street = Street(connections_max=1000)
        for _ in range(1000):
            guest = street.come()
            guest.received(STRANGER_UNREAD_BYTES_MAX)
            guest.read(1000)
            guest.at_door("192.0.2.7")
            guest.give_way("go")
            guest.received(5)
            guest.left()

        assert street.doors.unread_bytes == 0
        assert [address.unread_bytes for address in street.doors._addresses.values()] == [0, 0]
        assert [len(address.guests) for address in street.doors._addresses.values()] == [0, 0]

    def test_addresses_that_nobody_is_here_from_are_forgotten_in_the_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "ADDRESSES_MAX", 10)
        street = Street()
        stays = street.come("192.0.2.200")

        for number in range(100):
            street.come(f"192.0.2.{number}").left()

        assert len(street.doors._addresses) <= 10
        assert stays in street.doors.address("192.0.2.200").guests


class TestPace:
    def test_a_burst_is_free_and_the_rest_waits(self) -> None:
        pace = Pace(a_second=10, at_once=5)

        waits = [pace.wait(1, now=100.0) for _ in range(7)]

        assert waits == [0, 0, 0, 0, 0, 0.1, 0.2]
        assert pace.wait(1, now=100.3) == pytest.approx(0.0)
        assert pace.wait(0, now=200.0) == 0

    def test_messages_have_a_pace_per_connection(self) -> None:
        guest = Street().member()
        for _ in range(MESSAGES_AT_ONCE):
            assert guest.spent(0.0, now=1.0) == 0

        assert guest.spent(0.0, now=1.0) > 0

    def test_i15_all_strangers_of_an_address_share_a_part_of_one_processor(self) -> None:
        street = Street()
        one, other, elsewhere = street.come(), street.come(), street.come("192.0.2.2")
        one.spent(STRANGERS_SECONDS_AT_ONCE, now=1.0)

        assert other.spent(1.0, now=1.0) == pytest.approx(1 / limits.STRANGERS_SHARE)
        assert elsewhere.spent(STRANGERS_SECONDS_AT_ONCE, now=1.0) == 0
        assert street.member().spent(1.0, now=1.0) == 0

    def test_i15_all_guests_of_an_address_share_a_part_that_is_larger(self) -> None:
        street = Street()
        street.member().spent(GUESTS_SECONDS_AT_ONCE, now=1.0)

        assert street.member().spent(1.0, now=1.0) == pytest.approx(1 / limits.GUESTS_SHARE)
        assert street.member("192.0.2.2").spent(GUESTS_SECONDS_AT_ONCE, now=1.0) == 0
