"""Many items go into frames that are each within the limits: in order, as few frames as that allows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from carryon_sync.protocol.frames import ITEMS_MAX

BATCH_BYTES_MAX = 256 << 10


def batched(items: Iterable[bytes], bytes_max: int = BATCH_BYTES_MAX) -> Iterator[tuple[bytes, ...]]:
    """Cut items into batches of at most `bytes_max` bytes and `ITEMS_MAX` items; one larger item is a batch alone."""
    batch: list[bytes] = []
    size = 0
    for item in items:
        if batch and (size + len(item) > bytes_max or len(batch) == ITEMS_MAX):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(item)
        size += len(item)
    if batch:
        yield tuple(batch)
