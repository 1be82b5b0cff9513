"""pycrdt in Pyodide, judged by its authors' own tests."""

import pytest

from tools.pycrdt_wheel import suite


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_pycrdts_own_tests_pass_on_the_wheel() -> None:
    """Every test of upstream passes in Pyodide, but those named with the reason why they cannot."""
    suite.judge(suite.run_suite())
