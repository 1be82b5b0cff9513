"""The page: what the core renders takes its place, what the person does goes up, and nothing is lost in between."""

from typing import Any

from playwright.sync_api import BrowserContext, Dialog

from .conftest import Tab
from .driving import SEARCH, TITLE, acts, core_of, order, say_regions, unsaved, until, until_equal


def rows(first: int, last: int) -> str:
    """Render rows as the list does."""
    return "".join(
        f'<li id="row-{n}"><a href="?note={n}" id="link-{n}" data-action="note.open" data-note="{n}">Note {n}</a></li>'
        for n in range(first, last)
    )


def window(listing: str, first: int, last: int, total: int) -> str:
    """Render a list as a window on its rows."""
    counts = f'data-first="{first}" data-total="{total}" data-before="{first}" data-after="{total - last}"'
    return f'<ul data-window="{listing}" data-row-height="72" {counts}>{rows(first, last)}</ul>'


def test_focus_selection_and_scrolling_outlive_a_rendering(tab: Tab) -> None:
    page = tab()
    say_regions(page, {"list": SEARCH.format(value="plan") + window("a", 0, 20, 20)})
    page.get_by_role("searchbox").evaluate("(box) => { box.focus(); box.setSelectionRange(1, 3); }")
    page.evaluate("document.querySelector('[data-region=list]').scrollTop = 300")

    say_regions(page, {"list": SEARCH.format(value="plan") + window("a", 0, 21, 21)})

    assert page.evaluate("[document.activeElement.selectionStart, document.activeElement.selectionEnd]") == [1, 3]
    assert page.evaluate("document.querySelector('[data-region=list]').scrollTop") == 300


def test_the_focus_goes_with_a_row_that_moves_and_stays_near_one_that_goes(tab: Tab) -> None:
    page = tab()
    say_regions(page, {"list": f"<ul>{rows(0, 5)}</ul>"})
    page.get_by_role("link", name="Note 3").focus()

    say_regions(page, {"list": f"<ul>{rows(3, 4)}{rows(0, 3)}</ul>"})
    assert page.evaluate("document.activeElement.id") == "link-3"

    say_regions(page, {"list": f"<ul>{rows(0, 3)}</ul>"})
    assert page.evaluate("document.activeElement.dataset.region") == "list"


def test_links_act_on_a_plain_click_and_are_links_otherwise(tab: Tab) -> None:
    page = tab()
    say_regions(page, {"list": f"<ul>{rows(0, 2)}</ul>"})

    page.get_by_role("link", name="Note 1").click()
    until_equal(lambda: acts(page, "note.open"), [{"note": "1"}])
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Note 0").click(modifiers=["Control"])

    assert opened.value.url.endswith("?note=0")
    assert acts(page, "note.open") == [{"note": "1"}]


def test_forms_boxes_files_and_shortcuts_become_actions_with_their_values(tab: Tab) -> None:
    page = tab()
    html = """<form data-action="relay.connect" data-kind="own">
      <input name="address" value="wss://relay"><button name="how" value="now">Connect</button></form>
      <input type="checkbox" aria-label="Keep" data-action="keep.set" data-of="x">
      <select aria-label="Sort" data-action="sort.set"><option>a</option><option>b</option></select>
      <input type="file" multiple aria-label="Files" data-action="import.files">
      <button data-action="note.create" data-key="mod+alt+n">New note</button><button aria-disabled="true" data-action="no">No</button>"""
    say_regions(page, {"note": html})

    page.get_by_role("button", name="Connect").click()
    page.get_by_role("checkbox").check()
    page.get_by_role("combobox").select_option("b")
    page.get_by_label("Files").set_input_files([{"name": "a.md", "mimeType": "text/markdown", "buffer": b"# A"}])
    page.keyboard.press("Control+Alt+n")
    page.get_by_role("button", name="No", exact=True).click(force=True)

    until(lambda: acts(page, "note.create"))
    assert acts(page, "relay.connect") == [{"kind": "own", "address": "wss://relay", "how": "now"}]
    assert acts(page, "keep.set") == [{"of": "x", "value": "true"}]
    assert acts(page, "sort.set") == [{"value": "b"}]
    assert acts(page, "no") == []
    files = [act["files"] for act in order(page, "heard", kind="act") if act["name"] == "import.files"]
    assert [[file["path"] for file in chosen] for chosen in files] == [["a.md"]]
    nonces = [act["nonce"] for act in order(page, "heard", kind="act")]
    assert len(set(nonces)) == len(nonces)
    assert all(len(nonce) == 26 and nonce[0] in "01234567" for nonce in nonces)


