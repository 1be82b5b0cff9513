"""The room's door, rule by rule: what strangers may cost, whom a proof lets in, and when somebody's right to be in ends."""

from __future__ import annotations

import pytest
from carryon_sync.formats.members import RECORDS_MAX
from carryon_sync.formats.records import Record, Role, UnknownSays, decode_record
from carryon_sync.formats.running import RUNNING_START
from carryon_sync.protocol.batches import batched
from carryon_sync.protocol.closing import Closing
from carryon_sync.protocol.frames import (
    TIPS_MAX,
    Ack,
    ByCertificate,
    Challenge,
    Changes,
    Error,
    Frame,
    Got,
    Hello,
    MembersRecords,
    Ping,
    Push,
    Unknown,
    Want,
    Welcome,
)
from carryon_sync.relay import door, reception
from carryon_sync.relay.audience import DOOR_MS
from carryon_sync.relay.door import (
    CONNECTIONS_MAX,
    DOOR_BYTES_MAX,
    DOOR_CONNECTIONS_MAX,
    DOOR_FRAME_BYTES_MAX,
)
from carryon_sync.relay.ledger import Batch
from carryon_sync.relay.room_effects import HangUp, RoomEffect

from tests.sync.people import Device, People
from tests.sync.test_room import NONCE, Bench, Caller, pushed, words
from tests.sync.world import DATE, ORIGIN, ORIGINS, TAG


def proven(caller: Caller, device: Device, origin: str) -> Hello:
    hello = Hello(ByCertificate(device.certificate.id), NONCE, bytes(16), 0, RUNNING_START, (), bytes(64))
    return caller.proven(hello, device.key, origin)


def hung_up(effects: list[RoomEffect]) -> HangUp:
    (hang_up,) = [effect for effect in effects if isinstance(effect, HangUp)]
    return hang_up


class TestOrigin:
    @pytest.mark.parametrize("origin", ORIGINS)
    def test_i9_a_proof_for_any_of_the_relays_names_lets_in(self, origin: str) -> None:
        bench = Bench()
        caller = bench.caller()

        caller.say(proven(caller, bench.laptop, origin))
        bench.work()

        assert any(isinstance(frame, Welcome) for frame in caller.frames())

    @pytest.mark.parametrize("origin", ["evil.example:8000", "relay.test:8001", "", "relay.test:8000 "])
    def test_i9_a_proof_for_another_name_is_refused_and_says_which_names_there_are(self, origin: str) -> None:
        bench = Bench()
        caller = bench.caller()

        caller.say(proven(caller, bench.laptop, origin))

        code, told = words(caller.frames())
        assert code == "bad-proof"
        assert ORIGIN in told
        assert "--origin" in told
        assert not caller.up

    def test_who_is_unknown_is_told_so_whatever_the_name(self) -> None:
        bench = Bench()
        stranger = bench.people.as_device("stranger", bench.people.certificate("stranger"))
        caller = bench.caller()

        caller.say(proven(caller, stranger, "evil.example"))

        assert words(caller.frames())[0] == "unknown-device"


