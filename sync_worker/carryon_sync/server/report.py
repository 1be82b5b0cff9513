"""What the relay has to say goes to standard error, one JSON object a line; it never names a note, a key or a person.

Of each code so many lines are written a minute; how many were left out is said in the first line after that. An attack
must not fill the disk, nor the pipe behind which somebody reads slowly.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from carryon_sync.formats.ids import text_of

LINES_A_MINUTE = 60


@dataclass(slots=True)
class _Code:
    minute: int = 0
    written: int = 0
    left_out: int = 0


class Reports:
    """What was said of each code in this minute; `write` takes a line."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._codes: dict[str, _Code] = {}

    def report(self, code: str, words: str, notebook: bytes | None, now: float) -> None:
        """Write one line, or count it; `now` is in seconds since 1970."""
        said = self._codes.setdefault(code, _Code())
        if said.minute != int(now // 60):
            said.minute, said.written = int(now // 60), 0
        if said.written >= LINES_A_MINUTE:
            said.left_out += 1
            return
        line = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)), "code": code, "words": words}
        if notebook is not None:
            line["notebook"] = text_of(notebook)
        if said.left_out:
            line["left_out"] = str(said.left_out)
        said.written, said.left_out = said.written + 1, 0
        self._write(json.dumps(line))


_reports = Reports(lambda line: print(line, file=sys.stderr, flush=True))


def report(code: str, words: str, notebook: bytes | None = None) -> None:
    """Write one line."""
    _reports.report(code, words, notebook, time.time())