def test_a_shortcut_without_modifier_is_not_taken_from_somebody_who_types(tab: Tab) -> None:
    page = tab()
    say_regions(page, {"list": SEARCH.format(value=""), "note": TITLE.format(value="", note="N", rest="60000")})

    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.type") == "search"
    page.get_by_role("textbox", name="Title").focus()
    page.keyboard.press("/")

    assert page.get_by_role("textbox", name="Title").input_value() == "/"


def test_a_long_list_keeps_the_place_of_rows_that_are_not_rendered(tab: Tab) -> None:
    page = tab()
    say_regions(page, {"list": window("all", 0, 30, 10_000)})
    scroll = "(top) => (document.querySelector('[data-region=list]').scrollTop = top)"
    assert page.evaluate("document.querySelector('[data-region=list]').scrollHeight") == 10_000 * 72

    page.evaluate(scroll, 5_000 * 72)
    until(lambda: [seen["first"] for seen in order(page, "heard", kind="scrolled")][-1:] == [5_000])
    say_regions(page, {"list": window("all", 4_990, 5_020, 10_000)})

    assert page.evaluate("document.querySelector('[data-region=list]').scrollTop") == 5_000 * 72
    assert (
        page.get_by_role("link", name="Note 5000", exact=True).bounding_box()["y"]
        == page.locator("[data-region=list]").bounding_box()["y"]
    )

    say_regions(page, {"list": window("found", 0, 30, 500)})
    assert page.evaluate("document.querySelector('[data-region=list]').scrollTop") == 0


def test_work_that_is_late_is_said_in_the_words_of_the_core_and_only_then(tab: Tab) -> None:
    """A5: words for unsaved work stand in the place of the status after a second, and go when the core has saved."""
    page = tab()
    status = '<p role="status" aria-label="Sync status" data-late="Not saved: still trying">{}</p>'
    say_regions(page, {"status": status.format("Saved on this device"), "note": '<button data-action="x">Do</button>'})
    order(page, "hold", on=True)

    page.get_by_role("button", name="Do").click()
    assert page.get_by_role("status").inner_text() == "Saved on this device"
    until(lambda: page.get_by_role("status").inner_text() == "Not saved: still trying")
    say_regions(page, {"status": status.format("Saved here")})
    assert page.get_by_role("status").inner_text() == "Not saved: still trying"
    order(page, "save")

    until(lambda: page.get_by_role("status").inner_text() == "Saved here")


def test_what_is_not_saved_is_sent_again_after_a_reload(tab: Tab) -> None:
    """A4: edits and actions that the core has not answered outlive the page."""
    page = tab("?note=A")
    page.get_by_role("textbox", name="Note", exact=True).click()
    order(page, "hold", on=True)
    page.keyboard.type("kept")
    page.get_by_role("textbox", name="Title").press_sequentially("T")

    page.reload()
    until(lambda: core_of(page) == "ready")

    pending = order(page, "heard", kind="hello")[-1]["pending"]
    assert [entry["type"] for entry in pending] == ["edit"] * 4 + ["act"]
    assert [entry["seq"] for entry in pending] == [1, 2, 3, 4, 5]
    assert pending[-1]["args"] == {"note": "A", "value": "T"}
    assert order(page, "text", name="A") == "kept"
    until(lambda: unsaved(page) == 0)
    assert page.evaluate("sessionStorage.length") == 0


