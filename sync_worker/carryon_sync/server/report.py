"""What the relay has to say goes to standard error, one JSON object a line; it never names a note, a key or a person."""

from __future__ import annotations

import json
import sys
import time

from carryon_sync.formats.ids import text_of


def report(code: str, words: str, notebook: bytes | None = None) -> None:
    """Write one line."""
    line = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "code": code, "words": words}
    if notebook is not None:
        line["notebook"] = text_of(notebook)
    print(json.dumps(line), file=sys.stderr, flush=True)
