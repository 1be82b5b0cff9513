"""What a graph of members' records says: which records count, who is in with which role, which epochs there are.

A `View` looks at part of a graph: at all of it for what holds now, at a record's own past for what its writer could know.
Nothing here depends on the order in which records came.

1. A certificate is *admitted* when a chain of admitted signers leads from it to the root, and, by an invite, when it is one
   of the invite's first `uses`, when nobody senior ended the invite beside it or before, and when it did not come late
   without the word of somebody senior. First are those that somebody senior knew when signing a record, then the others,
   each in canonical order (topological over `after`, ties by id): who has the link of an invite that is used up can write
   a certificate whose id comes earlier, and puts nobody out with it. Senior is an owner's certificate, or the root, that
   stands in fewer steps from the root: so admission is decided from the root outwards, and never in a circle.
2. An *ending* of a device is an epoch that puts it out, or a certificate that lowers its role, signed by who is admitted
   and was an owner in the record's own past. It holds whatever happens beside it.
3. An ending is strong: what the device signed beside it or after it, under a certificate from before it, is void, and so
   is what builds on that. So two owners who remove each other are both out, and the root repairs it.
4. A record *counts* when its signer's certificate is admitted and counts, and it is not void.
5. A device is in while it has a certificate that counts and was written in the knowledge of every epoch that puts the
   device out. Of certificates beside each other the lowest role holds, and none raises what an ending beside it lowered.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from carryon_sync.formats.records import ROOT, Certificate, Epoch, Invite, Record, Revocation, Role, fingerprint_of


@dataclass(frozen=True, slots=True)
class Ending:
    """A record that puts a device out (`role` is None) or lowers its role."""

    place: int
    role: Role | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A device as a view sees it: its certificates that hold, which of them is its newest, its role; None when it is out."""

    certificates: tuple[bytes, ...]
    newest: bytes | None
    role: Role | None


@dataclass(slots=True)
class Graph:
    """Records by their place, each after those it names; `past` has a bit for the place of each record before one."""

    records: list[Record] = field(default_factory=list)
    past: list[int] = field(default_factory=list)
    depth: list[int] = field(default_factory=list)
    places: dict[bytes, int] = field(default_factory=dict)
    late: set[int] = field(default_factory=set)
    devices: dict[bytes, list[int]] = field(default_factory=dict)
    endings: dict[bytes, list[Ending]] = field(default_factory=dict)
    by_invite: dict[int, list[int]] = field(default_factory=dict)
    invite_ends: dict[int, list[int]] = field(default_factory=dict)
    epochs: list[int] = field(default_factory=list)

    @property
    def whole(self) -> int:
        """Return the mask of all records."""
        return (1 << len(self.records)) - 1

    def before(self, ids: Iterable[bytes]) -> int:
        """Return the mask of these records and all before them."""
        mask = 0
        for id in ids:
            place = self.places[id]
            mask |= self.past[place] | 1 << place
        return mask

    def certificate(self, place: int) -> Certificate:
        """Return the certificate at a place."""
        says = self.records[place].says
        assert isinstance(says, Certificate), "a device is named by its certificate"
        return says

    def device_at(self, place: int) -> bytes:
        """Return the fingerprint of the device that a certificate certifies."""
        return fingerprint_of(self.certificate(place).signing)

    def invite_of(self, place: int) -> int | None:
        """Return the place of the invite by which a certificate was signed; None where it was not by one."""
        issuer = self.places.get(self.records[place].issuer)
        return issuer if issuer is not None and isinstance(self.records[issuer].says, Invite) else None

    def ordered(self, places: Sequence[int]) -> list[int]:
        """Put places into canonical order."""
        if len(places) < 2:
            return list(places)
        position = {place: at for at, place in enumerate(self._canonical())}
        return sorted(places, key=position.__getitem__)

    def _canonical(self) -> Iterator[int]:
        followers: dict[int, list[int]] = {}
        waits = []
        for place, record in enumerate(self.records):
            waits.append(len(record.after))
            for id in record.after:
                followers.setdefault(self.places[id], []).append(place)
        ready = [(record.id, place) for place, record in enumerate(self.records) if not record.after]
        while ready:
            _, place = heapq.heappop(ready)
            yield place
            for follower in followers.get(place, ()):
                waits[follower] -= 1
                if not waits[follower]:
                    heapq.heappush(ready, (self.records[follower].id, follower))


