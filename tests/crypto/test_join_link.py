"""The invite link: what is written reads back; anything else is refused in words, whatever it is."""

from __future__ import annotations

import base64

import pytest
from carryon.crypto.join_link import JoinLink, check_address, decode_link, encode_link
from carryon_sync.formats.rejected import Rejected
from hypothesis import given
from hypothesis import strategies as st

LINK = JoinLink(
    bytes(range(16)), bytes(range(32)), "https://notes.example:8443/base/"
)  # 85 bytes: base64 has bits to spare
SITE = "https://notes.example/app/"
TEXT = encode_link(SITE, LINK)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _words(text: str) -> str:
    answer = decode_link(text)
    assert isinstance(answer, Rejected), f"{text} was taken"
    return answer.reason


@given(
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=32, max_size=32),
    st.sampled_from(["https://a.example", "http://[::1]:8000/x/", "http://192.168.1.7:8000", LINK.relay]),
)
def test_a_link_reads_back(notebook: bytes, seed: bytes, relay: str) -> None:
    """Notebook, seed and relay are what was written."""
    link = JoinLink(notebook, seed, relay)

    assert decode_link(encode_link(SITE, link)) == link


def test_the_secret_stands_behind_the_number_sign() -> None:
    """What a browser sends to a server ends before it; query and fragment of the site's address are not carried on."""
    before, _, after = TEXT.partition("#")

    assert before == "https://notes.example/app/?join"
    assert set(after) <= set(ALPHABET)
    assert encode_link(f"{SITE}?note=1#x", LINK) == TEXT


def test_the_part_after_the_number_sign_is_enough_and_blanks_do_no_harm() -> None:
    """The page sees the fragment alone; mail programs break lines."""
    fragment = TEXT.partition("#")[2]
    broken = "\n ".join(TEXT[start : start + 20] for start in range(0, len(TEXT), 20))

    assert decode_link(fragment) == decode_link(f"#{fragment}") == decode_link(f"  {broken}\r\n") == LINK


@pytest.mark.parametrize("place", range(len(TEXT.partition("#")[2])))
def test_a_link_with_any_character_changed_is_refused(place: int) -> None:
    """Typed or copied wrongly: never another notebook, another key or another relay."""
    fragment = TEXT.partition("#")[2]
    for character in ALPHABET.replace(fragment[place], ""):
        assert "#" in _words(fragment[:place] + character + fragment[place + 1 :]) or place < 2


def test_a_link_cut_off_anywhere_is_refused() -> None:
    """With words that say how to get the whole of it."""
    for length in range(len(TEXT)):
        assert "copy the whole link" in _words(TEXT[:length])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no invitation in this link"),
        ("https://notes.example/?join", "no invitation in this link"),
        ("https://notes.example/?join#", "no invitation in this link"),
        ("#ä", "characters that no invitation has"),
        ("x" * 5000, "at most 4096 characters"),
        (f"#{base64.urlsafe_b64encode(bytes([2]) * 60).decode()}", "format 2"),
    ],
)
def test_what_is_no_link_is_refused_with_the_way_out(text: str, words: str) -> None:
    """Each fault in its own words."""
    assert words in _words(text)


@given(st.text() | st.binary().map(lambda data: "#" + base64.urlsafe_b64encode(b"\1" + data).rstrip(b"=").decode()))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Never an exception."""
    assert isinstance(decode_link(text), JoinLink | Rejected)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "notes.example",
        "ftp://notes.example",
        "javascript:alert(1)",
        "https://",
        "https://user@notes.example",
        "https://user:word@notes.example",
        "https://notes.example?x",
        "https://notes.example#x",
        "https://notes.example:99999",
        "https://notes.example:0",
        "https://[::1",
        "https://notes example",
        "https://nötes.example",
        "https://notes.example/" + "x" * 512,
    ],
)
def test_what_is_no_relay_s_address_is_refused(address: str) -> None:
    """In a link and where a person types one."""
    assert isinstance(check_address(address), Rejected)


@pytest.mark.parametrize(
    ("relay", "only"),
    [
        ("http://localhost:8000", True),
        ("http://app.localhost", True),
        ("http://127.0.0.1:8000/x", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:8000", True),
        ("http://0.0.0.0", True),
        ("http://192.168.1.7", False),
        ("https://localhost.example", False),
        ("https://notes.example", False),
    ],
)
def test_a_relay_that_only_this_machine_reaches_is_known_as_such(relay: str, only: bool) -> None:
    """So that the person is told before sending the link."""
    assert JoinLink(bytes(16), bytes(32), relay).this_machine_only is only
