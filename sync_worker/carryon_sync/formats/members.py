"""Who is in a notebook, and what they may do, follows from its records alone, at the relay as on every device.

1. The root is the key that hashes to the notebook's id; everything else is signed by something already held.
2. A record is taken when its writer could write it: judged by the record's own past, which is the same everywhere. What
   came beside it decides later whether it counts (`standing.py`): never the order in which records come.
3. Certificates are signed by the root, an owner or an invite, whose role and person they have; one that only renews a
   device's own, with the role it has, by that device. All else is an owner's, the root included.
4. All that a record names lies in its past: nothing is named that its `after` does not lead to.
5. An epoch follows all epochs in its past, and wraps its key to every device that stays and to the root.
6. Expiry is a matter of clocks: a relay says of a record that it takes whether its invite had expired (`late`); such a
   certificate waits for the word of somebody senior. Devices go by the records alone: who invited revokes what has expired.

It verifies no signature: `check` names the issuer's key, the caller verifies `Record.signatures`, then calls `add`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from carryon_sync.formats.change import Link
from carryon_sync.formats.records import (
    PASSED_OVER_FROM,
    ROOT,
    Certificate,
    Epoch,
    Frontier,
    Invite,
    Record,
    Revocation,
    Role,
    Root,
    UnknownSays,
    fingerprint_of,
    notebook_of,
)
from carryon_sync.formats.rejected import Rejected
from carryon_sync.formats.standing import Graph, View, put

RECORDS_MAX = 10_000
OTHERS_RECORDS_MAX = 5_000  # so that who is no owner cannot use up the place of the record that puts it out
STEPS_MAX = 128


@dataclass(frozen=True, slots=True)
class SignedBy:
    """The record is in order if this public key signed it, and all other signatures in it verify."""

    public: bytes


@dataclass(frozen=True, slots=True)
class Held:
    """The record is here already."""


@dataclass(frozen=True, slots=True)
class Missing:
    """The record names records that are not here yet."""

    ids: tuple[bytes, ...]


FOR_OWNERS = (
    f"the notebook has {OTHERS_RECORDS_MAX} members' records, and the places beyond are for those of its owners"
)


@dataclass(frozen=True, slots=True)
class Device:
    """A device that was ever certified: its newest certificate, by id too, and its role; None when it is out."""

    id: bytes
    certificate: Certificate
    role: Role | None


class Members:
    """The records held of one notebook, each after those it names."""

    def __init__(self, notebook: bytes) -> None:
        self.notebook = notebook
        self.root: Root | None = None
        self._graph = Graph()
        self._now = View(self._graph, 0)
        self._good_tips: tuple[bytes, ...] | None = ()
        self._tips: set[bytes] = set()
        self._invites_by_key: dict[bytes, bytes] = {}

    # Taking records.

    def check(self, record: Record) -> SignedBy | Held | Missing | Rejected:
        """Say whether a record may be added, and whose signature it must carry."""
        if record.notebook != self.notebook:
            return Rejected(f"the record is of notebook {record.notebook.hex()}, here is {self.notebook.hex()}")
        if record.id in self:
            return Held()
        if len(self) >= RECORDS_MAX:
            return Rejected(f"the notebook has {RECORDS_MAX} members' records, which is the limit")
        if isinstance(record.says, Root):
            return self._check_root(record, record.says)
        missing = tuple(id for id in record.named() if id not in self)
        if missing or self.root is None:
            return Missing(missing or record.after)
        past = self._graph.before(record.after)
        if any(not past >> self._graph.places[id] & 1 for id in record.named()):
            return Rejected("a member's record names another one that its past does not lead to")
        if isinstance(record.says, Certificate) and isinstance(self.says(record.issuer), Invite):
            return self._check_joining(record, record.says, past)
        return self._check_by_member(record, View(self._graph, past))

    def add(self, record: Record, *, late: bool = False) -> None:
        """Take in a record that `check` was content with and whose signature was verified.

        `late` says of a certificate by an invite that the invite had expired when it came.
        """
        verdict = self.check(record)
        assert isinstance(verdict, SignedBy), f"an unchecked record: {verdict}"
        put(self._graph, record, late=late)
        self._look_again()
        self._tips -= set(record.after)
        self._tips.add(record.id)
        match record.says:
            case Root():
                self.root = record.says
            case Invite():
                self._invites_by_key[record.says.signing] = record.id

    def in_time(self, id: bytes) -> None:
        """Take it from an owner itself that a late certificate is in order."""
        self._graph.late.discard(self._graph.places[id])
        self._look_again()

    def is_late(self, id: bytes) -> bool:
        """Say whether a record rests on a certificate that came when its invite had expired, and that nobody vouched for."""
        place = self._graph.places.get(id)
        return place is not None and place in self._graph.late and not self._now.is_admitted(place)

    def forget_wraps(self, invite: bytes) -> Record:
        """Drop the wrapped keys of an invite that is used up, and return what is left of it."""
        place = self._graph.places[invite]
        record = self._graph.records[place] = self._graph.records[place].forgotten()
        return record

    # The graph.

    def __len__(self) -> int:
        return len(self._graph.records)

    def __contains__(self, id: bytes) -> bool:
        return id in self._graph.places

    def get(self, id: bytes) -> Record | None:
        """Return the record with this id."""
        place = self._graph.places.get(id)
        return None if place is None else self._graph.records[place]

    def says(self, id: bytes) -> object:
        """Return what the record with this id says; None where there is none."""
        record = self.get(id)
        return None if record is None else record.says

    def records(self) -> tuple[Record, ...]:
        """Return all records, each after those it names."""
        return tuple(self._graph.records)

    def tips(self) -> tuple[bytes, ...]:
        """Return the ids of the records that no other record follows, ascending: what the other side is told is held."""
        return tuple(sorted(self._tips))

    def good_tips(self) -> tuple[bytes, ...]:
        """Return the tips of what is admitted, ascending: what a record or a change written now names as known.

        What does not count because of an ending is among it, since it may be an ending itself; what came late, or by an
        invite that was used up, is not: to name it would be to vouch for it.
        """
        if self._good_tips is not None:
            return self._good_tips
        graph = self._graph
        good = [place for place in range(len(graph.records)) if self._now.is_admitted(place)]
        before = 0
        for place in good:
            before |= graph.past[place]
        self._good_tips = tuple(sorted(graph.records[place].id for place in good if not before >> place & 1))
        return self._good_tips

    def without(self, known: Iterable[bytes]) -> tuple[Record, ...]:
        """Return what somebody lacks who holds `known` and all that they follow, each after those it names."""
        held = self._graph.before(id for id in known if id in self)
        return tuple(record for place, record in enumerate(self._graph.records) if not held >> place & 1)

    @property
    def needs_update(self) -> bool:
        """Say whether there is a record by an owner that counts and whose kind must be understood, and is not.

        One of anybody else is kept and passed on, and keeps nobody from writing.
        """
        return any(
            isinstance(record.says, UnknownSays)
            and record.says.kind < PASSED_OVER_FROM
            and self._now.counts(place)
            and self._is_by_owner(record)
            for place, record in enumerate(self._graph.records)
        )

    def _is_by_owner(self, record: Record) -> bool:
        """Whether its signer was an owner in the record's own past."""
        issuer = self.certificate(record.issuer)
        if issuer is None:
            return record.issuer == ROOT
        past = View(self._graph, self._graph.before(record.after))
        return past.standing(fingerprint_of(issuer.signing)).role == Role.OWNER

    # Devices.

    def certificate(self, id: bytes) -> Certificate | None:
        """Return the certificate with this id."""
        says = self.says(id)
        return says if isinstance(says, Certificate) else None

    def certificates(self) -> Iterator[tuple[bytes, Certificate]]:
        """Go through all certificates, by id."""
        return ((one.id, one.says) for one in self._graph.records if isinstance(one.says, Certificate))

    def certificate_of(self, author: bytes) -> Certificate | None:
        """Return a certificate of the device that an author belongs to, also when that device is out."""
        places = self._graph.devices.get(author[:8])
        return None if not places else self._graph.certificate(places[0])

    def devices(self) -> tuple[Device, ...]:
        """Return all devices ever certified, in the order of their first certificates, of those that are out the last one."""
        devices = []
        for fingerprint, places in self._graph.devices.items():
            standing = self._now.standing(fingerprint)
            id = standing.newest or self._graph.records[self._graph.ordered(places)[-1]].id
            devices.append(Device(id, self._graph.certificate(self._graph.places[id]), standing.role))
        return tuple(devices)

    def device(self, certificate: bytes) -> Device | None:
        """Return the device that has, or had, this certificate."""
        held = self.certificate(certificate)
        if held is None:
            return None
        standing = self._now.standing(fingerprint_of(held.signing))
        id = standing.newest or certificate
        return Device(id, self._graph.certificate(self._graph.places[id]), standing.role)

    def may_connect(self, certificate: bytes) -> bool:
        """Say whether the device with this certificate is in."""
        device = self.device(certificate)
        return device is not None and device.role is not None

    def may_write(self, certificate: bytes) -> bool:
        """Say whether the device with this certificate may write changes."""
        device = self.device(certificate)
        return device is not None and device.role is not None and device.role >= Role.EDITOR

    def is_owner(self, certificate: bytes) -> bool:
        """Say whether the device with this certificate is an owner."""
        device = self.device(certificate)
        return device is not None and device.role == Role.OWNER

    # Invites.

    def invite_with(self, signing: bytes) -> Record | None:
        """Return the record of the invite with this public signing key."""
        id = self._invites_by_key.get(signing)
        return None if id is None else self.get(id)

    def is_ended(self, invite: bytes) -> bool:
        """Say whether an invite was ended, by a revocation or with an epoch."""
        return self._now.is_ended(self._graph.places[invite])

    def uses_left(self, invite: bytes) -> int:
        """Return how many more devices an invite may certify: none when it was ended or its signer is out."""
        place, says = self._graph.places[invite], self.says(invite)
        assert isinstance(says, Invite), "only an invite is used"
        if not self._now.counts(place) or self._now.is_ended(place):
            return 0
        return max(0, says.uses - self._now.used(place))

    def unwitnessed(self, certificate: bytes) -> tuple[bytes, ...]:
        """Return whom the invites of the device with this certificate let in, in time, and no record of somebody senior names.

        Without such a record a relay that was wiped would not let them in any more once the invite has expired.
        """
        graph, device = self._graph, self.device(certificate)
        own = set() if device is None else set(graph.devices[fingerprint_of(device.certificate.signing)])
        joined = (
            place
            for invite, places in graph.by_invite.items()
            if graph.places.get(graph.records[invite].issuer) in own
            for place in places
            if self._now.counts(place) and place not in graph.late
        )
        return tuple(graph.records[place].id for place in joined if not self._now.is_known_to_senior(place))

    # Epochs.

    def epochs(self) -> tuple[bytes, ...]:
        """Return the ids of all epochs that count, in canonical order."""
        counting = [place for place in self._graph.epochs if self._now.counts(place)]
        return tuple(self._graph.records[place].id for place in self._graph.ordered(counting))

    def epoch(self, id: bytes) -> Epoch:
        """Return an epoch that is held."""
        says = self.says(id)
        assert isinstance(says, Epoch), "an epoch's id"
        return says

    def epoch_heads(self) -> tuple[bytes, ...]:
        """Return the epochs that no other epoch that counts follows, the one to write in last.

        That is the last in canonical order of those whose key no device has that is out, where there are such.
        """
        epochs = self.epochs()
        followed = {parent.epoch for id in epochs for parent in self.epoch(id).parents}
        heads = [id for id in epochs if id not in followed]
        return tuple(sorted(heads, key=self._is_sound))

    @property
    def needs_epoch(self) -> bool:
        """Say whether an owner is to write an epoch: there are several heads, or one that the wrong devices can open."""
        heads = self.epoch_heads()
        return len(heads) != 1 or not self._is_sound(heads[0]) or self._is_closed_to_somebody(heads[0])

    def _is_closed_to_somebody(self, epoch: bytes) -> bool:
        """Whether a device that is in has an epoch's key neither by a wrap nor by the invite with which it came."""
        graph, place = self._graph, self._graph.places[epoch]
        reached = self._reached(self.epoch(epoch))
        return any(
            not any(
                (invite := graph.invite_of(certificate)) is not None and graph.past[invite] >> place & 1
                for certificate in certificates
            )
            for device, certificates in graph.devices.items()
            if device not in reached and self._now.standing(device).role is not None
        )

    def _is_sound(self, epoch: bytes) -> bool:
        """Whether no device that is out can open an epoch."""
        recipients = (wrap.recipient for wrap in self.epoch(epoch).wraps if wrap.recipient != ROOT)
        return all(self.may_connect(id) for id in recipients)

    def _look_again(self) -> None:
        self._now, self._good_tips = View(self._graph, self._graph.whole), None

    # What may be written.

    def _check_root(self, record: Record, says: Root) -> SignedBy | Rejected:
        if record.issuer != ROOT or notebook_of(says.signing) != self.notebook:
            return Rejected("the root's key is not the one that this notebook is named after")
        if self.root is not None:
            return Rejected("the notebook has another record of its root already")
        return SignedBy(says.signing)

    def _check_joining(self, record: Record, says: Certificate, past: int) -> SignedBy | Rejected:
        invite, place = self.says(record.issuer), self._graph.places[record.issuer]
        assert isinstance(invite, Invite), "asked before"
        if len(self) >= OTHERS_RECORDS_MAX:
            return Rejected(FOR_OWNERS)
        view = View(self._graph, past)
        if not view.counts(place) or view.is_ended(place):
            return Rejected("the invite was withdrawn, or the device that made it was removed: ask for a new invite")
        if says.role != invite.role:
            return Rejected(f"the invite is for role {invite.role.name}, the certificate says {says.role.name}")
        if says.person != invite.person and any(invite.person):
            return Rejected("the invite is for a device of its own person, and the certificate names another")
        if says.supersedes != ROOT or says.frontiers or view.standing(fingerprint_of(says.signing)).role is not None:
            return Rejected("this device's key has a certificate already")
        if view.used(place) >= invite.uses:
            return Rejected(f"the invite was used {invite.uses} times, which is all it allows: ask for a new one")
        return self._in_steps(record, SignedBy(invite.signing))

    def _check_by_member(self, record: Record, view: View) -> SignedBy | Rejected:
        signer = self._signer(record, view)
        problem = self._problem(record, view) if isinstance(signer, SignedBy) else None
        return signer if problem is None else Rejected(problem)

    def _signer(self, record: Record, view: View) -> SignedBy | Rejected:
        if record.issuer == ROOT:
            assert self.root is not None, "checked before: a record needs its root"
            return SignedBy(self.root.signing)
        issuer = self.certificate(record.issuer)
        if issuer is None:
            return Rejected("the record is signed by what is no device of the notebook")
        standing = view.standing(fingerprint_of(issuer.signing))
        if record.issuer not in standing.certificates or standing.role is None:
            return Rejected("the record is signed by a device that was removed, or that waits for an owner's word")
        says = record.says
        renews = isinstance(says, Certificate) and says.supersedes == record.issuer and says.role <= standing.role
        if standing.role != Role.OWNER and not renews and not isinstance(says, UnknownSays):
            return Rejected("the record is not signed by an owner of the notebook")
        if standing.role != Role.OWNER and len(self) >= OTHERS_RECORDS_MAX:
            return Rejected(FOR_OWNERS)
        return self._in_steps(record, SignedBy(issuer.signing))

    def _in_steps(self, record: Record, signed: SignedBy) -> SignedBy | Rejected:
        if self._graph.depth[self._graph.places[record.issuer]] + 1 > STEPS_MAX:
            return Rejected(
                f"the record stands more than {STEPS_MAX} steps from the root: have an older device sign it"
            )
        return signed

    def _problem(self, record: Record, view: View) -> str | None:
        """Say why an owner could not write this."""
        match record.says:
            case Certificate() as says:
                return self._certificate_problem(says, record.issuer, view)
            case Epoch() as says:
                return self._epoch_problem(says, view)
            case Revocation(invite) if not isinstance(self.says(invite), Invite):
                return "a revocation names what is no invite"
            case Frontier(certificate, heads):
                held = self.certificate(certificate)
                fingerprint = None if held is None else fingerprint_of(held.signing)
                strange = any(head.author[:8] != fingerprint for head in heads)
                return "a frontier names authors that are not its device's" if held is None or strange else None
            case _:
                return None

    def _certificate_problem(self, says: Certificate, issuer: bytes, view: View) -> str | None:
        device = fingerprint_of(says.signing)
        standing = view.standing(device)
        if says.supersedes == ROOT:
            return "this device's key has a certificate already" if standing.role is not None else None
        former = self.certificate(says.supersedes)
        if former is None or (former.signing, former.agreement, former.person) != (
            says.signing,
            says.agreement,
            says.person,
        ):
            return "a certificate supersedes one of the same keys and person only"
        if says.supersedes == issuer and says.role > former.role:
            return "a device does not raise its own role"
        if says.frontiers and says.role >= former.role:
            return "a certificate has a frontier only where it lowers the role"
        return self._frontiers_problem(says.supersedes, says.frontiers)

    def _epoch_problem(self, says: Epoch, view: View) -> str | None:
        for one in says.out:
            if self.certificate(one.certificate) is None:
                return "an epoch names devices by their certificates, and one of these ids is another record's"
            problem = self._frontiers_problem(one.certificate, one.frontiers)
            if problem is not None:
                return problem
        if any(not isinstance(self.says(invite), Invite) for invite in says.invites):
            return "an epoch ends invites, and one of these ids is another record's"
        before = any(view.has(place) and view.counts(place) for place in self._graph.epochs)
        parents = {parent.epoch for parent in says.parents}
        if any(not isinstance(self.says(id), Epoch) for id in parents) or bool(parents) != before:
            return "the first epoch, and no other, comes without a parent's key"
        unwrapped = self._unwrapped(says, view)
        return f"an epoch's key is not wrapped to {unwrapped} who stay" if unwrapped else None

    def _unwrapped(self, says: Epoch, view: View) -> int:
        """Return to how many that stay an epoch's key is not wrapped, the root among them."""
        reached = self._reached(says)
        gone = {fingerprint_of(held.signing) for one in says.out if (held := self.certificate(one.certificate))}
        staying = {device for device in self._graph.devices if view.standing(device).role is not None} - gone
        return len(staying - reached) + all(wrap.recipient != ROOT for wrap in says.wraps)

    def _reached(self, says: Epoch) -> set[bytes]:
        """Return the devices, by fingerprint, that an epoch's key is wrapped to."""
        certificates = (self.certificate(wrap.recipient) for wrap in says.wraps)
        return {fingerprint_of(one.signing) for one in certificates if one is not None}

    def _frontiers_problem(self, certificate: bytes, frontiers: Iterable[bytes]) -> str | None:
        named = self.certificate(certificate)
        for id in frontiers:
            says = self.says(id)
            held = self.certificate(says.certificate) if isinstance(says, Frontier) else None
            if held is None or named is None or held.signing != named.signing:
                return "a removal names the frontier of another device"
        return None

    # Changes.

    def role_known(self, author: bytes, tips: Iterable[bytes]) -> Role | None:
        """Return the role that an author's device had in what these tips, all held, lead to; None when it was not in."""
        return View(self._graph, self._graph.before(tips)).standing(author[:8]).role

    def frontier(self, author: bytes, tips: Iterable[bytes]) -> Mapping[tuple[bytes, bytes], Link] | None:
        """Return what an author's device had written when it was put out, or its right to write ended, by tag and author.

        None where whoever knows these tips, all held, knows of every such ending: then all that it writes is in order.
        """
        known = self._graph.before(tips)
        endings = [
            one
            for one in self._now.endings(author[:8])
            if not known >> one.place & 1 and (one.role is None or one.role < Role.EDITOR)
        ]
        if not endings:
            return None
        heads: dict[tuple[bytes, bytes], Link] = {}
        for ending in endings:
            for id in self._frontiers_at(ending.place, author[:8]):
                says = self.says(id)
                assert isinstance(says, Frontier), "checked when the record came"
                for head in says.heads:
                    place, link = (head.tag, head.author), Link(head.author, head.n, head.id)
                    held = heads.get(place)
                    heads[place] = link if held is None or (held.n, held.id) < (link.n, link.id) else held
        return heads

    def frontier_heads(self) -> frozenset[bytes]:
        """Return the ids of all changes that frontiers name: an owner held them, and all that they build on."""
        graph = self._graph
        frontiers = (
            record.says
            for place, record in enumerate(graph.records)
            if isinstance(record.says, Frontier) and self._now.is_admitted(place)
        )
        return frozenset(head.id for says in frontiers for head in says.heads)

    def _frontiers_at(self, place: int, device: bytes) -> Iterable[bytes]:
        match self._graph.records[place].says:
            case Epoch(out, _, _, _):
                return [
                    id
                    for one in out
                    if self._graph.device_at(self._graph.places[one.certificate]) == device
                    for id in one.frontiers
                ]
            case Certificate(frontiers=frontiers):
                return frontiers
            case _:
                raise AssertionError("an ending is an epoch or a certificate")
