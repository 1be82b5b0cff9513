"""An import as a whole: what becomes of the chosen files beside one that cannot be read."""

from __future__ import annotations

import io
import zipfile

from tests.core.home import Home, opened, rule
from tests.simulation.virtual_loop import until


@rule
async def test_a_damaged_zip_ends_no_core_and_takes_no_other_file_with_it(home: Home) -> None:
    """The person is told of it, and the files that were chosen beside it are imported."""
    tab = await home.begin()

    tab.act("import.files", files={"v/One.md": b"words of one", "n.zip": _damaged(), "v/Two.md": b"words of two"})
    await until(lambda: "n.zip" in "".join(tab.regions.values()), "it is told", 60.0)

    opened(tab).notebook.refresh()
    assert {"One", "Two", "b"} <= {row.title for row in opened(tab).notebook.rows.values()}


def _damaged() -> bytes:
    """Return a zip in whose first entry some packed bytes are others."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("v/a.md", "words " * 200)
        archive.writestr("v/b.md", "other words " * 200)
    data = bytearray(packed.getvalue())
    start = data.index(b"v/a.md") + len("v/a.md") + 12
    data[start : start + 8] = b"\xff" * 8
    return bytes(data)
