"""The key that seals what is stored, as the storage calls keep it: written once, and what was there stays."""

from playwright.sync_api import Browser

from .page_site import Site


def test_of_two_cores_that_keep_a_key_the_first_one_s_is_the_key(browser: Browser, site: Site) -> None:
    """A second key in the place of the first would lose what was sealed under that."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(site.url)

    seen = page.evaluate(
        """async () => {
          const { keepKey, keptKey } = await import("./v/one/storage.js");
          const before = await keptKey();
          for (const each of [1, 2]) await keepKey(new Uint8Array(32).fill(each));
          const { isKept, key } = await keptKey();
          return [before.isKept, isKept, [...new Set(key)]];
        }"""
    )

    assert seen == [False, True, [1]]
    context.close()
