"""A site built from this tree, in a folder of its own."""

from pathlib import Path

import pytest

from tools.site.build import build
from tools.site.release import Order


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site once."""
    target = tmp_path_factory.mktemp("built") / "site"
    build(target, Order())
    return target
