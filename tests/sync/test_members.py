"""Members' records: who may write which, and that who is in follows from them alone, whatever order they come in."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from carryon.core.log.membership import admit as learn
from carryon.crypto.cryptography_primitives import CryptographyPrimitives
from carryon_sync.formats import members
from carryon_sync.formats.change import Link
from carryon_sync.formats.members import Held, Members, Missing, SignedBy
from carryon_sync.formats.records import (
    NO_PROOF,
    NOBODY,
    ROOT,
    Certificate,
    Frontier,
    FrontierHead,
    Invite,
    Out,
    Record,
    Role,
    UnknownSays,
    Witness,
    Wrap,
    decode_record,
    wraps_hash,
)
from carryon_sync.formats.rejected import Rejected
from carryon_sync.formats.standing import View
from carryon_sync.relay.admission import Admission

from tests.sync.people import WRAPS, Device, People, admit, held, key_of, signed, verify
from tests.sync.wild import summary, wild


def reason(verdict: SignedBy | Held | Missing | Rejected) -> str:
    assert isinstance(verdict, Rejected), verdict
    return verdict.reason


def used_up(people: People, owner: Device) -> tuple[Record, Record]:
    """An owner's invite for one device, and the certificate of the device that has used it, which the owner knows."""
    invite = people.admit(people.invite(owner))
    joined = people.admit(people.joined("editor", invite))
    people.admit(people.written(Witness(), owner))
    return invite, joined


def earlier(people: People, invite: Record, than: Record) -> Record:
    """Try keys, as whoever has the link may, until a certificate comes before one that has used the invite."""
    tries = (people.joined(f"again {number}", invite, after=(invite.id,)) for number in range(10_000))
    return next(record for record in tries if record.id < than.id)


class TestRoot:
    def test_the_root_is_the_key_that_the_notebook_is_named_after(self) -> None:
        people, other = People("one"), People("two")

        assert isinstance(Members(people.notebook).check(people.root), SignedBy)
        forged = replace(other.root, notebook=people.notebook)
        assert "named after" in reason(Members(people.notebook).check(forged))

    def test_a_record_of_another_notebook_is_refused(self) -> None:
        people, other = People("one"), People("two")

        assert "notebook" in reason(people.members.check(other.certificate("phone")))

    def test_a_second_root_record_of_the_same_key_is_refused(self) -> None:
        people = People()
        second = signed(
            replace(people.root, says=replace(people.root.says, agreement=bytes([1]) * 32)), people.root_key
        )  # type: ignore[type-var]

        assert "already" in reason(people.members.check(second))


class TestCertificates:
    def test_root_and_owners_certify_and_nobody_else(self) -> None:
        people = People()
        laptop, editor = people.device("laptop"), people.device("editor", Role.EDITOR)

        assert people.members.check(people.certificate("phone")) == SignedBy(people.public("root"))
        assert people.members.check(people.certificate("phone", by=laptop)) == SignedBy(people.public("laptop"))
        assert "owner" in reason(people.members.check(people.certificate("phone", by=editor)))

    def test_a_key_is_certified_once_until_it_is_out(self) -> None:
        people = People()
        laptop, phone = people.device("laptop"), people.device("phone", Role.READER)
        assert "already" in reason(people.members.check(people.certificate("phone", Role.OWNER)))

        people.admit(people.epoch(phone.certificate, by=laptop))
        people.admit(people.certificate("phone", Role.EDITOR, by=laptop))

        assert people.members.may_write(phone.certificate.id)

    def test_an_author_belongs_to_the_device_whose_fingerprint_it_begins_with(self) -> None:
        people = People()
        laptop, phone = people.device("laptop"), people.device("phone")

        assert people.members.certificate_of(laptop.author) == laptop.certificate.says
        assert people.members.certificate_of(phone.author[:8] + bytes(8)) == phone.certificate.says
        assert people.members.certificate_of(bytes(16)) is None

    def test_a_device_renews_its_own_certificate_and_never_raises_itself(self) -> None:
        people = People()
        people.device("laptop")
        phone = people.device("phone", Role.EDITOR)
        renewed = people.certificate("phone", Role.EDITOR, by=phone, supersedes=phone.certificate.id)
        raised = people.certificate("phone", Role.OWNER, by=phone, supersedes=phone.certificate.id)

        assert isinstance(people.members.check(renewed), SignedBy)
        assert isinstance(people.members.check(raised), Rejected)

    def test_a_certificate_supersedes_one_of_the_same_keys_and_person_only(self) -> None:
        people = People()
        laptop, phone = people.device("laptop"), people.device("phone")
        stolen = people.certificate("tablet", by=laptop, supersedes=phone.certificate.id)

        assert "same keys" in reason(people.members.check(stolen))

    def test_a_chain_of_steps_from_the_root_ends_somewhere(self) -> None:
        people = People()
        signer: Device | None = None
        for number in range(140):
            record = people.certificate(f"device {number}", by=signer)
            verdict = people.members.check(record)
            if isinstance(verdict, Rejected):
                break
            signer = people.as_device(f"device {number}", people.admit(record))

        assert "128 steps" in reason(verdict)