def test_every_message_is_answered_for_itself(tab: Tab) -> None:
    """J2: what is saved is forgotten, and what is dropped; what stands before it and was not answered is kept, and said again."""
    page = tab("?note=A")
    page.get_by_role("textbox", name="Note", exact=True).click()
    order(page, "hold", on=True)
    page.keyboard.type("abc")
    until(lambda: unsaved(page) == 3)

    order(page, "answer", type="saved", seq=2)
    order(page, "answer", type="dropped", seq=3)
    until(lambda: unsaved(page) == 1)
    order(page, "say", message={"type": "released"})

    until(lambda: len(order(page, "heard", kind="hello")) == 2)
    assert [message["seq"] for message in order(page, "heard", kind="hello")[-1]["pending"]] == [1]
    order(page, "hold", on=False)


def test_what_is_sent_names_the_notebook_in_which_it_was_made(tab: Tab) -> None:
    """J2: a tab that shows another one by the time that it says it again sends nothing astray."""
    page = tab("?note=A")
    page.get_by_role("textbox", name="Note", exact=True).click()
    page.keyboard.type("a")
    say_regions(page, {"list": '<button data-action="x">Do</button>'}, notebook="another one")
    page.get_by_role("button", name="Do").click()
    page.get_by_role("textbox", name="Note", exact=True).click()
    page.keyboard.type("b")

    until(lambda: acts(page, "x"))
    assert [act["notebook"] for act in order(page, "heard", kind="act")] == ["another one"]
    assert [edit["notebook"] for edit in order(page, "heard", kind="edit")] == ["NB", "NB"]


def test_an_editor_whose_words_were_refused_begins_anew(tab: Tab) -> None:
    """J2: it shows what the core has, and what is typed from there on builds on that alone."""
    page = tab("?note=A")
    order(page, "make", name="B", text="what the core has")
    order(page, "open", name="B")
    editor = page.get_by_role("textbox", name="Note", exact=True)
    until(lambda: "what the core has" in editor.inner_text())
    order(page, "refuse", on=True)
    editor.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(" refused")
    until(lambda: unsaved(page) == 8)

    order(page, "refuse", on=False)
    order(page, "open", name="B", anew=True)
    until(lambda: editor.inner_text().strip() == "what the core has")
    page.keyboard.press("Control+End")
    page.keyboard.type(" and takes")

    until(lambda: order(page, "text", name="B") == "what the core has and takes")
    until(lambda: unsaved(page) == 8)


WRITE = """(lengths) => {
  const box = document.querySelector("[aria-label=Title]");
  for (const length of lengths) {
    box.value = ".".repeat(length);
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }
}"""


def test_of_what_is_too_much_to_be_kept_the_newest_is_and_the_rest_is_said(tab: Tab) -> None:
    """J17: a session storage holds 5 Mi characters; who leaves is asked first."""
    page = tab("?note=A")
    order(page, "hold", on=True)
    page.get_by_role("textbox", name="Title").click()
    page.evaluate(WRITE, [2_000_000, 2_000_001, 2_000_002, 3])
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)

    page.reload()
    until(lambda: core_of(page) == "ready")

    assert asked == ["beforeunload"]
    assert order(page, "brought")[-1] == {"unkept": 1, "lengths": [2_000_001, 2_000_002, 3]}
    page.reload()
    until(lambda: core_of(page) == "ready")
    assert order(page, "brought")[-1]["unkept"] == 0
    assert asked == ["beforeunload"]


