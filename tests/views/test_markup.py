"""What is rendered holds to the page's policy and to the contract with the tab, and text never becomes markup."""

import re
from collections import Counter
from dataclasses import replace

import pytest
from carryon.notebook.commands import CreateNote
from carryon.notebook.notebook import Notebook
from carryon.views.device import Device, ImportReport, Invite, Joining, Member, Progress, Relay, Status, Toast
from carryon.views.page import RULES, title_of, view
from carryon.views.tab import Tab
from hypothesis import given
from hypothesis import strategies as st

from tests.views.samples import DEVICE, NOTEBOOK, NOW, PACKING, SCENES, TAB, unhurried
from tests.views.tree import Element, page_of, tree_of

OURS = {"action", "on", "rest", "key", "focus"}
ATTRIBUTES = re.compile(r"(aria|data)-[a-z-]+\Z")
PLAIN_ATTRIBUTES = {
    *("accept", "action", "autocomplete", "autofocus", "class", "d", "datetime", "dir", "disabled", "enterkeyhint"),
    *(
        "focusable",
        "hidden",
        "href",
        "id",
        "inputmode",
        "max",
        "maxlength",
        "multiple",
        "name",
        "placeholder",
        "readonly",
    ),
    *("rel", "role", "spellcheck", "target", "title", "type", "value", "viewbox", "webkitdirectory", "checked"),
}
scenes = pytest.mark.parametrize("scene", SCENES)


@scenes
def test_there_are_no_styles_no_handlers_and_no_scripts(notebook: Notebook, scene: str) -> None:
    """The policy blocks them, so each would be a fault: every attribute is one that is listed here."""
    for element in page_of(view(notebook, *SCENES[scene])):
        assert element.tag not in ("script", "style", "iframe", "object", "embed", "img")
        for name in element.attributes:
            assert name in PLAIN_ATTRIBUTES or ATTRIBUTES.match(name), f"<{element.tag} {name}>"


@scenes
def test_every_action_is_known_and_gets_the_arguments_it_wants(notebook: Notebook, scene: str) -> None:
    """What an element carries, with its value, is all that its rule decodes, but for what may be empty."""
    for element in page_of(view(notebook, *SCENES[scene])):
        action = element.attributes.get("data-action")
        if action is None:
            continue
        rule = RULES[action]
        sent = {name.removeprefix("data-") for name in element.attributes if name.startswith("data-")} - OURS
        if element.tag == "input" and element.attributes.get("type") != "file":
            sent.add("value")
        if element.tag == "form":
            sent |= {each.attributes["name"] for each in element if each.tag == "input"}
        optional = {"folder", "tag"} if action == "place.open" else set()
        assert set(rule.args) - optional <= sent, f"{action} is sent {sent}"


def test_every_action_can_be_done_somewhere(notebook: Notebook) -> None:
    """No rule without something to press."""
    pressed = {
        element.attributes.get("data-action") for scene in SCENES for element in page_of(view(notebook, *SCENES[scene]))
    }

    assert set(RULES) <= pressed


@scenes
def test_everything_to_press_or_fill_in_has_a_name(notebook: Notebook, scene: str) -> None:
    """Also where a sign is all that is seen."""
    page = page_of(view(notebook, *SCENES[scene]))

    for element in page:
        if element.tag in ("a", "button", "input", "progress", "dialog") and not inside(element, "preview"):
            assert element.name, f"<{element.tag} {element.attributes}> has no name"


def inside(element: Element, part: str) -> bool:
    """Whether an element lies in a part."""
    while element.parent is not None:
        element = element.parent
        if element.attributes.get("class") == part:
            return True
    return False


@scenes
def test_ids_and_shortcuts_are_there_once(notebook: Notebook, scene: str) -> None:
    """Morphing recognises elements by id; a shortcut presses one thing."""
    page = page_of(view(notebook, *SCENES[scene]))
    ids = Counter(each.attributes["id"] for each in page if "id" in each.attributes)
    keys = Counter(key for each in page for key in each.attributes.get("data-key", "").split())

    assert not [each for each, count in (ids + keys).items() if count > 1]


@scenes
def test_links_lead_within_the_page(notebook: Notebook, scene: str) -> None:
    """A relative query works under any base path, and with a modifier key opens another tab."""
    for link in page_of(view(notebook, *SCENES[scene])).all("link"):
        assert re.match(r"\?[a-z]+=|\./\Z", link.attributes["href"]), link.attributes["href"]


EVIL = st.one_of(
    st.text(),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "' onmouseover='alert(1)",
            "</a></li></ul><style>*{display:none}</style>",
            "&lt;b&gt; &amp; &#60;i&#62;",
            "{{ view }} {% include 'x' %}",
            "<!-- -->",
            "]]>",
            "\u202eevil\u2066",
        ]
    ),
)


def shape(element: Element) -> list[tuple[str, tuple[str, ...]]]:
    """The markup without its texts and values: what no text may change."""
    return [(each.tag, tuple(sorted(each.attributes))) for each in element]


