"""Accessible names and roles are a contract (UI.md 5): people's tools, help texts and tests lean on them."""

from dataclasses import replace

import pytest
from carryon.notebook.commands import CreateNote, MoveNote, RenameNote
from carryon.notebook.notebook import Notebook
from carryon.views.action import Action, Outcome
from carryon.views.device import Device, Invite, Level, Progress, Relay, Status, Trouble
from carryon.views.page import act, title_of, view
from carryon.views.tab import Tab, pane_of

from tests.views.samples import DEVICE, EMPTY, INVITE, NONCE, NOW, OLD, PACKING, SCENES, TAB, many_notes
from tests.views.tree import Element, page_of, tree_of

scenes = pytest.mark.parametrize("scene", SCENES)


def shown(notebook: Notebook, scene: str) -> Element:
    """The whole page of a scene."""
    return page_of(view(notebook, *SCENES[scene]))


@scenes
def test_every_place_has_one_sync_status_that_begins_with_its_level(notebook: Notebook, scene: str) -> None:
    """Exactly one status "Sync status", with one of four beginnings and the words for work that waits too long."""
    status = shown(notebook, scene).one("status", "Sync status")

    assert status.text.startswith(("Not saved", "Saved on this device", "On the relay", "Seen by"))
    assert status.attributes["data-late"] == "Not saved"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status("unsaved"), "Not saved"),
        (Status("saved", words="3 changes wait"), "Saved on this device · 3 changes wait"),
        (Status("relay"), "On the relay"),
        (Status("seen", ("Phone", "Laptop")), "Seen by Phone, Laptop"),
    ],
)
def test_the_sync_status_says_its_evidence(notebook: Notebook, status: Status, words: str) -> None:
    """Never a bare "synced": the level, who, and what waits."""
    page = page_of(view(notebook, TAB, replace(DEVICE, status=status)))

    assert page.one("status", "Sync status").text == words


@scenes
def test_every_place_has_the_places(notebook: Notebook, scene: str) -> None:
    """The navigation leads to All notes, Trash and Settings from everywhere; counts are no part of the names."""
    navigation = tree_of(view(notebook, *SCENES[scene])["nav"])

    for name in ("All notes", "Trash", "Settings"):
        assert navigation.one("link", name).attributes["data-action"] == "place.open"


@scenes
def test_absent_things_have_no_name(notebook: Notebook, scene: str) -> None:
    """A name appears with the thing it names."""
    page = shown(notebook, scene)

    for name in ("Tasks", "Conflicts", "History", "Share"):
        assert not page.all("link", name)
        assert not page.all("button", name)


@scenes
def test_new_note_and_import_are_one_press_away(notebook: Notebook, scene: str) -> None:
    """One button of each name, unless the notebook can only be read."""
    buttons = [each.name for each in shown(notebook, scene).all("button")]

    expected = 0 if scene == "read only" else 1
    assert buttons.count("New note") == expected
    assert buttons.count("Import") == expected


@pytest.mark.parametrize("scene", ["list", "note", "folder", "tag", "search", "trash", "nothing found", "importing"])
def test_the_list_is_named_and_each_row_has_one_link_named_by_its_title_alone(notebook: Notebook, scene: str) -> None:
    """Snippet, date and badge are outside of the link's name."""
    tab, _ = SCENES[scene]
    listing = tree_of(view(notebook, *SCENES[scene])["list"])

    rows = listing.one("list", "Notes").all("listitem")

    listing.one("searchbox", "Search notes")
    wanted = notebook.listed(
        "trash" if tab.place == "trash" else "notes", tab.folder or "", tab.tag or "", tab.query
    ).ids
    assert [row.all("link")[0].name for row in rows] == [notebook.rows[note].title or "Untitled" for note in wanted]
    assert all(len(row.all("link")) == 1 for row in rows)


def test_the_newest_change_comes_first_after_what_is_pinned(notebook: Notebook) -> None:
    """The list is in the notebook's order."""
    rows = tree_of(view(notebook, *SCENES["list"])["list"]).one("list", "Notes").all("link")

    assert [row.name for row in rows] == ["Plan", "Packing", "Museum", "Untitled"]


