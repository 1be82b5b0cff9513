"""What a room holds between two commits, and how much of it goes into the next one."""

from __future__ import annotations

from carryon_sync.protocol.frames import ITEMS_MAX
from carryon_sync.relay.ledger import Batch, Entry

BATCH_BYTES_MAX = 4 << 20


class Pending:
    """What came since the last commit; each entry beside the connection that brought it."""

    def __init__(self) -> None:
        self.records: list[tuple[int, bytes, bytes]] = []
        self.forgotten: list[tuple[bytes, bytes]] = []
        self.changes: list[tuple[int, Entry]] = []
        self.receipts: dict[bytes, bytes] = {}
        self.size = 0

    def __bool__(self) -> bool:
        return bool(self.records or self.changes or self.receipts)

    def push(self, connection: int, entry: Entry) -> None:
        """Add a change."""
        self.changes.append((connection, entry))
        self.size += len(entry.data)

    def cut(self) -> Pending:
        """Take out what one commit holds: all records and receipts, and changes up to its limits."""
        cut = Pending()
        cut.records, self.records = self.records, []
        cut.forgotten, self.forgotten = self.forgotten, []
        cut.receipts, self.receipts = self.receipts, {}
        taken = 0
        for _, entry in self.changes[:ITEMS_MAX]:
            if taken and cut.size + len(entry.data) > BATCH_BYTES_MAX:
                break
            cut.size += len(entry.data)
            taken += 1
        cut.changes, self.changes = self.changes[:taken], self.changes[taken:]
        self.size -= cut.size
        return cut

    def batch(self, log: bytes) -> Batch:
        """Return what the ledger keeps of it."""
        return Batch(
            log=log,
            records=tuple((id, data) for _, id, data in self.records),
            forgotten=tuple(self.forgotten),
            changes=tuple(entry for _, entry in self.changes),
            receipts=tuple(self.receipts.items()),
        )
