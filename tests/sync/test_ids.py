"""Ids: 16 bytes and 26 characters are two faces of one thing."""

from __future__ import annotations

import pytest
from carryon_sync.formats.ids import raw_of, text_of
from carryon_sync.formats.rejected import Rejected
from hypothesis import given
from hypothesis import strategies as st


@given(st.binary(min_size=16, max_size=16))
def test_an_id_reads_back_from_its_text(raw: bytes) -> None:
    assert raw_of(text_of(raw)) == raw
    assert raw_of(text_of(raw).lower()) == raw


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_texts_sort_as_their_ids(left: bytes, right: bytes) -> None:
    assert (left < right) == (text_of(left) < text_of(right))


def test_the_edges_have_the_known_texts() -> None:
    assert text_of(bytes(16)) == "0" * 26
    assert text_of(b"\xff" * 16) == "7" + "Z" * 25
    assert text_of(bytes(range(16))) == "00041061050R3GG28A1C60T3GF"


def test_look_alike_characters_are_read_as_digits() -> None:
    assert raw_of("0OoIiLl1" + "0" * 18) == raw_of("00011111" + "0" * 18)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "26 characters, not 0"),
        ("0" * 27, "not 27"),
        ("8" + "0" * 25, "'8'"),
        ("U" + "0" * 25, "'U'"),
        ("é" + "0" * 25, "'é'"),
    ],
)
def test_what_is_no_id_is_rejected_with_words(text: str, words: str) -> None:
    read = raw_of(text)

    assert isinstance(read, Rejected)
    assert words in read.reason


@given(st.text(max_size=30))
def test_any_text_is_read_or_rejected(text: str) -> None:
    read = raw_of(text)

    assert isinstance(read, Rejected) or raw_of(text_of(read)) == read
