"""Text boxes: for how long what is typed is the person's, when it is sent, and when the core's text is shown again."""

from .conftest import Tab
from .driving import SEARCH, TITLE, acts, order, say_regions, unsaved, until, until_equal

FOLDER = '<p>{words}</p><input aria-label="Folder" value="" data-action="note.move" data-note="{note}">'
RELAY = (
    '<p>{words}</p><form data-action="relay.connect"><input aria-label="Relay address" name="address" value=""></form>'
)


def test_what_is_being_typed_is_not_overwritten_until_the_core_has_answered(tab: Tab) -> None:
    page = tab()
    say_regions(page, {"list": SEARCH.format(value="")})
    order(page, "hold", on=True)
    page.get_by_role("searchbox").press_sequentially("abc")
    until(lambda: {"value": "abc"} in acts(page, "list.search"))

    say_regions(page, {"list": SEARCH.format(value="ab")})
    assert page.get_by_role("searchbox").input_value() == "abc"

    order(page, "save")
    until(lambda: unsaved(page) == 0)
    say_regions(page, {"list": SEARCH.format(value="the core's")})
    assert page.get_by_role("searchbox").input_value() == "the core's"


def test_a_box_that_is_sent_when_it_is_left_is_not_overwritten_before(tab: Tab) -> None:
    page = tab()
    box = page.get_by_role("textbox", name="Folder")
    say_regions(page, {"note": FOLDER.format(words="saving", note="N")})
    box.press_sequentially("Trips")

    say_regions(page, {"note": FOLDER.format(words="saved", note="N")})

    assert box.input_value() == "Trips"
    assert acts(page, "note.move") == []
    box.press("Enter")
    until_equal(lambda: acts(page, "note.move"), [{"note": "N", "value": "Trips"}])
    box.press_sequentially("/Portugal")
    say_regions(page, {"note": FOLDER.format(words="another note", note="M")})
    until_equal(lambda: acts(page, "note.move")[1:], [{"note": "N", "value": "Trips/Portugal"}])
    assert box.input_value() == ""


def test_a_box_that_is_left_as_it_was_shows_the_core_s_text_again(tab: Tab) -> None:
    page = tab()
    box = page.get_by_role("textbox", name="Folder")
    say_regions(page, {"note": FOLDER.format(words="", note="N")})
    box.press_sequentially("T")
    box.press("Backspace")
    box.blur()

    say_regions(page, {"note": FOLDER.format(words="", note="N").replace('value=""', 'value="moved elsewhere"')})

    assert box.input_value() == "moved elsewhere"
    assert acts(page, "note.move") == []


def test_a_box_whose_text_was_refused_shows_the_core_s_text_again(tab: Tab) -> None:
    page = tab()
    box = page.get_by_role("textbox", name="Folder")
    say_regions(page, {"note": FOLDER.format(words="", note="N")})
    box.press_sequentially("Trips")
    box.press("Enter")
    until_equal(lambda: acts(page, "note.move"), [{"note": "N", "value": "Trips"}])
    until_equal(lambda: unsaved(page), 0)

    say_regions(page, {"note": FOLDER.format(words="refused", note="N")})

    assert box.input_value() == ""


def test_what_is_written_into_a_form_stays_until_the_form_is_sent(tab: Tab) -> None:
    page = tab()
    box = page.get_by_role("textbox", name="Relay address")
    say_regions(page, {"note": RELAY.format(words="trying")})
    box.press_sequentially("https://relay")

    say_regions(page, {"note": RELAY.format(words="no relay answers")})
    box.blur()
    say_regions(page, {"note": RELAY.format(words="trying")})

    assert box.input_value() == "https://relay"
    box.press("Enter")
    until_equal(lambda: acts(page, "relay.connect"), [{"address": "https://relay"}])


def test_a_title_counts_as_unsaved_from_the_first_key_and_is_sent_after_its_rest(tab: Tab) -> None:
    page = tab()
    say_regions(page, {"note": TITLE.format(value="", note="N", rest="60000")})

    page.get_by_role("textbox", name="Title").press_sequentially("P")
    assert unsaved(page) == 1
    assert acts(page, "note.rename") == []

    say_regions(page, {"note": TITLE.format(value="", note="N", rest="200")})
    page.get_by_role("textbox", name="Title").press_sequentially("l")
    until_equal(lambda: acts(page, "note.rename"), [{"note": "N", "value": "Pl"}])
    until(lambda: unsaved(page) == 0)
    page.get_by_role("textbox", name="Title").blur()
    say_regions(page, {"note": TITLE.format(value="Pl", note="N", rest="200")})
    assert len(acts(page, "note.rename")) == 1


def test_a_title_is_sent_for_its_own_note_when_another_note_takes_its_place(tab: Tab) -> None:
    page = tab()
    say_regions(page, {"note": TITLE.format(value="", note="N", rest="60000")})
    page.get_by_role("textbox", name="Title").press_sequentially("Plan")

    say_regions(page, {"note": TITLE.format(value="Other", note="M", rest="60000")})

    until_equal(lambda: acts(page, "note.rename"), [{"note": "N", "value": "Plan"}])
    assert page.get_by_role("textbox", name="Title").input_value() == "Other"


def test_what_is_typed_without_a_rest_is_sent_after_twice_the_rest(tab: Tab) -> None:
    page = tab()
    say_regions(page, {"note": TITLE.format(value="", note="N", rest=500)})

    page.get_by_role("textbox", name="Title").press_sequentially("without a rest at all", delay=100)

    sent = [str(each["value"]) for each in acts(page, "note.rename")]
    assert sent
    assert "without a rest at all".startswith(sent[0])
    assert sent[-1] != "without a rest at all"


def test_what_is_typed_and_not_sent_for_a_second_is_said_to_be_late(tab: Tab) -> None:
    page = tab()
    status = '<p role="status" aria-label="Sync status" data-late="Not saved: still trying">On the relay</p>'
    say_regions(page, {"status": status, "note": TITLE.format(value="", note="N", rest=60_000)})

    page.get_by_role("textbox", name="Title").press_sequentially("words")

    until(lambda: page.get_by_role("status").inner_text() == "Not saved: still trying")
    assert acts(page, "note.rename") == []
