"""P7, P9 and P11: one very long note, very many notes, and bringing them in."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from playwright.sync_api import Playwright, expect
from pycrdt import Doc, Text

from e2e.device import Tab
from e2e.relay import Relay
from tools.bench.baselines import bundled
from tools.bench.browser import browser, marks, open_tab, opening, rest
from tools.bench.editor import painted
from tools.bench.figure import Figure, median_of
from tools.bench.serving import served
from tools.bench.vault import generate

RUNS: Final = 5
OPERATIONS_AN_UPDATE: Final = 200
SMALL: Final = 100
MANY: Final = 10_000
IMPORTED: Final = 6_000
IMPORT_MS: Final = 300_000
QUERY: Final = "template query"
QUERY_PAUSE_MS: Final = 250
WHEELS: Final = 120

# Says updates to the core as a tab says its edits: by a port of its own, on the worker of this release.
SAY_UPDATES: Final = """async ([note, updates]) => {
  const script = document.querySelector('script[src*="tab.js"]').src;
  const release = script.split("/").at(-2);
  const policy = trustedTypes.createPolicy("bench", { createScriptURL: (url) => url });
  const { port } = new SharedWorker(policy.createScriptURL(new URL("core.js", script).href), { type: "module", name: `core-${release}` });
  let saved = 0;
  let heard = () => {};
  port.onmessage = ({ data }) => data.type === "saved" && ((saved = data.seq), heard());
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  port.postMessage({ type: "hello", tab: "0".repeat(26), client: 1, query: `?note=${note}`, fragment: "", rows: 10, note: null, vector: null,
    pending: [], language: "en", offset: 0, online: true, visible: false });
  for (const [number, update] of updates.entries()) {
    port.postMessage({ type: "edit", note, update: bytes(update), shown: 0, seq: number + 1 });
    // A core takes so many messages of a tab before it hangs up.
    while (number + 1 - saved >= 50 || (number + 1 === updates.length && saved <= number)) await new Promise((done) => (heard = done));
  }
  port.postMessage({ type: "bye" });
}"""
# From a press on a note until a frame with its text has been painted.
OPEN_NOTE: Final = """async (title) => {
  const row = [...document.querySelectorAll('[aria-label="Notes"] a')].find((link) => link.textContent.includes(title));
  const before = performance.now();
  row.click();
  for (;;) {
    await new Promise((done) => requestAnimationFrame(done));
    const content = document.querySelector("carryon-editor")?.shadowRoot?.querySelector(".cm-content");
    if (content?.textContent.length > 500) break;
  }
  await new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = done;
    port2.postMessage(null);
  });
  return performance.now() - before;
}"""
SCROLL: Final = """() => {
  const frames = (carryonMarks.frames = []);
  let last = 0;
  requestAnimationFrame(function frame(now) {
    if (last) frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  });
}"""


def long_note(playwright: Playwright, folder: Path, trace: Path) -> Iterator[Figure]:
    """P7: the paper of 259,778 keystrokes, kept as it was typed, opened with nothing running."""
    updates = typed(trace)
    relay = Relay(folder / "relay")
    relay.start()
    with browser(playwright, folder / "ours") as device:
        tab = open_tab(device, relay.url)
        tab.new_note("A paper")
        note = tab.page.url.partition("note=")[2].partition("&")[0]
        tab.page.evaluate(SAY_UPDATES, [note, [base64.b64encode(update).decode() for update in updates]])
        expect(tab.body).to_contain_text("documentclass")
        rest(tab)
    ours, theirs = [], []
    with served(bundled("yjs", folder / "yjs")) as address:
        with browser(playwright, folder / "theirs") as device:
            page = device.context.new_page()
            page.goto(address)
            page.evaluate(
                "(updates) => keep(updates.map((text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))))",
                [base64.b64encode(update).decode() for update in updates],
            )
        for _ in range(RUNS):
            with browser(playwright, folder / "ours") as device:
                tab = open_tab(device, relay.url)
                expect(tab.row("A paper")).to_be_visible()
                ours.append(float(tab.page.evaluate(OPEN_NOTE, "A paper")))
            with browser(playwright, folder / "theirs") as device:
                page = device.context.new_page()
                page.goto(address)
                opened = page.evaluate("open()")
                assert opened["length"] > 100_000, "the baseline has the note"
                theirs.append(float(opened["took"]))
    relay.stop()
    yield median_of(
        "P7",
        "open a note of 260,000 operations, sealed, to its text on screen",
        "ms",
        ours,
        "≤ 150 ms",
        150,
        theirs,
        "Yjs with y-indexeddb, to its text in memory",
    )


def typed(trace: Path) -> list[bytes]:
    """The trace as updates of a document of ours, each of some keystrokes."""
    recorded = json.loads(gzip.decompress(trace.read_bytes()))
    document: Doc[Text] = Doc(client_id=7)
    body = document.get("body", type=Text)
    updates: list[bytes] = []
    document.observe(lambda event: updates.append(event.update))
    transactions = recorded["txns"]
    for first in range(0, len(transactions), OPERATIONS_AN_UPDATE):
        with document.transaction():
            for transaction in transactions[first : first + OPERATIONS_AN_UPDATE]:
                for position, deleted, inserted in transaction["patches"]:
                    splice(body, position, deleted, inserted)
    return updates


def splice(body: Text, position: int, deleted: int, inserted: str) -> None:
    """Delete and insert; the trace is ASCII, so that its positions are those of UTF-8."""
    if deleted:
        del body[position : position + deleted]
    if inserted:
        body.insert(position, inserted)


def many_notes(playwright: Playwright, folder: Path, sample: Path) -> Iterator[Figure]:
    """P11 and P9: import the sample, 100, 6,000 and then 10,000 notes; open, scroll and search, and give the browser to P5."""
    relay = Relay(folder / "relay")
    relay.start()
    yield from _sample_import(playwright, folder, relay, sample)
    small = folder / "small"
    with browser(playwright, small) as device:
        _import(open_tab(device, relay.url), generate(sample, folder / "vault-small", 0, SMALL))
    large = folder / "large"
    with browser(playwright, large) as device:
        tab = open_tab(device, relay.url)
        took = _import(tab, generate(sample, folder / "vault-6000", 0, IMPORTED))
        yield median_of("P11", "import of 6,000 notes", "s", [took], "≤ 40 s", 40)
        _import(tab, generate(sample, folder / "vault-more", IMPORTED, MANY))
    yield _flat(playwright, small, large, relay)
    with browser(playwright, large) as device:
        tab = open_tab(device, relay.url)
        rest(tab)
        yield _memory()
        yield from _scroll(tab)
        yield from _search(tab)
        tab.page.close()
        yield from painted(device, relay.url, folder)
    relay.stop()


def _sample_import(playwright: Playwright, folder: Path, relay: Relay, sample: Path) -> Iterator[Figure]:
    took = []
    for run in range(RUNS):
        with browser(playwright, folder / f"sample-{run}") as device:
            took.append(_import(open_tab(device, relay.url), sample))
    yield median_of("P11", "import of the sample vault (225 notes)", "s", took, "≤ 2 s", 2)


def _import(tab: Tab, vault: Path) -> float:
    """Import a folder; gives the seconds from the choice to the report."""
    tab.page.bring_to_front()
    tab.button("Import").click()
    tab.page.get_by_label("Folder to import", exact=True).set_input_files(str(vault))
    report = tab.page.get_by_role("region", name="Import report", exact=True)
    expect(report).to_be_visible(timeout=IMPORT_MS)
    seen = marks(tab.page)
    rest(tab)
    return float(seen["reported"] - seen["chosen"]) / 1000


def _flat(playwright: Playwright, small: Path, large: Path, relay: Relay) -> Figure:
    took: dict[Path, list[float]] = {small: [], large: []}
    for _ in range(RUNS):
        for profile, readies in took.items():
            with browser(playwright, profile) as device:
                readies.append(opening(open_tab(device, relay.url)).ready)
    whole = median_of("P9", "open 10,000 notes", "ms", took[large], "≤ 1.3 x 100 notes", None, took[small], "100 notes")
    return replace(whole, met=whole.ratio is not None and whole.ratio <= 1.3)


def _memory() -> Figure:
    """The process that holds the core, and the tab with it: the largest renderer of this browser."""
    # A renderer does not name its profile; no other browser runs meanwhile.
    renderers = [one for one in Path("/proc").glob("[0-9]*/cmdline") if b"--type=renderer" in one.read_bytes()]
    lines = [line for one in renderers for line in one.with_name("status").read_text().splitlines()]
    sizes = [int(line.split()[1]) for line in lines if line.startswith("VmRSS")]
    return median_of("P9", "10,000 notes: memory of the core's process", "MB", [max(sizes) / 1024], "≤ 300 MB", 300)


def _scroll(tab: Tab) -> Iterator[Figure]:
    tab.page.evaluate(SCROLL)
    box = tab.list.bounding_box()
    assert box is not None, "the list is on the page"
    tab.page.mouse.move(box["x"] + 50, 400)
    for _ in range(WHEELS):
        tab.page.mouse.wheel(0, 900)
    frames = [float(frame) for frame in tab.page.evaluate("carryonMarks.frames")]
    over = sum(frame > 32 for frame in frames)
    yield Figure(
        "P9",
        f"10,000 notes: frames over 32 ms of {len(frames)} while scrolling",
        "frames",
        over,
        "none",
        over == 0,
        spread=(min(frames), max(frames)),
    )


def _search(tab: Tab) -> Iterator[Figure]:
    tab.search.click()
    tab.page.keyboard.type(QUERY, delay=QUERY_PAUSE_MS)
    rest(tab)
    found = [float(took) for took in marks(tab.page)["found"]]
    assert len(found) > len(QUERY) // 2, f"most letters of {QUERY!r} change what is found"
    yield median_of("P9", "10,000 notes: letter in the search to its result on the page", "ms", found, "≤ 50 ms", 50)
