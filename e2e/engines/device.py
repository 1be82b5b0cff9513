"""A device driven by WebDriver: a browser of its own, and a tab's interface by the names that never change."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from e2e.engines.engine import Engine
from tests.js.driving import until

WAIT_SECONDS: Final = 60.0
# What is rendered anew between a look and a touch is looked for again.
PASSING: Final = (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
)
EDITOR: Final = "return document.querySelector('carryon-editor')?.shadowRoot?.querySelector('[contenteditable=true]')"


class Device:
    """One browser; it can be closed and, where the engine keeps a profile, launched again on what it stored."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self._folder = folder
        self.launch()

    def launch(self) -> None:
        """Start the browser."""
        self._folder.mkdir(exist_ok=True)
        self.driver = self.engine.launch(self._folder / "profile", self._folder / "driver.log")
        self.driver.set_script_timeout(WAIT_SECONDS)
        self._is_fresh = True

    def close(self) -> None:
        """Close the browser with all its windows."""
        self.driver.quit()

    def cut_network(self, *, is_cut: bool) -> None:
        """Take the network away from the browser, or give it back."""
        self.engine.cut_network(self.driver, is_cut=is_cut)

    def open(self, url: str) -> "Tab":
        """Open an address in a tab of its own and wait until its core is ready."""
        if not self._is_fresh:
            self.driver.switch_to.new_window("tab")
        self._is_fresh = False
        tab = Tab(self, self.driver.current_window_handle)
        self.driver.get(url)
        tab.wait_ready()
        return tab


class Tab:
    """The interface in one tab; each look and each touch goes to it first."""

    def __init__(self, device: Device, handle: str) -> None:
        self._device = device
        self._handle = handle

    def wait_ready(self) -> None:
        """Wait for `data-core="ready"`; words in place of it are told."""
        until(lambda: self._state("core") in ("ready", "failed"), WAIT_SECONDS)
        assert self._state("core") == "ready", self.text("[data-notice]")

    def wait_saved(self) -> None:
        """Wait until every edit of this tab is durable."""
        until(lambda: self._state("unsaved") == "0", WAIT_SECONDS)

    def wait_offline_ready(self) -> None:
        """Wait until a service worker is active and rules this page."""
        until(lambda: self.run("return navigator.serviceWorker.controller !== null"), WAIT_SECONDS)

    def reload(self) -> None:
        """Load the page again and wait until its core is ready."""
        # What the driver calls a refresh is a forced one in Firefox, which passes the service worker by; a person's is not.
        self.run("window.isLeft = true; location.reload()")
        until(lambda: not self.run("return window.isLeft"), WAIT_SECONDS)
        self.wait_ready()

    def run(self, script: str, *arguments: object) -> object:
        """Run a script in the page; what it returns."""
        self._go()
        return self._device.driver.execute_script(script, *arguments)

    def text(self, selector: str) -> str:
        """The text that an element shows, empty where there is none."""
        return str(self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector))

    def press(self, name: str) -> None:
        """Press the button of this name."""
        self._touch(By.XPATH, f"//button[normalize-space(.)='{name}' or @aria-label='{name}']", WebElement.click)

    def place(self, name: str) -> None:
        """Go to a place by its link in the navigation."""
        link = f"//nav[@aria-label='Notebook']//a[.//span[@class='nav-name' and normalize-space(.)='{name}']]"
        self._touch(By.XPATH, link, WebElement.click)

    def value(self, name: str) -> str:
        """What stands in the text box of this name, empty where there is none."""
        return str(self.run("return document.querySelector(arguments[0])?.value ?? ''", f'[aria-label="{name}"]'))

    def new_note(self, title: str, body: str) -> None:
        """Make a note and wait until it is saved."""
        self.press("New note")
        until(lambda: self.run("return document.activeElement?.ariaLabel === 'Title'"), WAIT_SECONDS)
        until(lambda: self.value("Title") == "", WAIT_SECONDS)
        self._touch(By.CSS_SELECTOR, '[aria-label="Title"]', lambda box: box.send_keys(title))
        self.append(body)
        self.wait_saved()

    def open_note(self, title: str) -> None:
        """Open a note by its row and wait for its editor."""
        row = f"//ul[@aria-label='Notes']//a[normalize-space(.)='{title}']"
        self._touch(By.XPATH, row, WebElement.click)
        until(lambda: self.value("Title") == title and self.run(EDITOR), WAIT_SECONDS)

    def append(self, text: str) -> None:
        """Write at the end of the open note."""

        def write() -> bool:
            editor = self.run(EDITOR)
            if not isinstance(editor, WebElement):
                return False
            editor.click()
            editor.send_keys(Keys.CONTROL + Keys.END + Keys.NULL)
            editor.send_keys(text)
            return True

        until(lambda: _unless_passing(write), WAIT_SECONDS)

    @property
    def body(self) -> str:
        """The whole text of the open note, which is short enough to be in view."""
        return str(self.run(f"{EDITOR.replace('[contenteditable=true]', '.cm-content')}?.innerText ?? ''"))

    @property
    def rows(self) -> list[str]:
        """The titles of the list."""
        script = "return [...document.querySelectorAll('[aria-label=\"Notes\"] a')].map((row) => row.innerText.trim())"
        return [str(title) for title in self.run(script)]  # type: ignore[attr-defined]

    @property
    def status(self) -> str:
        """How far the notebook's last words have come."""
        return self.text('[aria-label="Sync status"]')

    def invite(self) -> str:
        """Make an invite and return its link."""
        self.place("Settings")
        self.press("Add a device")
        until(lambda: re.search(r"\?join#", self.value("Invite link")), WAIT_SECONDS)
        return self.value("Invite link")

    def _state(self, name: str) -> object:
        return self.run("return document.documentElement.dataset[arguments[0]]", name)

    def _touch(self, by: str, selector: str, act: Callable[[WebElement], object]) -> None:
        def touch() -> bool:
            self._go()
            act(self._device.driver.find_element(by, selector))
            return True

        until(lambda: _unless_passing(touch), WAIT_SECONDS)

    def _go(self) -> None:
        if self._device.driver.current_window_handle != self._handle:
            self._device.driver.switch_to.window(self._handle)


def _unless_passing(touch: Callable[[], bool]) -> bool:
    try:
        return touch()
    except PASSING:
        return False
