"""The editor element: what stands in it is the note, whatever is typed and whatever comes from elsewhere."""

import random

import pytest
from playwright.sync_api import Locator, Page

from .conftest import Tab
from .driving import order, unsaved, until, until_equal

LINES = "# Plan\n\n- [ ] call 🧑‍🚀\n- [x] write\n\nשלום world\n"


def editor(page: Page) -> Locator:
    """Return the box of the note's body."""
    return page.get_by_role("textbox", name="Note", exact=True)


def shown(page: Page) -> str:
    """Return the text that the editor holds, signs that do not show included."""
    return str(
        page.evaluate(
            "document.querySelector('carryon-editor').shadowRoot.querySelector('.cm-content').cmTile.root.view.state.doc.toString()"
        )
    )


def place_caret(page: Page, place: int) -> None:
    """Put the caret at an offset."""
    page.evaluate(
        "(anchor) => { const {view} = document.querySelector('carryon-editor').shadowRoot.querySelector('.cm-content').cmTile.root;"
        " view.focus(); view.dispatch({selection: {anchor}}); }",
        place,
    )


def opened(tab: Tab, text: str) -> Page:
    """Open a note with a text."""
    page = tab()
    order(page, "make", name="A", text=text)
    order(page, "open", name="A")
    until(lambda: page.locator("carryon-editor").count() and shown(page) == text)
    return page


def settled(page: Page, expected: str) -> None:
    """Wait until editor and core hold a text, and everything is saved."""
    until_equal(lambda: (shown(page), order(page, "text", name="A"), unsaved(page)), (expected, expected, 0))


def test_what_is_typed_reaches_the_core_as_it_was_typed(tab: Tab) -> None:
    page = opened(tab, "")

    editor(page).click()
    page.keyboard.type("Grüße 🧑‍🚀, שלום\nsecond")

    settled(page, "Grüße 🧑‍🚀, שלום\nsecond")


@pytest.mark.parametrize(
    ("caret", "keys", "expected"),
    [
        (0, ["End", "x"], "abx\r\ncd\r\nef"),
        (0, ["End", "Enter", "x"], "ab\r\nx\r\ncd\r\nef"),
        (4, ["Backspace"], "abcd\r\nef"),
        (2, ["Delete"], "abcd\r\nef"),
        (2, ["ArrowRight", "x"], "ab\r\nxcd\r\nef"),
        (4, ["ArrowLeft", "x"], "abx\r\ncd\r\nef"),
        (0, ["Shift+ArrowDown", "Shift+End", "x"], "x\r\nef"),
        (10, ["Enter", "x"], "ab\r\ncd\r\nef\r\nx"),
        (0, ["End", "Shift+ArrowRight", "Shift+ArrowRight", "x"], "abxd\r\nef"),
    ],
)
def test_windows_line_ends_stay_pairs_under_every_key(tab: Tab, caret: int, keys: list[str], expected: str) -> None:
    page = opened(tab, "ab\r\ncd\r\nef")

    place_caret(page, caret)
    for key in keys:
        page.keyboard.press(key)

    settled(page, expected)


def test_pasted_text_takes_the_line_ends_of_the_note(tab: Tab) -> None:
    page = opened(tab, "ab\r\n")

    place_caret(page, 0)
    page.evaluate(
        """() => { const data = new DataTransfer(); data.setData("text/plain", "1\\n2\\r\\n3\\n");
        document.querySelector("carryon-editor").shadowRoot.querySelector(".cm-content")
          .dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true})); }"""
    )

    settled(page, "1\r\n2\r\n3\r\nab\r\n")


def test_other_signs_of_a_file_stay_where_they_are(tab: Tab) -> None:
    page = opened(tab, "\ufeffold\rMac\tand\u2028line\n\r\n\r")

    place_caret(page, 4)
    page.keyboard.type("er")

    settled(page, "\ufeffolder\rMac\tand\u2028line\n\r\n\r")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_edits_on_both_sides_leave_both_with_one_text(tab: Tab, seed: int) -> None:
    """C5, the tab's half: keys here and edits there, with emoji and Windows line ends, meet in one text."""
    pieces = ["a", "🧑‍🚀", "é", "\n", "Enter", "Backspace", "Delete", "ArrowLeft", "ArrowDown", "End", "Control+z"]
    chance = random.Random(seed)
    page = opened(tab, "one 🙂\r\ntwo\r\n\r\n- [ ] three\r\n")

    place_caret(page, 3)
    for _ in range(80):
        piece = chance.choice(pieces)
        if chance.random() < 0.3:
            order(page, "change", name="A", find="o", insert=chance.choice(["🙂", "\r\n", "o"]))
        if piece.isascii() and len(piece) > 1:
            page.keyboard.press(piece)
        else:
            page.keyboard.insert_text(piece)

    until(lambda: unsaved(page) == 0 and shown(page) == order(page, "text", name="A"))
    assert "\n" not in shown(page).replace("\r\n", "")


