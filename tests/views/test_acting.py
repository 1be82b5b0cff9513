"""Actions: decoded at the door, refused in words, and twice is once."""

from dataclasses import replace

import pytest
from carryon.notebook.commands import CreateNote, MoveNote, PinNote, RenameNote, RestoreNote, TrashNote
from carryon.notebook.notebook import Notebook
from carryon.views.action import Action, Call, Outcome, Refused
from carryon.views.device import Device, Relay, Toast
from carryon.views.orders import (
    AcceptUpdate,
    AddDevice,
    CancelImport,
    CloseInvite,
    CloseReport,
    ConnectRelay,
    DeclineJoin,
    DisconnectRelay,
    DismissProblem,
    DismissToast,
    ExportNote,
    ExportNotebook,
    ImportFiles,
    Join,
    KeepStorage,
    Order,
    ShowToast,
    SwitchNotebook,
)
from carryon.views.page import RULES, act, view
from carryon.views.tab import Tab, answered, scrolled
from hypothesis import given
from hypothesis import strategies as st

from tests.views.samples import (
    DEVICE,
    INVITE,
    JOINING,
    MUSEUM,
    NONCE,
    NOTEBOOK,
    OLD,
    OTHER_NOTEBOOK,
    PACKING,
    SCENES,
    TAB,
    UNKNOWN,
    sample_notebook,
    unhurried,
)

NOTEBOOK_HERE = sample_notebook()


def done(name: str, tab: Tab = TAB, device: Device = DEVICE, nonce: str = NONCE, **args: str) -> Outcome:
    """What an action leads to, which must not be refused."""
    outcome = act(NOTEBOOK_HERE, tab, device, Action(name, args, nonce))
    assert isinstance(outcome, Outcome), outcome
    return outcome


def refused(name: str, tab: Tab = TAB, device: Device = DEVICE, nonce: str = NONCE, **args: str) -> str:
    """Why an action is refused."""
    outcome = act(NOTEBOOK_HERE, tab, device, Action(name, args, nonce))
    assert isinstance(outcome, Refused), outcome
    return outcome.reason


ARGUMENTS = st.dictionaries(
    st.sampled_from(
        ["note", "value", "shown", "pinned", "place", "folder", "tag", "notebook", "address", "problem", "x"]
    ),
    st.one_of(
        st.sampled_from([PACKING, OLD, UNKNOWN, NOTEBOOK, OTHER_NOTEBOOK, "true", "false", "notes", "settings", ""]),
        st.text(),
    ),
)


@unhurried
@given(
    name=st.one_of(st.sampled_from(sorted(RULES)), st.text()),
    args=ARGUMENTS,
    nonce=st.one_of(st.just(NONCE), st.text()),
    scene=st.sampled_from(sorted(SCENES)),
)
def test_any_action_gives_an_outcome_or_words(name: str, args: dict[str, str], nonce: str, scene: str) -> None:
    """Nothing that a tab sends raises; what comes out can be shown; what is refused says why."""
    tab, device = SCENES[scene]

    outcome = act(NOTEBOOK_HERE, tab, device, Action(name, args, nonce))

    match outcome:
        case Refused(reason):
            assert reason
        case Outcome():
            assert view(NOTEBOOK_HERE, outcome.tab, device)["status"]


def test_what_edits_is_refused_where_the_notebook_can_only_be_read() -> None:
    """D7: an older release changes nothing, and says why."""
    device = replace(DEVICE, core="read-only", words="A newer version wrote here: update first.")
    edits = {name for name, rule in RULES.items() if rule.edits}

    assert edits >= {
        "note.create",
        "note.rename",
        "note.move",
        "note.pin",
        "note.trash",
        "note.restore",
        "import.files",
    }
    for name in edits:
        assert refused(name, device=device, note=PACKING, value="x") == "A newer version wrote here: update first."


def test_a_new_note_is_named_by_the_nonce_and_its_title_gets_the_focus() -> None:
    """In the folder that is shown; sent twice, it is made once."""
    outcome = done("note.create", replace(TAB, folder="Travel", query="x", tag=None, preview=True))

    assert outcome.commands == (CreateNote(NONCE, "", "", "Travel", ""),)
    assert outcome.tab == Tab(NOTEBOOK, note=NONCE, folder="Travel")
    assert outcome.calls == (Call("focus", {"target": "title", "note": NONCE}),)
    assert done("note.create", nonce=PACKING).commands == (CreateNote(PACKING, "", "", "", ""),)
    assert done("note.create", replace(TAB, place="trash")).tab.place == "notes"


