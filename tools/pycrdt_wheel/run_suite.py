"""Runs in Pyodide: runs pytest on pycrdt's source tree and returns every test's outcome as JSON."""

import json
import os

import pytest


class Outcomes:
    """Remembers what became of each test: passed, failed or skipped."""

    def __init__(self) -> None:
        self.by_test: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Let the worst phase of a test decide."""
        if report.when == "call" or report.outcome != "passed":
            self.by_test[report.nodeid] = report.outcome


def run(arguments: list[str]) -> str:
    """Run the tests from the root of the source tree."""
    os.chdir("/source")
    outcomes = Outcomes()
    pytest.main(["-q", "-p", "no:cacheprovider", *arguments], plugins=[outcomes])
    return json.dumps(outcomes.by_test)
