"""P1 to P4: from a navigation to notes on screen and a core that is ready; warm, in a second tab, and on a first visit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from playwright.sync_api import Playwright

from e2e.relay import Relay, free_port
from tools.bench.browser import Opening, browser, open_tab, opening, rest
from tools.bench.figure import Figure, median_of
from tools.bench.link import Link
from tools.bench.serving import served
from tools.runtime.build import ITS_OWN, PYODIDE
from tools.runtime.packages import gather

RUNS: Final = 7
FIRST_VISITS: Final = 3
THROTTLED_BYTES_PER_S: Final = 10_000_000 // 8
PLAIN: Final = Path(__file__).parent / "baselines" / "plain.html"
BOOTED_PLAIN: Final = "plain Pyodide and pycrdt"
PLAIN_NEEDS: Final = ("pycrdt", "anyio", "idna", "sniffio", "typing_extensions")


def warm(playwright: Playwright, folder: Path, vault: Path) -> Iterator[Figure]:
    """P1, P2, P3: the sample vault is there, the browser is started anew, no server answers."""
    relay = Relay(folder / "relay")
    relay.start()
    profile = folder / "profile"
    with browser(playwright, profile) as device:
        tab = open_tab(device, relay.url)
        tab.import_folder(vault)
        tab.wait_saved()
        tab.wait_offline_ready()
        tab.page.reload()
        tab.wait_ready()
        rest(tab)
    relay.kill()
    first = []
    second = []
    plain = []
    with served(plain_pyodide(folder / "plain")) as address:
        boot_plain(playwright, folder / "plain-profile", address)
        for _ in range(RUNS):
            with browser(playwright, profile) as device:
                first.append(opening(open_tab(device, relay.url)))
                second.append(opening(open_tab(device, relay.url)))
            plain.append(boot_plain(playwright, folder / "plain-profile", address))
    yield median_of("P1", "warm open: navigation to notes on screen", "ms", _each(first, "shown"), "≤ 150 ms", 150)
    yield median_of("P2", "warm open: navigation to core ready", "ms", _each(first, "ready"), "≤ 700 ms", 700)
    yield against_plain(_each(first, "ready"), plain)
    yield median_of(
        "P3",
        "second tab: navigation to fresh regions",
        "ms",
        _each(second, "ready"),
        "≤ 250 ms",
        250,
        plain,
        BOOTED_PLAIN,
    )


def against_plain(ours: list[float], plain: list[float]) -> Figure:
    """P2's second target: three times as fast as Pyodide without preparation."""
    whole = median_of("P2", "warm open against a plain boot", "ms", ours, "≤ 1/3 of it", None, plain, BOOTED_PLAIN)
    return replace(whole, met=whole.ratio is not None and whole.ratio <= 1 / 3)


def first_visit(playwright: Playwright, folder: Path) -> Iterator[Figure]:
    """P4: an empty profile, over loopback and over 10 Mbit/s."""
    ports = [free_port() for _ in range(FIRST_VISITS)]
    slow_port = free_port()
    relay = Relay(folder / "relay", origins=[f"localhost:{port}" for port in (*ports, slow_port)])
    relay.start()
    fast = [_visit(playwright, folder / f"fast-{port}", relay, port, None) for port in ports]
    slow = _visit(playwright, folder / "slow", relay, slow_port, THROTTLED_BYTES_PER_S)
    relay.stop()
    core = sum((PYODIDE / name).stat().st_size for name in (*ITS_OWN, "python_stdlib.zip"))
    yield median_of(
        "P4",
        "first visit: bytes until it works offline",
        "MB",
        [size / 1e6 for size, _ in fast],
        "≤ 12 MB",
        12,
        [core / 1e6],
        "Pyodide core alone, raw",
    )
    yield median_of(
        "P4", "first visit over loopback: navigation to typing", "ms", [at for _, at in fast], "≤ 4,000 ms", 4000
    )
    yield median_of(
        "P4", "first visit over 10 Mbit/s: navigation to typing", "ms", [slow[1]], "progress is shown", None
    )


def _visit(
    playwright: Playwright, profile: Path, relay: Relay, port: int, bytes_per_s: int | None
) -> tuple[int, float]:
    with Link(port, relay.port, bytes_per_s) as link, browser(playwright, profile) as device:
        tab = open_tab(device, link.url)
        opened = opening(tab)
        tab.wait_offline_ready()
        return link.bytes, opened.ready


def plain_pyodide(folder: Path) -> Path:
    """Lay out Pyodide as it is distributed, with the wheels that pycrdt needs."""
    gather(folder)
    names = [wheel.name for wheel in folder.glob("*.whl") if wheel.name.split("-")[0] in PLAIN_NEEDS]
    (folder / "wheels.json").write_text(json.dumps(names))
    for name in (*ITS_OWN, "python_stdlib.zip", "pyodide-lock.json"):
        shutil.copyfile(PYODIDE / name, folder / name)
    shutil.copyfile(PLAIN, folder / "index.html")
    return folder


def boot_plain(playwright: Playwright, profile: Path, address: str) -> float:
    """How long the plain page took, in ms, in a browser started anew whose HTTP cache is warm."""
    with browser(playwright, profile) as device:
        page = device.context.new_page()
        page.goto(address)
        took: float = page.evaluate(
            "async () => { while (!globalThis.booted) await new Promise((done) => setTimeout(done, 5)); return booted.all; }"
        )
        return took


def _each(openings: list[Opening], name: str) -> list[float]:
    return [getattr(one, name) for one in openings]
