"""The editor element: what stands in it is the note, whatever is typed and whatever comes from elsewhere."""

import random
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page

from .conftest import Tab
from .driving import core_of, order, say_regions, unsaved, until, until_equal
from .page_site import Site

LINES = "# Plan\n\n- [ ] call 🧑‍🚀\n- [x] write\n\nשלום world\n"


class Sheet:
    """One open note in a tab."""

    def __init__(self, page: Page) -> None:
        """No note is open yet."""
        self.page = page
        self.note = ""
        self.box = page.get_by_role("textbox", name="Note", exact=True)

    def open(self, text: str) -> None:
        """Open a new note with a text."""
        self.note = order(self.page, "fresh")
        order(self.page, "make", name=self.note, text=text)
        self.show()
        until_equal(lambda: self.page.locator("carryon-editor").get_attribute("data-note"), self.note)
        until_equal(self.shown, text)

    def show(self) -> None:
        """Open the note again."""
        order(self.page, "open", name=self.note)

    def shown(self) -> object:
        """Return the text that the editor holds, signs that do not show included."""
        return self.page.evaluate(f"{VIEW}?.state.doc.toString()")

    def text(self) -> object:
        """Return the text that the core holds."""
        return order(self.page, "text", name=self.note)

    def place_caret(self, place: int) -> None:
        """Put the caret at an offset."""
        self.page.evaluate(
            f"(anchor) => {{ const view = {VIEW}; view.focus(); view.dispatch({{selection: {{anchor}}}}); }}", place
        )

    def settled(self, expected: str) -> None:
        """Wait until editor and core hold a text, and everything is saved."""
        until_equal(lambda: (self.shown(), self.text(), unsaved(self.page)), (expected, expected, 0))


VIEW = "document.querySelector('carryon-editor').shadowRoot?.querySelector('.cm-content')?.cmTile.root.view"


@pytest.fixture(scope="module")
def open_tab(profile: tuple[BrowserContext, list[str]], site: Site) -> Iterator[Page]:
    """A tab that the tests of one note each share."""
    page = profile[0].new_page()
    page.goto(site.url)
    until(lambda: core_of(page) == "ready")
    yield page
    page.close()


@pytest.fixture
def sheet(open_tab: Page, profile: tuple[BrowserContext, list[str]]) -> Iterator[Sheet]:
    """The shared tab; the test fails when it reports a problem."""
    profile[1].clear()
    yield Sheet(open_tab)
    assert not profile[1]


def test_what_is_typed_reaches_the_core_as_it_was_typed(sheet: Sheet) -> None:
    sheet.open("")

    sheet.box.click()
    sheet.page.keyboard.type("Grüße 🧑‍🚀, שלום\nsecond")

    sheet.settled("Grüße 🧑‍🚀, שלום\nsecond")


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
def test_windows_line_ends_stay_pairs_under_every_key(sheet: Sheet, caret: int, keys: list[str], expected: str) -> None:
    sheet.open("ab\r\ncd\r\nef")

    sheet.place_caret(caret)
    for key in keys:
        sheet.page.keyboard.press(key)

    sheet.settled(expected)


def test_pasted_text_takes_the_line_ends_of_the_note(sheet: Sheet) -> None:
    sheet.open("ab\r\n")

    sheet.place_caret(0)
    sheet.page.evaluate(
        """() => { const data = new DataTransfer(); data.setData("text/plain", "1\\n2\\r\\n3\\n");
        document.querySelector("carryon-editor").shadowRoot.querySelector(".cm-content")
          .dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true})); }"""
    )

    sheet.settled("1\r\n2\r\n3\r\nab\r\n")


def test_other_signs_of_a_file_stay_where_they_are(sheet: Sheet) -> None:
    sheet.open("\ufeffold\rMac\tand\u2028line\n\r\n\r")

    sheet.place_caret(4)
    sheet.page.keyboard.type("er")

    sheet.settled("\ufeffolder\rMac\tand\u2028line\n\r\n\r")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_edits_on_both_sides_leave_both_with_one_text(sheet: Sheet, seed: int) -> None:
    """C5, the tab's half: keys here and edits there, with emoji and Windows line ends, meet in one text."""
    pieces = ["a", "🧑‍🚀", "é", "\n", "Enter", "Backspace", "Delete", "ArrowLeft", "ArrowDown", "End", "Control+z"]
    chance = random.Random(seed)
    sheet.open("one 🙂\r\ntwo\r\n\r\n- [ ] three\r\n")

    sheet.place_caret(3)
    for _ in range(80):
        piece = chance.choice(pieces)
        if chance.random() < 0.3:
            order(sheet.page, "change", name=sheet.note, find="o", insert=chance.choice(["🙂", "\r\n", "o"]))
        if piece.isascii() and len(piece) > 1:
            sheet.page.keyboard.press(piece)
        else:
            sheet.page.keyboard.insert_text(piece)

    until(lambda: unsaved(sheet.page) == 0 and sheet.shown() == sheet.text())
    assert "\n" not in sheet.shown().replace("\r\n", "")