def test_the_open_note_is_current(notebook: Notebook) -> None:
    """One row says that it is the open one."""
    rows = tree_of(view(notebook, *SCENES["note"])["list"]).one("list", "Notes").all("link")

    assert [row.name for row in rows if "aria-current" in row.attributes] == ["Packing"]


def test_the_open_note_has_title_editor_tools_and_its_own_status(notebook: Notebook) -> None:
    """Names of UI.md 5; the editor is named by itself."""
    pane = tree_of(view(notebook, *SCENES["note"])["note"])
    title = pane.one("textbox", "Title")

    assert title.attributes["value"] == "Packing"
    assert title.attributes["data-rest"] == "400"
    assert title.attributes["data-focus"] == "title"
    assert pane.one("textbox", "Folder").attributes["value"] == "Travel/Lisbon"
    assert pane.one("status", "Note status").text == "Saved on this device"
    assert pane.one("button", "Preview").attributes["aria-pressed"] == "false"
    assert {"Pin", "Move to trash", "Export"} <= {each.name for each in pane.all("button")}
    editor = next(each for each in pane if each.tag == "carryon-editor")
    assert editor.attributes["data-note"] == PACKING
    assert editor.attributes["data-editable"] == "true"
    assert editor.text == notebook.note(PACKING).body  # type: ignore[union-attr]


def test_a_preview_shows_markdown_and_follows_links_within_the_page(notebook: Notebook) -> None:
    """The editor stays, hidden, so that its undo survives."""
    pane = tree_of(view(notebook, *SCENES["preview"])["note"])

    assert pane.one("button", "Preview").attributes["aria-pressed"] == "true"
    assert pane.one("link", "Museum").attributes["data-action"] == "note.open"
    assert "hidden" in next(each for each in pane if each.tag == "carryon-editor").attributes


def test_an_empty_title_is_untitled_in_the_list_and_empty_in_its_box(notebook: Notebook) -> None:
    """What a person has not written is not put into the box."""
    page = page_of(view(notebook, replace(TAB, note=EMPTY), DEVICE))

    assert page.one("textbox", "Title").attributes["value"] == ""
    assert page.one("link", "Untitled").attributes["data-note"] == EMPTY


@pytest.mark.parametrize(("field", "command"), [("title", RenameNote), ("folder", MoveNote)])
def test_two_titles_or_folders_set_apart_are_both_shown_and_one_press_settles(
    field: str, command: type[RenameNote] | type[MoveNote]
) -> None:
    """A field conflict is shown, not hidden (DATA.md 5)."""
    here, there = Notebook("0" * 26, 1, "", "aa"), Notebook("0" * 26, 2, "", "bb")
    made = here.act(CreateNote(PACKING, "Packing", ""), NOW)
    there.absorb(PACKING, [fact.update for fact in made if hasattr(fact, "update")], NOW, {})
    here.act(command(PACKING, "Lisbon"), NOW)
    set_there = there.act(command(PACKING, "Porto"), NOW)
    here.absorb(PACKING, [fact.update for fact in set_there if hasattr(fact, "update")], NOW, {})
    here.refresh()

    pane = tree_of(view(here, replace(TAB, note=PACKING), DEVICE)["note"])

    for value in ("Lisbon", "Porto"):
        button = pane.one("button", f"Keep the {field} {value}")
        action = {"title": "note.rename", "folder": "note.move"}[field]
        assert (button.attributes["data-action"], button.attributes["data-value"]) == (action, value)


def test_a_note_in_the_trash_is_read_only_and_can_be_restored(notebook: Notebook) -> None:
    """The trash is a place to look, and to take back from."""
    pane = tree_of(view(notebook, *SCENES["trashed note"])["note"])

    assert pane.one("button", "Restore").attributes["data-note"] == OLD
    assert "readonly" in pane.one("textbox", "Title").attributes
    assert not pane.all("button", "Move to trash")
    assert next(each for each in pane if each.tag == "carryon-editor").attributes["data-editable"] == "false"


