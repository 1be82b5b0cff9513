"""The change's layout: golden bytes, every encoding canonical, every broken one refused in words."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from carryon_sync.formats import change as layout
from carryon_sync.formats.change import (
    BODY_BYTES_MAX,
    CHANGE_BYTES_MAX,
    NO_COMMIT,
    UPDATES_MAX,
    Body,
    Change,
    Header,
    Kind,
    Link,
    Seen,
    change_id,
    commit_input,
    decode_body,
    decode_change,
    decode_header,
    packed,
    padded_length,
    signed_bytes,
    unpacked,
)
from carryon_sync.formats.extras import Attest, Checkpoint, Delete, decode_extra
from carryon_sync.formats.octets import labelled
from carryon_sync.formats.rejected import Rejected
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.strategies import bodies, changes, headers

VECTOR = json.loads((Path(__file__).parent.parent / "vectors" / "change-2.json").read_text())

HEADER = Header(bytes([1]) * 16, bytes([2]) * 16, bytes([3]) * 16, 7, bytes([4]) * 32)
BODY = Body(
    note=bytes([5]) * 16,
    time=1_700_000_000_123,
    apart=42,
    needs=(Link(bytes([6]) * 16, 9, bytes([7]) * 32),),
    seen=(Seen(bytes([8]) * 16, 1024, bytes([9]) * 32),),
    updates=(b"first update", b"", b"third"),
    tips=(bytes([15]) * 32, bytes([16]) * 32),
)
CHANGE = Change(HEADER, bytes([10]) * 32, bytes([11]) * 32, bytes([12]) * 12, bytes(range(64)), bytes([13]) * 64)
COVERS = (Link(bytes([17]) * 16, 3, bytes([18]) * 32), Link(bytes([19]) * 16, 4, bytes([20]) * 32))
EXTRAS = {
    Kind.CHECKPOINT: Checkpoint(COVERS, bytes([21]) * 32, (bytes([22]) * 32,)),
    Kind.DELETE: Delete(COVERS),
    Kind.ATTEST: Attest(bytes([23]) * 32, same=True),
}


class TestGolden:
    """The bytes of format 2 never change."""

    def test_header_body_and_change_have_the_golden_bytes(self) -> None:
        assert HEADER.encode().hex() == VECTOR["header"]
        assert BODY.encode().hex() == VECTOR["body"]
        assert CHANGE.encode().hex() == VECTOR["change"]

    def test_the_golden_bytes_read_back(self) -> None:
        assert decode_header(bytes.fromhex(VECTOR["header"])) == HEADER
        assert decode_body(bytes.fromhex(VECTOR["body"])) == BODY
        assert decode_change(bytes.fromhex(VECTOR["change"])) == CHANGE

    def test_id_and_what_is_signed_have_the_golden_bytes(self) -> None:
        assert CHANGE.id.hex() == VECTOR["id"]
        assert change_id(HEADER.encode(), CHANGE.commit) == CHANGE.id
        assert commit_input(HEADER.encode(), BODY.encode()).hex() == VECTOR["commit_input"]
        assert signed_bytes(CHANGE.id, CHANGE.epoch, CHANGE.nonce, CHANGE.ciphertext).hex() == VECTOR["signed"]

    def test_the_golden_plaintext_opens(self) -> None:
        assert unpacked(bytes.fromhex(VECTOR["packed"])) == BODY.encode()

    @pytest.mark.parametrize("kind", EXTRAS)
    def test_what_kinds_say_in_clear_has_the_golden_bytes(self, kind: Kind) -> None:
        golden = bytes.fromhex(VECTOR[kind.name.lower()])

        assert EXTRAS[kind].encode() == golden
        assert decode_extra(replace(HEADER, kind=kind, extra=golden)) == EXTRAS[kind]
        for broken in (golden[:-1], golden + b"\0"):
            assert isinstance(decode_extra(replace(HEADER, kind=kind, extra=broken)), Rejected)


class TestCanonical:
    """What decodes encodes to the same bytes, so one value has one encoding."""

    @given(headers())
    def test_headers_read_back(self, header: Header) -> None:
        assert decode_header(header.encode()) == header

    @given(bodies())
    def test_bodies_read_back(self, body: Body) -> None:
        assert decode_body(body.encode()) == body

    @given(changes())
    def test_changes_read_back(self, change: Change) -> None:
        assert decode_change(change.encode()) == change
        assert layout.id_in(change.encode()) == change.id

    @given(st.binary(max_size=400))
    def test_any_bytes_are_read_or_rejected(self, data: bytes) -> None:
        for decode in (decode_change, decode_header, decode_body):
            value = decode(data)
            assert isinstance(value, Rejected) or value.encode() == data

    @given(changes(), st.data())
    def test_every_flipped_bit_is_refused_or_seen(self, change: Change, data: st.DataObject) -> None:
        encoded = bytearray(change.encode())
        bit = data.draw(st.integers(0, len(encoded) * 8 - 1))
        encoded[bit // 8] ^= 1 << bit % 8

        read = decode_change(bytes(encoded))

        assert isinstance(read, Rejected) or (read != change and read.encode() == encoded)

    @given(changes(), st.data())
    def test_a_change_cut_within_its_header_is_refused(self, change: Change, data: st.DataObject) -> None:
        encoded = change.encode()
        whole = len(encoded) - len(change.ciphertext) + (17 if change.has_body else 0)
        cut = data.draw(st.integers(0, whole - 1))

        assert isinstance(decode_change(encoded[:cut]), Rejected)

    def test_needs_out_of_order_or_twice_are_refused(self) -> None:
        link, other = Link(bytes([6]) * 16, 9, bytes([7]) * 32), Link(bytes([5]) * 16, 9, bytes([7]) * 32)
        sorted_bytes = replace(BODY, needs=(other, link)).encode()
        at = 33 + 32 * len(BODY.tips)
        first, second = sorted_bytes[at : at + 56], sorted_bytes[at + 56 : at + 112]

        assert not isinstance(decode_body(sorted_bytes), Rejected)
        for swapped in (second + first, first + first):
            read = decode_body(sorted_bytes[:at] + swapped + sorted_bytes[at + 112 :])
            assert isinstance(read, Rejected)
            assert "ascending" in read.reason


class TestRefused:
    """Bad input is refused in words that name the thing and the number."""

    @pytest.mark.parametrize(
        ("position", "value", "words"),
        [
            (0, 3, "format 3 of a change"),
            (0, 1, "early trial release"),
            (109, 9, "format 9 of a header"),
            (110, 0, "kind 0"),
        ],
    )
    def test_unknown_formats_are_named(self, position: int, value: int, words: str) -> None:
        encoded = bytearray(CHANGE.encode())
        encoded[position] = value

        read = decode_change(bytes(encoded))

        assert isinstance(read, Rejected)
        assert words in read.reason

    @pytest.mark.parametrize("kind", [5, 127, 128, 255])
    def test_a_change_of_a_kind_of_a_later_release_is_read_by_what_all_kinds_have(self, kind: int) -> None:
        change = replace(CHANGE, header=replace(HEADER, kind=kind, extra=b"what it says"))

        read = decode_change(change.encode())

        assert read == change
        assert decode_extra(change.header) is None

    def test_a_body_is_there_or_nothing_of_it(self) -> None:
        attest = replace(HEADER, kind=Kind.ATTEST, extra=EXTRAS[Kind.ATTEST].encode())
        bare = Change(attest, NO_COMMIT, bytes(32), bytes(12), b"", bytes(64))

        assert decode_change(bare.encode()) == bare
        for broken in (
            replace(bare, commit=bytes([1]) * 32),
            replace(bare, epoch=bytes([1]) * 32),
            replace(bare, ciphertext=bytes(64)),
            replace(CHANGE, commit=NO_COMMIT),
            replace(CHANGE, ciphertext=bytes(16)),
        ):
            assert isinstance(decode_change(broken.encode()), Rejected)

    def test_a_running_hash_is_named_at_its_marks_only(self) -> None:
        read = decode_body(replace(BODY, seen=(Seen(bytes(16), 1000, bytes(32)),)).encode())

        assert isinstance(read, Rejected)
        assert "1000" in read.reason

    def test_a_body_with_more_updates_than_anybody_writes_is_refused_unread(self) -> None:
        """Empty ones deflate to next to nothing: eight million of them are a change of 30 KB."""
        body = Body(bytes(16), 0, 0, (), (), (b"",) * UPDATES_MAX, ())
        assert decode_body(body.encode()) == body

        refused = decode_body(replace(body, updates=(b"",) * (UPDATES_MAX + 1)).encode())

        assert isinstance(refused, Rejected)
        assert "4097 updates" in refused.reason

    def test_a_change_over_the_limit_is_refused_with_both_numbers(self) -> None:
        read = decode_change(bytes(CHANGE_BYTES_MAX + 1))

        assert isinstance(read, Rejected)
        assert str(CHANGE_BYTES_MAX) in read.reason

    def test_the_first_change_has_no_prev_and_others_have_one(self) -> None:
        encoded = bytearray(HEADER.encode())
        encoded[50:58] = (1).to_bytes(8, "big")
        assert isinstance(decode_header(bytes(encoded)), Rejected)

        encoded = bytearray(replace(HEADER, n=1, prev=layout.NO_PREV).encode())
        encoded[50:58] = (2).to_bytes(8, "big")
        assert isinstance(decode_header(bytes(encoded)), Rejected)

    def test_a_change_carries_no_extra(self) -> None:
        encoded = bytearray(replace(HEADER, kind=Kind.CHECKPOINT, extra=b"covers").encode())
        assert not isinstance(decode_header(bytes(encoded)), Rejected)
        encoded[1] = Kind.CHANGE

        assert isinstance(decode_header(bytes(encoded)), Rejected)


class TestPacked:
    """A body is compressed, padded and unpacked again; nothing else unpacks."""

    @given(bodies())
    def test_bodies_unpack_again(self, body: Body) -> None:
        plaintext = packed(body.encode())

        assert unpacked(plaintext) == body.encode()
        assert len(plaintext) == padded_length(len(plaintext))

    @given(st.integers(1, 1 << 26))
    def test_padding_adds_less_than_an_eighth_or_16_bytes(self, length: int) -> None:
        padded = padded_length(length)

        assert length <= padded <= max(length + 15, length * 1.12)
        assert padded_length(padded) == padded

    @given(st.binary(max_size=120))
    def test_any_plaintext_is_unpacked_or_rejected(self, data: bytes) -> None:
        assert isinstance(unpacked(data), Rejected | bytes)

    def test_a_bomb_is_refused_unpacked_no_further_than_the_limit(self) -> None:
        deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        bomb = deflater.compress(bytes(BODY_BYTES_MAX + 1)) + deflater.flush()

        opened = unpacked(bomb + bytes(padded_length(len(bomb)) - len(bomb)))

        assert isinstance(opened, Rejected)
        assert str(BODY_BYTES_MAX) in opened.reason

    def test_the_longest_body_still_unpacks(self) -> None:
        body = bytes(BODY_BYTES_MAX)

        assert unpacked(packed(body)) == body

    def test_padding_of_other_bytes_or_length_is_refused(self) -> None:
        plaintext = packed(b"body")

        assert isinstance(unpacked(plaintext[:-1] + b"\1"), Rejected)
        assert isinstance(unpacked(plaintext + bytes(16)), Rejected)
        assert isinstance(unpacked(plaintext[:-1]), Rejected)


class TestSigned:
    """What is signed or committed to has one reading."""

    @given(st.lists(st.binary(max_size=8), max_size=4), st.lists(st.binary(max_size=8), max_size=4))
    def test_no_two_lists_of_fields_share_a_layout(self, left: list[bytes], right: list[bytes]) -> None:
        assert (labelled("one", *left) == labelled("one", *right)) == (left == right)
        assert labelled("one", *left) != labelled("one-more", *right)

    def test_header_and_body_do_not_slide_into_each_other(self) -> None:
        assert commit_input(b"ab", b"c") != commit_input(b"a", b"bc")