@pytest.mark.parametrize("nonce", ["", "8" + "0" * 25, "0" * 25, "0" * 26 + "\n", "O" * 26])
def test_a_new_note_needs_an_id(nonce: str) -> None:
    """26 characters of Crockford base 32 that are 16 bytes."""
    refused("note.create", nonce=nonce)


@pytest.mark.parametrize(
    ("name", "args", "command"),
    [
        ("note.rename", {"value": " Lisbon\n2024 "}, RenameNote(PACKING, "Lisbon 2024")),
        ("note.rename", {"value": ""}, RenameNote(PACKING, "")),
        ("note.move", {"value": "Work/Plans"}, MoveNote(PACKING, "Work/Plans")),
        ("note.pin", {"pinned": "true"}, PinNote(PACKING, True)),
        ("note.pin", {"pinned": "false"}, PinNote(PACKING, False)),
        ("note.export", {}, ExportNote(PACKING)),
    ],
)
def test_a_note_is_changed_by_commands(name: str, args: dict[str, str], command: object) -> None:
    """States are set, not toggled; the tab stays."""
    tab = replace(TAB, note=PACKING)

    outcome = done(name, tab, note=PACKING, **args)

    assert (outcome.tab, outcome.commands) == (tab, (command,))


@pytest.mark.parametrize("note", [UNKNOWN, "", "../x", PACKING.lower()])
def test_a_note_that_is_not_here_is_refused(note: str) -> None:
    """Each action on a note asks for one of this notebook."""
    for name, rule in RULES.items():
        if "note" in rule.args:
            assert "not in the notebook" in refused(name, note=note, value="x", pinned="true")


def test_a_title_beyond_the_limit_is_refused_with_the_number() -> None:
    """The thing, the number, the way out."""
    assert refused("note.rename", note=PACKING, value="x" * 501) == (
        "The title has 501 characters, the limit is 500: shorten it."
    )


def test_moving_to_the_trash_closes_the_note_and_offers_undo() -> None:
    """Undo brings the note back, and opens it again."""
    outcome = done("note.trash", replace(TAB, note=PACKING), note=PACKING)
    toast = Toast("Moved “Packing” to the trash", restore=PACKING)

    assert outcome.tab == TAB
    assert outcome.commands == (TrashNote(PACKING), ShowToast(toast))
    undone = done("note.restore", TAB, replace(DEVICE, toast=toast), note=PACKING)
    assert undone.commands == (RestoreNote(PACKING), DismissToast())
    assert undone.tab == replace(TAB, note=PACKING)


def test_restoring_from_the_trash_leads_to_the_note() -> None:
    """It is found where it lives again."""
    outcome = done("note.restore", replace(TAB, place="trash", note=OLD, query="x", first=9), note=OLD)

    assert outcome == Outcome(replace(TAB, note=OLD), (RestoreNote(OLD),))


def test_a_note_is_opened_where_it_is() -> None:
    """Search and folder stay; a link to a note in the trash leads there, one from settings back to the notes."""
    searching = replace(TAB, query="pack", folder="Travel", first=3)

    assert done("note.open", searching, note=PACKING).tab == replace(searching, note=PACKING)
    assert done("note.open", searching, note=OLD).tab == replace(TAB, place="trash", note=OLD)
    assert done("note.open", replace(TAB, place="settings"), note=MUSEUM).tab == replace(TAB, note=MUSEUM)
    assert done("note.close", replace(searching, note=PACKING)).tab == searching


def test_places_folders_and_tags_are_opened_from_their_beginning() -> None:
    """Search and scroll belong to where one was."""
    here = replace(TAB, note=PACKING, query="x", first=40, rows=17, dialog="browse", preview=True)

    assert done("place.open", here, place="trash").tab == replace(TAB, place="trash", rows=17, preview=True)
    assert done("place.open", here, place="notes", folder="Travel/Lisbon").tab.folder == "Travel/Lisbon"
    assert done("place.open", here, place="notes", tag="work").tab.tag == "work"
    assert done("place.browse", TAB, shown="true").tab.dialog == "browse"
    refused("place.open", here, place="join")


