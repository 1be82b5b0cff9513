"""A full disk: what the storage calls reject with is an error that the core's Python takes for one."""

from playwright.sync_api import Browser

from .page_site import Site


def test_a_device_key_that_does_not_fit_is_refused_with_a_plain_error(browser: Browser, site: Site) -> None:
    """A rejection of a newer class of the browser's would leave the core waiting for ever, without a word."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(site.url)
    page.evaluate(
        """async () => {
          const { open } = await import("./v/one/storage.js");
          (await open("carryon-device-key", [{ name: "key", auto: false, unique: false }])).close();
        }"""
    )
    session = context.new_cdp_session(page)
    session.send("Storage.overrideQuotaForOrigin", {"origin": site.url.split("/a/base/")[0], "quotaSize": 1})

    said = page.evaluate(
        """async () => {
          const { keepKey } = await import("./v/one/storage.js");
          const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
          const error = await keepKey(key).then(() => null, (error) => error);
          return error && [Object.prototype.toString.call(error), error.name, Boolean(error.message)];
        }"""
    )

    assert said == ["[object Error]", "QuotaExceededError", True]
    context.close()