class View:
    """The records of a graph whose bits are in `mask`, which has with each record all before it."""

    def __init__(self, graph: Graph, mask: int) -> None:
        self._graph = graph
        self._mask = mask
        self._admitted: dict[int, bool] = {}
        self._counting: dict[int, bool] = {}
        self._standings: dict[bytes, Standing] = {}
        self._let_in: dict[int, frozenset[int]] = {}
        self._known: dict[int, int] = {}

    def has(self, place: int) -> bool:
        """Say whether the view shows a record."""
        return bool(self._mask >> place & 1)

    def counts(self, place: int) -> bool:
        """Say whether a record that the view shows counts."""
        known = self._counting.get(place)
        if known is None:
            known = self._counting[place] = self._judged(place)
        return known

    def standing(self, device: bytes) -> Standing:
        """Say how the device with this fingerprint stands."""
        known = self._standings.get(device)
        if known is None:
            known = self._standings[device] = self._stands(device)
        return known

    def endings(self, device: bytes) -> list[Ending]:
        """Return the endings of a device that hold."""
        endings = self._graph.endings.get(device, ())
        return [one for one in endings if self.has(one.place) and self._is_by_admitted(one.place)]

    def used(self, invite: int) -> int:
        """Return how many certificates by an invite are admitted."""
        return len(self._let_in_by(invite))

    def is_ended(self, invite: int) -> bool:
        """Say whether an invite was ended, by a revocation or with an epoch."""
        ends = self._graph.invite_ends.get(invite, ())
        return any(self.has(end) and self._is_by_admitted(end) for end in ends)

    def _is_by_senior(self, place: int, depth: int) -> bool:
        """Whether a record's signer is the root, or an owner that is admitted and in fewer steps from it than `depth`."""
        graph, issuer = self._graph, self._graph.records[place].issuer
        if issuer == ROOT:
            return True
        signer = graph.places[issuer]
        says = graph.records[signer].says
        is_owner = isinstance(says, Certificate) and says.role == Role.OWNER
        return is_owner and graph.depth[signer] < depth and self.is_admitted(signer)

    def _is_by_admitted(self, place: int) -> bool:
        issuer = self._graph.records[place].issuer
        return issuer == ROOT or self.is_admitted(self._graph.places[issuer])

    def is_admitted(self, place: int) -> bool:
        """Say whether the signers from a record to the root are admitted (rule 1), whatever was ended since."""
        known = self._admitted.get(place)
        if known is None:
            known = self._admitted[place] = self._admits(place)
        return known

    def _admits(self, place: int) -> bool:
        invite = self._graph.invite_of(place)
        if invite is None:
            return self._is_by_admitted(place)
        return place in self._let_in_by(invite)

    def _let_in_by(self, invite: int) -> frozenset[int]:
        known = self._let_in.get(invite)
        if known is None:
            graph, says = self._graph, self._graph.records[invite].says
            assert isinstance(says, Invite), "the graph knows invites by their kind"
            ends = [one for one in graph.invite_ends.get(invite, ()) if self.has(one)]
            joined = graph.by_invite.get(invite, ()) if self._is_by_admitted(invite) else ()
            rivals = [one for one in joined if self.has(one) and self._may_use(one, ends)]
            if len(rivals) > says.uses:
                rivals = sorted(graph.ordered(rivals), key=lambda one: not self.is_known_to_senior(one))
            known = self._let_in[invite] = frozenset(rivals[: says.uses])
        return known

    def _may_use(self, place: int, ends: Sequence[int]) -> bool:
        graph, depth = self._graph, self._graph.depth[place]
        ended = any(not graph.past[one] >> place & 1 and self._is_by_senior(one, depth) for one in ends)
        return not ended and self._is_in_time(place)

    def _is_in_time(self, place: int) -> bool:
        return place not in self._graph.late or self.is_known_to_senior(place)

    def is_known_to_senior(self, place: int) -> bool:
        """Say whether somebody senior signed a record in the knowledge of a certificate."""
        return bool(self._known_above(self._graph.depth[place]) >> place & 1)

    def _known_above(self, depth: int) -> int:
        """The mask of what is in the past of a record by somebody senior to whoever stands so many steps from the root."""
        known = self._known.get(depth)
        if known is None:
            graph, known = self._graph, 0
            for place, past in enumerate(graph.past):
                if self.has(place) and self._is_by_senior(place, depth):
                    known |= past
            self._known[depth] = known
        return known

    def _judged(self, place: int) -> bool:
        graph, record = self._graph, self._graph.records[place]
        if record.issuer == ROOT:
            return True
        issuer, invite = graph.places[record.issuer], graph.invite_of(place)
        if invite is None:
            return self.counts(issuer) and not self._is_void(place, issuer)
        ends = graph.invite_ends.get(invite, ())
        ended = any(self.has(one) and not graph.past[one] >> place & 1 and self._is_by_admitted(one) for one in ends)
        return self.is_admitted(place) and self.counts(invite) and not ended

    def _is_void(self, place: int, issuer: int) -> bool:
        """Say whether the device that signed was ended beside the record, or before it."""
        graph, record = self._graph, self._graph.records[place]
        renews = isinstance(record.says, Certificate) and record.says.supersedes == record.issuer
        return any(
            one.place != place
            and not (renews and one.role is not None)
            and not graph.past[issuer] >> one.place & 1
            and not graph.past[one.place] >> place & 1
            for one in self.endings(graph.device_at(issuer))
        )

    def _stands(self, device: bytes) -> Standing:
        graph, endings = self._graph, self.endings(device)
        removals = [one.place for one in endings if one.role is None]
        held = [
            place
            for place in graph.devices.get(device, ())
            if self.has(place) and self.counts(place) and all(graph.past[place] >> end & 1 for end in removals)
        ]
        superseded = {graph.certificate(place).supersedes for place in held}
        leaves = [place for place in graph.ordered(held) if graph.records[place].id not in superseded]
        roles = [graph.certificate(place).role for place in leaves]
        roles += [
            one.role
            for one in endings
            if one.role is not None
            and any(leaf != one.place and not graph.past[leaf] >> one.place & 1 for leaf in leaves)
        ]
        ids = tuple(graph.records[place].id for place in held)
        return Standing(ids, graph.records[leaves[-1]].id if leaves else None, min(roles) if leaves else None)


