"""What a relay says of itself: one line each, and no flood of them."""

from __future__ import annotations

import json

from carryon_sync.formats.ids import text_of
from carryon_sync.server.report import LINES_A_MINUTE, Reports


def test_a_line_is_json_and_names_the_notebook() -> None:
    lines: list[str] = []

    Reports(lines.append).report("room-failed", "OSError: no space left", bytes(16), 1_700_000_000.5)

    assert [json.loads(line) for line in lines] == [
        {
            "time": "2023-11-14T22:13:20Z",
            "code": "room-failed",
            "words": "OSError: no space left",
            "notebook": text_of(bytes(16)),
        }
    ]


def test_of_one_code_so_many_lines_are_written_a_minute_and_the_others_are_counted() -> None:
    lines: list[str] = []
    reports = Reports(lines.append)

    for _ in range(LINES_A_MINUTE + 7):
        reports.report("hung-up", "flooded", None, 60.0)
    reports.report("room-failed", "another code", None, 61.0)
    reports.report("hung-up", "in the next minute", None, 120.0)

    assert len(lines) == LINES_A_MINUTE + 2
    assert json.loads(lines[-1])["left_out"] == "7"
