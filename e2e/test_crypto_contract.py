"""The crypto contract on the WebCrypto that people have: every rule of `tests/crypto`, in Pyodide in a browser's worker."""

import json

import pytest
from playwright.sync_api import Playwright

from e2e.device import CHROMIUM, FLAGS
from tests.crypto.crypto_contract import RULES
from tests.crypto.served import served


@pytest.fixture(scope="module")
def verdicts(playwright: Playwright) -> dict[str, str | None]:
    """The words of each rule that is not kept, all run once."""
    with served() as address:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page()
        page.goto(f"{address}/engines/page.html")
        page.wait_for_function("window.verdicts !== undefined", timeout=120_000)
        found: dict[str, str | None] = json.loads(page.evaluate("window.verdicts"))
        browser.close()
    return found


@pytest.mark.parametrize("name", RULES)
def test_webcrypto_keeps_the_rule(verdicts: dict[str, str | None], name: str) -> None:
    """One rule of the contract in the browser."""
    assert name in verdicts, verdicts
    assert verdicts[name] is None, verdicts[name]
