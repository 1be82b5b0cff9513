"""pycrdt in Pyodide, judged by its authors' own tests."""

from tools.pycrdt_wheel import suite


def test_pycrdts_own_tests_pass_on_the_wheel() -> None:
    """Every test of upstream passes in Pyodide, but those named with the reason why they cannot."""
    suite.judge(suite.run_suite())
