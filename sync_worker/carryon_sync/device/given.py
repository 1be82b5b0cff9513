"""Which members' records the relay of one connection has, so that each is given to it once."""

from __future__ import annotations

from collections.abc import Iterable

from carryon_sync.formats.members import Members
from carryon_sync.formats.records import Record, decode_record
from carryon_sync.formats.rejected import Rejected
from carryon_sync.protocol.batches import batched
from carryon_sync.protocol.frames import MembersRecords


class Given:
    """What one relay has of these members' records."""

    def __init__(self, members: Members) -> None:
        self._members = members
        self._ids: set[bytes] = set()

    def beyond(self, tips: Iterable[bytes]) -> tuple[MembersRecords, ...]:
        """Return what a relay lacks that has the records up to these tips."""
        self._ids = {record.id for record in self._members.records()}
        return self._given(self._members.without(tips))

    def more(self) -> tuple[MembersRecords, ...]:
        """Return what was added since."""
        return self._given(record for record in self._members.records() if record.id not in self._ids)

    def received(self, records: Iterable[bytes]) -> None:
        """Note records that the relay gave."""
        read = (decode_record(record) for record in records)
        self._ids.update(record.id for record in read if not isinstance(record, Rejected))

    def _given(self, records: Iterable[Record]) -> tuple[MembersRecords, ...]:
        giving = list(records)
        self._ids.update(record.id for record in giving)
        return tuple(MembersRecords(batch) for batch in batched(record.encode() for record in giving))
