"""Run the journeys in each engine that can be had, and close with what each came to: `python -m e2e.engines [pytest's options]`.

Selenium is on the path from here on only, so that what imports it is imported late.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from tools import engines
from tools.system import Missing

JOURNEYS: Final = Path(__file__).with_name("journeys.py")


class Driven:
    """Pytest's plugin for one engine: its browsers, and how many journeys ended how."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.passed = 0
        self.failed = 0

    @pytest.fixture
    def new_browser(self, tmp_path: Path) -> Iterator[Callable[[], Any]]:
        """Launch browsers, each a device of its own; all are closed at the end."""
        from e2e.engines.device import Device

        devices: list[Device] = []

        def launch() -> Device:
            devices.append(Device(self.engine, tmp_path / f"device-{len(devices)}"))
            return devices[-1]

        yield launch
        for device in devices:
            device.close()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count what a journey came to; one that cannot begin or end has failed too."""
        self.failed += report.failed
        self.passed += report.passed and report.when == "call"


def main() -> int:
    """Run everything; journeys that passed and none that failed are a success, an engine that is missing is said."""
    words, ran, failed = [], 0, 0
    with ExitStack() as stack:
        for name, start in (("Firefox ESR", _firefox), ("WebKitGTK", _webkit)):
            try:
                engine = start(stack)
            except Missing as missing:
                words.append(f"{name} could not run: {missing}")
                continue
            print(f"\n{name}", flush=True)
            driven = Driven(engine)
            code = pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:], str(JOURNEYS)], plugins=[driven])
            words.append(f"{name}: {driven.passed} passed, {driven.failed} failed")
            ran += driven.passed
            failed += code != pytest.ExitCode.OK
    print("\n" + "\n".join(words))
    return 0 if ran and not failed else 1


def _firefox(_stack: ExitStack) -> Any:
    programs = engines.firefox()
    sys.path.insert(0, str(engines.selenium()))
    from e2e.engines.engine import Firefox

    return Firefox(programs)


def _webkit(stack: ExitStack) -> Any:
    programs = engines.webkit()
    sys.path.insert(0, str(engines.selenium()))
    from e2e.engines.engine import WebKitGtk, display

    return WebKitGtk(programs, stack.enter_context(display(engines.display())))


if __name__ == "__main__":
    sys.exit(main())
