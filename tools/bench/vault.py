"""Folders of Markdown as large as one likes: notes put together from the paragraphs of the sample vault, the same ones on every run."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Final

NOTES_A_FOLDER: Final = 100
PARAGRAPHS_MAX: Final = 12


def generate(sample: Path, folder: Path, first: int, last: int) -> Path:
    """Write the notes numbered `first` to `last` (not with it) below a folder; a number is the same note in every folder."""
    texts = [path.read_text() for path in sorted(sample.rglob("*.md"))]
    paragraphs = [part for text in texts for part in text.split("\n\n") if 20 < len(part) < 600 and "---" not in part]
    words = sorted({word for part in paragraphs for word in part.split() if word.isalpha() and 3 < len(word) < 12})
    for number in range(first, last):
        random = Random(number)
        title = " ".join(random.sample(words, 3)).capitalize()
        path = folder / f"Folder {number // NOTES_A_FOLDER}" / f"{title} {number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n\n".join(random.choices(paragraphs, k=random.randint(1, PARAGRAPHS_MAX))) + "\n")
    return folder