class TestInvites:
    def test_an_invite_certifies_as_often_as_it_says(self) -> None:
        people = People()
        invite = people.admit(people.invite(people.device("laptop"), uses=2))
        phone, tablet = people.joined("phone", invite), people.joined("tablet", invite)

        people.admit(phone)
        assert people.members.uses_left(invite.id) == 1
        people.admit(tablet)

        assert people.members.uses_left(invite.id) == 0
        assert "2 times" in reason(people.members.check(people.joined("third", invite)))

    def test_of_certificates_beside_each_other_the_first_in_canonical_order_count(self) -> None:
        people = People()
        invite = people.admit(people.invite(people.device("laptop")))
        beside = sorted((people.joined(name, invite) for name in ("a", "b", "c")), key=lambda record: record.id)

        for record in reversed(beside):
            people.admit(record)

        assert [people.members.may_connect(record.id) for record in beside] == [True, False, False]

    def test_who_an_owner_knew_counts_before_a_certificate_written_later_whose_id_comes_first(self) -> None:
        """The link of an invite that is used up lets nobody in again, and puts nobody out."""
        people = People()
        invite, joined = used_up(people, people.device("owner"))

        again = people.admit(earlier(people, invite, joined))

        assert people.members.may_write(joined.id)
        assert not people.members.may_connect(again.id)

    def test_the_word_of_a_reader_puts_nobody_first(self) -> None:
        people = People()
        owner, reader = people.device("owner"), people.device("reader", Role.READER)
        inviter = people.as_device("inviter", people.admit(people.certificate("inviter", Role.OWNER, owner)))
        invite, joined = used_up(people, inviter)
        again = people.admit(earlier(people, invite, joined))

        people.admit(people.written(UnknownSays(200, b""), reader, after=(again.id, *people.members.good_tips())))

        assert people.members.may_connect(joined.id)
        assert not people.members.may_connect(again.id)

    def test_a_first_certificate_is_signed_by_the_certified_key_too(self) -> None:
        """Nobody certifies a key of somebody else: by a reader's link it would have a reader's role."""
        people = People()
        owner = people.device("owner")
        people.admit(people.epoch(by=owner))
        invite = people.admit(people.invite(owner, role=Role.READER))
        phone = people.admit(people.certificate("phone", Role.OWNER, owner))
        assert isinstance(phone.says, Certificate)

        for proof in (NO_PROOF, phone.says.proof):
            says = replace(phone.says, agreement=bytes([7]) * 32, role=Role.READER, proof=proof)
            fake = signed(Record(people.notebook, (invite.id,), invite.id, says), people.key("invite"))
            verdict = people.members.check(fake)

            assert isinstance(verdict, SignedBy)
            assert [verify(*one) for one in fake.signatures(verdict.public)] == [True, False]
            relay = Admission(people.notebook, [record.encode() for record in people.members.records()], verify)
            assert isinstance(relay.take(fake.encode(), None, 0), Rejected)
            device = asyncio.run(learn(people.members, CryptographyPrimitives(), [fake.encode()]))
            assert device.records == ()
            assert len(device.refused) == 1
            assert people.members.is_owner(phone.id)

    def test_who_lost_the_last_use_to_another_puts_nobody_out(self) -> None:
        people = People()
        laptop = people.device("laptop")
        people.admit(people.epoch())
        invite = people.admit(people.invite(laptop, role=Role.OWNER))
        tips = people.members.good_tips()
        both = sorted(
            (people.joined(name, invite, role=Role.OWNER, after=tips) for name in ("a", "b")), key=lambda one: one.id
        )
        loser = people.as_device("a" if both[1].says.name == b"a" else "b", both[1])  # type: ignore[union-attr]
        alone = held(people.notebook, [*people.members.records(), both[1]])
        people.admit(both[0])
        people.admit(both[1])

        removal = people.epoch(laptop.certificate, by=loser, members=alone)
        admit(alone, removal)
        people.admit(removal)

        assert not alone.may_connect(laptop.certificate.id)
        assert people.members.may_connect(laptop.certificate.id)
        assert people.members.may_connect(both[0].id)

    def test_a_certificate_by_an_invite_has_its_role_and_its_person(self) -> None:
        people = People()
        laptop = people.device("laptop")
        invite = people.admit(people.invite(laptop))
        says = Invite(people.public("own"), bytes(32), Role.EDITOR, bytes([7]) * 16, 10**13, 1, wraps_hash(WRAPS))
        own = people.admit(people.written(says, laptop, wraps=WRAPS))

        assert "EDITOR" in reason(people.members.check(people.joined("phone", invite, role=Role.OWNER)))
        assert "person" in reason(people.members.check(people.joined("phone", own, "own")))

    def test_an_editor_cannot_invite(self) -> None:
        people = People()

        assert "owner" in reason(people.members.check(people.invite(people.device("editor", Role.EDITOR))))

    def test_a_revocation_ends_an_invite_beside_and_after_it(self) -> None:
        people = People()
        invite = people.admit(people.invite(people.device("laptop")))
        beside = people.joined("phone", invite)
        people.admit(people.revocation(invite))

        people.admit(beside)

        assert not people.members.may_connect(beside.id)
        assert people.members.uses_left(invite.id) == 0
        assert "withdrawn" in reason(people.members.check(people.joined("tablet", invite)))

    def test_a_revocation_keeps_who_had_joined_before(self) -> None:
        people = People()
        invite = people.admit(people.invite(people.device("laptop"), uses=2))
        phone = people.admit(people.joined("phone", invite))

        people.admit(people.revocation(invite))

        assert people.members.may_connect(phone.id)

    def test_forgetting_the_wraps_keeps_the_record(self) -> None:
        people = People()
        invite = people.admit(people.invite(people.device("laptop")))

        people.members.forget_wraps(invite.id)

        assert people.members.get(invite.id) == invite.forgotten()
        assert people.members.check(invite) == Held()