def test_what_can_only_be_read_says_why(notebook: Notebook) -> None:
    """D2, D7: never a silent fallback."""
    page = shown(notebook, "read only")

    assert [each.text for each in page.all("alert")] == ["A newer version wrote here."]
    assert "readonly" in page.one("textbox", "Title").attributes


def test_files_and_folders_are_chosen_by_named_inputs(notebook: Notebook) -> None:
    """`multiple` for files, `webkitdirectory` for a folder; both lead to the same action."""
    page = shown(notebook, "import")
    files, folder = page.one("file", "Files to import"), page.one("file", "Folder to import")

    assert "multiple" in files.attributes
    assert {".md", ".zip"} <= set(files.attributes["accept"].split(","))
    assert "webkitdirectory" in folder.attributes
    assert files.attributes["data-action"] == folder.attributes["data-action"] == "import.files"


def test_an_import_shows_its_progress_with_counts_and_can_be_cancelled(notebook: Notebook) -> None:
    """The progress bar tells its share, the words the counts."""
    page = shown(notebook, "importing")
    bar = page.one("progressbar", "Import")

    assert (bar.attributes["value"], bar.attributes["max"]) == ("120", "225")
    assert "120 of 225" in page.one("region", "Importing").spoken
    assert page.one("button", "Cancel").attributes["data-action"] == "import.cancel"


def test_an_import_report_begins_with_the_number_of_notes_and_names_what_was_left(notebook: Notebook) -> None:
    """What was refused stands there by name, with the reason."""
    report = shown(notebook, "report").one("region", "Import report")

    assert report.spoken.startswith("223 notes imported")
    assert "is not UTF-8 Old/latin1.md" in report.spoken
    assert "attachments come later map.png" in report.spoken


def test_an_import_report_says_what_stands_beside_a_note(notebook: Notebook) -> None:
    """A note that was not written over is told, so that a person looks at both."""
    report = SCENES["report"][1].report
    assert report is not None

    page = page_of(view(notebook, TAB, replace(DEVICE, report=replace(report, beside=2))))

    assert "2 of them stand beside a note with other words" in page.one("region", "Import report").spoken


def test_a_long_report_names_the_first_and_counts_the_rest(notebook: Notebook) -> None:
    """A folder of 5,000 pictures does not become 5,000 lines."""
    report = SCENES["report"][1].report
    assert report is not None
    many = replace(report, left=tuple((f"{number}.png", "is an attachment") for number in range(5_000)))

    region = page_of(view(notebook, TAB, replace(DEVICE, report=many))).one("region", "Import report")

    assert "5,000 files were left out" in region.spoken
    assert "and 4900 more" in region.spoken
    assert len(region.all("listitem")) == 101


def test_a_device_is_added_in_settings(notebook: Notebook) -> None:
    """First the button; then the link, to be read only, with a code to scan."""
    before, after = shown(notebook, "settings"), shown(notebook, "settings connected")

    assert before.one("button", "Add a device").attributes["data-action"] == "device.add"
    box = after.one("textbox", "Invite link")
    assert box.attributes["value"] == INVITE.link
    assert "readonly" in box.attributes
    assert after.one("img", "Invite link as a QR code").tag == "svg"
    assert not after.all("button", "Add a device")


@pytest.mark.parametrize(
    ("link", "is_local"),
    [
        ("http://localhost:8000/?join#x", True),
        ("http://127.0.0.1/?join#x", True),
        ("http://[::1]:8000/?join#x", True),
        ("https://carryon.localhost/?join#x", True),
        ("https://notes.example.org/?join#localhost", False),
        ("http://[broken/?join#x", False),
    ],
)
def test_a_link_that_works_on_this_machine_only_says_so(notebook: Notebook, link: str, is_local: bool) -> None:
    """An invite to localhost invites whatever machine opens it to itself."""
    page = page_of(view(notebook, replace(TAB, place="settings"), replace(DEVICE, invite=Invite(link))))

    assert ("works on this machine only" in page.spoken) == is_local


