"""Members' records as a wild life makes them: devices that know different things invite, join, remove, lower and revoke."""

from __future__ import annotations

from random import Random

from carryon_sync.formats.members import Device as Member
from carryon_sync.formats.members import Members, SignedBy
from carryon_sync.formats.records import Invite, Record, Role

from tests.sync.people import Device, People, admit, held

STEPS = 25


class Wild:
    """Some devices of one notebook, each with the records that it knows."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.people = People(f"wild {seed % 7}")
        anna = self.people.device("anna")
        self.people.admit(self.people.epoch())
        self.known = {"anna": held(self.people.notebook, self.people.members.records())}
        self.devices = {"anna": anna}
        self.invites: list[tuple[str, Record]] = []
        self.records = {record.id: record for record in self.people.members.records()}

    def step(self) -> None:
        """Let some device do something."""
        name = self.random.choice(sorted(self.devices))
        self.people.members = self.known[name]
        deeds = (self.meet, self.meet, self.invite, self.join, self.remove, self.change_role, self.renew, self.revoke)
        record = self.random.choice(deeds)(name, self.devices[name], self.known[name])
        if record is not None and isinstance(self.known[name].check(record), SignedBy):
            admit(self.known[name], record)
            self.records[record.id] = record

    def meet(self, name: str, device: Device, known: Members) -> None:
        """Learn what another device knows."""
        for record in self.known[self.random.choice(sorted(self.devices))].records():
            if isinstance(known.check(record), SignedBy):
                admit(known, record)

    def invite(self, name: str, device: Device, known: Members) -> Record:
        invite = f"invite {len(self.invites)}"
        role = self.random.choice((Role.OWNER, Role.OWNER, Role.EDITOR, Role.READER))
        record = self.people.invite(device, invite, uses=self.random.choice((1, 1, 2)), role=role)
        self.invites.append((invite, record))
        return record

    def join(self, name: str, device: Device, known: Members) -> Record | None:
        """Somebody new joins by an invite that this device knows."""
        held_invites = [one for one in self.invites if one[1].id in known]
        if not held_invites:
            return None
        invite_name, invite = self.random.choice(held_invites)
        assert isinstance(invite.says, Invite)
        joining = f"device {len(self.records)}"
        record = self.people.joined(joining, invite, invite_name, role=invite.says.role)
        if isinstance(known.check(record), SignedBy):
            self.devices[joining] = self.people.as_device(joining, record)
            self.known[joining] = held(self.people.notebook, [*known.records(), record])
        return record

    def remove(self, name: str, device: Device, known: Members) -> Record:
        out = [record for one in self.others(name, known) if (record := known.get(one.id)) is not None]
        chosen = [self.random.choice(out)] if out and self.random.random() < 0.7 else []
        ended = [invite.id for _, invite in self.invites if invite.id in known][:1]
        return self.people.epoch(*chosen, by=device, members=known, invites=tuple(ended))

    def change_role(self, name: str, device: Device, known: Members) -> Record | None:
        others = self.others(name, known)
        if not others:
            return None
        other, role = self.random.choice(others), self.random.choice(tuple(Role))
        return self.people.certificate(other.certificate.name.decode(), role, by=device, supersedes=other.id)

    def renew(self, name: str, device: Device, known: Members) -> Record | None:
        own = known.device(device.certificate.id)
        if own is None or own.role is None:
            return None
        return self.people.certificate(name, own.role, by=device, supersedes=device.certificate.id)

    def revoke(self, name: str, device: Device, known: Members) -> Record | None:
        held_invites = [invite for _, invite in self.invites if invite.id in known]
        return self.people.revocation(self.random.choice(held_invites), by=device) if held_invites else None

    def others(self, name: str, known: Members) -> list[Member]:
        public = self.people.public(name)
        return [one for one in known.devices() if one.role is not None and one.certificate.signing != public]


def wild(seed: int) -> tuple[bytes, list[Record]]:
    """Return a notebook and all records that were written in it."""
    life = Wild(seed)
    for _ in range(STEPS):
        life.step()
    return life.people.notebook, list(life.records.values())


def summary(members: Members) -> tuple[object, ...]:
    """Return all that follows from records."""
    uses = {record.id: members.uses_left(record.id) for record in members.records() if isinstance(record.says, Invite)}
    return (
        {device.id: device.role for device in members.devices()},
        members.epochs(),
        members.epoch_heads(),
        members.needs_epoch,
        members.tips(),
        members.good_tips(),
        uses,
    )
