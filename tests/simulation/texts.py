"""What people write: short words mostly, odd ones among them, and now and then very much at once."""

from __future__ import annotations

from random import Random
from typing import Final

SECRET: Final = "quagga"
"""Stands in everything that people write in a simulation."""
WORDS: Final = ("hay", "löwe", "苔", "🌻", "- [ ] water", "#garden", "**loud**", "\r\n", "a\tb", "[[Plan]]")
ODD: Final = (
    "\u202eright to left\u202c שלום",
    "e\u0301\u0302\u0303",
    "👩‍👩‍👧‍👦",
    "\ufeff",
    "\u2028\u2029",
    "\x00\x07\x1b[0m",
    "---\ntitle: [\n---\n",
    "```\n" * 3,
    "[" * 40,
    "<script>alert(1)</script>",
    "\n\n\n\n",
    "\U0010ffff",
    "x" * 400,
)
LARGE_CHARACTERS: Final = (5_000, 40_000, 200_000)
LARGE_SHARE: Final = 0.01
ODD_SHARE: Final = 0.1


def words(random: Random) -> str:
    """A few words, as somebody types or pastes them."""
    dice = random.random()
    if dice < LARGE_SHARE:
        return large(random)
    said = random.choice(ODD if dice < LARGE_SHARE + ODD_SHARE else WORDS)
    return f"{SECRET}{random.randrange(1000)} {said} "


def large(random: Random) -> str:
    """A text of many lines, which does not compress to nothing."""
    characters = random.choice(LARGE_CHARACTERS)
    line = f"{SECRET} {random.randbytes(30).hex()} {random.choice(WORDS)}\n"
    return "".join(f"{number} {line}" for number in range(characters // len(line) + 1))


def title(random: Random) -> str:
    """A title, as somebody types it into its box."""
    odd = f" {random.choice(ODD)}"[:120] if random.random() < ODD_SHARE else ""
    return f"{SECRET} title {random.randrange(1000)}{odd}"