def test_what_others_have_filled_leaves_room_for_the_newest(tab: Tab) -> None:
    """J17: another site of the same origin has most of the storage; leaving the page throws nothing."""
    page = tab("?note=A")
    order(page, "hold", on=True)
    page.get_by_role("textbox", name="Title").click()
    page.evaluate("sessionStorage.setItem('of others', '.'.repeat(4_500_000))")
    page.evaluate(WRITE, [400_000, 400_001, 400_002, 400_003])

    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")

    kept = page.evaluate(
        """() => {
          const { unkept, messages } = JSON.parse(sessionStorage.getItem(Object.keys(sessionStorage).find((key) => key.startsWith("carryon"))));
          return [unkept, messages.map(({ args }) => args.value.length)];
        }"""
    )
    assert kept == [3, [400_003]]


def test_nothing_is_spilled_while_a_lock_is_set(tab: Tab) -> None:
    page = tab("?note=A")
    page.evaluate("document.documentElement.dataset.locked = 'true'")
    order(page, "hold", on=True)
    page.get_by_role("textbox", name="Note", exact=True).click()
    page.keyboard.type("secret")

    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")

    assert unsaved(page) == 6
    assert page.evaluate("sessionStorage.length") == 0


def test_a_core_that_dies_is_noticed_and_gets_everything_again(tab: Tab) -> None:
    """D4: a core that comes back empty is told what the tab has, and what it had not saved."""
    page = tab("?note=A")
    page.get_by_role("textbox", name="Note", exact=True).click()
    page.keyboard.type("before ")
    until(lambda: unsaved(page) == 0)
    order(page, "hold", on=True)
    page.keyboard.type("and after")

    order(page, "die")
    until(lambda: len(order(page, "heard", kind="hello")) == 1 and order(page, "text", name="A") == "before and after")

    until(lambda: core_of(page) == "ready" and unsaved(page) == 0)
    assert page.get_by_role("textbox", name="Note", exact=True).inner_text().strip() == "before and after"


def test_keys_pressed_after_new_note_wait_for_the_box_that_gets_the_focus(tab: Tab) -> None:
    """A8: before the core is up, New note works at once and the keys after it go where it leads."""
    page = tab("?slow", "starting")
    page.evaluate(
        """() => { const made = document.createElement("button"); made.textContent = "New note";
        Object.assign(made.dataset, {action: "note.create", opens: "title"});
        document.querySelector("[data-region=nav]").append(made); }"""
    )
    until(lambda: order(page, "heard", kind="hello"))
    order(page, "hold", on=True)

    page.get_by_role("button", name="New note").click()
    page.keyboard.type("My plan")
    order(page, "go")
    [note] = [act["nonce"] for act in order(page, "heard", kind="act")]
    say_regions(
        page, {"note": TITLE.format(value="", note=note, rest="100").replace("<input", '<input data-focus="title"')}
    )
    order(page, "call", name="focus", args={"target": "title", "note": note})

    until_equal(lambda: acts(page, "note.rename"), [{"note": note, "value": "My plan"}])
    assert len(acts(page, "note.create")) == 1


def test_addresses_go_both_ways(tab: Tab) -> None:
    page = tab()
    order(page, "say", message={"type": "located", "query": "?note=A", "replace": False})
    until(lambda: page.url.endswith("?note=A"))
    order(page, "say", message={"type": "located", "query": "", "replace": False})
    until(lambda: page.url.endswith("/"))

    page.go_back()

    until_equal(lambda: [message["query"] for message in order(page, "heard", kind="navigated")], ["?note=A"])


def test_calls_are_performed_and_answered(tab: Tab) -> None:
    page = tab()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.bring_to_front()

    with page.expect_download() as download:
        order(page, "call", name="download", args={"name": "a.md", "media": "text/markdown"}, bytes=[35, 32, 65])
    order(page, "call", name="copy", args={"text": "carryon"})
    order(page, "call", name="focus", args={"target": "nowhere"})

    until(lambda: len(order(page, "heard", kind="answered")) == 3)
    assert download.value.suggested_filename == "a.md"
    assert download.value.path().read_bytes() == b"# A"
    assert page.evaluate("navigator.clipboard.readText()") == "carryon"
    answers = sorted(order(page, "heard", kind="answered"), key=lambda answer: int(answer["call"]))
    assert [answer["ok"] for answer in answers] == [True, True, False]
    assert "nowhere" in answers[2]["value"]