class TestLate:
    """I10: a certificate that comes when its invite has expired waits for the word of somebody senior."""

    def late(self) -> tuple[People, Device, Record]:
        people = People()
        laptop = people.device("laptop")
        people.admit(people.epoch())
        invite = people.admit(people.invite(laptop, role=Role.OWNER))
        return people, laptop, people.admit(people.joined("phone", invite, role=Role.OWNER), late=True)

    def test_it_lets_nobody_in_and_nobody_names_it(self) -> None:
        people, _, phone = self.late()

        assert people.members.is_late(phone.id)
        assert not people.members.may_connect(phone.id)
        assert phone.id not in people.members.good_tips()
        assert phone.id in people.members.tips()

    def test_a_record_of_who_is_senior_vouches_for_it(self) -> None:
        people, laptop, phone = self.late()

        people.admit(people.written(Witness(), laptop, after=people.members.tips()))

        assert people.members.may_connect(phone.id)
        assert not people.members.is_late(phone.id)

    def test_it_does_not_vouch_for_itself(self) -> None:
        people, _, phone = self.late()
        device = people.as_device("phone", phone)

        assert "waits" in reason(people.members.check(people.written(Witness(), device, after=people.members.tips())))


class TestEpochs:
    def test_only_the_first_epoch_has_no_parent(self) -> None:
        people = People()
        first = people.admit(people.epoch())
        second = people.epoch()
        assert isinstance(people.members.check(second), SignedBy)

        orphan = people.written(replace(second.says, parents=()))  # type: ignore[type-var]

        assert "parent" in reason(people.members.check(orphan))
        assert people.members.epoch_heads() == (first.id,)

    def test_an_epoch_is_wrapped_to_all_who_stay_and_to_the_root(self) -> None:
        people = People()
        people.device("laptop")
        whole = people.epoch()
        assert isinstance(whole.says.wraps, tuple)  # type: ignore[union-attr]

        for missing in whole.says.wraps:  # type: ignore[union-attr]
            fewer = tuple(wrap for wrap in whole.says.wraps if wrap != missing)  # type: ignore[union-attr]
            assert "1 who stay" in reason(
                people.members.check(people.written(replace(whole.says, wraps=fewer)))  # type: ignore[type-var]
            )

    def test_who_is_out_neither_connects_nor_writes_nor_signs(self) -> None:
        people = People()
        laptop, phone = people.device("laptop"), people.device("phone")
        people.admit(people.epoch(phone.certificate))
        again = people.certificate("new phone", by=phone)

        assert not people.members.may_connect(phone.certificate.id)
        assert not people.members.may_write(phone.certificate.id)
        assert people.members.certificate_of(phone.author) == phone.certificate.says
        assert "removed" in reason(people.members.check(again))
        assert people.members.may_write(laptop.certificate.id)

    def test_an_epoch_names_devices_and_invites_only_by_their_records(self) -> None:
        people = People()
        whole = people.epoch()

        for broken in (
            replace(whole.says, out=(Out(people.root.id),)),  # type: ignore[type-var]
            replace(whole.says, invites=(people.root.id,)),  # type: ignore[type-var]
        ):
            assert "another record's" in reason(people.members.check(people.written(broken)))

    def test_the_epoch_written_in_is_one_that_no_removed_device_can_open(self) -> None:
        people = People()
        laptop, tablet, phone = (people.device(name) for name in ("laptop", "tablet", "phone"))
        people.admit(people.epoch())
        removal = people.epoch(phone.certificate, by=laptop)
        beside = people.epoch(by=tablet)

        people.admit(beside)
        people.admit(removal)

        assert people.members.epoch_heads()[-1] == removal.id
        assert people.members.needs_epoch
        people.admit(people.epoch(by=tablet))
        assert not people.members.needs_epoch

    def test_a_device_that_joined_by_an_invite_of_the_current_epoch_needs_no_other(self) -> None:
        people = People()
        laptop = people.device("laptop")
        people.admit(people.epoch())
        invite = people.admit(people.invite(laptop))

        people.admit(people.joined("phone", invite))

        assert not people.members.needs_epoch

    def test_a_device_that_joined_beside_an_epoch_needs_another_one(self) -> None:
        people = People()
        laptop = people.device("laptop")
        people.admit(people.epoch())
        beside = people.certificate("phone")
        people.admit(people.epoch(by=laptop))
        assert not people.members.needs_epoch

        people.admit(beside)

        assert people.members.needs_epoch


