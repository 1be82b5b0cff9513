"""The room, rule by rule: connections that say what a test says, a ledger that answers when a test says so."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from carryon_sync.formats.change import Change, Kind
from carryon_sync.formats.records import Invite, Record, Role, Witness, decode_record
from carryon_sync.formats.rejected import Rejected
from carryon_sync.formats.running import RUNNING_START, run
from carryon_sync.protocol.closing import Closing
from carryon_sync.protocol.codec import decode, encode
from carryon_sync.protocol.frames import (
    Ack,
    ByCertificate,
    ByInvite,
    Challenge,
    Changes,
    Error,
    Found,
    Frame,
    Got,
    Hello,
    IdAlone,
    MembersRecords,
    Ping,
    Pong,
    Push,
    Range,
    Receipt,
    Unknown,
    Want,
    Welcome,
    hello_signed,
)
from carryon_sync.relay import room as rooms
from carryon_sync.relay.audience import DOOR_MS, SILENCE_MS, WINDOW_BYTES
from carryon_sync.relay.ledger import Batch, entry_of
from carryon_sync.relay.room import PATIENCE_MS
from carryon_sync.relay.room_effects import Commit, HangUp, Read
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.people import Device, People, key_of
from tests.sync.test_codec import frames
from tests.sync.world import DATE, ORIGIN, TAG, Pipe, Relay

NONCE = bytes([4]) * 32


class Bench:
    """A relay on the bench; the first device and its records are known to it unless told."""

    def __init__(self, *, known: bool = True) -> None:
        self.people = People()
        self.laptop = self.people.device("laptop")
        self.relay = Relay(self.people)
        self.now = 0
        self.connections = 0
        if known:
            self.relay.ledger.commit({self.people.notebook: Batch(bytes([1]) * 16, self.records())})
            self.relay.restart()

    def records(self) -> tuple[tuple[bytes, bytes], ...]:
        return tuple((record.id, record.encode()) for record in self.people.members.records())

    def caller(self) -> Caller:
        self.connections += 1
        caller = Caller(self, Pipe(self.connections))
        self.relay.connect(caller.pipe, self.now)
        return caller

    def device(self, device: Device | None = None) -> Caller:
        """Let a device in, live at the head."""
        caller = self.caller().hello(device or self.laptop)
        self.work()
        caller.frames()
        return caller

    def work(self) -> None:
        while self.relay.work(self.now):
            pass

    def keep_alive(self, caller: Caller, now: int) -> None:
        """Let time pass for somebody who sends pings, and says no more."""
        while self.now < now and caller.up:
            self.now = min(now, self.now + SILENCE_MS)
            caller.say(Ping(1))
            self.tick(self.now)

    def tick(self, now: int) -> None:
        self.now = now
        self.relay.perform(self.relay.room.tick(now))


class Caller:
    """One connection, by hand."""

    def __init__(self, bench: Bench, pipe: Pipe) -> None:
        self.bench = bench
        self.pipe = pipe

    def say(self, *frames: Frame) -> Caller:
        for frame in frames:
            self.say_bytes(encode(frame))
        return self

    def say_bytes(self, data: bytes) -> None:
        relay = self.bench.relay
        relay.perform(relay.room.received(self.pipe.no, data, self.bench.now, relay.date))

    def hello(
        self,
        device: Device,
        log: bytes = bytes(16),
        cursor: int = 0,
        running: bytes = RUNNING_START,
        tips: tuple[bytes, ...] | None = None,
    ) -> Caller:
        tips = self.bench.people.members.tips() if tips is None else tips
        unsigned = Hello(ByCertificate(device.certificate.id), NONCE, log, cursor, running, tips, bytes(64))
        return self.say(self.proven(unsigned, device.key))

    def hello_by_invite(self, name: str = "invite") -> Caller:
        key = key_of(f"{self.bench.people.name} {name}")
        who = ByInvite(key.public_key().public_bytes_raw())
        return self.say(self.proven(Hello(who, NONCE, bytes(16), 0, RUNNING_START, (), bytes(64)), key))

    def proven(self, hello: Hello, key: Ed25519PrivateKey, origin: str = ORIGIN) -> Hello:
        nonce = hashlib.sha256(f"relay nonce {self.pipe.no}".encode()).digest()
        return replace(hello, proof=key.sign(hello_signed(self.bench.people.notebook, origin, nonce, hello)))

    def frames(self) -> list[Frame]:
        """Take what came since the last look."""
        frames = [decode(data) for data in self.pipe.down]
        self.pipe.down.clear()
        return [frame for frame in frames if not isinstance(frame, Rejected)]

    @property
    def up(self) -> bool:
        return self.pipe.standing


def altered_in_places(message: bytes) -> st.SearchStrategy[bytes]:
    """Bytes of a message that are other ones now, or cut off."""
    places = st.lists(st.tuples(st.integers(0, len(message) - 1), st.integers(0, 255)), max_size=4)

    def alter(places: list[tuple[int, int]], end: int) -> bytes:
        octets = bytearray(message)
        for place, octet in places:
            octets[place] = octet
        return bytes(octets[:end])

    return st.builds(alter, places, st.just(len(message)) | st.integers(0, len(message)))


def words(frames: list[Frame]) -> tuple[str, str]:
    (error,) = [frame for frame in frames if isinstance(frame, Error)]
    return error.code, error.words


def pushed(device: Device, text: bytes, tag: bytes = TAG) -> tuple[Change, Push]:
    change = device.change(tag, text)
    return change, Push((change.encode(),))


class TestDoor:
    def test_everybody_gets_a_challenge_with_the_tips_that_the_relay_knows(self) -> None:
        bench = Bench()

        (challenge,) = bench.caller().frames()

        assert isinstance(challenge, Challenge)
        assert challenge.tips == bench.people.members.tips()

    def test_a_member_gets_records_it_lacks_then_the_welcome(self) -> None:
        bench = Bench()
        caller = bench.caller()
        caller.frames()

        caller.hello(bench.laptop, tips=(bench.people.root.id,))
        bench.work()

        records, welcome = caller.frames()
        assert records == MembersRecords((bench.laptop.certificate.encode(),))
        assert isinstance(welcome, Welcome)
        assert (welcome.head, welcome.since) == (0, 0)

    def test_who_is_not_certified_is_not_let_in(self) -> None:
        bench = Bench()
        stranger = bench.people.as_device("stranger", bench.people.certificate("stranger"))
        caller = bench.caller().hello(stranger)

        assert words(caller.frames())[0] == "unknown-device"
        assert not caller.up

    def test_a_device_that_is_out_is_not_let_in(self) -> None:
        bench = Bench()
        phone = bench.people.device("phone")
        bench.people.admit(bench.people.epoch(phone.certificate))
        caller = bench.device().say(MembersRecords(tuple(data for _, data in bench.records())))
        bench.work()

        other = bench.caller().hello(phone)

        assert words(other.frames())[0] == "removed-device"
        assert not other.up
        assert caller.up

    @pytest.mark.parametrize("fault", ["key", "origin", "notebook"])
    def test_a_proof_by_another_key_for_another_relay_or_notebook_is_refused(self, fault: str) -> None:
        bench = Bench()
        caller = bench.caller()
        key = key_of("thief") if fault == "key" else bench.laptop.key
        hello = Hello(ByCertificate(bench.laptop.certificate.id), NONCE, bytes(16), 0, RUNNING_START, (), bytes(64))
        proven = caller.proven(hello, key, "evil.test" if fault == "origin" else ORIGIN)
        if fault == "notebook":
            nonce = hashlib.sha256(f"relay nonce {caller.pipe.no}".encode()).digest()
            proven = replace(hello, proof=key.sign(hello_signed(bytes(16), ORIGIN, nonce, hello)))

        caller.say(proven)

        assert words(caller.frames())[0] == "bad-proof"
        assert not caller.up

    def test_a_proof_of_another_connection_is_refused(self) -> None:
        bench = Bench()
        first, second = bench.caller(), bench.caller()
        hello = Hello(ByCertificate(bench.laptop.certificate.id), NONCE, bytes(16), 0, RUNNING_START, (), bytes(64))

        second.say(first.proven(hello, bench.laptop.key))

        assert words(second.frames())[0] == "bad-proof"

    @pytest.mark.parametrize("frame", [Push(()), Got(0), Want(1, 0), Receipt(bytes(32), b"")])
    def test_before_hello_nothing_but_records_is_taken(self, frame: Frame) -> None:
        caller = Bench().caller().say(frame)

        assert words(caller.frames())[0] == "broken"
        assert not caller.up

    def test_a_new_notebook_comes_by_its_records_and_is_welcomed_once_they_are_durable(self) -> None:
        bench = Bench(known=False)
        caller = bench.caller()
        caller.say(MembersRecords(tuple(data for _, data in bench.records()))).hello(bench.laptop)
        assert not any(isinstance(frame, Welcome) for frame in caller.frames())
        assert isinstance(bench.relay.jobs[0], Commit)

        bench.work()

        assert any(isinstance(frame, Welcome) for frame in caller.frames())
        assert len(bench.relay.ledger.open(bench.people.notebook).records) == 2

    def test_no_welcome_overtakes_the_commit_of_the_records_it_rests_on(self) -> None:
        bench = Bench()
        bench.device().say(pushed(bench.laptop, b"under way")[1])
        phone = bench.people.device("phone")
        caller = bench.caller().say(MembersRecords((phone.certificate.encode(),))).hello(phone)

        while not any(isinstance(frame, Welcome) for frame in caller.frames()):
            assert bench.relay.work(0)

        assert phone.certificate.encode() in bench.relay.ledger.open(bench.people.notebook).records

    def test_whoever_brings_nothing_leaves_nothing_behind(self) -> None:
        bench = Bench(known=False)
        bench.caller().hello(bench.laptop)

        assert not bench.relay.jobs

    def test_a_forged_record_is_refused_in_words_and_the_rest_goes_on(self) -> None:
        bench = Bench(known=False)
        root, laptop = bench.people.members.records()
        forged = replace(bench.people.certificate("thief"), signature=bytes(64))
        caller = bench.caller()

        caller.say(MembersRecords((root.encode(), laptop.encode(), forged.encode(), b"nonsense"))).hello(bench.laptop)
        bench.work()

        frames = caller.frames()
        errors = [frame.words for frame in frames if isinstance(frame, Error)]
        assert "does not verify" in errors[0]
        assert "not a member's record" in errors[1]
        assert any(isinstance(frame, Welcome) for frame in frames)


class TestInvites:
    def invited(self, **limits: int) -> tuple[Bench, Invite]:
        bench = Bench()
        invite = bench.people.invite(bench.laptop, **limits)
        bench.device().say(MembersRecords((invite.encode(),)))
        bench.work()
        return bench, bench.people.admit(invite)

    def records(self, frames: list[Frame]) -> list[Record]:
        given = [data for frame in frames if isinstance(frame, MembersRecords) for data in frame.records]
        read = [decode_record(data) for data in given]
        return [record for record in read if not isinstance(record, Rejected)]

    def test_an_invites_key_opens_the_records_and_nothing_else(self) -> None:
        bench, invite = self.invited(expires=DATE + 1)
        laptop = bench.device()
        laptop.say(pushed(bench.laptop, b"secret")[1])
        bench.work()

        joiner = bench.caller().hello_by_invite()
        bench.work()

        frames = joiner.frames()
        assert invite in self.records(frames)
        assert isinstance(frames[-1], Welcome)
        assert not any(isinstance(frame, Changes | Receipt) for frame in frames)
        assert not joiner.up

    def test_a_joined_device_is_let_in_and_shown_to_the_others(self) -> None:
        bench, invite = self.invited(expires=DATE + 1)
        laptop = bench.device()
        certificate = bench.people.joined("phone", invite)
        phone = bench.people.as_device("phone", certificate)

        caller = bench.caller().say(MembersRecords((certificate.encode(),))).hello(phone)
        bench.work()

        assert any(isinstance(frame, Welcome) for frame in caller.frames())
        assert self.records(laptop.frames()) == [certificate]

    def test_an_expired_invite_opens_nothing_and_certifies_nobody(self) -> None:
        bench, invite = self.invited(expires=DATE)
        joiner = bench.caller().hello_by_invite()
        assert words(joiner.frames())[0] == "expired-invite"

        certificate = bench.people.joined("phone", invite)
        caller = bench.caller().say(MembersRecords((certificate.encode(),)))
        bench.work()

        assert certificate.encode() not in bench.relay.ledger.open(bench.people.notebook).records
        caller.hello(bench.people.as_device("phone", certificate))
        assert words(caller.frames()[1:])[0] == "expired-invite"

    def test_i10_a_wiped_relay_believes_an_expired_invite_no_more_than_any_other(self) -> None:
        bench = Bench()
        invite = bench.people.admit(bench.people.invite(bench.laptop, expires=DATE))
        certificate = bench.people.joined("phone", invite)
        stranger = bench.caller().say(MembersRecords((invite.encode(), certificate.encode())))
        stranger.hello(bench.people.as_device("phone", certificate))

        assert words(stranger.frames()[1:])[0] == "expired-invite"

    def test_an_owner_s_connection_or_record_vouches_for_a_certificate_by_an_expired_invite(self) -> None:
        for by_record in (False, True):
            bench, invite = self.invited(expires=DATE)
            certificate = bench.people.joined("phone", invite)
            witness = bench.people.written(Witness(), bench.laptop, after=(certificate.id,))
            brought = (certificate, witness) if by_record else (certificate,)
            caller = bench.caller() if by_record else bench.device()

            caller.say(MembersRecords(tuple(record.encode() for record in brought)))
            bench.work()

            assert certificate.encode() in bench.relay.ledger.open(bench.people.notebook).records
            assert not any(isinstance(frame, Error) for frame in caller.frames())

    def test_with_the_last_use_the_wrapped_keys_are_forgotten_on_disk_too(self) -> None:
        bench, invite = self.invited(expires=DATE + 1, uses=1)
        certificate = bench.people.joined("phone", invite)
        phone = bench.people.as_device("phone", certificate)
        bench.caller().say(MembersRecords((certificate.encode(),))).hello(phone)
        bench.work()

        joiner = bench.caller().hello_by_invite()
        assert words(joiner.frames())[0] == "used-invite"
        kept = bench.relay.ledger.open(bench.people.notebook).records
        assert invite.forgotten().encode() in kept
        assert invite.encode() not in kept

    def test_an_unknown_invite_says_what_to_do(self) -> None:
        joiner = Bench().caller().hello_by_invite("other")

        assert words(joiner.frames())[0] == "unknown-invite"


class TestPush:
    def test_acks_and_fan_out_come_after_the_commit_and_not_before(self) -> None:
        bench = Bench()
        laptop, other = bench.device(), bench.device(bench.laptop)
        change, push = pushed(bench.laptop, b"one")

        laptop.say(push)
        assert laptop.frames() == other.frames() == []
        bench.work()

        assert laptop.frames() == [Ack((1,), (change.id,)), Changes(0, (IdAlone(change.id),))]
        assert other.frames() == [Changes(0, (change.encode(),))]

    def test_what_comes_during_a_commit_is_the_next_one(self) -> None:
        bench = Bench()
        laptop, other = bench.device(), bench.device()
        for number in range(5):
            laptop.say(pushed(bench.laptop, b"%d" % number)[1])
        assert [type(job) for job in bench.relay.jobs] == [Commit]

        bench.work()

        first, second = other.frames()
        assert isinstance(first, Changes) and isinstance(second, Changes)
        assert (len(first.items), len(second.items)) == (1, 4)

    def test_the_same_id_again_gets_the_same_ack_and_goes_to_nobody(self) -> None:
        bench = Bench()
        laptop, other = bench.device(), bench.device()
        change, push = pushed(bench.laptop, b"one")
        laptop.say(push)
        bench.work()
        laptop.frames(), other.frames()

        other.say(push)
        bench.work()

        assert other.frames() == [Ack((1,), (change.id,))]
        assert laptop.frames() == []

    def test_pushed_by_two_at_once_it_is_kept_once(self) -> None:
        bench = Bench()
        laptop, other = bench.device(), bench.device()
        change, push = pushed(bench.laptop, b"one")
        blocker = pushed(bench.laptop, b"zero", bytes(16))[1]

        laptop.say(blocker, push)
        other.say(push)
        bench.work()

        assert bench.relay.room.head == 2
        assert Ack((2,), (change.id,)) in other.frames()

    def test_changes_of_other_authors_are_taken_from_whoever_may_write(self) -> None:
        bench = Bench()
        phone = bench.people.device("phone")
        laptop = bench.device().say(MembersRecords((phone.certificate.encode(),))).say(pushed(phone, b"theirs")[1])
        bench.work()

        assert any(isinstance(frame, Ack) for frame in laptop.frames())

    def test_i6_what_is_pushed_for_another_author_carries_that_author_s_signature(self) -> None:
        bench = Bench()
        phone, stranger = bench.people.device("phone"), People("other").device("stranger")
        genuine = phone.change(TAG, b"hers")
        squatted = replace(genuine, ciphertext=bytes(64))
        foreign = replace(stranger.change(TAG, b"strange"), header=replace(genuine.header, author=stranger.author))
        laptop = bench.device().say(MembersRecords((phone.certificate.encode(),)))
        bench.work()
        laptop.frames()

        laptop.say(Push((squatted.encode(), foreign.encode())))
        bench.work()
        refused = {id: one.words for one in laptop.frames() if isinstance(one, Error) for id in one.ids}
        laptop.say(Push((genuine.encode(),)))
        bench.work()

        assert "not signed by it" in refused[genuine.id]
        assert "no members' record" in refused[foreign.id]
        assert [frame.ids for frame in laptop.frames() if isinstance(frame, Ack)] == [(genuine.id,)]
        assert bench.relay.ledger.page(bench.people.notebook, 0, 1 << 20).changes == ((genuine.id, genuine.encode()),)

    def test_a_reader_is_told_and_stays(self) -> None:
        bench = Bench()
        reader = bench.people.device("reader", Role.READER)
        bench.device().say(MembersRecords((reader.certificate.encode(),)))
        bench.work()
        caller = bench.device(reader)
        change, push = pushed(reader, b"one")

        caller.say(push)

        (error,) = caller.frames()
        assert isinstance(error, Error)
        assert (error.code, error.ids) == ("refused-change", (change.id,))
        assert "read only" in error.words
        assert caller.up

    def test_c9_a_bad_change_is_named_and_the_others_of_the_frame_are_kept(self) -> None:
        bench = Bench()
        laptop = bench.device()
        good = bench.laptop.change(TAG, b"good")
        foreign = People("other").device("thief").change(TAG, b"foreign")
        deleted = replace(good, header=replace(good.header, kind=Kind.DELETE, extra=b"what"))
        future = replace(good, header=replace(good.header, kind=200, extra=b"what"))
        broken = b"\x09" + b"b" * 60

        laptop.say(Push((foreign.encode(), good.encode(), broken, deleted.encode(), future.encode())))
        bench.work()

        frames = laptop.frames()
        refused = {id: frame.words for frame in frames if isinstance(frame, Error) for id in frame.ids}
        assert refused.keys() == {foreign.id, bytes(32), deleted.id}
        assert "another notebook" in refused[foreign.id]
        assert "does not say what it has to" in refused[deleted.id]
        assert Ack((1, 2), (good.id, future.id)) in frames

    def test_who_pushes_beyond_the_window_is_hung_up(self) -> None:
        bench = Bench()
        laptop = bench.device()

        laptop.say(pushed(bench.laptop, bytes(WINDOW_BYTES))[1])
        assert laptop.up
        laptop.say(pushed(bench.laptop, b"more")[1])

        assert not laptop.up

    def test_what_the_room_holds_uncommitted_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rooms, "PENDING_BYTES_MAX", 1000)
        bench = Bench()
        callers = [bench.device() for _ in range(3)]

        for caller in callers:
            caller.say(pushed(bench.laptop, bytes(1200))[1])

        assert [caller.up for caller in callers] == [True, True, False]


class TestStream:
    def filled(self, count: int, size: int = 10) -> tuple[Bench, list[Change]]:
        bench = Bench()
        changes = [bench.laptop.change(TAG, bytes([number]) * size) for number in range(count)]
        entries = tuple(entry_of(change, change.encode()) for change in changes)
        bench.relay.ledger.commit({bench.people.notebook: Batch(bytes(16), changes=entries)})
        bench.relay.restart()
        return bench, changes

    def test_a_known_cursor_goes_on_and_an_unknown_one_begins_anew(self) -> None:
        bench, changes = self.filled(3)
        ids = [change.id for change in changes]
        log = bench.relay.ledger.open(bench.people.notebook).log
        running = run(RUNNING_START, ids[:2])
        for cursor, hashed, named, since in (
            (2, running, log, 2),
            (2, bytes([1]) * 32, log, 0),
            (9, running, log, 0),
            (2, running, bytes([9]) * 16, 0),
        ):
            caller = bench.caller()
            caller.frames()
            caller.hello(bench.laptop, named, cursor, hashed)
            bench.work()
            welcome, page = caller.frames()
            assert isinstance(welcome, Welcome)
            assert (welcome.since, welcome.head, welcome.running) == (since, 3, run(RUNNING_START, ids))
            assert page == Changes(since, tuple(change.encode() for change in changes[since:]))

    def test_a_slow_reader_is_paused_at_the_window_and_goes_on_with_got(self) -> None:
        bench, _ = self.filled(100, WINDOW_BYTES // 40)
        caller = bench.device()
        laptop = bench.caller()
        laptop.hello(bench.laptop)
        bench.work()
        first = [frame for frame in laptop.frames() if isinstance(frame, Changes)]
        sent = sum(len(frame.items) for frame in first)
        assert 40 <= sent <= 45

        laptop.say(Got(sent))
        bench.work()

        assert sum(len(frame.items) for frame in laptop.frames() if isinstance(frame, Changes)) >= 40
        assert caller.up

    def test_who_is_paused_gets_no_fan_out_and_loses_nothing(self) -> None:
        bench, changes = self.filled(60, WINDOW_BYTES // 40)
        slow = bench.caller()
        slow.hello(bench.laptop)
        bench.work()
        got = [frame for frame in slow.frames() if isinstance(frame, Changes)]
        fast = bench.device()

        last, push = pushed(bench.laptop, b"last")
        fast.say(push)
        bench.work()
        assert slow.frames() == []
        while sum(len(frame.items) for frame in got) < 61:
            slow.say(Got(sum(len(frame.items) for frame in got)))
            bench.work()
            got += [frame for frame in slow.frames() if isinstance(frame, Changes)]

        assert [item for frame in got for item in frame.items] == [one.encode() for one in (*changes, last)]

    def test_a_stalled_reader_is_dropped_in_the_end(self) -> None:
        bench, _ = self.filled(60, WINDOW_BYTES // 40)
        slow = bench.caller().hello(bench.laptop)
        bench.work()

        bench.tick(PATIENCE_MS - 1)
        assert slow.up
        bench.tick(PATIENCE_MS)

        assert not slow.up

    def test_a_slow_reader_that_gets_on_is_not_dropped(self) -> None:
        bench, _ = self.filled(41, WINDOW_BYTES // 40)
        slow = bench.caller().hello(bench.laptop)
        bench.work()
        bench.now = PATIENCE_MS - 1
        sent = sum(len(frame.items) for frame in slow.frames() if isinstance(frame, Changes))
        slow.say(Got(sent))
        bench.work()

        bench.tick(PATIENCE_MS + 10)

        assert slow.up

    def test_j10_a_reader_is_given_the_time_that_its_hello_took_and_more_while_parts_arrive(self) -> None:
        bench, _ = self.filled(60, WINDOW_BYTES // 40)
        far = bench.caller()
        bench.now = 2_400_000
        far.hello(bench.laptop)
        bench.work()

        bench.keep_alive(far, 4_800_000)
        assert far.up
        far.say(Pong(0))
        bench.keep_alive(far, 4_800_000 + 3 * 2_400_000 + PATIENCE_MS - 1)
        assert far.up
        bench.keep_alive(far, 4_800_000 + 3 * 2_400_000 + PATIENCE_MS)

        assert not far.up

    def test_a_reader_that_stalls_again_after_some_progress_is_dropped_too(self) -> None:
        bench, _ = self.filled(60, WINDOW_BYTES // 4)
        slow = bench.caller().hello(bench.laptop)
        bench.work()
        bench.now = PATIENCE_MS - 1
        slow.say(Got(0), Got(1))
        bench.work()

        bench.keep_alive(slow, 2 * PATIENCE_MS)

        assert not slow.up

    def test_h4_what_was_pushed_is_forgotten_once_it_was_shown(self) -> None:
        bench = Bench()
        caller = bench.device()
        _, push = pushed(bench.laptop, b"one")
        for _ in range(2):
            caller.say(push)
            bench.work()
            assert bench.relay.room._audience.visitors[caller.pipe.no].pushed == set()

    def test_who_says_to_have_what_was_not_sent_is_hung_up(self) -> None:
        caller = Bench().device().say(Got(1))

        assert not caller.up

    def test_a_push_while_behind_comes_back_as_an_id_in_its_place(self) -> None:
        bench, changes = self.filled(3)
        caller = bench.caller().hello(bench.laptop).say(Push((changes[1].encode(),)))
        bench.work()

        (page,) = [frame for frame in caller.frames() if isinstance(frame, Changes)]
        assert page == Changes(0, (changes[0].encode(), IdAlone(changes[1].id), changes[2].encode()))

    def test_a_commit_while_a_page_is_read_reaches_everybody_once(self) -> None:
        bench, changes = self.filled(3)
        live = bench.device()
        reading = bench.caller().hello(bench.laptop)
        more, push = pushed(bench.laptop, b"more")
        live.say(push)
        assert [type(job) for job in bench.relay.jobs] == [Read, Commit]

        bench.work()

        frames = [frame for frame in reading.frames() if isinstance(frame, Changes)]
        assert [item for frame in frames for item in frame.items] == [one.encode() for one in (*changes, more)]

    def test_a_commit_between_two_pages_comes_in_its_place(self) -> None:
        bench, changes = self.filled(10, 200_000)
        live = bench.device()
        behind = bench.caller().hello(bench.laptop)
        bench.relay.work(0)
        more, push = pushed(bench.laptop, b"more")
        live.say(push)
        bench.work()

        frames = [frame for frame in behind.frames() if isinstance(frame, Changes)]
        assert [item for frame in frames for item in frame.items] == [one.encode() for one in (*changes, more)]
        assert [frame.since for frame in frames] == list(range(10))

    def test_wants_are_answered_in_pages(self) -> None:
        bench, changes = self.filled(10, 100_000)
        caller = bench.device()

        found: list[bytes] = []
        after, more = 0, True
        while more:
            caller.say(Want(1, after, (TAG,)))
            bench.work()
            (page,) = [frame for frame in caller.frames() if isinstance(frame, Found)]
            found += page.changes
            after, more = page.reached, page.more

        assert found == [change.encode() for change in changes]


class TestReceipts:
    def test_the_newest_is_kept_and_given_to_others_now_and_later(self) -> None:
        bench = Bench()
        phone = bench.people.device("phone")
        laptop = bench.device().say(MembersRecords((phone.certificate.encode(),)))
        bench.work()
        laptop.frames()
        caller = bench.device(phone)

        for sealed in (b"old", b"new"):
            caller.say(Receipt(phone.certificate.id, sealed))
            bench.work()

        assert laptop.frames() == [Receipt(phone.certificate.id, b"old"), Receipt(phone.certificate.id, b"new")]
        assert caller.frames() == []
        bench.relay.restart()
        again = bench.caller().hello(bench.laptop)
        bench.work()
        assert Receipt(phone.certificate.id, b"new") in again.frames()

    def test_a_receipt_in_anothers_name_is_refused(self) -> None:
        caller = Bench().device().say(Receipt(bytes(32), b"sealed"))

        assert not caller.up


class TestQuiet:
    def test_who_says_no_hello_is_hung_up_in_the_end(self) -> None:
        """J10: from 20 minutes away a hello takes 40; nothing tells that from silence."""
        bench = Bench()
        caller = bench.caller()

        bench.tick(DOOR_MS - 1)
        assert caller.up
        bench.tick(DOOR_MS)

        assert not caller.up

    def test_who_is_silent_too_long_is_hung_up_and_a_ping_is_enough(self) -> None:
        bench = Bench()
        silent, alive = bench.device(), bench.device()
        bench.now = 1000
        assert alive.say(Ping(1)).frames() == [Pong(1)]

        bench.tick(SILENCE_MS + PATIENCE_MS)

        assert (silent.up, alive.up) == (False, True)

    def test_an_unknown_frame_is_answered_and_passed_over(self) -> None:
        caller = Bench().device().say(Unknown("digest"))

        assert words(caller.frames())[0] == "unknown-frame"
        assert caller.up

    def test_a_room_is_empty_when_all_left_and_all_is_committed(self) -> None:
        bench = Bench()
        caller = bench.device()
        caller.say(pushed(bench.laptop, b"one")[1])
        bench.relay.room.left(caller.pipe.no)
        assert not bench.relay.room.empty

        bench.work()

        assert bench.relay.room.empty

    def test_what_was_pushed_before_leaving_is_kept(self) -> None:
        bench = Bench()
        caller = bench.device()
        caller.say(pushed(bench.laptop, b"one")[1], pushed(bench.laptop, b"two")[1])
        bench.relay.room.left(caller.pipe.no)

        bench.work()

        assert bench.relay.room.head == 2


class TestPoison:
    """H5: one connection's poison ends that connection and nothing else."""

    @given(st.binary(max_size=120))
    def test_h5_any_bytes_from_anybody_raise_nothing_and_harm_nobody(self, data: bytes) -> None:
        bench = Bench()
        good = bench.device()
        for poisoned in (bench.caller(), bench.device()):
            poisoned.say_bytes(data)
        bench.work()
        good.frames()

        change, push = pushed(bench.laptop, b"one")
        good.say(push)
        bench.work()

        assert good.up
        assert good.frames()[0] == Ack((1,), (change.id,))

    @given(st.data())
    def test_h5_whole_frames_of_nonsense_and_whole_ones_that_were_altered_harm_nobody_either(
        self, data: st.DataObject
    ) -> None:
        bench = Bench()
        good, phone = bench.device(), bench.people.device("phone")
        change = phone.change(TAG, b"words")
        sound = (
            MembersRecords(tuple(record.encode() for record in bench.people.members.records())),
            Push((change.encode(), change.encode())),
            Want(1, 0, (TAG,), (Range(TAG, phone.author, 1, 9),), (change.id,)),
            Receipt(bench.laptop.certificate.id, b"sealed"),
            Challenge(NONCE, bytes(16), ()),
        )
        altered = st.sampled_from(sound).map(encode).flatmap(altered_in_places)
        said = st.lists(altered | frames.map(encode), min_size=1, max_size=4)
        for poisoned in (bench.caller(), bench.device()):
            for message in data.draw(said):
                poisoned.say_bytes(message)
                bench.work()
        good.frames()

        mine, push = pushed(bench.laptop, b"one", bytes(16))
        good.say(push)
        bench.work()

        assert good.up
        assert mine.id in [id for frame in good.frames() if isinstance(frame, Ack) for id in frame.ids]

    def test_a_broken_frame_is_answered_in_words_and_ends_its_connection(self) -> None:
        bench = Bench()
        caller = bench.device()
        caller.say_bytes(b"{}\n")

        assert words(caller.frames())[0] == "broken"
        assert not caller.up

    @pytest.mark.parametrize("frame", [Welcome(bytes(16), 0, bytes(32), 0, 1, 1), Ack((), ()), Found(1, (), 1, False)])
    def test_what_only_relays_say_ends_the_connection(self, frame: Frame) -> None:
        assert not Bench().device().say(frame).up

    def test_a_damaged_record_on_disk_is_left_out_and_mended_by_whoever_comes(self) -> None:
        bench = Bench()
        laptop = bench.people.members.records()[1]
        bench.relay.ledger.commit({bench.people.notebook: Batch(bytes(16), ((laptop.id, b"rot"),))})
        bench.relay.restart()
        caller = bench.caller()
        (challenge,) = caller.frames()
        assert isinstance(challenge, Challenge)
        lacking = bench.people.members.without(challenge.tips)

        caller.say(MembersRecords(tuple(record.encode() for record in lacking))).hello(bench.laptop)
        bench.work()

        assert any(isinstance(frame, Welcome) for frame in caller.frames())
        assert bench.relay.ledger.open(bench.people.notebook).records[1] == laptop.encode()


def test_close_codes_are_the_protocols_own() -> None:
    assert {code.value for code in Closing if code not in (Closing.NORMAL, Closing.GOING_AWAY)} == set(
        range(4000, 4006)
    )


def test_a_hang_up_says_its_code_and_words() -> None:
    bench = Bench()
    caller = bench.caller()

    effects = bench.relay.room.received(caller.pipe.no, b"{}\n", 0, DATE)

    (hang_up,) = [effect for effect in effects if isinstance(effect, HangUp)]
    assert hang_up.code is Closing.BROKEN
    assert "object" in hang_up.words
