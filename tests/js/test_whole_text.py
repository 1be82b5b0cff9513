"""What a person sees in the editor is what the note holds: no emoji is parted, and no line end of Windows."""

import pytest

from .conftest import Tab
from .driving import order, unsaved, until, until_equal
from .test_editor import Sheet, open_tab, sheet

__all__ = ["open_tab", "sheet"]


def test_an_input_method_that_goes_from_one_emoji_to_the_next_leaves_the_one_that_was_taken(sheet: Sheet) -> None:
    """A3: Space goes through the candidates; two of them share the first half of their UTF-16."""
    sheet.open("one two")
    keys = sheet.page.context.new_cdp_session(sheet.page)

    sheet.place_caret(3)
    for candidate in ("かお", "😀", "😃"):
        keys.send("Input.imeSetComposition", {"text": candidate, "selectionStart": 2, "selectionEnd": 2})
    keys.send("Input.insertText", {"text": "😃"})

    until(lambda: sheet.shown() == "one😃 two")
    until_equal(sheet.text, "one😃 two")


def test_an_emoji_deleted_beside_one_of_its_kin_leaves_the_other_whole(sheet: Sheet) -> None:
    """What a phone's keyboard deletes the editor reads from what the page shows afterwards."""
    sheet.open("a😀😃b")

    sheet.place_caret(3)
    sheet.page.evaluate("document.execCommand('delete')")

    until(lambda: sheet.shown() == "a😃b")
    until_equal(sheet.text, "a😃b")


def test_an_emoji_deleted_before_the_core_was_there_leaves_no_half_of_the_one_that_stands_there_by_now(
    tab: Tab,
) -> None:
    """A8: the last frame showed another emoji; the two share the first half of their UTF-16."""
    sheet = Sheet(tab("?note=early&slow", "starting"))
    sheet.note = "early"
    until(lambda: order(sheet.page, "heard", kind="hello")[-1]["query"] == "?note=early&slow")
    sheet.page.evaluate(
        """() => {
          const made = document.createElement("carryon-editor");
          Object.assign(made.dataset, {note: "early", editable: "true"});
          made.textContent = "mood 😀";
          document.querySelector("[data-region=note]").append(made);
        }"""
    )
    until_equal(sheet.shown, "mood 😀")
    order(sheet.page, "make", name="early", text="mood 😃")

    sheet.place_caret(7)
    sheet.page.keyboard.press("Backspace")
    order(sheet.page, "go")

    until(lambda: unsaved(sheet.page) == 0)
    until_equal(sheet.shown, sheet.text())
    assert sheet.text() in ("mood ", "mood 😃")


@pytest.mark.parametrize(
    ("text", "line", "keys"),
    [
        ("ab\n\ncd\nef\n", 0, "Alt+ArrowDown"),
        ("ab\n\ncd\nef\n", 2, "Control+Shift+K"),
        ("ab\ncd\nef\n", 1, "Control+Shift+K"),
        ("ab\n\n  cd\nef\n", 2, "Control+a Control+["),
        ("ab\ncd\nef\n", 1, "Control+/"),
        ("ab\ncd\nef\n", 0, "Control+Enter"),
    ],
)
def test_a_key_does_to_a_note_with_windows_line_ends_what_it_does_to_any(
    sheet: Sheet, text: str, line: int, keys: str
) -> None:
    """No key joins two lines, drops an empty one, or parts a pair, only because the lines end as they do in Windows."""
    place = len("".join(text.splitlines(keepends=True)[:line]))
    sheet.open(text)
    sheet.place_caret(place + 1 if text[place] != "\n" else place)
    for key in keys.split():
        sheet.page.keyboard.press(key)
    expected = str(sheet.shown())

    sheet.open(text.replace("\n", "\r\n"))
    sheet.place_caret(place + line + (1 if text[place] != "\n" else 0))
    for key in keys.split():
        sheet.page.keyboard.press(key)

    assert sheet.shown() == expected.replace("\n", "\r\n")
