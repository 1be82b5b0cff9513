"""A first visit: a person sees what is going on before it goes on."""

from typing import Final

from playwright.sync_api import Browser, Route

from .driving import core_of, until
from .page_site import BASE, Site

HELD: Final = '<script async blocking="render" src="held.js"></script>'


def test_the_page_is_painted_before_a_core_is_asked_for(browser: Browser, site: Site) -> None:
    """The browser's own times, in the worst order: all scripts have run when the page may be painted."""
    context = browser.new_context()
    page = context.new_page()
    held: list[Route] = []
    page.route(site.url, lambda route: route.fulfill(body=index_of(site).replace("</head>", f"{HELD}</head>")))
    page.route("**/held.js", lambda route: held.append(route))

    page.goto(site.url, wait_until="domcontentloaded")
    until(lambda: page.evaluate("document.readyState") == "interactive" and held)
    held[0].fulfill(content_type="text/javascript", body="")
    until(lambda: core_of(page) == "ready")

    times = page.evaluate(
        """Object.fromEntries(["paint", "mark"].flatMap((kind) => performance.getEntriesByType(kind))
        .map((entry) => [entry.name, entry.startTime]))"""
    )
    assert times["first-paint"] <= times["first-contentful-paint"] < times["core asked for"] < times["core ready"]
    context.close()


def index_of(site: Site) -> str:
    """Return the page as it is published."""
    return (site.folder / BASE.strip("/") / "index.html").read_text()


def test_who_comes_again_sees_no_words_of_a_first_visit(browser: Browser, site: Site) -> None:
    """The service worker's page has nothing to fetch, and waits for no paint."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(site.url)
    until(lambda: page.evaluate("document.documentElement.dataset.offline") == "ready")
    until(lambda: page.evaluate("Boolean(navigator.serviceWorker.controller)"))
    assert page.get_by_text("Fetching what Carryon needs").is_visible()

    page.goto(f"{site.url}?slow")

    assert not page.get_by_text("Fetching what Carryon needs").is_visible()
    context.close()
