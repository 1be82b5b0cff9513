"""Runs in Pyodide: imports the app once and keeps the code of what dataclasses generate meanwhile (`carryon.precompiled`)."""

import dataclasses
import importlib
import marshal
from types import CodeType
from typing import Any

# It leads to all that a core imports of the app and of pycrdt.
ROOT = "carryon.core.browser"


def precompiled() -> bytes:
    """Return the table of {source text: code}."""
    kept: dict[str, CodeType] = {}

    def execute(source: str, names: dict[str, Any], results: dict[str, Any]) -> None:
        kept[source] = compile(source, "<string>", "exec")
        exec(kept[source], names, results)

    dataclasses.exec = execute  # type: ignore[attr-defined]
    try:
        importlib.import_module(ROOT)
    finally:
        del dataclasses.exec  # type: ignore[attr-defined]
    assert kept, "dataclasses of this Python do not go by `exec` any more"
    return marshal.dumps(kept)
