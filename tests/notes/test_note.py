"""A note's document: edits, updates, states, and the traps of pycrdt, each met by a rule (DATA.md 1 numbers them)."""

import random
from itertools import combinations

import pytest
from carryon.notes.note import BadUpdate, Note, Pending, client_max
from carryon.notes.offsets import BadOffset
from hypothesis import given
from hypothesis import strategies as st

ID = "0" * 26


def test_a_body_is_kept_byte_for_byte() -> None:
    """Byte order mark, line ends of every kind, NUL and emoji come back as they were."""
    text = "\ufeff---\r\na: b\r\n---\r\nx\ry\n\x00 😀 \u2028 é e\u0301"

    update = Note(ID, 1).replace_body(text)

    assert _loaded(update).body.encode() == text.encode()


@given(st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 5), st.text(max_size=5)), max_size=20))
def test_splices_count_code_points(splices: list[tuple[int, int, str]]) -> None:
    """Trap 1: pycrdt counts bytes; a note is spliced like a Python string, whatever the text."""
    note, text = Note(ID, 1), "a😀\r\né"
    updates = [note.replace_body(text)]

    for place, length, inserted in splices:
        start = place % (len(text) + 1)
        end = min(start + length, len(text))
        text = text[:start] + inserted + text[end:]
        updates.append(note.splice(start, end, inserted))

    assert note.body == text
    assert _loaded(*[update for update in updates if update]).body == text


def test_a_splice_outside_of_the_text_is_refused() -> None:
    """Trap 12: a range past the end panics or lands elsewhere in pycrdt, so it is checked before, and nothing changes."""
    note = Note(ID, 1)
    note.replace_body("a😀")

    for start, end in ((0, 3), (3, 3), (-1, 1), (2, 1)):
        with pytest.raises(BadOffset):
            note.splice(start, end, "x")

    assert note.body == "a😀"
    note.splice(2, 2, "b")
    assert note.body == "a😀b"


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_replaced_body_is_the_text_asked_for(before: str, after: str) -> None:
    """Here, and on another device that gets the two updates; a body that is equal is no edit."""
    note = Note(ID, 1)
    updates = [update for update in (note.replace_body(before), note.replace_body(after)) if update]

    assert note.body == after == _loaded(*updates).body
    assert note.replace_body(after) == b""


def test_a_replaced_body_keeps_what_others_write_meanwhile() -> None:
    """Only what differs is edited, so an edit made elsewhere at the same time stays."""
    mine = Note(ID, 1)
    first = mine.replace_body("first line\nsecond line\nthird line\n")
    theirs = _loaded(first, client=2)

    update = mine.replace_body("first line, longer\nsecond line\nthe third line\n")
    theirs.splice(18, 18, "own ")
    theirs.apply(update)

    assert theirs.body == "first line, longer\nsecond own line\nthe third line\n"


def test_an_update_is_taken_in_once() -> None:
    """What apply returns is what was new: the same update again brings nothing, and neither does an empty one."""
    update = Note(ID, 1).replace_body("text")
    note = Note(ID, 2)

    assert note.apply(update) == update
    assert note.apply(update) == b""
    assert note.apply(b"\0\0") == b""


def test_of_a_whole_state_only_the_new_part_is_returned() -> None:
    """A tab that sends everything it has brings one edit, not a second copy of the note."""
    note = Note(ID, 1)
    other = _loaded(note.replace_body("a long text " * 100), client=2)
    note.splice(0, 0, "new ")

    new = other.apply(note.state())

    assert len(new) < 40
    assert other.body == note.body


def test_an_edit_does_not_carry_the_deletions_of_the_document() -> None:
    """Trap 7: after a thousand deletions the update of a key is still a few bytes, made here or absorbed."""
    note, other = Note(ID, 1), Note(ID, 2)
    other.apply(note.replace_body("ab" * 1_000))
    for place in range(1_000):
        other.apply(note.splice(place, place + 1, ""))

    update = note.splice(0, 0, "x")

    assert len(note.update_since(other.vector())) > 1_000
    assert len(update) < 40
    assert len(other.apply(update)) < 40


def test_no_observer_is_left_behind() -> None:
    """Trap 8: a document that was edited, absorbed and refused updates has no subscription."""
    note = Note(ID, 1)
    update = note.replace_body("text")
    for number in range(100):
        note.splice(0, 0, "x")
        note.apply(update)
        note.set_field("title", str(number), number)
        with pytest.raises(BadUpdate):
            note.apply(b"\xff\xff")

    assert note._doc._subscriptions == []


def test_an_update_that_came_too_early_is_seen() -> None:
    """Trap 2: its predecessor is missing, so nothing is new and the document is pending until that came."""
    author = Note(ID, 1)
    first, second = author.replace_body("one"), author.splice(3, 3, " two")
    note = Note(ID, 2)

    assert note.apply(second) == b""
    assert note.pending
    note.apply(first)

    assert not note.pending
    assert note.body == "one two"


def test_a_deletion_that_came_too_early_is_seen() -> None:
    """Trap 2: an update that only deletes has no structs of its own; what it deletes must be there."""
    author = Note(ID, 1)
    first, second = author.replace_body("one"), author.splice(0, 2, "")
    note = Note(ID, 2)

    assert note.apply(second) == b""
    assert note.pending
    note.apply(first)

    assert not note.pending
    assert note.body == "e"


