"""Members' records: golden bytes, one encoding each, broken ones refused in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from carryon_sync.formats.records import (
    RECORD_BYTES_MAX,
    Certificate,
    Epoch,
    Invite,
    Record,
    Role,
    Root,
    Wrap,
    decode_record,
    fingerprint_of,
    notebook_of,
    wraps_hash,
)
from carryon_sync.formats.rejected import Rejected
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.strategies import octets

VECTOR = json.loads((Path(__file__).parent.parent / "vectors" / "record-1.json").read_text())

NOTEBOOK, AFTER, SIGNATURE = bytes([1]) * 16, (bytes([2]) * 32, bytes([3]) * 32), bytes([4]) * 64
WRAPS = (Wrap(bytes(32), bytes([5]) * 32, b"sealed to root"), Wrap(bytes([6]) * 32, bytes([7]) * 32, b"sealed"))
KEYS = (bytes([8]) * 32, bytes([9]) * 32)
ISSUER = bytes([2]) * 32
GOLDEN: dict[str, Record] = {
    "root": Root(NOTEBOOK, *KEYS, SIGNATURE),
    "certificate": Certificate(NOTEBOOK, AFTER, *KEYS, Role.OWNER, b"sealed name", ISSUER, SIGNATURE),
    "invite": Invite(
        NOTEBOOK,
        AFTER,
        *KEYS,
        Role.EDITOR,
        1_700_000_000_000,
        1,
        wraps_hash(WRAPS[:1]),
        ISSUER,
        SIGNATURE,
        WRAPS[:1],
    ),
    "epoch": Epoch(NOTEBOOK, AFTER, (bytes([10]) * 32,), WRAPS, b"old key", bytes(32), SIGNATURE),
}


@st.composite
def records(draw: st.DrawFn) -> Record:
    notebook, signature, keys = draw(octets(16)), draw(octets(64)), (draw(octets(32)), draw(octets(32)))
    after = tuple(sorted(draw(st.sets(octets(32), min_size=1, max_size=3))))
    wraps = {wrap.recipient: wrap for wrap in draw(st.lists(st.builds(Wrap, octets(32), octets(32), st.binary())))}
    ordered = tuple(wraps[recipient] for recipient in sorted(wraps))
    role, issuer = draw(st.sampled_from(Role)), draw(octets(32))
    match draw(st.integers(1, 4)):
        case 1:
            return Root(notebook, *keys, signature)
        case 2:
            return Certificate(notebook, after, *keys, role, draw(st.binary(max_size=40)), issuer, signature)
        case 3:
            expires, uses = draw(st.integers(0, 2**64 - 1)), draw(st.integers(0, 2**32 - 1))
            hashed = wraps_hash(ordered)
            return Invite(notebook, after, *keys, role, expires, uses, hashed, issuer, signature, ordered)
        case _:
            out = tuple(sorted(draw(st.sets(octets(32), max_size=3))))
            return Epoch(notebook, after, out, ordered, draw(st.binary(max_size=60)), issuer, signature)


@pytest.mark.parametrize("name", GOLDEN)
def test_every_kind_has_its_golden_bytes_id_and_signed_bytes(name: str) -> None:
    assert GOLDEN[name].encode().hex() == VECTOR[name]["encoded"]
    assert GOLDEN[name].id.hex() == VECTOR[name]["id"]
    assert GOLDEN[name].signed.hex() == VECTOR[name]["signed"]
    assert decode_record(bytes.fromhex(VECTOR[name]["encoded"])) == GOLDEN[name]


def test_keys_name_notebooks_and_authors_by_the_golden_hashes() -> None:
    assert notebook_of(KEYS[0]).hex() == VECTOR["notebook_of"]
    assert fingerprint_of(KEYS[0]).hex() == VECTOR["fingerprint_of"]


@given(records())
def test_records_read_back(record: Record) -> None:
    assert decode_record(record.encode()) == record


@given(records(), st.data())
def test_every_flipped_bit_is_refused_or_gives_another_record(record: Record, data: st.DataObject) -> None:
    encoded = bytearray(record.encode())
    bit = data.draw(st.integers(0, len(encoded) * 8 - 1))
    encoded[bit // 8] ^= 1 << bit % 8

    read = decode_record(bytes(encoded))

    assert isinstance(read, Rejected) or (read != record and read.encode() == encoded)


@given(records(), st.data())
def test_a_record_cut_or_followed_by_anything_is_refused(record: Record, data: st.DataObject) -> None:
    encoded = record.encode()

    assert isinstance(decode_record(encoded[: data.draw(st.integers(0, len(encoded) - 1))]), Rejected)
    assert isinstance(decode_record(encoded + b"\0"), Rejected)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_rejected(data: bytes) -> None:
    read = decode_record(data)

    assert isinstance(read, Rejected) or read.encode() == data


def test_an_invite_without_its_wraps_is_the_same_record() -> None:
    invite = GOLDEN["invite"]
    assert isinstance(invite, Invite)

    forgotten = decode_record(invite.forgotten().encode())

    assert isinstance(forgotten, Invite)
    assert forgotten.wraps == ()
    assert forgotten.id == invite.id
    assert forgotten.signed == invite.signed


def test_an_invite_with_other_wraps_is_refused() -> None:
    encoded = GOLDEN["invite"].encode()

    read = decode_record(encoded[:-1] + b"!")

    assert isinstance(read, Rejected)
    assert "wrapped keys" in read.reason


@pytest.mark.parametrize(("kind", "words"), [(5, "later release"), (6, "newer release"), (0, "not known")])
def test_kinds_of_other_releases_are_named(kind: int, words: str) -> None:
    encoded = bytearray(GOLDEN["certificate"].encode())
    encoded[1] = kind

    read = decode_record(bytes(encoded))

    assert isinstance(read, Rejected)
    assert words in read.reason


def test_a_record_over_the_limit_is_refused_with_both_numbers() -> None:
    read = decode_record(bytes(RECORD_BYTES_MAX + 1))

    assert isinstance(read, Rejected)
    assert str(RECORD_BYTES_MAX) in read.reason
