"""The runtime: the same bytes from the same inputs, and nothing left to import for the app."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from tools.runtime import build
from tools.system import node

HERE = Path(__file__).parent


def hashes(folder: Path) -> dict[str, str]:
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in build.SHIPPED}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_same_inputs_give_the_same_runtime(tmp_path: Path) -> None:
    """Boot image and packages made again are, byte for byte, those in the cache."""
    kept = build.files_of(build.runtime())
    work = tmp_path / "work"

    build.assemble(work)

    # By their hashes: to explain how 25 MB of memory differ takes pytest minutes.
    assert hashes(work) == hashes(kept)


def test_a_start_finds_everything_imported(site: Path) -> None:
    """After the boot image only the app's own modules and pycrdt's are read; an import of anything else costs every start."""
    archive = next(site.glob("v/*/app.zip"))
    runtime = next(site.glob("r/*"))

    printed = subprocess.run(
        [str(node()), str(HERE / "imports.mjs"), str(runtime), str(archive)], capture_output=True, text=True, check=True
    )

    assert json.loads(printed.stdout) == []
