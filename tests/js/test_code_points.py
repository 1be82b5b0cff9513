"""No change parts the two halves that UTF-16 has of an emoji: what the editor shows is what the note holds."""

import pytest

from .conftest import Tab
from .driving import order, until, until_equal
from .test_editor import VIEW, Sheet, open_tab, sheet

__all__ = ["open_tab", "sheet"]

# The first two share their first half, the first and the last their second.
GRIN, SMILE, KIN = "😀", "😃", "🨀"


def test_an_input_method_can_go_from_one_emoji_to_the_next(sheet: Sheet) -> None:
    """A3: Space goes through the candidates; the last one is taken."""
    sheet.open("one two")
    keys = sheet.page.context.new_cdp_session(sheet.page)

    sheet.place_caret(3)
    for candidate in ("かお", GRIN, SMILE):
        keys.send("Input.imeSetComposition", {"text": candidate, "selectionStart": 2, "selectionEnd": 2})
    keys.send("Input.insertText", {"text": SMILE})

    sheet.settled(f"one{SMILE} two")


@pytest.mark.parametrize("other", [SMILE, KIN])
def test_an_emoji_deleted_by_the_browser_leaves_the_one_beside_it_whole(sheet: Sheet, other: str) -> None:
    """What a phone's keyboard deletes the editor reads from what the page shows afterwards."""
    sheet.open(f"a{GRIN}{other}b")

    sheet.place_caret(3)
    sheet.page.evaluate("document.execCommand('delete')")

    sheet.settled(f"a{other}b")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("{from: 2, to: 3}", "ab"),
        ("{from: 1, to: 2}", "ab"),
        ("{from: 2, to: 3, insert: '\\ude03!'}", f"a{SMILE}!b"),
        ("{from: 1, to: 2, insert: '!\\ud83e'}", f"a!{KIN}b"),
        ("[{from: 0, to: 2}, {from: 3, insert: '!'}]", "!b"),
        ("{from: 0, insert: 'x\\ud83d'}", f"xa{GRIN}b"),
        ("{from: 3, insert: '\\ude00x'}", f"a{GRIN}xb"),
    ],
)
def test_a_change_of_half_an_emoji_changes_the_whole(sheet: Sheet, change: str, expected: str) -> None:
    sheet.open(f"a{GRIN}b")

    sheet.page.evaluate(f"{VIEW}.dispatch({{changes: {change}}})")

    sheet.settled(expected)


def test_half_an_emoji_is_not_pasted(sheet: Sheet) -> None:
    sheet.open("ab")

    sheet.place_caret(1)
    sheet.page.evaluate(
        """() => { const data = new DataTransfer(); data.setData("text/plain", "1\\ud83d2\\ude00");
        document.querySelector("carryon-editor").shadowRoot.querySelector(".cm-content")
          .dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true})); }"""
    )
    sheet.page.keyboard.type("3")

    sheet.settled("a123b")


@pytest.mark.parametrize(("note", "other"), [("first", SMILE), ("second", KIN)])
def test_an_emoji_deleted_before_the_core_is_there_leaves_the_one_that_stands_there_by_now(
    tab: Tab, note: str, other: str
) -> None:
    """A8: the last frame showed one emoji, the note holds another that shares a half with it."""
    sheet = Sheet(tab(f"?note={note}&slow", "starting"))
    sheet.note = note
    until(lambda: order(sheet.page, "heard", kind="hello")[-1]["query"] == f"?note={note}&slow")
    show_early(sheet, f"mood {GRIN}")
    order(sheet.page, "make", name=note, text=f"mood {other}")

    sheet.place_caret(7)
    sheet.page.keyboard.press("Backspace")
    order(sheet.page, "go")

    sheet.settled(f"mood {other}")


def show_early(sheet: Sheet, text: str) -> None:
    """Show a note as the last frame does, before the core is there."""
    sheet.page.evaluate(
        """([note, text]) => {
          const made = document.createElement("carryon-editor");
          Object.assign(made.dataset, {note, editable: "true"});
          made.textContent = text;
          document.querySelector("[data-region=note]").append(made);
        }""",
        [sheet.note, text],
    )
    until_equal(sheet.shown, text)
