"""The runtime: the same bytes from the same inputs, and nothing left to import for the app."""

import json
import subprocess
from pathlib import Path

import pytest

from tools.runtime import build
from tools.system import node

HERE = Path(__file__).parent


def difference(made: Path, kept: Path) -> str:
    """How two files differ, in one line: pytest takes minutes to explain 25 MB of memory."""
    here, there = made.read_bytes(), kept.read_bytes()
    if here == there:
        return ""
    first = next((at for at, (a, b) in enumerate(zip(here, there, strict=False)) if a != b), min(len(here), len(there)))
    around = slice(max(first - 64, 0), first + 64)
    return f"{made.name}: {len(here)} and {len(there)} bytes, from {first} on {here[around]!r} is not {there[around]!r}"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_same_inputs_give_the_same_runtime(tmp_path: Path) -> None:
    """Boot image and packages made again are, byte for byte, those in the cache."""
    kept = build.files_of(build.runtime())
    work = tmp_path / "work"

    build.assemble(work)

    assert [difference(work / name, kept / name) for name in build.SHIPPED] == [""] * len(build.SHIPPED)


def test_the_boot_image_does_not_say_where_it_was_made() -> None:
    """Another clone makes the same image: none of this machine's paths is in it."""
    image = (build.files_of(build.runtime()) / "boot.bin").read_bytes()

    assert [path for path in (str(build.ROOT), str(build.HERE), "image.mjs") if path.encode() in image] == []


def test_a_start_finds_everything_imported(site: Path) -> None:
    """After the boot image only the app's own modules and pycrdt's are read; an import of anything else costs every start."""
    archive = next(site.glob("v/*/app.zip"))
    runtime = next(site.glob("r/*"))

    printed = subprocess.run(
        [str(node()), str(HERE / "imports.mjs"), str(runtime), str(archive)], capture_output=True, text=True, check=True
    )

    assert json.loads(printed.stdout) == []
