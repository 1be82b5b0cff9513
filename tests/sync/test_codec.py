"""Frames: golden bytes, every frame reads back, everything else is refused in words and in bounds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from carryon_sync.formats.change import CHANGE_BYTES_MAX
from carryon_sync.formats.rejected import Rejected
from carryon_sync.protocol.codec import decode, encode
from carryon_sync.protocol.frames import (
    FRAME_BYTES_MAX,
    ITEMS_MAX,
    LINE_BYTES_MAX,
    NUMBER_MAX,
    PARTS_MAX,
    RECEIPT_BYTES_MAX,
    TIPS_MAX,
    WANTED_NUMBERS_MAX,
    WORDS_CHARACTERS_MAX,
    Ack,
    ByCertificate,
    ByInvite,
    Challenge,
    Changes,
    Error,
    Found,
    Frame,
    Got,
    Hello,
    IdAlone,
    MembersRecords,
    Part,
    Ping,
    Pong,
    Push,
    Range,
    Receipt,
    Unknown,
    Want,
    Welcome,
    hello_signed,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.strategies import octets

VECTOR = json.loads((Path(__file__).parent.parent / "vectors" / "frame-1.json").read_text())

A, B, NONCE, LOG = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32, bytes([4]) * 16
TAG, AUTHOR = bytes([5]) * 16, bytes([6]) * 16
GOLDEN: dict[str, Frame] = {
    "challenge": Challenge(NONCE, LOG, (A, B)),
    "hello": Hello(ByCertificate(A), NONCE, LOG, 42, B, (A,), bytes([7]) * 64),
    "hello-invite": Hello(ByInvite(A), NONCE, bytes(16), 0, bytes(32), (), bytes([7]) * 64),
    "welcome": Welcome(LOG, 42, B, 40, 1 << 24, 1 << 22, ("blobs",)),
    "members": MembersRecords((b"record", b"another")),
    "changes": Changes(40, (b"change", IdAlone(A), b"another")),
    "got": Got(42),
    "push": Push((b"change", b"another")),
    "ack": Ack((41, 42), (A, B)),
    "want": Want(1, 0, (TAG,), (Range(TAG, AUTHOR, 3, 9),), (A, B)),
    "found": Found(1, (b"change",), 17, True),
    "receipt": Receipt(A, b"sealed"),
    "error": Error("refused", "the words", (A,)),
    "ping": Ping(7),
    "pong": Pong(7),
    "part": Part(1, 3, b"of a frame"),
}

KEYS = [
    "nonce",
    "log",
    "tips",
    "cursor",
    "running",
    "items",
    "since",
    "no",
    "after",
    "tags",
    "ranges",
    "ids",
    "sequences",
    "words",
    "reached",
    "more",
    "of",
]
WRONG_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=3)
)

numbers = st.integers(0, NUMBER_MAX)
ids = st.lists(octets(32), max_size=4).map(tuple)
items = st.lists(st.binary(min_size=1, max_size=40), max_size=5).map(tuple)
whos = st.builds(ByCertificate, octets(32)) | st.builds(ByInvite, octets(32))
widths = st.integers(0, WANTED_NUMBERS_MAX // 3 - 1)
range_ = st.builds(
    lambda tag, author, first, width: Range(tag, author, first, min(NUMBER_MAX, first + width)),
    octets(16),
    octets(16),
    numbers,
    widths,
)
ranges = st.lists(range_, max_size=3).map(tuple)
acked = st.lists(st.tuples(numbers, octets(32)), max_size=4)
entries = st.lists(st.binary(min_size=1, max_size=40) | st.builds(IdAlone, octets(32)), max_size=5).map(tuple)
frames: st.SearchStrategy[Frame] = st.one_of(
    st.builds(Challenge, octets(32), octets(16), ids),
    st.builds(Hello, whos, octets(32), octets(16), numbers, octets(32), ids, octets(64)),
    st.builds(Welcome, octets(16), numbers, octets(32), numbers, numbers, numbers, st.just(("blobs",))),
    st.builds(MembersRecords, items),
    st.builds(Changes, numbers, entries),
    st.builds(Got, numbers),
    st.builds(Push, items),
    acked.map(lambda pairs: Ack(tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs))),
    st.builds(Want, numbers, numbers, st.lists(octets(16), max_size=3).map(tuple), ranges, ids),
    st.builds(Found, numbers, items, numbers, st.booleans()),
    st.builds(Receipt, octets(32), st.binary(max_size=60)),
    st.builds(Error, st.text(max_size=20), st.text(max_size=60), ids),
    st.builds(Ping, numbers),
    st.builds(Pong, numbers),
    st.builds(Part, st.integers(0, 3), st.integers(4, PARTS_MAX), st.binary(min_size=1, max_size=60)),
)


def reason(data: bytes) -> str:
    read = decode(data)
    assert isinstance(read, Rejected), read
    return read.reason


@pytest.mark.parametrize("name", GOLDEN)
def test_every_frame_has_its_golden_bytes(name: str) -> None:
    assert encode(GOLDEN[name]).decode("latin-1") == VECTOR[name]
    assert decode(VECTOR[name].encode("latin-1")) == GOLDEN[name]


def test_the_proof_covers_the_golden_bytes() -> None:
    for name in ("hello", "hello-invite"):
        hello = GOLDEN[name]
        assert isinstance(hello, Hello)
        assert hello_signed(bytes(16), "localhost:8000", NONCE, hello).hex() == VECTOR[f"{name} signed"]


@given(frames)
def test_every_frame_reads_back(frame: Frame) -> None:
    assert decode(encode(frame)) == frame


@given(frames)
def test_the_line_is_json_that_a_person_can_read(frame: Frame) -> None:
    line = encode(frame).split(b"\n", 1)[0]

    assert line.isascii()
    assert isinstance(json.loads(line)["frame"], str)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_rejected(data: bytes) -> None:
    assert decode(data) is not None


@given(
    st.sampled_from(sorted(GOLDEN)),
    st.dictionaries(st.sampled_from(KEYS), WRONG_VALUES, max_size=3),
    st.binary(max_size=80),
)
def test_any_line_of_any_keys_is_read_or_rejected(name: str, keys: dict[str, object], behind: bytes) -> None:
    line = json.loads(encode(GOLDEN[name]).split(b"\n", 1)[0]) | keys

    assert decode(json.dumps(line).encode() + b"\n" + behind) is not None


@given(frames, st.data())
def test_every_frame_cut_anywhere_is_refused(frame: Frame, data: st.DataObject) -> None:
    message = encode(frame)
    cut = data.draw(st.integers(0, len(message) - 1))
    if isinstance(frame, Receipt | Part):
        cut = min(cut, message.index(b"\n"))  # A receipt goes to the end: cut behind its line it is another receipt.

    assert isinstance(decode(message[:cut]), Rejected)


@given(frames.filter(lambda frame: not isinstance(frame, Receipt | Part)))
def test_bytes_after_the_last_announced_one_are_refused(frame: Frame) -> None:
    assert "follow" in reason(encode(frame) + b"\0")


def test_an_unknown_frame_is_told_apart_from_a_broken_one() -> None:
    assert decode(b'{"frame":"digest","more":1}\n opaque') == Unknown("digest")


def test_unknown_keys_are_passed_over() -> None:
    assert decode(b'{"frame":"got","cursor":4,"later":[1]}\n') == Got(4)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", "begins with a line"),
        (b"x" * (LINE_BYTES_MAX + 2), "begins with a line"),
        (b"\n", "not JSON"),
        (b"\xff\xff\n", "not JSON"),
        (b"[" * 1_000 + b"\n", "8 deep"),
        (b'{"a":' * 1_000 + b"\n", "8 deep"),
        ('["\u2200",'.encode("utf-16-le") + "[".encode("utf-16-le") * 1_000 + b"\n", "not JSON"),
        (b"9" * 60_000 + b"\n", "not JSON"),
        (b"[]\n", "object"),
        (b'{"frame":7}\n', "object"),
        (b'{"frame":"got"}\n', "cursor is not a number"),
        (b'{"frame":"got","cursor":-1}\n', "cursor is not a number"),
        (b'{"frame":"got","cursor":true}\n', "cursor is not a number"),
        (b'{"frame":"got","cursor":1.0}\n', "cursor is not a number"),
        (b'{"frame":"got","cursor":9007199254740992}\n', "cursor is not a number"),
        (b'{"frame":"push","items":3}\n', "not a list"),
        (b'{"frame":"push","items":[3]}\nab', "needs 3 bytes"),
        (b'{"frame":"challenge","nonce":"AB"}\n', "nonce is not 32 bytes"),
        (b'{"frame":"challenge","nonce":"' + b"AB" * 32 + b'"}\n', "lower-case hex"),
        (b'{"frame":"challenge","nonce":"' + b" a" * 32 + b'"}\n', "lower-case hex"),
        (b'{"frame":"found","no":1,"items":[],"reached":1,"more":1}\n', "neither true nor false"),
    ],
)
def test_broken_lines_are_refused_in_words(line: bytes, words: str) -> None:
    assert words in reason(line)


def test_every_limit_is_named_with_both_numbers() -> None:
    too_many = json.dumps({"frame": "push", "items": [1] * (ITEMS_MAX + 1)}).encode() + b"\n" + bytes(ITEMS_MAX + 1)
    too_long = json.dumps({"frame": "push", "items": [CHANGE_BYTES_MAX + 1]}).encode() + b"\n"
    receipt = encode(Receipt(A, bytes(RECEIPT_BYTES_MAX + 1)))
    wants = json.dumps({"frame": "want", "no": 1, "after": 0, "tags": 10**9, "ranges": 0, "ids": 0}).encode() + b"\n"

    assert str(FRAME_BYTES_MAX) in reason(bytes(FRAME_BYTES_MAX + 1))
    assert str(ITEMS_MAX) in reason(too_many)
    assert str(CHANGE_BYTES_MAX) in reason(too_long)
    assert str(RECEIPT_BYTES_MAX) in reason(receipt)
    assert "256" in reason(wants)
    numbers_wanted = encode(Want(1, 0, (), (Range(TAG, AUTHOR, 1, WANTED_NUMBERS_MAX), Range(TAG, AUTHOR, 9, 9))))
    assert str(WANTED_NUMBERS_MAX) in reason(numbers_wanted)
    assert "holds nothing" in reason(encode(Want(1, 0, (), (Range(TAG, AUTHOR, 9, 8),))))


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"frame":"ping","no":['])
def test_i13_brackets_are_counted_before_anything_is_parsed(opening: bytes) -> None:
    line = (opening * (60_000 // len(opening)))[:60_000] + b"\n"

    assert "opening brackets" in reason(line)


def test_words_of_nothing_but_brackets_are_words() -> None:
    frame = Error("refused-change", "[{" * (WORDS_CHARACTERS_MAX // 2), (A,))

    assert decode(encode(frame)) == frame


@pytest.mark.parametrize("beyond", [1, 10_000])
def test_i12_more_tips_than_the_limit_are_cut_at_it(beyond: int) -> None:
    """I12: a list of fewer tips is one of somebody who is sent more than it lacks, never a broken frame."""
    tips = tuple(number.to_bytes(32, "big") for number in range(TIPS_MAX + beyond))
    challenge = Challenge(NONCE, LOG, tips)
    hello = Hello(ByCertificate(A), NONCE, LOG, 0, B, tips, bytes(64))

    for frame in (challenge, hello):
        assert decode(encode(frame)) == replace(frame, tips=tips[:TIPS_MAX])


def test_the_fullest_lines_stay_within_their_limit() -> None:
    for frame in (
        Challenge(NONCE, LOG, (A,) * TIPS_MAX),
        Ack((NUMBER_MAX,) * ITEMS_MAX, (A,) * ITEMS_MAX),
        Changes(NUMBER_MAX, (bytes(1),) * ITEMS_MAX),
    ):
        assert decode(encode(frame)) == frame