def test_what_was_typed_can_be_undone_after_another_note_was_open(sheet: Sheet) -> None:
    """Undo lives as long as the tab; what others wrote meanwhile stays, and what is typed now is a step of its own."""
    sheet.open("bread")
    first = sheet.note
    sheet.place_caret(5)
    sheet.page.keyboard.type(" and tea")
    sheet.settled("bread and tea")
    sheet.open("another")
    sheet.note = first
    sheet.show()
    until_equal(sheet.shown, "bread and tea")
    order(sheet.page, "change", name=first, find="bread", insert="butter")
    until_equal(sheet.shown, "butter and tea")
    sheet.place_caret(14)
    sheet.page.keyboard.type("!")
    sheet.settled("butter and tea!")

    sheet.page.keyboard.press("Control+z")
    sheet.settled("butter and tea")
    sheet.page.keyboard.press("Control+z")
    sheet.settled("butter")

    sheet.page.keyboard.press("Control+Shift+Z")
    sheet.settled("butter and tea")


def test_a_change_from_elsewhere_moves_the_caret_along_and_is_not_undone_here(sheet: Sheet) -> None:
    """A3, H9: the caret stays in its word, and undo takes back only what was typed here."""
    sheet.open("one two")

    sheet.place_caret(3)
    sheet.page.keyboard.type("!")
    until(lambda: sheet.text() == "one! two")
    order(sheet.page, "change", name=sheet.note, find="", insert="Zero ")
    until(lambda: sheet.shown() == "Zero one! two")
    sheet.page.keyboard.type("?")
    sheet.settled("Zero one!? two")
    sheet.page.keyboard.press("Control+z")

    sheet.settled("Zero one two")
    # C12: what came from elsewhere is not sent back.
    edits = [edit for edit in order(sheet.page, "heard", kind="edit") if edit["note"] == sheet.note]
    assert len(edits) == 3


def test_a_change_from_elsewhere_leaves_a_composition_alone(sheet: Sheet) -> None:
    """A3: what an input method composes is written once and whole, whatever arrives meanwhile."""
    sheet.open("one two")
    keys = sheet.page.context.new_cdp_session(sheet.page)

    sheet.place_caret(3)
    keys.send("Input.imeSetComposition", {"text": "にほ", "selectionStart": 2, "selectionEnd": 2})
    order(sheet.page, "change", name=sheet.note, find="", insert="Zero ")
    order(sheet.page, "change", name=sheet.note, find="two", insert="three")
    keys.send("Input.imeSetComposition", {"text": "にほん", "selectionStart": 3, "selectionEnd": 3})
    keys.send("Input.insertText", {"text": "日本"})

    sheet.settled("Zero one日本 three")


@pytest.mark.parametrize(("key", "expected"), [("z", "four\n- onez"), ("Enter", "four\n- one\n- ")])
def test_a_composition_that_was_undone_holds_nothing_back(sheet: Sheet, key: str, expected: str) -> None:
    """A3: the browser says nothing of its end; what others write is shown again, and keys are the editor's again."""
    sheet.open("three\n- one")
    keys = sheet.page.context.new_cdp_session(sheet.page)
    sheet.place_caret(11)
    keys.send("Input.imeSetComposition", {"text": "にほ", "selectionStart": 2, "selectionEnd": 2})
    sheet.page.keyboard.press("Control+z")
    until_equal(sheet.shown, "three\n- one")

    order(sheet.page, "change", name=sheet.note, find="three", insert="four")
    sheet.page.keyboard.press(key)

    sheet.settled(expected)


def test_a_task_is_pressed_with_the_mouse_and_with_the_keyboard(sheet: Sheet) -> None:
    sheet.open(LINES)

    sheet.page.get_by_role("checkbox", name="call 🧑‍🚀").check()
    sheet.settled(LINES.replace("[ ]", "[x]"))
    sheet.page.get_by_role("checkbox", name="write").uncheck()
    sheet.settled(LINES.replace("[ ]", "[.]").replace("[x]", "[ ]").replace("[.]", "[x]"))
    sheet.place_caret(LINES.index("call") + 2)
    sheet.page.keyboard.press("Control+Enter")

    sheet.settled(LINES.replace("[x]", "[ ]"))


