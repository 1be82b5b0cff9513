"""A browser, and a site with the stand-in core, for the tests of the JavaScript."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from .driving import WAIT_SECONDS, core_of, until
from .page_site import Site, bundle

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # An address that is not a secure one.
    "--host-resolver-rules=MAP notes.example 127.0.0.1",
]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The browser that the machine has."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What esbuild makes of the sources, once."""
    folder = tmp_path_factory.mktemp("bundled")
    bundle(folder)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, bundled: Path) -> Iterator[Site]:
    """A served site with one release; the tests of a module share it."""
    site = Site(tmp_path_factory.mktemp("site"), bundled)
    site.publish("one")
    with site.served():
        yield site


@pytest.fixture(scope="module")
def profile(browser: Browser) -> Iterator[tuple[BrowserContext, list[str]]]:
    """A profile that the tests of a module share, and what its pages report: errors and violations of the policy."""
    context = browser.new_context(viewport={"width": 1000, "height": 700})
    context.set_default_timeout(WAIT_SECONDS * 1000)
    problems: list[str] = []
    context.on("weberror", lambda error: problems.append(str(error.error)))
    context.on("console", lambda message: problems.append(message.text) if "Policy" in message.text else None)
    yield context, problems
    context.close()


@pytest.fixture
def context(profile: tuple[BrowserContext, list[str]]) -> Iterator[BrowserContext]:
    """The module's profile, with the pages that its tests share; the test fails when one of its pages reports a problem."""
    context, problems = profile
    problems.clear()
    shared = list(context.pages)
    yield context
    for page in context.pages:
        if page not in shared:
            page.close()
    assert not problems


Tab = Callable[..., Page]


@pytest.fixture
def tab(context: BrowserContext, site: Site) -> Tab:
    """Open a tab at a query and wait until its core is in a state."""

    def open_tab(query: str = "", state: str = "ready") -> Page:
        page = context.new_page()
        page.goto(site.url + query)
        until(lambda: core_of(page) == state)
        return page

    return open_tab
