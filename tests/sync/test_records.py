"""Members' records: golden bytes, one encoding each, broken ones refused in words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from carryon_sync.formats.records import (
    RECORD_BYTES_MAX,
    ROOT,
    Certificate,
    Epoch,
    Frontier,
    FrontierHead,
    Invite,
    Out,
    Parent,
    Record,
    Revocation,
    Role,
    Root,
    Says,
    UnknownSays,
    Witness,
    Wrap,
    decode_record,
    fingerprint_of,
    notebook_of,
    record_id,
    wraps_hash,
)
from carryon_sync.formats.rejected import Rejected
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.strategies import octets

VECTOR = json.loads((Path(__file__).parent.parent / "vectors" / "record-2.json").read_text())

NOTEBOOK, AFTER, SIGNATURE = bytes([1]) * 16, (bytes([2]) * 32, bytes([3]) * 32), bytes([4]) * 64
WRAPS = (Wrap(bytes(32), bytes([5]) * 32, b"sealed to root"), Wrap(bytes([6]) * 32, bytes([7]) * 32, b"sealed"))
KEYS, PERSON = (bytes([8]) * 32, bytes([9]) * 32), bytes([11]) * 16
ISSUER, FRONTIERS = bytes([2]) * 32, (bytes([12]) * 32,)
HEADS = (FrontierHead(bytes([13]) * 16, bytes([14]) * 16, 5, bytes([15]) * 32),)
SAYS: dict[str, Says] = {
    "certificate": Certificate(*KEYS, Role.EDITOR, PERSON, b"sealed name", bytes([16]) * 32, FRONTIERS),
    "invite": Invite(*KEYS, Role.EDITOR, PERSON, 1_700_000_000_000, 1, wraps_hash(WRAPS[:1])),
    "epoch": Epoch(
        (Out(bytes([10]) * 32, FRONTIERS),), (bytes([17]) * 32,), (Parent(bytes([18]) * 32, b"sealed key"),), WRAPS
    ),
    "revocation": Revocation(bytes([17]) * 32),
    "frontier": Frontier(bytes([10]) * 32, HEADS),
    "witness": Witness(),
    "passed over": UnknownSays(200, b"of a later release"),
}
GOLDEN: dict[str, Record] = {
    "root": Record(NOTEBOOK, (), ROOT, Root(*KEYS), SIGNATURE),
    **{name: Record(NOTEBOOK, AFTER, ISSUER, says, SIGNATURE) for name, says in SAYS.items()},
}
GOLDEN["invite"] = replace(GOLDEN["invite"], wraps=WRAPS[:1])

ids = st.sets(octets(32), max_size=3).map(lambda found: tuple(sorted(found)))


@st.composite
def says(draw: st.DrawFn) -> Says:
    keys, role, person = (draw(octets(32)), draw(octets(32))), draw(st.sampled_from(Role)), draw(octets(16))
    match draw(st.integers(2, 8)):
        case 2:
            return Certificate(*keys, role, person, draw(st.binary(max_size=40)), draw(octets(32)), draw(ids))
        case 3:
            expires, uses = draw(st.integers(0, 2**64 - 1)), draw(st.integers(0, 2**32 - 1))
            return Invite(*keys, role, person, expires, uses, wraps_hash(draw(wraps())))
        case 4:
            out = tuple(Out(id, draw(ids)) for id in draw(ids))
            parents = tuple(Parent(id, draw(st.binary(max_size=60))) for id in draw(ids))
            return Epoch(out, draw(ids), parents, draw(wraps()))
        case 5:
            return Revocation(draw(octets(32)))
        case 6:
            heads = draw(
                st.lists(st.builds(FrontierHead, octets(16), octets(16), st.integers(0, 2**64 - 1), octets(32)))
            )
            by_chain = {head.tag + head.author: head for head in heads}
            return Frontier(draw(octets(32)), tuple(by_chain[chain] for chain in sorted(by_chain)))
        case 7:
            return Witness()
        case _:
            return UnknownSays(draw(st.integers(8, 255)), draw(st.binary(max_size=40)))


@st.composite
def wraps(draw: st.DrawFn) -> tuple[Wrap, ...]:
    drawn = draw(st.lists(st.builds(Wrap, octets(32), octets(32), st.binary(max_size=60)), max_size=3))
    by_recipient = {wrap.recipient: wrap for wrap in drawn}
    return tuple(by_recipient[recipient] for recipient in sorted(by_recipient))


@st.composite
def records(draw: st.DrawFn) -> Record:
    notebook, signature, issuer = draw(octets(16)), draw(octets(64)), draw(octets(32))
    if draw(st.integers(0, 7)) == 0:
        return Record(notebook, (), issuer, Root(draw(octets(32)), draw(octets(32))), signature)
    after = tuple(sorted(draw(st.sets(octets(32), min_size=1, max_size=3))))
    said = draw(says())
    if isinstance(said, Invite) and draw(st.booleans()):
        detached = draw(wraps().filter(bool))
        said = replace(said, wraps_hash=wraps_hash(detached))
        return Record(notebook, after, issuer, said, signature, detached)
    return Record(notebook, after, issuer, said, signature)


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

    forgotten = decode_record(invite.forgotten().encode())

    assert isinstance(forgotten, Record)
    assert forgotten.wraps == ()
    assert forgotten.id == invite.id
    assert forgotten.signed == invite.signed


def test_an_invite_with_other_wraps_is_refused() -> None:
    encoded = GOLDEN["invite"].encode()

    read = decode_record(encoded[:-1] + b"!")

    assert isinstance(read, Rejected)
    assert "wrapped keys" in read.reason


@pytest.mark.parametrize("kind", [8, 127, 128, 255])
def test_a_kind_of_a_later_release_is_read_by_what_all_kinds_have(kind: int) -> None:
    record = Record(NOTEBOOK, AFTER, ISSUER, UnknownSays(kind, b"what it says"), SIGNATURE)

    read = decode_record(record.encode())

    assert read == record
    assert read.named() == (*AFTER, ISSUER)


@pytest.mark.parametrize(
    ("place", "value", "words"), [(0, 1, "early trial release"), (0, 3, "newer release"), (1, 0, "kind 0")]
)
def test_what_is_of_another_format_or_of_no_kind_is_named(place: int, value: int, words: str) -> None:
    encoded = bytearray(GOLDEN["certificate"].encode())
    encoded[place] = value

    read = decode_record(bytes(encoded))

    assert isinstance(read, Rejected)
    assert words in read.reason


def test_an_id_is_found_in_the_bytes_whether_the_wraps_are_there_or_not() -> None:
    invite = GOLDEN["invite"]

    assert record_id(invite.encode()) == record_id(invite.forgotten().encode()) == invite.id
    assert record_id(b"no record") is None


def test_a_record_over_the_limit_is_refused_with_both_numbers() -> None:
    read = decode_record(bytes(RECORD_BYTES_MAX + 1))

    assert isinstance(read, Rejected)
    assert str(RECORD_BYTES_MAX) in read.reason