@unhurried
@given(name=EVIL, words=EVIL, address=EVIL, path=EVIL)
def test_words_of_a_device_are_text(name: str, words: str, address: str, path: str) -> None:
    """Whatever the core, a relay, a joined notebook or a file's path says: the same markup, and the words are there."""
    name, words, address, path = (each or "x" for each in (name, words, address, path))
    device = Device(
        now=NOW,
        release=words,
        status=Status("seen", (name,), words),
        name=name,
        notebooks=((NOTEBOOK, name), ("1" * 26, words)),
        note_status=words,
        relay=Relay(address, True, words),
        devices=(Member(name, words, this=True),),
        invite=Invite("https://notes.example.org/?join#x", words),
        importing=None,
        report=ImportReport(1, refused=((path, words),), left=((path, words),)),
        toast=Toast(words, restore=PACKING),
        problems=(words,),
    )
    plain = replace(
        device,
        release="x",
        status=Status("seen", ("x",), "x"),
        name="x",
        notebooks=((NOTEBOOK, "x"), ("1" * 26, "x")),
        note_status="x",
        relay=Relay("x", True, "x"),
        devices=(Member("x", "x", this=True),),
        invite=Invite("https://notes.example.org/?join#x", "x"),
        report=ImportReport(1, refused=(("x", "x"),), left=(("x", "x"),)),
        toast=Toast("x", restore=PACKING),
        problems=("x",),
    )
    empty = Notebook(NOTEBOOK, 1, "x")
    tab = replace(TAB, place="settings")

    page = page_of(view(empty, tab, device))

    assert shape(page) == shape(page_of(view(empty, tab, plain)))
    for text in (name, words, path):
        assert html_text(text) in html_text(page.text)


@unhurried
@given(name=EVIL, words=EVIL, problem=EVIL)
def test_words_of_an_invitation_are_text(name: str, words: str, problem: str) -> None:
    """A link is made by somebody else: its notebook's name and its relay are shown as they are."""
    tab = replace(TAB, place="join")
    empty = Notebook(NOTEBOOK, 1, "x")
    asked = replace(DEVICE, joining=Joining(name or "x", words or "x", words or "x", words or "x"))
    refused = replace(
        DEVICE, joining=Joining(name, words, words, words, problem or "x"), importing=Progress(1, 2, words)
    )
    plainly_asked = replace(DEVICE, joining=Joining("x", "x", "x", "x"))
    plainly_refused = replace(DEVICE, joining=Joining("x", "x", "x", "x", "x"), importing=Progress(1, 2, "x"))

    for device, plain in ((asked, plainly_asked), (refused, plainly_refused)):
        assert shape(page_of(view(empty, tab, device))) == shape(page_of(view(empty, tab, plain)))


# Half a character (a surrogate) is refused by the notebook, and no address or edit can carry one.
TEXT = st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), EVIL).filter(
    lambda text: not any("\ud800" <= character <= "\udfff" for character in text)
)


@unhurried
@given(title=TEXT, body=TEXT, folder=TEXT, query=TEXT)
def test_a_note_and_what_is_searched_are_text(title: str, body: str, folder: str, query: str) -> None:
    """Title, opening, folder, tags and search: text, never markup; the editor's host holds the text itself."""
    notebook = Notebook(NOTEBOOK, 1, "x", "ab")
    notebook.act(CreateNote(PACKING, title[:500], body, folder), NOW)
    notebook.refresh()
    row = notebook.rows[PACKING]
    tab = Tab(NOTEBOOK, note=PACKING, folder=row.folder or None)

    for shown in (tab, replace(tab, query=query), replace(tab, tag=query or None)):
        for element in page_of(view(notebook, shown, DEVICE)):
            assert element.tag not in ("script", "style", "img", "b", "i")
            assert not [name for name in element.attributes if name.startswith("on") or name == "style"]
    pane = tree_of(view(notebook, tab, DEVICE)["note"])
    assert html_text(pane.one("textbox", "Title").attributes["value"]) == html_text(title[:500])
    host = next(each for each in pane if each.tag == "carryon-editor")
    assert html_text(host.text) == html_text(body)
    assert title_of(notebook, tab).endswith(" · Carryon")


@unhurried
@given(body=TEXT)
def test_a_preview_makes_no_markup_but_the_renderers_own(body: str) -> None:
    """Raw HTML in a note is shown as text, and every link that leads out is http, https or mailto."""
    notebook = Notebook(NOTEBOOK, 1, "x", "ab")
    notebook.act(CreateNote(PACKING, "Preview", body, ""), NOW)
    notebook.refresh()

    for element in page_of(view(notebook, Tab(NOTEBOOK, note=PACKING, preview=True), DEVICE)):
        assert element.tag not in ("script", "style", "img", "b", "i", "iframe")
        assert not [name for name in element.attributes if name.startswith("on") or name == "style"]
        assert re.match(r"(\?|\./|https?:|mailto:)", element.attributes.get("href", "?"), re.IGNORECASE)


def html_text(text: str) -> str:
    """A text as it comes back out of HTML: the parser makes one of line ends, and has words of its own for NUL."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
