"""Writes `.br` and `.gz` beside files, so that the relay compresses nothing while it serves."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import brotli

WORTH_BYTES_MIN = 512


def compress(files: Iterable[Path], quality: int) -> None:
    """Write the compressed siblings of files; brotli's quality is 0 to 11, and 11 takes a second per megabyte."""
    with ThreadPoolExecutor() as pool:
        largest_first = sorted(files, key=lambda path: -path.stat().st_size)
        for _ in pool.map(lambda path: compress_one(path, quality), largest_first):
            pass


def compress_one(path: Path, quality: int) -> None:
    """Write the compressed siblings of one file, where they are smaller."""
    data = path.read_bytes()
    if len(data) < WORTH_BYTES_MIN:
        return
    for suffix, packed in (
        (".br", brotli.compress(data, quality=quality, lgwin=24)),
        (".gz", gzip.compress(data, compresslevel=6, mtime=0)),
    ):
        if len(packed) < len(data):
            path.with_name(path.name + suffix).write_bytes(packed)