class TestStrongRemoval:
    """I7: a removal wins over everything that the removed device signed beside it."""

    def test_what_a_removed_device_signed_beside_its_removal_is_void(self) -> None:
        people = People()
        laptop, phone = people.device("laptop"), people.device("phone")
        people.admit(people.epoch())
        tips = people.members.good_tips()
        invite = people.invite(phone, after=tips)
        mine = held(people.notebook, [*people.members.records(), invite])
        stranger = people.joined("stranger", invite, after=mine.good_tips())
        people.admit(people.epoch(phone.certificate, by=laptop))

        people.admit(invite)
        people.admit(stranger)

        assert not people.members.may_connect(stranger.id)
        assert people.members.uses_left(invite.id) == 0

    def test_what_it_signed_before_stays(self) -> None:
        people = People()
        laptop, phone = people.device("laptop"), people.device("phone")
        tablet = people.admit(people.certificate("tablet", by=phone))

        people.admit(people.epoch(phone.certificate, by=laptop))

        assert people.members.may_write(tablet.id)

    def test_two_owners_who_remove_each_other_are_both_out_and_the_root_repairs_it(self) -> None:
        people = People()
        laptop, phone = people.device("laptop"), people.device("phone")
        people.admit(people.epoch())
        removals = [
            people.epoch(phone.certificate, by=laptop, invites=()),
            people.epoch(laptop.certificate, by=phone, invites=()),
        ]
        for removal in removals:
            people.admit(removal)

        assert not people.members.may_connect(laptop.certificate.id)
        assert not people.members.may_connect(phone.certificate.id)
        again = people.admit(people.certificate("laptop"))
        people.admit(people.epoch())
        assert people.members.may_write(again.id)
        assert not people.members.may_connect(phone.certificate.id)

    def test_a_removed_device_cannot_bring_itself_back(self) -> None:
        people = People()
        laptop, phone = people.device("laptop"), people.device("phone")
        renewed = people.certificate("phone", by=phone, supersedes=phone.certificate.id)
        second = people.certificate("second phone", by=phone)
        people.admit(people.epoch(phone.certificate, by=laptop))

        people.admit(renewed)
        people.admit(second)

        assert not people.members.may_connect(renewed.id)
        assert not people.members.may_connect(second.id)


