"""The members' graph: who may add which record, and what follows for connecting and writing."""

from __future__ import annotations

import itertools
from dataclasses import replace

from carryon_sync.formats.members import Held, Members, Missing, SignedBy
from carryon_sync.formats.records import Certificate, Record, Role, Root, Wrap, decode_record
from carryon_sync.formats.rejected import Rejected

from tests.sync.people import People, key_of, signed


def reason(verdict: SignedBy | Held | Missing | Rejected) -> str:
    assert isinstance(verdict, Rejected), verdict
    return verdict.reason


class TestRoot:
    def test_the_root_is_the_key_that_the_notebook_is_named_after(self) -> None:
        people, other = People("one"), People("two")

        assert Members(people.notebook).check(people.root) == SignedBy(people.root.signing)
        forged = replace(other.root, notebook=people.notebook)
        assert "named after" in reason(Members(people.notebook).check(forged))

    def test_a_record_of_another_notebook_is_refused(self) -> None:
        people, other = People("one"), People("two")

        assert "notebook" in reason(people.members.check(other.certificate("phone")))

    def test_a_second_root_record_of_the_same_key_is_refused(self) -> None:
        people = People()
        second = signed(Root(people.notebook, people.root.signing, bytes([1]) * 32), people.root_key)

        assert "already" in reason(people.members.check(second))


class TestCertificates:
    def test_root_and_owners_certify(self) -> None:
        people = People()
        laptop = people.device("laptop")

        by_root = people.certificate("phone")
        by_owner = people.certificate("phone", issuer=laptop.certificate.id, key=laptop.key)

        assert people.members.check(by_root) == SignedBy(people.root.signing)
        assert people.members.check(by_owner) == SignedBy(laptop.certificate.signing)

    def test_editors_and_readers_do_not(self) -> None:
        people = People()
        editor = people.device("editor", Role.EDITOR)

        forged = people.certificate("phone", issuer=editor.certificate.id, key=editor.key)

        assert "owner" in reason(people.members.check(forged))

    def test_a_key_is_certified_once(self) -> None:
        people = People()
        people.device("laptop", Role.READER)

        again = people.certificate("laptop", Role.OWNER)

        assert "already" in reason(people.members.check(again))

    def test_an_author_belongs_to_the_device_whose_fingerprint_it_begins_with(self) -> None:
        people = People()
        laptop, phone = people.device("laptop"), people.device("phone")

        assert people.members.certificate_of(laptop.author) == laptop.certificate
        assert people.members.certificate_of(phone.author[:8] + bytes(8)) == phone.certificate
        assert people.members.certificate_of(bytes(16)) is None


class TestInvites:
    def test_an_invite_certifies_as_often_as_it_says_in_record_order(self) -> None:
        people = People()
        invite = people.admit(people.invite(people.device("laptop"), uses=2))
        phone, tablet, third = (people.joined(name, invite) for name in ("phone", "tablet", "third"))

        people.admit(phone)
        assert people.members.uses_left(invite) == 1
        people.admit(tablet)

        assert people.members.uses_left(invite) == 0
        assert "2 times" in reason(people.members.check(third))

    def test_a_certificate_by_an_invite_has_its_role(self) -> None:
        people = People()
        invite = people.admit(people.invite(people.device("laptop")))

        assert "EDITOR" in reason(people.members.check(people.joined("phone", invite, role=Role.OWNER)))

    def test_an_editor_cannot_invite(self) -> None:
        people = People()

        assert "owner" in reason(people.members.check(people.invite(people.device("editor", Role.EDITOR))))

    def test_an_invite_of_a_removed_device_certifies_nobody(self) -> None:
        people = People()
        laptop = people.device("laptop")
        invite = people.admit(people.invite(laptop))
        people.admit(people.epoch(laptop.certificate.id))

        assert "removed" in reason(people.members.check(people.joined("phone", invite)))

    def test_forgetting_the_wraps_keeps_the_record(self) -> None:
        people = People()
        invite = people.admit(people.invite(people.device("laptop")))

        people.members.forget_wraps(invite.id)

        assert people.members.get(invite.id) == invite.forgotten()
        assert people.members.check(invite) == Held()


class TestEpochs:
    def test_only_the_first_epoch_has_no_old_key(self) -> None:
        people = People()
        assert "first epoch" in reason(people.members.check(people.epoch(old=b"old")))
        people.admit(people.epoch())

        assert "first epoch" in reason(people.members.check(people.epoch()))
        assert people.members.check(people.epoch(old=b"old")) == SignedBy(people.root.signing)

    def test_who_is_out_neither_connects_nor_writes_nor_signs(self) -> None:
        people = People()
        laptop, phone = people.device("laptop"), people.device("phone")
        people.admit(people.epoch(phone.certificate.id))
        again = people.certificate("new phone", issuer=phone.certificate.id, key=phone.key)

        assert not people.members.may_connect(phone.certificate.id)
        assert not people.members.may_write(phone.certificate.id)
        assert people.members.certificate_of(phone.author) == phone.certificate
        assert "removed" in reason(people.members.check(again))
        assert people.members.may_write(laptop.certificate.id)

    def test_an_epoch_names_devices_only_by_certificates(self) -> None:
        people = People()

        wrapped_to_root_record = replace(people.epoch(), wraps=(Wrap(people.root.id, bytes(32), b""),))

        assert "certificates" in reason(people.members.check(people.epoch(people.root.id)))
        assert "certificates" in reason(people.members.check(wrapped_to_root_record))


class TestRoles:
    def test_readers_connect_and_do_not_write(self) -> None:
        people = People()
        reader, editor = people.device("reader", Role.READER), people.device("editor", Role.EDITOR)

        assert people.members.may_connect(reader.certificate.id)
        assert not people.members.may_write(reader.certificate.id)
        assert people.members.may_write(editor.certificate.id)
        assert not people.members.may_connect(people.root.id)


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

    def test_in_every_order_of_arrival_the_same_graph_comes_out(self) -> None:
        people = self.family()
        for order in itertools.permutations(people.members.records()):
            fresh, left = Members(people.notebook), list(order)
            while left:
                ready = [record for record in left if isinstance(fresh.check(record), SignedBy)]
                fresh.add(ready[0])
                left.remove(ready[0])
            assert fresh.tips() == people.members.tips()
            assert set(fresh.records()) == set(people.members.records())

    def test_what_somebody_lacks_follows_from_their_tips(self) -> None:
        people = self.family()
        held: list[Record] = list(people.members.records())
        partial = Members(people.notebook)
        assert people.members.without(()) == tuple(held)

        for count, record in enumerate(held, start=1):
            partial.add(record)
            assert people.members.without(partial.tips()) == tuple(held[count:])
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
        assert isinstance(laptop, Certificate)

        for forged in (
            replace(laptop, role=Role.READER),
            replace(laptop, agreement=bytes([1]) * 32),
            replace(laptop, name=b"else"),
            replace(laptop, signing=key_of("thief").public_key().public_bytes_raw()),
        ):
            assert forged.id != laptop.id
            assert forged.signed != laptop.signed
