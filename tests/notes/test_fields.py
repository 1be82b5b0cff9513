"""Multi-value registers, held against an oracle that knows who had seen what."""

import random

import pytest
from carryon.notes.fields import read_field
from carryon.notes.note import Note

from tests.notes.histories import ID

FIELDS = ["title", "folder"]


@pytest.mark.parametrize("seed", range(150))
def test_every_view_holds_what_the_oracle_says(seed: int) -> None:
    """In each view: exactly the values whose set no other set in view had seen, and one winner for equal views."""
    draw = random.Random(seed)
    devices = [_Device(draw.getrandbits(32)) for _ in range(4)]
    winners: dict[frozenset[int], str | None] = {}

    for step in range(40):
        device = draw.choice(devices)
        if draw.random() < 0.5:
            device.write(draw.choice(FIELDS), step)
        else:
            other = draw.choice(devices)
            device.take_from(other, draw.randint(0, len(other.log)))
        for field in FIELDS:
            held = device.note.field(field)
            assert {value for _, value in held.values} == device.expected(field)
            view = frozenset(device.seen)
            if field == "title":
                assert winners.setdefault(view, held.value) == held.value


def test_two_values_are_a_conflict_until_the_next_set() -> None:
    """Both are there, the greatest key wins, and the next set settles it everywhere."""
    one, other = Note(ID, 1), Note(ID, 2)
    to_other, to_one = one.set_field("title", "One", 1), other.set_field("title", "Other", 1)
    one.apply(to_one)
    other.apply(to_other)

    assert one.field("title") == other.field("title")
    assert one.field("title").values == (("title/2.1", "Other"), ("title/1.1", "One"))
    assert one.field("title").conflicting

    other.apply(one.set_field("title", "One", 2))

    assert one.field("title").values == other.field("title").values == (("title/1.2", "One"),)
    assert not other.field("title").conflicting


def test_the_same_value_set_twice_apart_is_no_conflict() -> None:
    """Two devices that agree have nothing to decide; setting it once more leaves one key."""
    one, other = Note(ID, 1), Note(ID, 2)
    one.apply(other.set_field("title", "Same", 1))
    other_again = Note(ID, 3)
    one.apply(other_again.set_field("title", "Same", 1))

    assert len(one.field("title").values) == 2
    assert not one.field("title").conflicting
    assert one.set_field("title", "Same", 1) != b""
    assert one.set_field("title", "Same", 2) == b""


def test_a_value_that_is_held_already_is_no_edit() -> None:
    """A title that is left as it was costs nothing."""
    note = Note(ID, 1)
    note.set_field("title", "T", 1)

    assert note.set_field("title", "T", 2) == b""
    assert note.set_field("title", "", 3) != b""
    assert note.field("title").value == ""


def test_fields_do_not_mix() -> None:
    """A field whose name begins like another's has keys of its own."""
    note = Note(ID, 1)
    note.set_field("title", "T", 1)
    note.set_field("title2", "U", 2)

    assert [value for _, value in note.field("title").values] == ["T"]
    assert note.field("tit").value is None


def test_keys_of_another_form_are_ignored() -> None:
    """What a later release keeps in the map does not become a value."""
    kept = {"title/1.2": "T", "title/x.1": "a", "title/1": "b", "title": "c", "title/3.": "d", "title/9.1": 7.0}

    assert read_field(kept, "title").values == (("title/1.2", "T"),)


class _Device:
    """A replica with the sets it has seen: number → (field, value, the sets its author had seen)."""

    def __init__(self, client: int) -> None:
        self.note = Note(ID, client)
        self.seen: dict[int, tuple[str, str, frozenset[int]]] = {}
        self.log: list[tuple[int, bytes]] = []

    def write(self, field: str, step: int) -> None:
        update = self.note.set_field(field, f"v{step}", step)
        self.log.append((step, update))
        self.seen[step] = (field, f"v{step}", frozenset(self.seen))

    def take_from(self, other: "_Device", count: int) -> None:
        """Take the other's log in its order, as far as a connection may get: a beginning of it."""
        for step, update in other.log[:count]:
            if step not in self.seen:
                self.note.apply(update)
                self.seen[step] = other.seen[step]
                self.log.append((step, update))

    def expected(self, field: str) -> set[str]:
        same = {step: entry for step, entry in self.seen.items() if entry[0] == field}
        replaced = {old for step, (_, _, past) in same.items() for old in past}
        return {value for step, (_, value, _) in same.items() if step not in replaced}