class TestRoles:
    def test_readers_connect_and_do_not_write(self) -> None:
        people = People()
        reader, editor = people.device("reader", Role.READER), people.device("editor", Role.EDITOR)

        assert people.members.may_connect(reader.certificate.id)
        assert not people.members.may_write(reader.certificate.id)
        assert people.members.may_write(editor.certificate.id)
        assert not people.members.may_connect(people.root.id)

    def test_a_role_changes_with_a_certificate_that_supersedes(self) -> None:
        people = People()
        laptop, phone = people.device("laptop"), people.device("phone", Role.READER)

        raised = people.admit(people.certificate("phone", Role.EDITOR, by=laptop, supersedes=phone.certificate.id))
        assert people.members.may_write(phone.certificate.id)
        people.admit(people.certificate("phone", Role.READER, by=laptop, supersedes=raised.id))

        assert people.members.may_connect(phone.certificate.id)
        assert not people.members.may_write(phone.certificate.id)

    def test_a_device_renewed_beside_its_demotion_is_demoted(self) -> None:
        people = People()
        laptop, phone = people.device("laptop"), people.device("phone", Role.EDITOR)
        renewed = people.certificate("phone", Role.EDITOR, by=phone, supersedes=phone.certificate.id)
        lowered = people.certificate("phone", Role.READER, by=laptop, supersedes=phone.certificate.id)

        people.admit(renewed)
        people.admit(lowered)

        assert not people.members.may_write(phone.certificate.id)

    def test_a_role_is_that_which_the_writer_of_a_change_knew(self) -> None:
        people = People()
        laptop, phone = people.device("laptop"), people.device("phone", Role.READER)
        before = people.members.good_tips()
        people.admit(people.certificate("phone", Role.EDITOR, by=laptop, supersedes=phone.certificate.id))

        assert people.members.role_known(phone.author, before) == Role.READER
        assert people.members.role_known(phone.author, people.members.good_tips()) == Role.EDITOR
        assert people.members.role_known(phone.author, (laptop.certificate.id,)) is None
        assert people.members.role_known(bytes(16), before) is None


