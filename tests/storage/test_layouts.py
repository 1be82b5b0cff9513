"""The records of a notebook's database: golden bytes, and decoders that no bytes upset."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from carryon.storage import layouts
from carryon.storage.layouts import JournalRow, NoteState
from carryon.storage.log import Fold, Log
from carryon.storage.memory_store import MemoryDisk, MemoryStore
from carryon_sync.formats.change import Link, Seen
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.samples import HmacAtRest, change

LINK = Link(b"a" * 16, 258, b"i" * 32)
LINK_BYTES = b"a" * 16 + bytes.fromhex("0000000000000102") + b"i" * 32
ROW = JournalRow(b"a" * 16, "note", (LINK,), 1_700_000_000_000, 7, b"update")

GOLDEN: list[tuple[bytes, bytes]] = [
    (layouts.plain(b"payload"), bytes.fromhex("01422c6a15") + b"payload"),
    (layouts.unplain(layouts.head_value(LINK)) or b"", LINK_BYTES[16:]),
    (layouts.unplain(layouts.number_value(258)) or b"", bytes.fromhex("0000000000000102")),
    (layouts.unplain(layouts.numbers_value(1, 258)) or b"", bytes.fromhex("00000000000000010000000000000102")),
    (
        layouts.unplain(layouts.seen_value(Seen(b"l" * 16, 258, b"r" * 32))) or b"",
        b"l" * 16 + bytes.fromhex("0000000000000102") + b"r" * 32,
    ),
    (layouts.unplain(layouts.texts_value(["é", "b"])) or b"", bytes.fromhex("00020002c3a9000162")),
    (layouts.unplain(layouts.mark_value(b"m" * 16, closed=True)) or b"", b"m" * 16 + b"\1"),
    (layouts.unplain(layouts.quarantine_value("why", b"data")) or b"", b"\0\3why" + b"data"),
    (
        layouts.journal_payload(ROW),
        b"\0\4note" + bytes.fromhex("0000018bcfe56800000000070001") + LINK_BYTES + b"update",
    ),
    (
        layouts.state_payload(NoteState("note", 258, {LINK.author: LINK}, b"state", {7: b"deviceid"})),
        b"\2" + bytes.fromhex("00000000000001020001") + LINK_BYTES + b"\0\0\0\1\0\0\0\7deviceidstate",
    ),
    (layouts.front_payload(258, 3, b"rows"), bytes.fromhex("000000000000010200000003") + b"rows"),
]

DECODERS: list[Callable[[bytes], object]] = [
    layouts.unplain,
    layouts.unsealed,
    layouts.change_in,
    lambda data: layouts.head_in(data, b"a" * 16),
    layouts.number_in,
    layouts.numbers_in,
    layouts.seen_in,
    layouts.texts_in,
    layouts.is_closed,
    layouts.quarantine_in,
    lambda data: layouts.journal_in(data, b"a" * 16),
    lambda data: layouts.state_in(data, "note"),
    layouts.front_in,
]


@pytest.mark.parametrize(("written", "golden"), GOLDEN)
def test_records_are_laid_out_as_the_header_says(written: bytes, golden: bytes) -> None:
    """A record written today is read by every later release: its bytes do not change."""
    assert written == golden


def test_what_was_written_is_read() -> None:
    """Each record reads as what it was written from."""
    seen = Seen(b"l" * 16, 258, b"r" * 32)
    state = NoteState("note", 258, {LINK.author: LINK}, b"state", {7: b"deviceid", 2**32 - 1: b"8 octets"})

    assert layouts.journal_in(layouts.journal_payload(ROW), ROW.author) == ROW
    early = replace(ROW, time=-1)
    assert layouts.journal_in(layouts.journal_payload(early), early.author) == early
    assert layouts.state_in(layouts.state_payload(state), "note") == state
    assert layouts.seen_in(layouts.seen_value(seen)) == seen
    assert layouts.numbers_in(layouts.numbers_value(3, 9)) == (3, 9)
    assert layouts.texts_in(layouts.texts_value(["é", ""])) == ("é", "")
    assert layouts.quarantine_in(layouts.quarantine_value("why", b"data")) == ("why", b"data")


@given(st.sampled_from(DECODERS), st.binary(max_size=80), st.booleans())
def test_no_bytes_upset_a_decoder(decode: Callable[[bytes], object], data: bytes, framed: bool) -> None:
    """Whatever lies in a record, its decoder gives a value or says that it is damaged, and raises nothing."""
    decode(layouts.plain(data) if framed else data)


@given(st.integers(0, 8 * len(layouts.head_value(LINK)) - 1))
def test_e7_every_bit_of_a_plain_record_counts(bit: int) -> None:
    """E7: any one bit flipped, and the record is damaged."""
    value = bytearray(layouts.head_value(LINK))
    value[bit // 8] ^= 1 << bit % 8

    assert layouts.head_in(bytes(value), LINK.author) is None


def test_a_change_lies_in_the_log_as_it_was_sent() -> None:
    """The log's record of a change is its framed encoding under (tag, author, n, id)."""
    disk = MemoryDisk(layouts.STORES)
    one = change("n", b"a" * 16, 1)

    async def fold() -> None:
        await (await Log.make(MemoryStore(disk), HmacAtRest())).fold([Fold(one, None)])

    asyncio.run(fold())

    (entry,) = asyncio.run(MemoryStore(disk).read("log"))
    assert (entry.key, entry.unique) == (1, (one.header.tag, one.header.author, 1, one.id))
    assert entry.value[5:] == one.encode()
