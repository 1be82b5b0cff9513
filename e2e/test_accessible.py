"""Everybody can use every place: axe finds nothing against WCAG 2 A and AA in the real app, wide and narrow, light and dark."""

from collections.abc import Callable
from typing import Final, Literal

import pytest
from playwright.sync_api import Page, expect

from e2e.device import Device, Tab
from e2e.relay import REPOSITORY, Relay

AXE: Final = (REPOSITORY / "node_modules" / "axe-core" / "axe.min.js").read_text()
RUN: Final = """async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
  const { violations, passes } = await axe.run(document, { runOnly: { type: "tag", values: tags } });
  return {
    passes: passes.map(({ id }) => id),
    violations: violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, target, failureSummary }) => `${id}: ${target} ${html.slice(0, 200)} ${failureSummary}`)),
  };
}"""
MOVING: Final = """() => [...document.querySelectorAll("*")]
  .filter((each) => getComputedStyle(each).transitionDuration.split(", ").some((seconds) => seconds !== "0s"))
  .flatMap((each) => [...each.classList])"""
MOVES: Final = {"tool", "nav-item"}
SPOIL: Final = """() => {
  document.querySelector("[data-action='note.create']").replaceChildren();
  document.querySelector("[data-action='note.create']").removeAttribute("title");
  const text = document.querySelector("carryon-editor").shadowRoot.querySelectorAll(".cm-content, .cm-content *");
  for (const each of text) each.style.color = "#cccccc";
}"""
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
NOTE: Final = """\
---
tags: [travel]
---
# Lisbon, four days

- [x] Book the **night** train back
- [ ] Ask *Inês* about the [tile museum](https://museum.example)

> The best hour is the one before the city wakes. See [[Packing]] and #travel.

| When | Seat |
| ---- | ---: |
| 7:40 |  14A |

```
LIS  07:40  seat 14A
```

~~Not~~ `any` more.
"""


def check(page: Page, place: str) -> None:
    """Let axe look at a place in both themes."""
    for theme in THEMES:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        # The page's policy lets no other script in; what the browser's own tools evaluate is not the page's.
        page.evaluate(AXE)
        found = page.evaluate(RUN)
        assert found["violations"] == [], f"{place}, {theme}:\n" + "\n".join(found["violations"])
        # Nothing found because nothing was there would be no news.
        assert {"button-name", "color-contrast", "document-title"} <= {*found["passes"]}, f"{place}: {found['passes']}"


def filled(device: Device, relay: Relay) -> Tab:
    """A tab of a notebook with notes in the list, in a folder and in the trash; the one with everything in it is open."""
    tab = device.open(relay.url)
    for title, body in (("Old plan", "Not any more.\n"), ("Packing", "Passport, *one* book.\n"), ("Lisbon", NOTE)):
        # A phone shows either the list, with the button, or a note.
        tab.page.goto(relay.url)
        tab.wait_ready()
        tab.new_note(title, body)
        if title == "Old plan":
            tab.button("Move to trash").click()
            tab.wait_saved()
    folder = tab.page.get_by_role("textbox", name="Folder", exact=True)
    folder.fill("Journeys/Portugal")
    folder.press("Enter")
    tab.wait_saved()
    return tab


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)], ids=["wide", "narrow"])
def test_axe_finds_nothing_in_any_place(relay: Relay, new_device: Callable[..., Device], size: tuple[int, int]) -> None:
    """The list with an open note, the preview, a search, a folder, the trash, the settings with an invite, the join page."""
    width, height = size
    device = new_device(width=width, height=height)
    tab = filled(device, relay)
    page = tab.page
    check(page, "a note in the editor")

    tab.button("Preview").click()
    expect(page.get_by_role("heading", name="Lisbon, four days", exact=True)).to_be_visible()
    check(page, "the preview")

    def go(query: str) -> None:
        page.goto(relay.url + query)
        tab.wait_ready()

    go("?q=book")
    expect(tab.row("Packing")).to_be_visible()
    check(page, "a search")

    go("?folder=Journeys")
    expect(tab.row("Lisbon")).to_be_visible()
    check(page, "a folder")

    go("?q=nothing-has-this-word")
    expect(page.get_by_text("No note", exact=False).first).to_be_visible()
    check(page, "an empty list")

    go("?at=trash")
    expect(tab.row("Old plan")).to_be_visible()
    check(page, "the trash")
    tab.row("Old plan").click()
    expect(page.get_by_text("This note is in the trash.")).to_be_visible()
    check(page, "a note in the trash")

    go("?at=settings")
    tab.button("Add a device").click()
    invite = page.get_by_role("textbox", name="Invite link", exact=True)
    expect(invite).to_be_visible()
    check(page, "the settings with an invite")

    joining = new_device(width=width, height=height).open(invite.input_value())
    expect(joining.button("Join")).to_be_visible()
    check(joining.page, "the join page")
    assert device.errors == []


def test_who_asks_for_less_motion_gets_none(relay: Relay, new_device: Callable[..., Device]) -> None:
    """Another theme is there at once, in one piece; without the wish, buttons take a moment."""
    tab = new_device().open(relay.url)
    expect(tab.body).to_be_visible()
    assert set(tab.page.evaluate(MOVING)) >= MOVES

    tab.page.emulate_media(reduced_motion="reduce")

    assert tab.page.evaluate(MOVING) == []


def test_axe_is_not_blind(relay: Relay, new_device: Callable[..., Device]) -> None:
    """A name taken from a button, and grey on grey in the editor's shadow root, are found."""
    tab = new_device().open(relay.url)
    expect(tab.body).to_be_visible()
    tab.page.evaluate(SPOIL)
    tab.page.evaluate(AXE)

    found = {violation.split(":")[0] for violation in tab.page.evaluate(RUN)["violations"]}

    assert found == {"button-name", "color-contrast"}