class TestFrontier:
    def test_what_a_removed_device_had_written_is_what_its_remover_held(self) -> None:
        people = People()
        laptop, phone = people.device("laptop"), people.device("phone")
        before = people.members.good_tips()
        head = FrontierHead(bytes([1]) * 16, phone.author, 3, bytes([2]) * 32)
        frontier = people.admit(people.written(Frontier(phone.certificate.id, (head,)), laptop))

        people.admit(people.epoch(phone.certificate, by=laptop, frontiers=(frontier.id,)))

        assert people.members.frontier(phone.author, before) == {
            (head.tag, phone.author): Link(phone.author, 3, head.id)
        }
        assert people.members.frontier(laptop.author, before) is None
        assert people.members.frontier(phone.author, people.members.good_tips()) is None

    def test_a_demotion_has_a_frontier_too(self) -> None:
        people = People()
        laptop, phone = people.device("laptop"), people.device("phone", Role.EDITOR)
        before = people.members.good_tips()

        people.admit(people.certificate("phone", Role.READER, by=laptop, supersedes=phone.certificate.id))

        assert people.members.frontier(phone.author, before) == {}

    def test_a_frontier_is_of_its_own_device_only(self) -> None:
        people = People()
        laptop, phone, tablet = (people.device(name) for name in ("laptop", "phone", "tablet"))
        strange = FrontierHead(bytes([1]) * 16, tablet.author, 3, bytes([2]) * 32)
        frontier = people.admit(people.written(Frontier(tablet.certificate.id, (strange,)), laptop))

        assert "authors" in reason(
            people.members.check(people.written(Frontier(phone.certificate.id, (strange,)), laptop))
        )
        removal = people.epoch(phone.certificate, by=laptop, frontiers=(frontier.id,))
        assert "another device" in reason(people.members.check(removal))


class TestKinds:
    """I19: what later releases write is held, named and forwarded; what must be understood is said."""

    @pytest.mark.parametrize(("kind", "needs_update"), [(8, True), (127, True), (128, False), (255, False)])
    def test_a_record_of_a_later_release_stalls_nothing(self, kind: int, needs_update: bool) -> None:
        people = People()
        laptop = people.device("laptop")
        people.admit(people.written(UnknownSays(kind, b"later"), laptop))

        phone = people.device("phone")

        assert people.members.may_write(phone.certificate.id)
        assert people.members.needs_update is needs_update

    @pytest.mark.parametrize("role", [Role.READER, Role.EDITOR])
    def test_only_an_owner_keeps_everybody_from_writing_by_one(self, role: Role) -> None:
        people = People()
        member = people.device("member", role)

        record = people.admit(people.written(UnknownSays(127, b"later"), member))

        assert record.id in people.members
        assert not people.members.needs_update

    def test_it_is_signed_by_a_member_like_any_other(self) -> None:
        people = People()
        phone = people.device("phone")
        people.admit(people.epoch(phone.certificate))

        assert "removed" in reason(people.members.check(people.written(UnknownSays(200, b""), phone)))


class TestGraph:
    def family(self) -> People:
        people = People()
        laptop = people.device("laptop")
        people.admit(people.epoch())
        invite = people.admit(people.invite(laptop))
        people.admit(people.joined("phone", invite))
        return people

    def test_a_record_waits_for_all_it_names(self) -> None:
        people = self.family()
        root, laptop, *_ = people.members.records()
        fresh = Members(people.notebook)

        assert fresh.check(laptop) == Missing((root.id,))
        fresh.add(root)
        assert isinstance(fresh.check(laptop), SignedBy)

    def test_a_record_names_nothing_that_its_past_does_not_lead_to(self) -> None:
        people = People()
        laptop = people.device("laptop")
        phone = people.certificate("phone")
        people.admit(phone)

        hidden = people.written(Frontier(phone.id, ()), laptop, after=(laptop.certificate.id,))

        assert "does not lead to" in reason(people.members.check(hidden))

    @pytest.mark.parametrize("seed", range(40))
    def test_i7_in_every_order_of_arrival_the_same_members_come_out(self, seed: int) -> None:
        """Invites, joins, removals, role changes and revocations by devices that know different things."""
        notebook, records = wild(seed)
        expected = summary(held(notebook, records))

        for shuffle in range(5):
            random.Random(f"{seed} {shuffle}").shuffle(records)
            assert summary(held(notebook, records)) == expected

    def test_what_somebody_lacks_follows_from_their_tips(self) -> None:
        people = self.family()
        records = people.members.records()
        partial = Members(people.notebook)
        assert people.members.without(()) == records

        for count, record in enumerate(records, start=1):
            partial.add(record)
            assert people.members.without(partial.tips()) == records[count:]
        assert people.members.without((bytes(32), *people.members.tips())) == ()

    def test_a_record_comes_back_from_its_bytes_into_the_same_graph(self) -> None:
        people = self.family()
        fresh = Members(people.notebook)

        for record in people.members.records():
            read = decode_record(record.encode())
            assert not isinstance(read, Rejected)
            fresh.add(read)

        assert fresh.tips() == people.members.tips()

    def test_a_record_changed_in_any_field_is_another_record_whose_signature_fails(self) -> None:
        people = self.family()
        laptop = people.members.records()[1]
        assert isinstance(laptop.says, Certificate)

        for forged in (
            replace(laptop.says, role=Role.READER),
            replace(laptop.says, agreement=bytes([1]) * 32),
            replace(laptop.says, name=b"else"),
            replace(laptop.says, person=NOBODY),
            replace(laptop.says, signing=key_of("thief").public_key().public_bytes_raw()),
        ):
            changed = replace(laptop, says=forged)
            assert changed.id != laptop.id
            assert changed.signed != laptop.signed

    def test_an_invite_s_wraps_are_not_signed_and_bound_by_their_hash(self) -> None:
        people = self.family()
        [invite] = [record for record in people.members.records() if isinstance(record.says, Invite)]
        other = replace(invite, wraps=(Wrap(ROOT, bytes(32), b"other keys"),))

        assert isinstance(decode_record(other.encode()), Rejected)