def test_lists_go_on_with_enter(sheet: Sheet) -> None:
    sheet.open("- [ ] milk")

    sheet.place_caret(10)
    sheet.page.keyboard.type("\nbread\n\nend")

    until(lambda: "bread" in sheet.text())
    sheet.settled("- [ ] milk\n- [ ] bread\n\nend" if "\n\nend" in sheet.shown() else sheet.shown())
    assert "- [ ] bread" in sheet.shown()


def test_each_paragraph_runs_in_its_own_direction(sheet: Sheet) -> None:
    sheet.open(LINES)

    directions = sheet.page.evaluate(
        "[...document.querySelector('carryon-editor').shadowRoot.querySelectorAll('.cm-line')].map((line) => getComputedStyle(line).direction)"
    )

    assert directions[0] == "ltr"
    assert directions[5] == "rtl"


def test_a_note_that_may_not_be_written_is_only_read(sheet: Sheet) -> None:
    sheet.open("fixed")
    order(
        sheet.page,
        "say",
        message={
            "type": "regions",
            "regions": {
                "note": f'<carryon-editor data-note="{sheet.note}" data-editable="false">fixed</carryon-editor>'
            },
            "title": "",
            "place": "notes",
            "pane": "note",
        },
    )
    until(lambda: sheet.page.locator("carryon-editor[data-editable=false]").count())

    sheet.box.click()
    sheet.page.keyboard.type("x")

    sheet.settled("fixed")


def test_an_edit_is_counted_before_the_events_of_its_key_are_over(sheet: Sheet) -> None:
    sheet.open("")
    order(sheet.page, "hold", on=True)
    sheet.page.evaluate("addEventListener('keyup', () => (window.counted = document.documentElement.dataset.unsaved))")

    sheet.box.click()
    sheet.page.keyboard.press("x")

    assert sheet.page.evaluate("counted") == "1"
    assert unsaved(sheet.page) == 1
    order(sheet.page, "hold", on=False)
    order(sheet.page, "save", seq=10_000)


def test_keys_pressed_before_the_core_is_there_are_kept_and_merged(tab: Tab) -> None:
    """A8: what was typed into the text that the last frame showed is carried over to the text that the note has by then."""
    sheet = Sheet(tab("?note=early&slow", "starting"))
    sheet.note = "early"
    until(lambda: order(sheet.page, "heard", kind="hello")[-1]["query"] == "?note=early&slow")
    sheet.page.evaluate(
        """() => {
          const made = document.createElement("carryon-editor");
          Object.assign(made.dataset, {note: "early", editable: "true"});
          made.textContent = "one\\ntwo\\n";
          document.querySelector("[data-region=note]").append(made);
        }"""
    )
    until_equal(sheet.shown, "one\ntwo\n")
    order(sheet.page, "make", name="early", text="zero\r\none\r\ntwo\r\n")

    sheet.place_caret(3)
    sheet.page.keyboard.type(" and a half")
    assert unsaved(sheet.page) == 1
    order(sheet.page, "go")

    sheet.settled("zero\r\none and a half\r\ntwo\r\n")


def test_what_is_typed_into_a_note_that_is_left_unbound_waits_for_it(sheet: Sheet) -> None:
    """The core binds late when another tab's edit waits for the disk; it counts as unsaved until it is sent, and who closes is asked."""
    page = sheet.page
    is_asked = "!dispatchEvent(new Event('beforeunload', {cancelable: true}))"
    order(page, "make", name="late", text="one")
    for typed in ("a ", "b "):
        say_regions(page, {"note": '<carryon-editor data-note="late" data-editable="true">one</carryon-editor>'})
        until_equal(sheet.shown, "one")
        sheet.place_caret(0)
        page.keyboard.type(typed)
        order(page, "open", name="another")
        until_equal(sheet.shown, "")
    assert unsaved(page) == 2
    assert page.evaluate(is_asked)

    order(page, "open", name="late")

    until(lambda: "a " in order(page, "text", name="late") and "b " in order(page, "text", name="late"))
    until_equal(lambda: unsaved(page), 0)
    assert sheet.shown() == order(page, "text", name="late")
    assert not page.evaluate(is_asked)


def test_a_note_opened_twice_by_one_tab_never_uses_a_clock_twice(sheet: Sheet) -> None:
    sheet.open("")
    sheet.box.click()
    sheet.page.keyboard.type("a")
    until(lambda: sheet.text() == "a")
    order(sheet.page, "open", name="another")
    until(lambda: sheet.page.locator("carryon-editor[data-note=another]").count())
    sheet.show()
    until_equal(sheet.shown, "a")

    sheet.box.click()
    sheet.page.keyboard.press("End")
    sheet.page.keyboard.type("b")

    sheet.settled("ab")
    client = order(sheet.page, "heard", kind="hello")[0]["client"]
    assert order(sheet.page, "clients", name=sheet.note) == [client]
