"""What pycrdt 0.14.13 does that our rules rest on. One that turns red after an upgrade is a rule to think over, not a
fault of ours. And what must not be called at all is called nowhere.
"""

import ast
from pathlib import Path

import pytest
from pycrdt import Doc, Map, Text

APP = Path(__file__).parent.parent.parent / "app" / "carryon"
FORBIDDEN = {"merge_updates", "from_snapshot", "Snapshot"}


def test_trap_1_text_counts_bytes() -> None:
    """The length of a text is that of its UTF-8."""
    assert len(_document(1, "a😀")["body"]) == 5


def test_trap_3_an_update_leaves_out_what_is_pending() -> None:
    """A document that waits for a predecessor writes a state without what waits."""
    author = _document(1, "one")
    vector = author.get_state()
    author["body"].insert(3, " two")
    note: Doc[Text] = Doc(client_id=2)

    note.apply_update(author.get_update(vector))

    assert note.get_update() == b"\0\0"


def test_c6_trap_5_a_reused_client_diverges_in_silence() -> None:
    """C6: two documents that write as one client differ for good, and nothing tells."""
    one, other = _document(1, "one"), _document(1, "other")

    one.apply_update(other.get_update())
    other.apply_update(one.get_update())

    assert str(one["body"]) != str(other["body"])


def test_trap_9_numbers_come_back_as_floats() -> None:
    """So fields hold texts only."""
    note: Doc[Map[int]] = Doc(client_id=1)
    note["fields"] = fields = Map({"one": 1})

    assert isinstance(fields["one"], float)


@pytest.mark.parametrize("path", sorted(APP.rglob("*.py")), ids=lambda path: str(path.relative_to(APP)))
def test_c4_traps_4_and_11_what_has_lost_text_is_never_called(path: Path) -> None:
    """C4: merging updates and restoring snapshots have lost text; no module names them."""
    names = {
        name
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (getattr(node, "id", None), getattr(node, "attr", None), getattr(node, "name", None))
        if isinstance(name, str)
    }

    assert not names & FORBIDDEN


def _document(client: int, text: str) -> Doc[Text]:
    document: Doc[Text] = Doc(client_id=client)
    document["body"] = Text(text)
    return document
