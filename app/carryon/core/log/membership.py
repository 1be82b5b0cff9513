"""Take members' records in: each is checked against those held, its signature verified, and only then believed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from carryon_sync.formats.members import Held, Members, Missing, SignedBy
from carryon_sync.formats.records import Certificate, Invite, Record, decode_record
from carryon_sync.formats.rejected import Rejected

from carryon.crypto.primitives import Primitives, Signed


@dataclass(frozen=True, slots=True)
class Admitted:
    """The records that are new and in order, as sent, which of them came late, and the words of why others were refused."""

    records: tuple[bytes, ...]
    late: frozenset[bytes]
    refused: tuple[str, ...]


async def admit(
    members: Members, primitives: Primitives, records: Sequence[bytes], is_late: Callable[[Record], bool]
) -> Admitted:
    """Add to `members` what is in order, whatever the order given: a store may hold a record before one that it names.

    `is_late` tells of a record whether its invite had expired when it came.
    """
    admitted: list[bytes] = []
    late: set[bytes] = set()
    refused: list[str] = []
    left, missing = list(records), 0
    while left and len(left) != missing:
        missing, given, left = len(left), left, []
        for data in given:
            record = decode_record(data)
            verdict = record if isinstance(record, Rejected) else members.check(record)
            match verdict:
                case Held():
                    continue
                case Missing():
                    left.append(data)
                case Rejected(reason):
                    refused.append(reason)
                case SignedBy(public):
                    assert not isinstance(record, Rejected), "what was refused has no signer"
                    [verified] = await primitives.verify([Signed(public, record.signed, record.signature)])
                    if not verified:
                        refused.append(f"member's record {record.id.hex()[:8]} is not signed by who it says")
                        continue
                    members.add(record, late=is_late(record))
                    admitted.append(data)
                    if is_late(record):
                        late.add(record.id)
    refused += ["a member's record names records that are not here"] * len(left)
    return Admitted(tuple(admitted), frozenset(late), tuple(refused))


def expired_at(members: Members, now: int) -> Callable[[Record], bool]:
    """Tell whether a record that comes now is a certificate by an invite that has expired; `now` in ms since 1970."""

    def has_expired(record: Record) -> bool:
        says = members.says(record.issuer)
        return isinstance(record.says, Certificate) and isinstance(says, Invite) and now >= says.expires

    return has_expired
