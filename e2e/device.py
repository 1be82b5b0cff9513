"""A device of the tests: a browser profile of its own, and a tab's interface by the names that never change (UI.md 5)."""

import io
import re
import zipfile
from pathlib import Path
from typing import Final

from playwright.sync_api import BrowserContext, Locator, Page, Playwright, expect

CHROMIUM: Final = "/usr/bin/chromium"
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
READY_MS: Final = 30_000
# A state of the document element is waited for inside the page, without a sleep and without `eval` (the policy forbids it).
ATTRIBUTE_IS: Final = """async ([name, value]) => {
  const root = document.documentElement;
  while (root.dataset[name] !== value) await new Promise((resolve) => setTimeout(resolve, 5));
}"""
# A core that failed and was replaced leaves nothing behind that a journey would come upon.
TELL_FAILURE: Final = """new MutationObserver(() => {
  if (document.documentElement?.dataset.core === "failed") console.error("core failed:", document.querySelector("[data-notice]")?.innerText);
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-core"] });"""


class Device:
    """One browser profile; it can be closed, killed and launched again."""

    def __init__(
        self,
        playwright: Playwright,
        profile: Path,
        *,
        without_shared_worker: bool = False,
        width: int = 1280,
        height: int = 800,
    ) -> None:
        self._playwright = playwright
        self._profile = profile
        self._without_shared_worker = without_shared_worker
        self._size = {"width": width, "height": height}
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.context: BrowserContext
        self.launch()

    def launch(self) -> None:
        """Start the browser on this profile."""
        self.context = self._playwright.chromium.launch_persistent_context(
            str(self._profile),
            executable_path=CHROMIUM,
            args=list(FLAGS),
            headless=True,
            viewport=self._size,  # type: ignore[arg-type]
            accept_downloads=True,
        )
        self.context.set_default_timeout(READY_MS)
        self.context.add_init_script(TELL_FAILURE)
        if self._without_shared_worker:
            self.context.add_init_script("delete window.SharedWorker")
        self.context.on("weberror", lambda error: self.errors.append(str(error.error)))
        self.context.on(
            "console", lambda message: self.errors.append(message.text) if message.type == "error" else None
        )
        self.context.on("request", lambda request: self.requests.append(request.url))

    def close(self) -> None:
        """Close the browser in good order."""
        self.context.close()

    @property
    def failures(self) -> list[str]:
        """What its tabs said of cores that failed."""
        return [error for error in self.errors if error.startswith("core failed:")]

    def open(self, url: str) -> "Tab":
        """Open an address in a new tab and wait until its core is ready."""
        tab = Tab(self.context.new_page())
        tab.page.goto(url)
        tab.wait_ready()
        return tab


class Tab:
    """The interface in one tab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.search = page.get_by_role("searchbox", name="Search notes", exact=True)
        self.list = page.get_by_role("list", name="Notes", exact=True)
        self.title = page.get_by_role("textbox", name="Title", exact=True)
        self.body = page.get_by_role("textbox", name="Note", exact=True)
        self.status = page.get_by_role("status", name="Sync status", exact=True)
        self.note_status = page.get_by_label("Note status", exact=True)

    def button(self, name: str) -> Locator:
        """A button by its exact name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def wait_ready(self) -> None:
        """Wait for `data-core="ready"`."""
        self.page.evaluate(ATTRIBUTE_IS, ["core", "ready"])

    def wait_saved(self) -> None:
        """Wait until every edit of this tab is durable."""
        self.page.evaluate(ATTRIBUTE_IS, ["unsaved", "0"])

    def wait_offline_ready(self) -> None:
        """Wait until a service worker is active and rules this page."""
        self.page.evaluate(
            """async () => {
              await navigator.serviceWorker.ready;
              while (!navigator.serviceWorker.controller) await new Promise((resolve) => setTimeout(resolve, 5));
            }"""
        )

    def place(self, name: str) -> None:
        """Go to a place by its link in the navigation."""
        self.page.get_by_role("navigation", name="Notebook", exact=True).get_by_role(
            "link", name=name, exact=True
        ).click()

    def new_note(self, title: str, body: str = "") -> None:
        """Make a note with a title and a body, and wait until both are saved."""
        self.button("New note").click()
        expect(self.title).to_be_focused()
        expect(self.title).to_have_value("")
        self.page.keyboard.type(title)
        self.body.click()
        if body:
            self.page.keyboard.insert_text(body)
        self.wait_saved()

    def row(self, title: str) -> Locator:
        """The row's link of a note."""
        return self.list.get_by_role("link", name=title, exact=True)

    def open_note(self, title: str) -> None:
        """Find a note by its title, open it and wait for its editor."""
        self.find(f'"{title}"')
        self.row(title).first.click()
        expect(self.title).to_have_value(title)
        expect(self.body).to_be_visible()

    def find(self, query: str) -> None:
        """Search the notes."""
        self.search.fill(query)

    def append(self, text: str) -> None:
        """Write at the end of the open note."""
        self.body.click()
        self.page.keyboard.press("Control+End")
        self.page.keyboard.insert_text(text)

    def import_folder(self, folder: Path) -> int:
        """Import a folder and return the number of notes that the report names."""
        # Choosing files waits for a frame, which a tab in the background does not paint.
        self.page.bring_to_front()
        self.button("Import").click()
        self.page.get_by_label("Folder to import", exact=True).set_input_files(str(folder))
        report = self.page.get_by_role("region", name="Import report", exact=True)
        expect(report).to_be_visible(timeout=60_000)
        found = re.match(r"\s*(\d+)", report.inner_text())
        assert found, report.inner_text()
        return int(found[1])

    def exported(self) -> dict[str, bytes]:
        """Export the notebook and return its files by path."""
        self.place("Settings")
        with self.page.expect_download() as download:
            self.button("Export all notes").click()
        with zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        self.place("All notes")
        return files

    def invite(self) -> str:
        """Make an invite and return its link."""
        self.place("Settings")
        self.button("Add a device").click()
        link = self.page.get_by_role("textbox", name="Invite link", exact=True)
        expect(link).to_have_value(re.compile(r"\?join#"))
        return link.input_value()