def put(graph: Graph, record: Record, *, late: bool) -> None:
    """Put a record whose named records are held into a graph."""
    place = graph.places[record.id] = len(graph.records)
    graph.records.append(record)
    graph.past.append(graph.before(record.after))
    issuer = graph.places.get(record.issuer)
    graph.depth.append(0 if issuer is None else graph.depth[issuer] + 1)
    if late:
        graph.late.add(place)
    match record.says:
        case Certificate() as says:
            device = fingerprint_of(says.signing)
            graph.devices.setdefault(device, []).append(place)
            superseded = graph.places.get(says.supersedes)
            if superseded is not None and says.role < graph.certificate(superseded).role:
                graph.endings.setdefault(device, []).append(Ending(place, says.role))
            invite = graph.invite_of(place)
            if invite is not None:
                graph.by_invite.setdefault(invite, []).append(place)
        case Epoch(out, invites, _, _):
            graph.epochs.append(place)
            for one in out:
                device = graph.device_at(graph.places[one.certificate])
                graph.endings.setdefault(device, []).append(Ending(place, None))
            for ended in invites:
                graph.invite_ends.setdefault(graph.places[ended], []).append(place)
        case Revocation(revoked):
            graph.invite_ends.setdefault(graph.places[revoked], []).append(place)
        case _:
            return