def test_the_relay_is_named_and_connected_in_settings(notebook: Notebook) -> None:
    """Connect where there is none, Disconnect where there is one."""
    without, with_relay = shown(notebook, "settings"), shown(notebook, "settings connected")

    assert "readonly" not in without.one("textbox", "Relay address").attributes
    without.one("button", "Connect")
    assert not without.all("button", "Disconnect")
    assert with_relay.one("textbox", "Relay address").attributes["value"] == "https://notes.example.org"
    with_relay.one("button", "Disconnect")
    assert not with_relay.all("button", "Connect")


def test_a_relay_that_cannot_be_reached_can_still_be_disconnected(notebook: Notebook) -> None:
    """Being offline is not being disconnected."""
    device = replace(DEVICE, relay=Relay("https://notes.example.org", False, "Not reachable, trying again"))

    page = page_of(view(notebook, replace(TAB, place="settings"), device))

    page.one("button", "Disconnect")
    assert "Not reachable, trying again" in page.spoken


def test_an_invitation_shows_what_is_joined_and_one_button(notebook: Notebook) -> None:
    """Notebook, role and relay, before anything happens."""
    page = shown(notebook, "join")

    page.one("button", "Join")
    for words in ("Family", "read, write and invite others", "https://notes.example.org"):
        assert words in page.spoken


@pytest.mark.parametrize("scene", ["join refused", "join without a link"])
def test_a_bad_invitation_says_so_and_cannot_be_joined(notebook: Notebook, scene: str) -> None:
    """Expired, used up, or gone: words and the way out, and no button that would fail."""
    page = shown(notebook, scene)

    assert not page.all("button", "Join")
    page.one("button", "Go to my notes")


def test_passing_words_offer_undo_and_problems_stay_as_alerts(notebook: Notebook) -> None:
    """Deleting offers undo; errors stay until dismissed; a new version is offered."""
    toast, problem = shown(notebook, "toast"), shown(notebook, "problem")

    undo = toast.one("button", "Undo")
    assert (undo.attributes["data-action"], undo.attributes["data-note"]) == ("note.restore", OLD)
    assert [each.text for each in problem.all("alert")] == ["No room left."]
    assert problem.one("button", "Dismiss").attributes["data-problem"] == "No room left."
    assert "A new version is ready" in problem.spoken
    problem.one("button", "Update")


def test_the_checklist_waits_until_there_is_something_to_lose(notebook: Notebook) -> None:
    """A welcome note alone asks for nothing; what is done is asked for no more."""
    safe = replace(DEVICE, persisted=True, devices=(*DEVICE.devices, *DEVICE.devices))

    assert tree_of(view(notebook, TAB, DEVICE)["nav"]).all("link", "Keep these notes safe")
    assert not tree_of(view(notebook, TAB, safe)["nav"]).all("link", "Keep these notes safe")
    assert not tree_of(view(many_notes(1), TAB, DEVICE)["nav"]).all("link", "Keep these notes safe")


def test_several_notebooks_are_listed_in_the_sidebar_and_named_in_addresses(notebook: Notebook) -> None:
    """A device that joined a second notebook lists both."""
    page = shown(notebook, "folder")

    links = tree_of(view(notebook, *SCENES["folder"])["nav"]).one("list", "Notebooks").all("link")
    assert [(each.name, "aria-current" in each.attributes) for each in links] == [("Mine", True), ("Family", False)]
    assert all("in=" in each.attributes["href"] for each in page.one("list", "Notes").all("link"))


@pytest.mark.parametrize(
    ("tab", "title", "pane"),
    [
        (TAB, "All notes · Carryon", "list"),
        (replace(TAB, note=PACKING), "Packing · Carryon", "note"),
        (replace(TAB, note=EMPTY), "Untitled · Carryon", "note"),
        (replace(TAB, tag="work"), "#work · Carryon", "list"),
        (replace(TAB, place="trash"), "Trash · Carryon", "list"),
        (replace(TAB, place="settings"), "Settings · Carryon", "note"),
        (replace(TAB, place="join"), "Join a notebook · Carryon", "note"),
    ],
)
def test_the_document_is_titled_by_what_it_shows(notebook: Notebook, tab: Tab, title: str, pane: str) -> None:
    """The window's title, and the pane that a small screen shows."""
    assert title_of(notebook, tab) == title
    assert pane_of(tab) == pane


