"""Reads JSON that somebody else wrote, once it is known to be short and shallow.

The standard library reads JSON by recursion. In Pyodide a few thousand brackets overflow the stack of C, which ends the
interpreter where no `except` runs, so whoever opens a note that holds them would end its core at every start.
"""

from __future__ import annotations

import json

characters_max = 64_000
brackets_max = 100


def read_shallow(text: str) -> object:
    """Return what a text says in JSON, or raise ValueError where it says nothing or could be too deep.

    Every opening bracket counts, also one in a string: what we write ourselves holds a handful.
    """
    if len(text) > characters_max or text.count("[") + text.count("{") > brackets_max:
        raise ValueError(f"JSON of {len(text):,} characters is too long or too deep")
    return json.loads(text)
