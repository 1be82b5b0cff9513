"""Releases: one is installed whole or not at all, waits to be let in, and is never mixed with another."""

import json
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from .driving import core_of, order, unsaved, until, until_equal
from .page_site import BASE, Site


@pytest.fixture
def fresh(browser: Any, bundled: Any, tmp_path: Any) -> Any:
    """A site with release one, a profile of its own, and a tab of it that works offline."""
    site = Site(tmp_path, bundled)
    site.publish("one")
    with site.served():
        context = browser.new_context()
        page = opened(context, site)
        yield site, context, page
        context.close()


def opened(context: BrowserContext, site: Site, query: str = "") -> Page:
    """Open a tab and wait until its core is ready and its release is kept."""
    page = context.new_page()
    page.goto(site.url + query)
    until(lambda: core_of(page) == "ready" and page.evaluate("document.documentElement.dataset.offline") == "ready")
    return page


def release_of(page: Page) -> str:
    """Return the release that a page was built for."""
    return str(page.evaluate("document.documentElement.dataset.release"))


def look_for_update(page: Page) -> None:
    """Let the browser look for a new release now, as it does at every opening."""
    page.evaluate(
        "navigator.serviceWorker.getRegistration().then((registration) => registration.update()).catch(() => {})"
    )


def caches_of(page: Page) -> list[str]:
    """Return the names of the caches of releases."""
    return sorted(name for name in page.evaluate("caches.keys()") if name != "frames")


def let_in(page: Page) -> None:
    """Let the waiting release in, as the core does when the person says so."""
    until(lambda: order(page, "heard", kind="waiting"))
    order(page, "say", message={"type": "call", "call": 1, "name": "update", "args": {}})


def test_everything_works_from_what_is_kept_when_there_is_no_server(fresh: Any) -> None:
    site, context, page = fresh
    site.stop()

    page.reload()
    until(lambda: core_of(page) == "ready")
    other = opened(context, site, "?note=A")

    assert release_of(other) == "one"
    assert "frame-ancestors" in other.evaluate(
        "fetch('./').then((response) => response.headers.get('content-security-policy'))"
    )


def test_a_new_release_waits_until_it_is_let_in_and_loses_no_edit(fresh: Any) -> None:
    """D5: two tabs write while the next release takes over: each edit arrives once, and both tabs are of the new one."""
    site, context, first = fresh
    second = opened(context, site, "?note=A")
    first.goto(site.url + "?note=A")
    until(lambda: core_of(first) == "ready" and first.locator("carryon-editor").count())
    site.publish("two")
    look_for_update(first)
    until(lambda: order(first, "heard", kind="waiting"))
    first.reload()
    until(lambda: core_of(first) == "ready")
    assert release_of(first) == "one"

    for page in (first, second):
        page.get_by_role("textbox", name="Note", exact=True).click()
        page.keyboard.type("ab")
    until(lambda: unsaved(first) == 0 and unsaved(second) == 0)
    order(first, "hold", on=True)
    first.get_by_role("textbox", name="Note", exact=True).click()
    first.keyboard.type("cd")
    let_in(first)

    until(lambda: all(ready_in(page, "two") for page in (first, second)))
    pending = [hello["pending"] for hello in order(first, "heard", kind="hello")]
    assert sorted(len(entries) for entries in pending) == [0, 2]


def ready_in(page: Page, release: str) -> bool:
    """Tell whether a page is of a release and its core is ready; a page that is being loaded is not."""
    try:
        return release_of(page) == release and core_of(page) == "ready"
    except Exception as error:
        if "context" not in str(error):
            raise
        return False


def test_what_no_release_in_use_needs_is_swept_and_nothing_else(fresh: Any) -> None:
    site, context, page = fresh
    other = opened(context, site)
    site.publish("two")
    look_for_update(page)
    let_in(page)
    until(lambda: ready_in(page, "two") and ready_in(other, "two"))

    until_equal(lambda: caches_of(page), ["app-two", "rt-runtime1"])


def test_a_page_of_an_older_release_still_finds_its_files(fresh: Any) -> None:
    """A page that has not said its release may still need any: nothing is swept while it is open."""
    site, context, page = fresh
    silent = context.new_page()
    silent.goto(site.url + "manifest.webmanifest")
    site.publish("two")
    site.missing.add("v/one/editor.js")
    look_for_update(page)
    let_in(page)
    until(lambda: ready_in(page, "two"))

    worker = context.service_workers[-1]
    until(lambda: not worker.evaluate(CORES_OF_ONE))
    assert worker.evaluate("sweep()") is False
    # The browser's own cache is passed over: it would have the file too.
    assert silent.evaluate("fetch('v/one/editor.js', {cache: 'reload'}).then((response) => response.status)") == 200

    silent.close()
    until(lambda: worker.evaluate("sweep()"))
    assert caches_of(page) == ["app-two", "rt-runtime1"]


