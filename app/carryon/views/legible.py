"""Names that anybody may have given, as they stand among other words: nothing in them reorders or hides those around.

What stands in an element of its own with `dir="auto"` needs none of this: it is isolated there.
"""

from __future__ import annotations

import re
from typing import Final

UNNAMED: Final = "Unnamed"
_marks: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+")
"""Control signs, line ends, and marks that turn the direction; not the joiners, which emoji and many scripts need."""


def legible(name: str) -> str:
    """Return a name for the middle of a sentence."""
    return _marks.sub(" ", name).strip()


def visible(name: str, instead: str) -> str:
    """Return a name, or other words in the place of one in which there is nothing to be seen."""
    return name if any(sign.isprintable() and not sign.isspace() for sign in name) else instead
