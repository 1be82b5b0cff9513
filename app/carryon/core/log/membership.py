"""Take members' records in: each is checked against those held, its signature verified, and only then believed."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from carryon_sync.formats.members import Held, Members, Missing, SignedBy
from carryon_sync.formats.records import Record, decode_record
from carryon_sync.formats.rejected import Rejected

from carryon.crypto.primitives import Primitives, Signed


@dataclass(frozen=True, slots=True)
class Admitted:
    """The records that are new and in order, as sent, and the words of why others were refused."""

    records: tuple[bytes, ...]
    refused: tuple[str, ...]


async def admit(members: Members, primitives: Primitives, records: Sequence[bytes]) -> Admitted:
    """Add to `members` what is in order, whatever the order given: a store may hold a record before one that it names.

    Each record is judged once, and once more for each record that it had to wait for.
    """
    admitted: list[bytes] = []
    refused: list[str] = []
    ready: deque[tuple[bytes, Record]] = deque()
    waiting: dict[bytes, list[tuple[bytes, Record]]] = {}
    for data in records:
        record = decode_record(data)
        if isinstance(record, Rejected):
            refused.append(record.reason)
        else:
            ready.append((data, record))
    while ready:
        data, record = ready.popleft()
        match members.check(record):
            case Held():
                continue
            case Missing(ids):
                waiting.setdefault(ids[0], []).append((data, record))
            case Rejected(reason):
                refused.append(reason)
            case SignedBy(public):
                signatures = [Signed(key, message, signature) for key, signature, message in record.signatures(public)]
                if not all(await primitives.verify(signatures)):
                    refused.append(f"member's record {record.id.hex()[:8]} is not signed by who it says")
                    continue
                members.add(record)
                admitted.append(data)
                ready.extend(waiting.pop(record.id, ()))
    refused += ["a member's record names records that are not here"] * sum(map(len, waiting.values()))
    return Admitted(tuple(admitted), tuple(refused))
