"""Runs in Pyodide: runs pytest on pycrdt's source tree and returns every test's outcome as JSON.

Upstream's own settings hold. anyio's plugin is named because packages are shipped without entry points; the tests of
types, which mypy runs, are run here as the plain code that they also are.
"""

import json
import os

import pytest

OPTIONS = ["-q", "-p", "no:cacheprovider", "-p", "anyio.pytest_plugin", "-o", "markers=mypy_testing", "tests"]


class Outcomes:
    """Leaves tests out by name, and remembers what became of the others: passed, failed or skipped."""

    def __init__(self, not_run: list[str]) -> None:
        self.not_run = set(not_run)
        self.by_test: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what is named; a name that no test has is an outcome of its own."""
        functions = {item.nodeid.partition("[")[0] for item in items}
        self.by_test |= {name: "missing" for name in self.not_run - functions}
        items[:] = [item for item in items if item.nodeid.partition("[")[0] not in self.not_run]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Let the worst phase of a test decide."""
        if report.when == "call" or report.outcome != "passed":
            self.by_test[report.nodeid] = report.outcome


def run(not_run: list[str]) -> str:
    """Run the tests from the root of the source tree."""
    os.chdir("/source")
    outcomes = Outcomes(not_run)
    pytest.main(OPTIONS, plugins=[outcomes])
    return json.dumps(outcomes.by_test)