CORES_OF_ONE = """async () => {
  const clients = await self.clients.matchAll({type: "all", includeUncontrolled: true});
  return clients.filter(({url}) => url.includes("v/one/")).length;
}"""


@pytest.mark.parametrize("lost", ["v/two/app.css", "r/runtime2/pyodide.mjs", "index.html"])
def test_a_half_uploaded_release_does_not_install(fresh: Any, lost: str) -> None:
    site, _context, page = fresh
    site.publish("two", runtime="runtime2")
    site.missing.add(lost)

    state = page.evaluate(INSTALL)

    assert state == "redundant"
    site.missing.clear()
    assert page.evaluate(INSTALL) == "installed"


def test_a_file_that_differs_from_its_hash_does_not_install(fresh: Any) -> None:
    site, _context, page = fresh
    site.publish("two")
    (site.folder / BASE.strip("/") / "v" / "two" / "tab.js").write_text("// something else\n")

    assert page.evaluate(INSTALL) == "redundant"


INSTALL = """async () => {
  const registration = await navigator.serviceWorker.getRegistration();
  const found = new Promise((resolve) => registration.addEventListener("updatefound", () => resolve(registration.installing), {once: true}));
  await registration.update().catch(() => {});
  const worker = registration.installing ?? (await found);
  while (worker.state === "installing") await new Promise((resolve) => worker.addEventListener("statechange", resolve, {once: true}));
  return worker.state;
}"""


def test_a_storm_of_requests_during_the_change_gets_one_release_each(fresh: Any) -> None:
    """D5: whatever is asked for while a release takes over, each page names and gets files of one release only."""
    site, _context, page = fresh
    site.publish("two")
    page.evaluate(INSTALL)

    seen = page.evaluate(
        """async () => {
          const {waiting} = await navigator.serviceWorker.getRegistration();
          const look = async () => {
            const frame = document.createElement("iframe");
            const html = await (await fetch("./?" + Math.random(), {mode: "same-origin"})).text();
            const release = /data-release="(\\w+)"/.exec(html)?.[1];
            const files = [...html.matchAll(/v\\/(\\w+)\\//g)].map((found) => found[1]);
            const script = await (await fetch(`v/${release}/tab.js`)).text();
            return [release, ...files, script.trim().split("// ").at(-1)];
          };
          const storm = [];
          navigator.serviceWorker.addEventListener("controllerchange", () => (window.changed = true));
          for (let turn = 0; turn < 40; turn += 1) {
            storm.push(look());
            if (turn === 15) waiting.postMessage({type: "take over"});
            await new Promise((resolve) => setTimeout(resolve));
          }
          return Promise.all(storm);
        }"""
    )

    assert all(len(set(names)) == 1 for names in seen)


def test_the_last_frame_is_in_the_page_before_any_script_has_run(fresh: Any) -> None:
    site, context, page = fresh
    regions = {
        "nav": "<p>nav</p>",
        "list": "<ul><li>costs $& and $1 $$</li></ul>",
        "note": "<h1>Open</h1>",
        "status": "",
        "toast": "",
    }
    frame = {"query": "?note=A", "place": "notes", "pane": "note", "title": "A", "regions": regions, "release": "one"}
    order(page, "frame", frame=frame)

    def html(query: str) -> str:
        """Return what a navigation gets, its scripts switched off."""
        bare = context.new_page()
        context.new_cdp_session(bare).send("Emulation.setScriptExecutionDisabled", {"value": True})
        bare.goto(site.url + query)
        content = bare.content()
        bare.close()
        return content

    same, list_only, settings = html("?note=A"), html("?note=B"), html("?at=settings")
    assert "<li>costs $&amp; and $1 $$</li>" in same
    assert "<h1>Open</h1>" in same
    assert 'data-pane="note"' in same
    assert "costs" in list_only
    assert "<h1>Open</h1>" not in list_only
    assert "costs" not in settings
    order(page, "frame", frame={**frame, "release": "older"})
    assert "costs" not in html("?note=A")


def test_other_paths_are_left_to_the_network(fresh: Any) -> None:
    site, _context, page = fresh
    (site.folder / BASE.strip("/") / "healthz").write_text(json.dumps({"service": "carryon-relay"}))

    assert page.evaluate("fetch('healthz').then((response) => response.json())") == {"service": "carryon-relay"}
    site.stop()
    assert page.evaluate("fetch('healthz').then(() => 'answered', () => 'failed')") == "failed"


def test_another_site_of_the_same_origin_keeps_its_files(fresh: Any) -> None:
    page = fresh[2]
    page.evaluate(
        """async () => {
          const cache = await caches.open("app-zero");
          await cache.put("/other/x", new Response("1"));
          await cache.put("v/zero/x", new Response("1"));
          navigator.serviceWorker.controller.postMessage({type: "sweep"});
        }"""
    )

    until(lambda: page.evaluate("caches.match('v/zero/x').then((found) => !found)"))
    assert page.evaluate("caches.match('/other/x').then((found) => found.text())") == "1"
