"""What another member or a relay sends to hurt: in the browser a fault too deep ends the interpreter, where no `except` runs."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from carryon_sync.formats.ids import raw_of
from playwright.sync_api import expect

from e2e.device import Device, Tab
from e2e.member import push_as_member
from e2e.relay import SITE, Relay, free_port
from tests.notes.updates import UNFIT, in_root, nested, number, string, update

BRACKETS = 60_000
POISON = {
    "brackets in the trash": update(in_root("fields", 8, string("[" * BRACKETS), "trashed/5.1")),
    "brackets in the source": update(in_root("fields", 8, string('{"a":' * BRACKETS), "source/5.1"), client=6),
    "lists in lists": update(in_root("fields", 8, nested(BRACKETS), "title/5.1"), client=7),
    "maps in maps": update(
        in_root("fields", 7, number(1), "title/8.1"),
        *[bytes([7 | 32]) + number(0) + number(8) + number(place) + b"\1a" + number(1) for place in range(2_000)],
        client=8,
    ),
    "no update": UNFIT["no number"],
    "a gap": update(in_root("body", 4, b"\5words"), client=9, clock=3),
}


def start_again(device: Device, url: str) -> Tab:
    """The browser is closed and launched again."""
    device.close()
    device.launch()
    return device.open(url)


def test_i13_i14_a_members_poison_ends_no_core_and_hurts_no_other_note(
    relay: Relay, new_device: Callable[..., Device]
) -> None:
    """I13, I14: in a note of its own and in one that is open; every core runs on, starts again, and is written in."""
    device = new_device()
    tab = device.open(relay.url)
    tab.new_note("Kept", "my words")
    tab.new_note("Hurt", "some words")
    hurt = raw_of(tab.page.url.partition("note=")[2][:26])
    assert isinstance(hurt, bytes)
    link = tab.invite()
    tab.place("All notes")
    tab.open_note("Hurt")

    push_as_member(link, [(note, each) for each in POISON.values() for note in (hurt, each[:8].ljust(16, b"n"))])
    expect(tab.page.get_by_text("changes of this note cannot be read")).to_be_visible()
    tab.append(" and more")

    for again in (False, True):
        if again:
            tab = start_again(device, relay.url)
        tab.open_note("Hurt")
        expect(tab.body).to_have_text("some words and more")
        tab.place("Settings")
        expect(tab.page.get_by_role("region", name="Needs attention", exact=True)).to_be_visible()
        tab.place("All notes")
        tab.open_note("Kept")
        tab.append(" go on")
        tab.wait_saved()
    expect(tab.body).to_have_text("my words go on go on")


@pytest.fixture
def brackets() -> Iterator[str]:
    """The address of a site whose relay says nothing but brackets."""

    async def healthy(_request: web.Request) -> web.Response:
        return web.json_response({"service": "carryon-relay", "version": "0", "protocol": "carryon.1"})

    async def greeted(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("carryon.1",))
        await socket.prepare(request)
        await socket.send_bytes(b"[" * BRACKETS + b"\n")
        async for _ in socket:
            continue
        return socket

    async def page(request: web.Request) -> web.FileResponse:
        path = SITE / (request.match_info["path"] or "index.html")
        return web.FileResponse(path if path.is_file() else Path(SITE / "index.html"))

    app, port = web.Application(), free_port()
    app.router.add_get("/healthz", healthy)
    app.router.add_get("/sync/{notebook}", greeted)
    app.router.add_get("/{path:.*}", page)
    loop, runner = asyncio.new_event_loop(), web.AppRunner(app)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(runner.setup(), loop).result(20)
    asyncio.run_coroutine_threadsafe(web.TCPSite(runner, "127.0.0.1", port).start(), loop).result(20)
    yield f"http://localhost:{port}/"
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def test_i13_a_relay_that_says_brackets_ends_no_core(brackets: str, new_device: Callable[..., Device]) -> None:
    """I13: the connection is closed in words, the notebook is written in, and a start finds all of it."""
    device = new_device()
    tab = device.open(brackets)
    tab.place("Settings")
    expect(tab.page.get_by_text("opening brackets").first).to_be_visible()
    tab.place("All notes")
    tab.new_note("Mine", "my words")

    tab = start_again(device, brackets)
    tab.open_note("Mine")
    expect(tab.body).to_have_text("my words")