class TestBounds:
    def test_i15_a_frame_before_the_hello_holds_one_batch(self) -> None:
        bench = Bench()
        caller = bench.caller()

        effects = bench.relay.room.received(caller.pipe.no, bytes(DOOR_FRAME_BYTES_MAX + 1), 0, DATE)

        assert hung_up(effects).code is Closing.FLOODED
        assert str(DOOR_FRAME_BYTES_MAX) in hung_up(effects).words

    def test_i15_all_bytes_before_the_hello_are_bounded(self) -> None:
        bench = Bench()
        caller = bench.caller()
        frame = b'{"frame":"later"}\n' + bytes(DOOR_FRAME_BYTES_MAX - 18)

        said = 0
        while caller.up:
            caller.say_bytes(frame)
            said += len(frame)

        assert DOOR_BYTES_MAX < said <= DOOR_BYTES_MAX + len(frame)

    def test_i15_all_records_before_the_hello_are_bounded(self) -> None:
        bench = Bench()
        caller = bench.caller()
        known = MembersRecords((bench.people.root.encode(),) * 500)

        for _ in range(RECORDS_MAX // 500):
            caller.say(known)
        assert caller.up
        caller.say(MembersRecords((b"one more",)))

        assert not caller.up

    def test_i15_the_bytes_of_all_records_of_a_notebook_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bench = Bench()
        kept = sum(len(data) for _, data in bench.records())
        phone, tablet = bench.people.device("phone"), bench.people.device("tablet")
        monkeypatch.setattr(reception, "MEMBERS_BYTES_MAX", kept + len(phone.certificate.encode()))

        caller = bench.device().say(MembersRecords((phone.certificate.encode(), tablet.certificate.encode())))
        bench.work()

        code, told = words(caller.frames())
        assert code == "refused-record"
        assert "the limit is" in told
        assert len(bench.relay.ledger.open(bench.people.notebook).records) == 3

    def test_half_of_the_bytes_are_for_owners(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Who may only read cannot use up the place of the record that puts it out."""
        bench = Bench()
        people, reader = bench.people, bench.people.device("reader", Role.READER)
        bench.device().say(MembersRecords((reader.certificate.encode(),)))
        kept = sum(len(record.encode()) for record in people.members.records())
        monkeypatch.setattr(reception, "MEMBERS_BYTES_MAX", 2 * kept)

        caller = bench.device(reader)
        caller.say(MembersRecords((people.written(UnknownSays(200, b""), reader).encode(),)))
        bench.work()
        assert any(isinstance(frame, Error) and f"the limit is {kept}" in frame.words for frame in caller.frames())
        caller = bench.device().say(MembersRecords((people.written(UnknownSays(200, b""), bench.laptop).encode(),)))
        bench.work()
        assert not any(isinstance(frame, Error) for frame in caller.frames())

    def test_what_is_refused_for_one_reason_is_said_once(self) -> None:
        caller = Bench().caller().say(MembersRecords((b"nonsense",) * 2000))

        assert len([frame for frame in caller.frames() if isinstance(frame, Error)]) == 1

    def test_i15_the_door_of_a_notebook_takes_no_member_its_place(self) -> None:
        """I15: a thousand silent visitors kept a notebook's own devices out."""
        bench = Bench()
        strangers = [bench.caller() for _ in range(CONNECTIONS_MAX)]

        laptop = bench.caller().hello(bench.laptop)
        bench.work()

        assert any(isinstance(frame, Welcome) for frame in laptop.frames())
        assert sum(stranger.up for stranger in strangers) == DOOR_CONNECTIONS_MAX - 1
        assert [stranger.up for stranger in strangers[-3:]] == [True] * 3

    def test_who_brings_something_new_does_not_give_way_before_who_is_silent(self) -> None:
        bench = Bench()
        bringing = bench.caller()
        bench.now = 1
        silent = [bench.caller() for _ in range(DOOR_CONNECTIONS_MAX - 1)]
        bench.now = 2
        bringing.say(MembersRecords((bench.people.device("phone").certificate.encode(),)))

        bench.caller()

        assert bringing.up
        assert not silent[0].up

    def test_a_full_notebook_takes_the_place_of_the_device_that_has_most(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(door, "CONNECTIONS_MAX", 3)
        bench = Bench()
        phone = bench.people.device("phone")
        bench.device().say(MembersRecords((phone.certificate.encode(),)))
        bench.work()
        oldest = bench.device(phone)
        bench.device(phone)

        tablet = bench.people.device("tablet")
        newcomer = bench.caller().say(MembersRecords((tablet.certificate.encode(),))).hello(tablet)
        bench.work()

        assert any(isinstance(frame, Welcome) for frame in newcomer.frames())
        assert not oldest.up

    def test_where_each_device_has_one_place_the_newcomer_is_told_that_it_is_full(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(door, "CONNECTIONS_MAX", 1)
        bench = Bench()
        laptop = bench.device()
        phone = bench.people.device("phone")
        newcomer = bench.caller().say(MembersRecords((phone.certificate.encode(),))).hello(phone)
        bench.work()

        assert laptop.up
        assert not newcomer.up


class TestPatience:
    @pytest.mark.parametrize("frame", [Ping(1), Unknown("later"), MembersRecords(())])
    def test_i15_nothing_but_new_records_keeps_a_stranger_at_the_door(self, frame: Frame) -> None:
        bench = Bench()
        caller = bench.caller()
        known = MembersRecords((bench.people.root.encode(),))
        bench.now = DOOR_MS - 1
        caller.say(frame, known)

        bench.tick(DOOR_MS)

        assert not caller.up

    def test_who_brings_records_over_a_thin_link_is_waited_for(self) -> None:
        bench = Bench(known=False)
        caller = bench.caller()
        for _, data in bench.records():
            bench.now += DOOR_MS - 1
            bench.tick(bench.now)
            caller.say(MembersRecords((data,)))

        caller.hello(bench.laptop)
        bench.work()

        assert any(isinstance(frame, Welcome) for frame in caller.frames())


class TestUnproven:
    def test_i15_what_strangers_bring_is_not_kept(self) -> None:
        """I15: 9,901 epochs of a stranger were on the disk, without a hello."""
        stranger = Bench(known=False)

        stranger.caller().say(MembersRecords(tuple(data for _, data in stranger.records())))

        assert not stranger.relay.jobs
        assert stranger.relay.room.unproven_bytes == sum(len(data) for _, data in stranger.records())

    def test_with_the_first_proof_all_of_it_is_kept_in_its_order(self) -> None:
        bench = Bench(known=False)
        bench.caller().say(MembersRecords((bench.people.root.encode(),)))

        bench.caller().say(MembersRecords((bench.laptop.certificate.encode(),))).hello(bench.laptop)
        bench.work()

        kept = bench.relay.ledger.open(bench.people.notebook).records
        assert kept == tuple(data for _, data in bench.records())
        assert bench.relay.room.unproven_bytes == 0

    def test_a_wiped_relay_is_refilled_by_one_device_with_as_many_records_as_there_may_be(self) -> None:
        """I15: limits that kept the notebook's own devices out would be an attack by themselves."""
        bench = Bench(known=False)
        people = bench.people
        # Each names the root only, so that the test's own members are no slower than the relay's.
        for number in range(RECORDS_MAX - 2):
            people.members.add(bare_certificate(people, number))
        changes = [bench.laptop.change(number.to_bytes(16, "big"), b"words").encode() for number in range(10_000)]

        caller = bench.caller()
        for batch in batched(data for _, data in bench.records()):
            caller.say(MembersRecords(batch))
        caller.hello(bench.laptop)
        bench.work()
        for batch in batched(changes):
            caller.say(Push(batch))
            bench.work()

        frames = caller.frames()
        assert caller.up
        assert not [frame for frame in frames if isinstance(frame, Error)]
        assert sum(len(frame.ids) for frame in frames if isinstance(frame, Ack)) == 10_000
        assert len(bench.relay.ledger.open(people.notebook).records) == RECORDS_MAX
        bench.relay.restart()
        (challenge,) = bench.caller().frames()
        assert isinstance(challenge, Challenge)
        assert len(challenge.tips) == TIPS_MAX


def bare_certificate(people: People, number: int) -> Record:
    return people.certificate(f"device {number}", Role.EDITOR, after=(people.root.id,))


class TestOut:
    """I8: a connection ends with the commit that ends its right to be in."""

    def with_phone(self) -> tuple[Bench, Device, Caller, Caller]:
        bench = Bench()
        phone = bench.people.device("phone")
        laptop = bench.device().say(MembersRecords((phone.certificate.encode(),)))
        bench.work()
        at_phone = bench.device(phone)
        laptop.frames()
        return bench, phone, laptop, at_phone

    def test_i8_a_removed_devices_connection_ends_with_the_epoch_in_words(self) -> None:
        bench, phone, laptop, at_phone = self.with_phone()
        epoch = bench.people.epoch(phone.certificate)

        laptop.say(MembersRecords((epoch.encode(),)))
        assert at_phone.up
        bench.work()

        assert words(at_phone.frames())[0] == "removed-device"
        assert not at_phone.up
        assert laptop.up
        assert epoch.encode() in bench.relay.ledger.open(bench.people.notebook).records

    def test_i8_what_is_committed_together_with_the_epoch_does_not_reach_the_removed_device(self) -> None:
        bench, phone, laptop, at_phone = self.with_phone()
        blocker, secret = pushed(bench.laptop, b"before")[1], pushed(bench.laptop, b"after")[1]
        laptop.say(blocker)

        laptop.say(MembersRecords((bench.people.epoch(phone.certificate).encode(),)), secret)
        bench.work()

        shown = [item for frame in at_phone.frames() if isinstance(frame, Changes) for item in frame.items]
        assert shown == list(blocker.changes)

    @pytest.mark.parametrize("frame", [Want(1, 0, (TAG,)), Got(0), Ping(1)])
    def test_i8_a_removed_device_is_answered_nothing_more(self, frame: Frame) -> None:
        bench, phone, laptop, at_phone = self.with_phone()
        laptop.say(MembersRecords((bench.people.epoch(phone.certificate).encode(),)))
        bench.work()
        at_phone.frames()

        at_phone.say(frame)
        bench.work()

        assert at_phone.frames() == []

    def test_a_removed_devices_push_is_refused_from_the_record_on(self) -> None:
        bench, phone, laptop, at_phone = self.with_phone()
        laptop.say(pushed(bench.laptop, b"a commit under way")[1])

        laptop.say(MembersRecords((bench.people.epoch(phone.certificate).encode(),)))
        at_phone.say(pushed(phone, b"too late")[1])

        assert words(at_phone.frames())[0] == "refused-change"

    def test_an_invites_connection_ends_with_its_welcome(self) -> None:
        """What is used up, ended or expired later has no connection that could outlive it."""
        bench = Bench()
        bench.people.admit(invite := bench.people.invite(bench.laptop, expires=DATE + 1))
        bench.device().say(MembersRecords((invite.encode(),)))
        bench.work()

        joiner = bench.caller().hello_by_invite()
        bench.work()

        assert isinstance(joiner.frames()[-1], Welcome)
        assert not joiner.up

    def test_an_invite_that_is_used_up_before_its_welcome_gets_none(self) -> None:
        bench = Bench()
        bench.people.admit(invite := bench.people.invite(bench.laptop, expires=DATE + 1))
        laptop = bench.device().say(MembersRecords((invite.encode(),)))
        bench.work()
        laptop.say(MembersRecords((bench.people.device("tablet").certificate.encode(),)))
        joiner = bench.caller().hello_by_invite()
        laptop.say(MembersRecords((bench.people.joined("phone", invite).encode(),)))

        bench.work()

        assert words(joiner.frames())[0] == "used-invite"
        assert not joiner.up


def test_i12_a_class_that_joins_by_one_invite_gets_in_one_by_one() -> None:
    """I12: 257 certificates beside one another made a challenge that no device could read."""
    bench = Bench()
    invite = bench.people.admit(bench.people.invite(bench.laptop, uses=1000))
    tips = bench.people.members.tips()
    pupils = [
        bench.people.admit(bench.people.joined(f"pupil {number}", invite, after=tips))
        for number in range(TIPS_MAX + 50)
    ]
    bench.relay.ledger.commit({bench.people.notebook: Batch(bytes([1]) * 16, bench.records())})
    bench.relay.restart()

    caller = bench.caller().hello(bench.people.as_device(f"pupil {len(pupils) - 1}", pupils[-1]))
    bench.work()

    frames = caller.frames()
    assert isinstance(frames[0], Challenge)
    assert isinstance(frames[-1], Welcome)
    given = {data for frame in frames if isinstance(frame, MembersRecords) for data in frame.records}
    assert {decode_record(data) for data in given} <= set(bench.people.members.records())