def test_the_secret_of_an_invite_leaves_the_address_before_anything_else(tab: Tab) -> None:
    page = tab("?join#secret-key")

    hello = order(page, "heard", kind="hello")[-1]

    assert (hello["query"], hello["fragment"]) == ("?join", "secret-key")
    assert page.url.endswith("?join")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    assert "secret-key" not in page.evaluate(
        "JSON.stringify([{...sessionStorage}, {...localStorage}, history.state, name])"
    )


def test_markup_that_could_run_does_not_reach_the_page(tab: Tab, profile: tuple[BrowserContext, list[str]]) -> None:
    page = tab()

    say_regions(
        page,
        {"note": '<script>window.ran = 1</script><p onclick="window.ran = 1" id="kept" class="c" data-x="1">text</p>'},
    )

    assert page.locator("[data-region=note] > *").count() == 1
    assert page.locator("p#kept.c[data-x='1']:not([onclick])").inner_text() == "text"
    # The policy speaks up even for a handler that is only parsed.
    assert all("inline event handler" in problem for problem in profile[1])
    profile[1].clear()


def test_a_port_that_the_core_released_is_replaced_and_brings_what_was_not_saved(tab: Tab) -> None:
    page = tab("?note=A")
    order(page, "hold", on=True)
    page.get_by_role("textbox", name="Note", exact=True).press_sequentially("ab")
    until(lambda: unsaved(page) == 2)

    order(page, "say", message={"type": "released"})

    until(lambda: len(order(page, "heard", kind="hello")) == 2)
    assert [message["seq"] for message in order(page, "heard", kind="hello")[-1]["pending"]] == [1, 2]
    until(lambda: core_of(page) == "ready")
    order(page, "hold", on=False)


def test_a_core_that_cannot_start_says_so_in_words(tab: Tab) -> None:
    page = tab("?slow", "starting")
    until(lambda: order(page, "heard", kind="hello"))

    order(
        page,
        "say",
        message={"type": "ready", "state": "failed", "words": "boot.bin cannot be fetched: 404", "release": "one"},
    )

    until(lambda: core_of(page) == "failed")
    words = page.get_by_role("alert").inner_text()
    assert "starts again" in words
    assert "boot.bin cannot be fetched: 404" in words


def test_an_insecure_address_is_explained(browser: Any, site: Any) -> None:
    """D2: no silent fallback: on http:// anywhere but localhost nothing is kept, and the way out is said."""
    page = browser.new_page()

    page.goto(site.url.replace("localhost", "notes.example"))

    until(lambda: core_of(page) == "failed")
    assert "https" in page.get_by_role("alert").inner_text()
    page.close()


def test_without_shared_workers_each_tab_runs_a_core_of_its_own(tab: Tab, context: Any, site: Any) -> None:
    page = context.new_page()
    page.add_init_script("delete globalThis.SharedWorker")
    page.goto(site.url + "?note=A")
    until(lambda: core_of(page) == "ready")

    page.get_by_role("textbox", name="Note", exact=True).click()
    page.keyboard.type("alone")

    until(lambda: order(page, "text", name="A") == "alone" and unsaved(page) == 0)
    order(page, "die")
    until(lambda: len(order(page, "heard", kind="hello")) == 1 and order(page, "text", name="A") == "alone")


def test_the_shortcut_new_note_makes_one_note_however_often_the_page_is_reloaded(tab: Tab) -> None:
    page = tab("?new")
    asked = [act["name"] for act in order(page, "heard", kind="hello")[-1]["pending"]]
    until(lambda: unsaved(page) == 0)

    page.reload()
    until(lambda: core_of(page) == "ready")

    assert asked == ["note.create"]
    assert order(page, "heard", kind="hello")[-1]["pending"] == []
    assert page.url.endswith("/base/")
