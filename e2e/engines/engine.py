"""The engines: how each is started by its driver, on an empty profile, and how its network is cut.

1. Firefox keeps a profile folder, so that it can be launched again on what it stored. WebKitGTK under a driver is always in memory.
2. WebKitGTK gets no session bus, so that no key ring is in reach, and a display of its own.
3. Where an engine has no switch for its network, the server's process being dead is all the absence there is.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from selenium import webdriver
from selenium.webdriver.remote.webdriver import WebDriver

from tools.engines import Programs

DISPLAY_SIZE: Final = "1280x900x24"


class Engine(Protocol):
    """A browser that a driver starts."""

    name: str
    keeps_a_profile: bool
    keeps_key_objects: bool

    def launch(self, profile: Path, log: Path) -> WebDriver:
        """Start a browser on a profile folder."""

    def cut_network(self, driver: WebDriver, *, is_cut: bool) -> None:
        """Take the network away, or give it back."""


class Firefox:
    """Firefox ESR by geckodriver."""

    name = "Firefox ESR"
    keeps_a_profile = True
    keeps_key_objects = True

    def __init__(self, programs: Programs) -> None:
        self._programs = programs

    def launch(self, profile: Path, log: Path) -> WebDriver:
        """Start it without a window."""
        options = webdriver.FirefoxOptions()
        options.binary_location = str(self._programs.browser)
        profile.mkdir(exist_ok=True)
        # Whether it is offline is a setting of the browser's own, out of reach for pages.
        for argument in ("-headless", "-profile", str(profile)):
            options.add_argument(argument)
        service = webdriver.FirefoxService(
            str(self._programs.driver), log_output=str(log), service_args=["--allow-system-access"]
        )
        return webdriver.Firefox(options, service)

    def cut_network(self, driver: WebDriver, *, is_cut: bool) -> None:
        """Work offline, as its menu has it."""
        assert isinstance(driver, webdriver.Firefox)
        with driver.context("chrome"):
            driver.execute_script("Services.io.offline = arguments[0]", is_cut)


class WebKitGtk:
    """WebKitGTK's MiniBrowser by WebKitWebDriver."""

    name = "WebKitGTK"
    keeps_a_profile = False
    keeps_key_objects = False

    def __init__(self, programs: Programs, display: str) -> None:
        self._programs = programs
        self._display = display

    def launch(self, profile: Path, log: Path) -> WebDriver:
        """Start it on the display; it stores in memory and has no use for the folder."""
        options = webdriver.WebKitGTKOptions()
        options.binary_location = str(self._programs.browser)
        options.add_argument("--automation")
        env = {name: value for name, value in os.environ.items() if name != "DBUS_SESSION_BUS_ADDRESS"}
        env["DISPLAY"] = self._display
        service = webdriver.WebKitGTKService(str(self._programs.driver), log_output=str(log), env=env)
        return webdriver.WebKitGTK(options, service=service)

    def cut_network(self, driver: WebDriver, *, is_cut: bool) -> None:
        """It has no such switch."""


@contextmanager
def display(program: Path) -> Iterator[str]:
    """Run a display that nobody sees; gives its name."""
    reading, writing = os.pipe()
    command = [str(program), "-displayfd", str(writing), "-screen", "0", DISPLAY_SIZE, "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as number:
            yield f":{number.readline().strip()}"
    finally:
        server.terminate()
        server.wait()
