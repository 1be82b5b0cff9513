"""A new note, key by key: from the press into its title, from its title into its text."""

from typing import Final

import pytest
from playwright.sync_api import Locator, Page

from .conftest import Tab
from .driving import acts, order, say_regions, unsaved, until, until_equal

BUTTON: Final = '<button data-action="note.create" data-opens="title" data-key="mod+alt+n">New note</button>'


def title_of(note: str) -> str:
    """Render the title of a note, and the host of its editor."""
    return (
        f'<input aria-label="Title" id="title-{note}" data-focus="title" data-next="body" data-action="note.rename" '
        f'data-note="{note}" data-rest="60000" value=""><carryon-editor data-note="{note}" data-editable="true" '
        'data-focus="body"></carryon-editor>'
    )


def title(page: Page) -> Locator:
    """Return the box of the title."""
    return page.get_by_role("textbox", name="Title", exact=True)


@pytest.fixture
def page(tab: Tab) -> Page:
    """A tab in which a note lies open, beside the button that makes one."""
    page = tab("?note=old")
    say_regions(page, {"nav": BUTTON})
    return page


def pressed(page: Page) -> list[str]:
    """Return the notes that the presses have named, the oldest first."""
    return [act["nonce"] for act in order(page, "heard", kind="act") if act["name"] == "note.create"]


def answer(page: Page, note: str) -> None:
    """Let the core answer one press of several: the note is shown, its title called to, its editor bound."""
    say_regions(page, {"note": title_of(note)})
    order(page, "call", name="focus", args={"target": "title", "note": note})
    order(page, "bind", name=note)


def open_new(page: Page) -> None:
    """Let the core answer the press."""
    say_regions(page, {"note": title_of("new")})
    order(page, "call", name="focus", args={"target": "title", "note": pressed(page)[-1]})
    until(lambda: title(page).evaluate("(box) => box === document.activeElement"))


@pytest.mark.parametrize("press", ["click", "Enter", "Space", "Control+Alt+n"])
def test_what_is_typed_after_the_press_is_the_new_note_s(page: Page, press: str) -> None:
    """However it was pressed: before the core has answered, keys go neither into the old note nor to the button again."""
    page.get_by_role("textbox", name="Note", exact=True).click()
    if press == "click":
        page.get_by_role("button", name="New note").click()
    elif press.startswith("Control"):
        page.keyboard.press(press)
    else:
        page.get_by_role("button", name="New note").press(press)

    page.keyboard.type("Milk x")
    page.keyboard.press("Backspace")
    page.keyboard.type("and bread")
    assert unsaved(page) > 0
    open_new(page)
    page.keyboard.type("!")

    assert title(page).input_value() == "Milk and bread!"
    assert len(acts(page, "note.create")) == 1
    assert order(page, "text", name="old") == ""
    title(page).blur()
    until_equal(lambda: acts(page, "note.rename"), [{"note": "new", "value": "Milk and bread!"}])
    until_equal(lambda: unsaved(page), 0)


def test_enter_before_the_core_has_answered_leads_into_the_text_too(page: Page) -> None:
    page.get_by_role("button", name="New note").click()

    page.keyboard.type("Milk\nand bread\nand tea")
    open_new_body(page)

    assert title(page).input_value() == "Milk"
    order(page, "open", name="new")
    until_equal(lambda: order(page, "text", name="new"), "and bread\nand tea")


def open_new_body(page: Page) -> None:
    """Let the core answer a press after which the text has been begun."""
    say_regions(page, {"note": title_of("new")})
    order(page, "call", name="focus", args={"target": "title", "note": pressed(page)[-1]})
    until(lambda: page.evaluate("document.activeElement.localName") == "carryon-editor")


def test_a_key_that_is_held_presses_and_leads_on_once(page: Page) -> None:
    """The keyboard repeats a key that is held; that is no second press."""
    button = page.get_by_role("button", name="New note")
    button.focus()
    page.keyboard.down("Enter")
    page.keyboard.down("Enter")
    open_new(page)

    page.keyboard.down("Enter")

    assert title(page).evaluate("(box) => box === document.activeElement")
    assert title(page).input_value() == ""
    assert len(acts(page, "note.create")) == 1


def test_a_press_that_is_refused_gives_the_focus_back(page: Page) -> None:
    page.get_by_role("button", name="New note").click()
    page.keyboard.type("Milk")

    order(page, "call", name="stay", args={"note": pressed(page)[-1]})

    until(lambda: page.get_by_role("button", name="New note").evaluate("(it) => it === document.activeElement"))
    until_equal(lambda: unsaved(page), 0)
    assert order(page, "text", name="old") == ""


