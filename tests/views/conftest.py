"""One sample notebook for tests that only look at it."""

import pytest
from carryon.notebook.notebook import Notebook

from tests.views.samples import sample_notebook


@pytest.fixture(scope="session")
def notebook() -> Notebook:
    """A notebook that no test changes."""
    return sample_notebook()
