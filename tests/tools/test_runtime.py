"""The runtime: the same bytes from the same inputs, and nothing left to import for the app."""

import json
from pathlib import Path

import pytest

from tests.tools.running import printed
from tools.runtime import build


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
    assert json.loads(printed(site, "imports.mjs")) == []


def test_a_moment_that_has_passed_is_now(site: Path) -> None:
    """A deadline may pass on the way to the timer; Pyodide's own loop ends a task then, and with it a core."""
    assert json.loads(printed(site, "late_calls.mjs")) == ["Can't schedule in the past", "called"]