def test_levels_and_devices_are_all_used() -> None:
    """The samples above show every level, so that no beginning goes untested."""
    levels: set[Level] = {device.status.level for _, device in SCENES.values()}
    cores = {device.core for _, device in SCENES.values() if isinstance(device, Device)}

    assert levels == {"unsaved", "saved", "relay", "seen"}
    assert "read-only" in cores


def test_a_search_that_finds_nothing_in_a_folder_leads_to_what_there_is_elsewhere(notebook: Notebook) -> None:
    """By one press, which keeps what is searched for; where there is nothing elsewhere either, nothing leads there."""
    tab, device = SCENES["nothing found in a folder"]
    link = tree_of(view(notebook, tab, device)["list"]).one("link", "Show 1 note in all notes")

    outcome = act(notebook, tab, device, Action(link.attributes["data-action"], {}, NONCE))

    assert isinstance(outcome, Outcome)
    assert (outcome.tab.folder, outcome.tab.query) == (None, "rest")
    assert link.attributes["href"] == "?q=rest"
    assert tree_of(view(notebook, outcome.tab, device)["list"]).one("link", "Plan")
    assert "No note has this" in shown(notebook, "nothing found in a tag").text
    assert not [
        each for each in shown(notebook, "nothing found in a tag") if each.attributes.get("data-action") == "list.widen"
    ]


def test_while_notes_are_fetched_it_is_said_how_many_and_never_that_there_are_none() -> None:
    """Also before the relay has answered, and in a folder that a link leads to."""
    empty = Notebook("0" * 26, 1, "", "aa")

    told = view(empty, *SCENES["fetching"])
    early = view(empty, *SCENES["not yet fetching"])

    assert "1,200 of 5,000 changes are here" in told["list"]
    bar = tree_of(told["list"]).one("progressbar", "Fetching the notes")
    assert (bar.attributes["value"], bar.attributes["max"]) == ("1200", "5000")
    assert "Fetching the notes" in early["list"]
    for regions in (told, early):
        assert not any(words in str(regions) for words in ("No notes", "No note ", "A new notebook"))
        assert "Not all notes are here yet" in regions["list"]
        assert "on their way" in regions["note"]


def test_a_handful_that_comes_moves_nothing_in_the_list(notebook: Notebook) -> None:
    """As on every return of a device: it is here before anybody has read of it."""
    here = replace(DEVICE, fetching=Progress(5_000, 5_010))

    assert view(notebook, TAB, here)["list"] == view(notebook, TAB, DEVICE)["list"]


def test_what_needs_attention_is_named_in_settings(notebook: Notebook) -> None:
    """UI.md 5: a region, absent when nothing does; each trouble leads to its note, and says what can be done."""
    assert shown(notebook, "settings").all("region", "Needs attention") == []

    region = shown(notebook, "settings with troubles").one("region", "Needs attention")

    assert region.one("link", "Packing").attributes["data-action"] == "note.open"
    assert "1 change of it is damaged." in region.spoken
    assert "2 changes wait for others." in region.spoken
    assert region.one("button", "Dismiss").attributes["data-trouble"] == "damaged:00"
    assert region.one("button", "Ask again").attributes["data-action"] == "trouble.ask"


def test_more_troubles_than_a_page_holds_are_counted(notebook: Notebook) -> None:
    """A flood of them is no flood of a page."""
    many = replace(DEVICE, troubles=tuple(Trouble(f"Trouble {place}.") for place in range(1_000)))

    region = page_of(view(notebook, replace(TAB, place="settings"), many)).one("region", "Needs attention")

    assert len(region.all("listitem")) == 50
    assert "950 things more need attention." in region.spoken


def test_a_note_that_is_not_whole_says_so(notebook: Notebook) -> None:
    """Beside what can be read of it."""
    assert "1 change cannot be read." in shown(notebook, "note not whole").spoken