class TestBounds:
    def test_who_is_no_owner_cannot_use_up_the_place_of_the_record_that_puts_it_out(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """By records of a kind to be passed over, or by letting others in; in both orders of arrival the reader is out."""
        monkeypatch.setattr(members, "OTHERS_RECORDS_MAX", 20)
        monkeypatch.setattr(members, "RECORDS_MAX", 30)
        people = People()
        laptop, reader = people.device("laptop"), people.device("reader", Role.READER)
        people.admit(people.epoch())
        invite = people.admit(people.invite(laptop, uses=100))
        before = people.members.records()
        removal = people.epoch(reader.certificate, by=laptop)
        flood, after = list[Record](), (reader.certificate.id,)
        for _ in range(30):
            flood.append(people.written(UnknownSays(200, b""), reader, after))
            after = (flood[-1].id,)

        def arrived(*records: Record) -> Members:
            there = Members(people.notebook)
            for record in (*before, *records):
                if isinstance(there.check(record), SignedBy):
                    admit(there, record)
            return there

        for there in (arrived(removal, *flood), arrived(*flood, removal)):
            assert len(there) <= 21
            assert not there.may_connect(reader.certificate.id)
            assert "for those of its owners" in reason(there.check(people.joined("late", invite)))

    def test_what_an_invite_lets_in_is_judged_once_for_each_record(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """One frame of a stranger, whose invite lets in as many as fit, held up the relay by the third power of their number."""
        people, asked, may_use = People(), 0, View._may_use

        def counted(view: View, place: int, ends: Sequence[int]) -> bool:
            nonlocal asked
            asked += 1
            return may_use(view, place, ends)

        monkeypatch.setattr(View, "_may_use", counted)
        invite, joined = people.admit(people.invite(people.device("owner"), uses=1000)), 60
        after = (invite.id,)
        for number in range(joined):
            after = (people.admit(people.joined(f"{number}", invite, after=after)).id,)

        assert len(people.members.devices()) == joined + 1
        assert asked <= 1.5 * joined**2

    def test_who_tries_a_link_that_is_used_up_costs_one_look_at_each_record(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        people, asked, is_by_senior = People(), 0, View._is_by_senior

        def counted(view: View, place: int, depth: int) -> bool:
            nonlocal asked
            asked += 1
            return is_by_senior(view, place, depth)

        invite, joined = used_up(people, people.device("owner"))
        for number in range(60):
            people.admit(people.joined(f"{number}", invite, after=(invite.id,)))

        monkeypatch.setattr(View, "_is_by_senior", counted)

        assert people.members.may_connect(joined.id)
        assert 0 < asked <= len(people.members)
