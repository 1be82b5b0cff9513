"""Give dataclasses the code of the methods that they generate: compiled at build time, it need not be compiled at every start.

`dataclasses` writes the source of a class's methods as text and executes it; in the browser compiling that text is most of what importing
the app costs. The build runs every import once and keeps the code of each text (`tools/site/precompiled.py`). A text that was not seen
then is compiled here as ever, so this changes how fast a class is made, never what it is.

Format of `precompiled.bin`: `marshal` of {source text: code}, by the Python of the runtime that lies beside it.
"""

import dataclasses
import marshal
from collections.abc import Mapping
from types import CodeType
from typing import Any, Final
from zipimport import zipimporter

FILE: Final = "precompiled.bin"


def install() -> None:
    """Take the kept code from now on."""
    assert __spec__ is not None and isinstance(__spec__.loader, zipimporter), "the app lies in an archive of the build"
    data = __spec__.loader.get_data(f"{__file__.rpartition('/')[0]}/{FILE}")
    kept: Mapping[str, CodeType] = marshal.loads(data)

    def execute(source: str, names: dict[str, Any], results: dict[str, Any]) -> None:
        exec(kept.get(source, source), names, results)

    # The module's own name comes before the built-in one.
    dataclasses.exec = execute