def test_a_change_from_elsewhere_moves_the_caret_along_and_is_not_undone_here(tab: Tab) -> None:
    """A3, H9: the caret stays in its word, and undo takes back only what was typed here."""
    page = opened(tab, "one two")

    place_caret(page, 3)
    page.keyboard.type("!")
    until(lambda: order(page, "text", name="A") == "one! two")
    order(page, "change", name="A", find="", insert="Zero ")
    until(lambda: shown(page) == "Zero one! two")
    page.keyboard.type("?")
    settled(page, "Zero one!? two")
    page.keyboard.press("Control+z")

    settled(page, "Zero one two")


def test_a_task_is_pressed_with_the_mouse_and_with_the_keyboard(tab: Tab) -> None:
    page = opened(tab, LINES)

    page.get_by_role("checkbox", name="call 🧑‍🚀").check()
    settled(page, LINES.replace("[ ]", "[x]"))
    page.get_by_role("checkbox", name="write").uncheck()
    settled(page, LINES.replace("[ ]", "[.]").replace("[x]", "[ ]").replace("[.]", "[x]"))
    place_caret(page, LINES.index("call") + 2)
    page.keyboard.press("Control+Enter")

    settled(page, LINES.replace("[x]", "[ ]"))


def test_lists_go_on_with_enter(tab: Tab) -> None:
    page = opened(tab, "- [ ] milk")

    place_caret(page, 10)
    page.keyboard.type("\nbread\n\nend")

    until(lambda: "bread" in order(page, "text", name="A"))
    settled(page, "- [ ] milk\n- [ ] bread\n\nend" if "\n\nend" in shown(page) else shown(page))
    assert "- [ ] bread" in shown(page)


def test_each_paragraph_runs_in_its_own_direction(tab: Tab) -> None:
    page = opened(tab, LINES)

    directions = page.evaluate(
        "[...document.querySelector('carryon-editor').shadowRoot.querySelectorAll('.cm-line')].map((line) => getComputedStyle(line).direction)"
    )

    assert directions[0] == "ltr"
    assert directions[5] == "rtl"


def test_a_note_that_may_not_be_written_is_only_read(tab: Tab) -> None:
    page = opened(tab, "fixed")
    order(
        page,
        "say",
        message={
            "type": "regions",
            "regions": {"note": '<carryon-editor data-note="A" data-editable="false">fixed</carryon-editor>'},
            "title": "",
            "place": "notes",
            "pane": "note",
        },
    )
    until(lambda: page.locator("carryon-editor[data-editable=false]").count())

    editor(page).click()
    page.keyboard.type("x")

    settled(page, "fixed")


def test_an_edit_is_counted_before_the_events_of_its_key_are_over(tab: Tab) -> None:
    page = opened(tab, "")
    order(page, "hold", on=True)
    page.evaluate("addEventListener('keyup', () => (window.counted = document.documentElement.dataset.unsaved))")

    editor(page).click()
    page.keyboard.press("x")

    assert page.evaluate("counted") == "1"
    assert unsaved(page) == 1


def test_keys_pressed_before_the_core_is_there_are_kept_and_merged(tab: Tab) -> None:
    """A8: what was typed into the text that the last frame showed is carried over to the text that the note has by then."""
    page = tab("?note=A&slow", "starting")
    until(lambda: order(page, "heard", kind="hello"))
    page.evaluate(
        """() => { document.querySelector('[data-region=note]').append(Object.assign(document.createElement("carryon-editor"), {
            textContent: "one\\ntwo\\n" })); const made = document.querySelector("carryon-editor");
            made.dataset.editable = "true"; made.dataset.note = "A"; }"""
    )
    until(lambda: page.evaluate("Boolean(document.querySelector('carryon-editor').shadowRoot)"))
    order(page, "make", name="A", text="zero\r\none\r\ntwo\r\n")

    place_caret(page, 3)
    page.keyboard.type(" and a half")
    assert unsaved(page) == 1
    order(page, "go")

    until(lambda: order(page, "text", name="A") == "zero\r\none and a half\r\ntwo\r\n")
    settled(page, "zero\r\none and a half\r\ntwo\r\n")


def test_a_note_opened_twice_by_one_tab_never_uses_a_clock_twice(tab: Tab) -> None:
    page = opened(tab, "")
    editor(page).click()
    page.keyboard.type("a")
    until(lambda: order(page, "text", name="A") == "a")
    order(page, "open", name="B")
    until(lambda: page.locator("carryon-editor[data-note=B]").count())
    order(page, "open", name="A")
    until(lambda: page.locator("carryon-editor[data-note=A]").count() and shown(page) == "a")

    editor(page).click()
    page.keyboard.press("End")
    page.keyboard.type("b")

    settled(page, "ab")
    client = order(page, "heard", kind="hello")[0]["client"]
    assert order(page, "clients", name="A") == [client]