def test_a_search_starts_at_the_top_and_keeps_what_is_being_typed() -> None:
    """The space before the next word is not taken away under the fingers."""
    assert done("list.search", replace(TAB, first=40), value="two words ").tab == replace(TAB, query="two words ")
    refused("list.search", value="x" * 501)


@pytest.mark.parametrize(
    ("name", "order", "args"),
    [
        ("import.files", ImportFiles(), {}),
        ("import.cancel", CancelImport(), {}),
        ("report.close", CloseReport(), {}),
        ("notebook.export", ExportNotebook(), {}),
        ("device.add", AddDevice(), {}),
        ("invite.close", CloseInvite(), {}),
        ("relay.connect", ConnectRelay("https://notes.example.org"), {"address": " https://notes.example.org "}),
        ("relay.disconnect", DisconnectRelay(), {}),
        ("storage.keep", KeepStorage(), {}),
        ("update.accept", AcceptUpdate(), {}),
        ("toast.dismiss", DismissToast(), {}),
        ("problem.dismiss", DismissProblem("No room."), {"problem": "No room."}),
        ("join.decline", DeclineJoin(), {}),
    ],
)
def test_the_device_is_ordered(name: str, order: Order, args: dict[str, str]) -> None:
    """One order each."""
    assert done(name, **args).commands == (order,)


def test_joining_is_ordered_once_and_only_where_it_can_be_done() -> None:
    """An invitation with a problem is refused with its words; a second press while it runs does nothing."""
    tab = replace(TAB, place="join")

    assert done("join.accept", tab, replace(DEVICE, joining=JOINING)).commands == (Join(),)
    assert done("join.accept", tab, replace(DEVICE, joining=replace(JOINING, busy=True))).commands == ()
    assert refused("join.accept", tab, replace(DEVICE, joining=replace(JOINING, problem="Expired."))) == "Expired."
    assert "open the link again" in refused("join.accept", tab)
    assert done("join.decline", tab).tab == TAB


def test_the_invite_link_is_copied_and_says_so_until_the_next_action() -> None:
    """ "Copied" is said when the window has done it, not before."""
    device = replace(DEVICE, invite=INVITE)
    asked = done("invite.copy", replace(TAB, place="settings"), device)

    assert asked.calls == (Call("copy", {"text": INVITE.link}),)
    assert not answered(asked.tab, "copy", ok=False).copied
    copied = answered(asked.tab, "copy", ok=True)
    assert "Copied" in view(NOTEBOOK_HERE, copied, device)["note"]
    assert not done("place.browse", copied, device, shown="false").tab.copied
    assert "add the device again" in refused("invite.copy")


def test_a_relay_needs_an_address() -> None:
    """Empty is refused with an example."""
    assert "address of a relay" in refused("relay.connect", device=replace(DEVICE, relay=Relay()), address="  ")


def test_another_notebook_of_this_device_is_opened() -> None:
    """Only one that is here."""
    device = replace(DEVICE, notebooks=((NOTEBOOK, "Mine"), (OTHER_NOTEBOOK, "Family")))

    outcome = done("notebook.switch", device=device, notebook=OTHER_NOTEBOOK)

    assert outcome == Outcome(Tab(OTHER_NOTEBOOK), (SwitchNotebook(OTHER_NOTEBOOK),))
    refused("notebook.switch", notebook=OTHER_NOTEBOOK)


def test_an_unknown_action_is_refused_by_name() -> None:
    """A tab of another release says what this one does not know."""
    assert "note.fold" in refused("note.fold")


def test_scrolling_is_brought_into_bounds() -> None:
    """Numbers come from a tab."""
    assert scrolled(TAB, -5, 0) == replace(TAB, first=0, rows=1)
    assert scrolled(TAB, 7, 10**9).rows == 200


def test_the_sample_notebook_is_what_the_tests_say(notebook: Notebook) -> None:
    """The trash holds one note, the list the others."""
    assert dict(notebook.counts()) == {"notes": 4, "trash": 1}