def test_c3_no_state_is_given_while_anything_waits() -> None:
    """C3: whatever subset of updates is missing, a state holds all that was given or is refused (trap 3: pycrdt leaves out).

    An update needs the earlier ones of its client and those it builds on. One that only deletes has no number of its own,
    so that it is missing is seen by the log's order alone.
    """
    author, other = Note(ID, 1), Note(ID, 2)
    updates = [author.replace_body("one two three")]
    other.apply(updates[0])
    updates += [author.splice(3, 3, "!"), other.splice(0, 4, ""), other.set_field("title", "T", 1)]
    author.apply(updates[2])
    updates.append(author.splice(0, 1, "x"))
    needs: dict[int, set[int]] = {0: set(), 1: {0}, 2: {0}, 3: set(), 4: {0, 1}}

    for count in range(len(updates) + 1):
        for present in map(set, combinations(range(len(updates)), count)):
            note = Note(ID, 9)
            for number in sorted(present):
                note.apply(updates[number])
            if all(needs[number] <= present for number in present):
                assert not note.pending
                assert Note.load(ID, 8, note.state()).body == note.body
            else:
                assert note.pending
                with pytest.raises(Pending, match=ID):
                    note.state()
                with pytest.raises(Pending):
                    note.fresh_state()


@pytest.mark.parametrize("client", [0, 1, 2**31 - 1, 2**31, client_max])
def test_c7_clients_at_the_edges_keep_their_edits(client: int) -> None:
    """C7: the numbers at the edges of 32 bits are written and read as they are."""
    note = Note(ID, client)
    updates = [note.replace_body("a"), note.splice(1, 1, "b"), note.set_field("title", "T", 1)]

    other = _loaded(*updates, client=5)

    assert (other.body, other.field("title").values) == ("ab", ((f"title/{client}.1", "T"),))


@pytest.mark.parametrize("client", [-1, client_max + 1])
def test_c7_a_client_beyond_32_bits_is_a_fault(client: int) -> None:
    """C7: a wider number would be truncated elsewhere, so it is never accepted."""
    with pytest.raises(AssertionError, match="32 bits"):
        Note(ID, client)


def test_a_refused_update_changes_nothing() -> None:
    """Bytes that do not decode leave text, fields and state as they were; the error names the note."""
    note = Note(ID, 1)
    state = note.replace_body("text 😀")
    before = note.state()

    for bad in (b"", b"\x01", b"\xff" * 9, state[:-1], state[:4], b"no update at all"):
        with pytest.raises(BadUpdate, match=ID) as caught:
            note.apply(bad)
        assert not caught.value.torn

    assert (note.body, note.state(), note.pending) == ("text 😀", before, False)


def test_a_flipped_bit_is_refused_or_taken_but_never_breaks_the_core() -> None:
    """Trap 6: most flipped bits are accepted, so the seal must catch them; here nothing but BadUpdate may come out."""
    note = Note(ID, 1)
    for number in range(10):
        note.splice(number, number, "a😀"[number % 2])
        note.set_field("title", str(number), number)
    state, accepted = note.state(), 0

    for bit in range(len(state) * 8):
        flipped = bytearray(state)
        flipped[bit // 8] ^= 1 << bit % 8
        target = Note(ID, 2)
        target.replace_body("mine")
        try:
            target.apply(bytes(flipped))
            accepted += 1
        except BadUpdate:
            continue
        assert isinstance(target.body, str)
        assert isinstance(target.field("title").values, tuple)

    assert accepted > len(state) * 8 // 3


def test_a_vector_that_is_none_is_refused() -> None:
    """A tab's state vector is foreign bytes."""
    note = Note(ID, 1)
    note.replace_body("text")

    with pytest.raises(BadUpdate, match="vector"):
        note.update_since(b"\xff\xff\xff")


def test_two_replicas_meet_by_their_vectors() -> None:
    """Each sends what the other's vector lacks; after that both hold both."""
    one, other = Note(ID, 1), Note(ID, 2)
    other.apply(one.replace_body("shared "))
    one.splice(7, 7, "one")
    other.splice(0, 0, "other ")

    to_other, to_one = one.update_since(other.vector()), other.update_since(one.vector())
    one.apply(to_one)
    other.apply(to_other)

    assert one.body == other.body
    assert one.vector() != b"\0"
    assert Note.load(ID, 3, one.state()).body == Note.load(ID, 3, other.state()).body


def test_a_fresh_state_is_the_same_note_and_no_larger() -> None:
    """Trap 4: compacting is re-encoding through a fresh document; text, fields and vector stay."""
    note = Note(ID, 1)
    draw = random.Random(4)
    for number in range(500):
        place = draw.randrange(len(note.body) + 1)
        note.splice(place, min(len(note.body), place + draw.randrange(3)), "ab"[number % 2] * draw.randrange(1, 4))
    note.set_field("title", "T", 1)

    fresh = note.fresh_state()

    loaded = Note.load(ID, 2, fresh)
    assert (loaded.body, loaded.field("title")) == (note.body, note.field("title"))
    assert loaded.vector() == note.vector()
    assert len(fresh) <= len(note.state())


def test_all_writes_of_a_command_are_one_update() -> None:
    """Body and fields set together arrive together."""
    update = Note(ID, 1).write(1, body="text", fields={"title": "T", "folder": "a"})
    note = Note(ID, 2)

    assert note.apply(update) == update
    assert (note.body, note.field("title").value, note.field("folder").value) == ("text", "T", "a")


def _loaded(*updates: bytes, client: int = 2) -> Note:
    note = Note(ID, client)
    for update in updates:
        note.apply(update)
    return note