@pytest.mark.parametrize("key", ["Enter", "ArrowDown"])
def test_enter_and_arrow_down_lead_from_the_title_into_the_text(page: Page, key: str) -> None:
    """To the beginning of the text, which is as it was; the title is sent."""
    order(page, "make", name="new", text="bread")
    say_regions(page, {"note": title_of("new")})
    order(page, "open", name="new")
    until(lambda: page.get_by_role("textbox", name="Note", exact=True).inner_text() == "bread")
    title(page).press_sequentially("Milk")

    title(page).press(key)
    page.keyboard.type("and ")

    until_equal(lambda: order(page, "text", name="new"), "and bread")
    until_equal(lambda: [each["value"] for each in acts(page, "note.rename")], ["Milk"])


def test_enter_stays_in_a_title_whose_text_cannot_be_written_in_now(page: Page) -> None:
    """As in the preview."""
    say_regions(page, {"note": title_of("new").replace("<carryon-editor", "<carryon-editor hidden")})
    title(page).press_sequentially("Milk")

    title(page).press("Enter")
    page.keyboard.type("!")

    assert title(page).input_value() == "Milk!"


def test_each_of_two_presses_keeps_its_own_words(page: Page) -> None:
    """The second comes before the core has answered the first, and the answers come apart."""
    button = page.get_by_role("button", name="New note")
    button.click()
    page.keyboard.type("Shopping\nmilk")
    button.press("Enter")
    page.keyboard.type("Two ")
    until(lambda: len(pressed(page)) == 2)
    first, second = pressed(page)

    answer(page, first)
    page.keyboard.type("words")
    answer(page, second)
    until_equal(lambda: title(page).input_value(), "Two words")
    page.keyboard.type("!\nand more")

    title(page).blur()
    until_equal(lambda: order(page, "text", name=second), "and more")
    assert order(page, "text", name=first) == "milk"
    assert acts(page, "note.rename") == [{"note": first, "value": "Shopping"}, {"note": second, "value": "Two words!"}]
    until_equal(lambda: unsaved(page), 0)


def test_who_has_gone_elsewhere_stays_there_and_the_note_gets_its_words(page: Page) -> None:
    page.get_by_role("button", name="New note").click()
    page.keyboard.type("Milk\nand bread")
    page.get_by_role("textbox", name="Note", exact=True).click()
    page.keyboard.type("old ")

    answer(page, pressed(page)[0])
    until_equal(lambda: acts(page, "note.rename"), [{"note": pressed(page)[0], "value": "Milk"}])

    until_equal(lambda: order(page, "text", name=pressed(page)[0]), "and bread")
    assert order(page, "text", name="old") == "old "
    until_equal(lambda: unsaved(page), 0)


@pytest.mark.parametrize("answered", [False, True], ids=["gone before", "gone after"])
def test_words_that_no_box_has_taken_survive_the_page(page: Page, answered: bool) -> None:
    """A hidden page may be ended without another word."""
    page.get_by_role("button", name="New note").click()
    page.keyboard.type("Milk\nand ")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    page.keyboard.type("bread")
    if answered:
        answer(page, pressed(page)[0])
    else:
        page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")

    until_equal(lambda: order(page, "text", name=pressed(page)[0]), "and bread")
    assert {each["value"] for each in acts(page, "note.rename")} == {"Milk"}


def test_words_of_a_press_that_is_refused_are_sent_to_be_shown(page: Page) -> None:
    """The core cannot save them, and says so; it has the words to say it with."""
    page.get_by_role("button", name="New note").click()
    page.keyboard.type("Milk\nand bread")

    order(page, "call", name="stay", args={"note": pressed(page)[0]})

    until_equal(lambda: acts(page, "note.rename"), [{"note": pressed(page)[0], "value": "Milk"}])
    until_equal(lambda: order(page, "text", name=pressed(page)[0]), "and bread")


def test_an_answer_to_another_press_takes_no_focus(page: Page) -> None:
    """A core that was started again answers once more what it has answered."""
    page.get_by_role("button", name="New note").click()
    page.keyboard.type("Milk")

    for name, args in (("focus", {"target": "title", "note": "another"}), ("stay", {"note": "another"})):
        order(page, "call", name=name, args=args)
    until(lambda: len(order(page, "heard", kind="answered")) >= 2)
    page.keyboard.type(" and bread")
    answer(page, pressed(page)[0])

    until_equal(lambda: title(page).input_value(), "Milk and bread")
