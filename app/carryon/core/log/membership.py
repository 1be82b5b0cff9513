"""Take members' records in: each is checked against those held, its signature verified, and only then believed."""

from collections.abc import Sequence
from dataclasses import dataclass

from carryon_sync.formats.members import Held, Members, Missing, SignedBy
from carryon_sync.formats.records import decode_record
from carryon_sync.formats.rejected import Rejected

from carryon.crypto.primitives import Primitives, Signed


@dataclass(frozen=True, slots=True)
class Admitted:
    """The records that are new and in order, as sent, and the words of why others were refused."""

    records: tuple[bytes, ...]
    refused: tuple[str, ...]


async def admit(members: Members, primitives: Primitives, records: Sequence[bytes]) -> Admitted:
    """Add to `members` what is in order, whatever the order given: a store may hold a record before one that it names."""
    admitted: list[bytes] = []
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
                    if verified:
                        members.add(record)
                        admitted.append(data)
                    else:
                        refused.append(f"member's record {record.id.hex()[:8]} is not signed by who it says")
    refused += ["a member's record names records that are not here"] * len(left)
    return Admitted(tuple(admitted), tuple(refused))
