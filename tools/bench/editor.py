"""P5 and P6: a key until it is painted, durable, in another tab, on another device."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from playwright.sync_api import Locator, Page, Playwright, expect

from e2e.device import Device, Tab
from e2e.relay import Relay
from tools.bench.baselines import bundled
from tools.bench.browser import browser, marks, open_tab
from tools.bench.figure import Figure, percentile
from tools.bench.serving import served

KEYS: Final = 400
# Eight keys a second, as a fast typist writes.
PAUSE_MS: Final = 125
PAINTED_PAUSE_MS: Final = 60
LETTERS: Final = "the quick brown fox jumps over the lazy dog "
SEEN_MS: Final = 20_000
# Notes how long the editor's text was, and when, from now on.
WATCH: Final = """() => {
  const host = document.querySelector("carryon-editor");
  const content = host.shadowRoot.querySelector(".cm-content");
  globalThis.carryonLengths = [];
  new MutationObserver(() => carryonLengths.push([performance.timeOrigin + performance.now(), content.textContent.length]))
    .observe(content, { subtree: true, childList: true, characterData: true });
  return content.textContent.length;
}"""
LENGTH_REACHED: Final = """async (length) => {
  while ((carryonLengths.at(-1)?.[1] ?? 0) < length) await new Promise((done) => setTimeout(done, 5));
  return carryonLengths;
}"""


def painted(device: Device, url: str, folder: Path) -> Iterator[Figure]:
    """P5: in a notebook of many notes that syncs, beside a page with nothing but CodeMirror."""
    tab = open_tab(device, url)
    tab.new_note("Typed in a large notebook")
    ours = type_and_measure(tab.page, tab.body)
    tab.page.close()
    with served(bundled("codemirror", folder / "codemirror")) as address:
        page = device.context.new_page()
        page.goto(address)
        bare = type_and_measure(page, page.get_by_role("textbox"))
        page.close()
    for name, part in (("in the median", 0.5), ("at the 99th percentile", 0.99)):
        here, there = percentile(ours["painted"], part), percentile(bare["painted"], part)
        yield Figure(
            "P5",
            f"key to painted, 10,000 notes, {name}",
            "ms",
            here,
            "≤ 1.3 x a bare page",
            here <= 1.3 * there,
            there,
            "bare CodeMirror",
        )
    share, bare_share = (100 * sum(ms > 32 for ms in one["slow"]) / KEYS for one in (ours, bare))
    yield Figure(
        "P5", "keys over 32 ms (Event Timing)", "%", share, "≤ 1 %", share <= 1, bare_share or None, "bare CodeMirror"
    )


def type_and_measure(page: Page, editor: Locator) -> dict[str, list[float]]:
    """Type, and return how long each key took to be painted, in ms, and which took long by Event Timing."""
    editor.click()
    page.evaluate("() => { carryonMarks.keys.length = 0; carryonMarks.slow.length = 0; }")
    page.keyboard.type(_text(KEYS), delay=PAINTED_PAUSE_MS)
    page.evaluate(
        "async () => { while (carryonMarks.keys.some((key) => !key.painted)) await new Promise((done) => setTimeout(done, 5)); }"
    )
    seen = marks(page)
    return {"painted": [key["painted"] - key["at"] for key in seen["keys"]], "slow": seen["slow"]}


def durable(playwright: Playwright, folder: Path) -> Iterator[Figure]:
    """P6: two tabs of one device, and a second device beside them, all with the same note open."""
    relay = Relay(folder / "relay")
    relay.start()
    with browser(playwright, folder / "one") as one, browser(playwright, folder / "two") as two:
        tab = open_tab(one, relay.url)
        tab.new_note("Watched")
        elsewhere = two.open(join_link(tab))
        elsewhere.button("Join").click()
        tab.open_note("Watched")
        other = open_tab(one, tab.page.url)
        expect(elsewhere.row("Watched")).to_be_visible(timeout=SEEN_MS)
        elsewhere.open_note("Watched")
        watchers = (other, elsewhere)
        before = [watcher.page.evaluate(WATCH) for watcher in watchers]
        tab.page.bring_to_front()
        tab.body.click()
        tab.page.evaluate("() => { carryonMarks.keys.length = 0; carryonMarks.saved.length = 0; }")
        tab.page.keyboard.type(_text(KEYS), delay=PAUSE_MS)
        tab.wait_saved()
        keys = [key["at"] for key in marks(tab.page)["keys"]]
        saved = marks(tab.page)["saved"]
        seen = [
            watcher.page.evaluate(LENGTH_REACHED, length + KEYS)
            for watcher, length in zip(watchers, before, strict=True)
        ]
    relay.stop()
    took = [next(at for at in saved if at >= key) - key for key in keys]
    yield _p99("key to durable (strict)", took, 50)
    for name, lengths, length, limit in (
        ("another tab", seen[0], before[0], 30),
        ("another device, sealed, by a relay on loopback", seen[1], before[1], 100),
    ):
        took = [
            next(at for at, reached in lengths if reached >= length + number) - key
            for number, key in enumerate(keys, 1)
        ]
        yield _p99(f"key to {name}", took, limit)


def join_link(tab: Tab) -> str:
    """An invite's link, with the tab back at its notes."""
    link = tab.invite()
    tab.place("All notes")
    return link


def _p99(name: str, took: list[float], limit: float) -> Figure:
    p99 = percentile(took, 0.99)
    return Figure(
        "P6",
        f"{name}, p99 (median {statistics.median(took):.0f})",
        "ms",
        p99,
        f"≤ {limit} ms",
        p99 <= limit,
        spread=(min(took), max(took)),
    )


def _text(length: int) -> str:
    return (LETTERS * (length // len(LETTERS) + 1))[:length]
