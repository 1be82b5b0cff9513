"""The engines that the differential test compares: Yjs in Node, our Note on pycrdt in CPython and in Pyodide."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from tests.notes.engines import pycrdt_engine
from tools.runtime import build
from tools.system import node

ROOT = Path(__file__).parent.parent.parent.parent
HERE = Path(__file__).parent
Request = Sequence[Any]


class Engine(Protocol):
    """Carries out requests in order, and answers each."""

    def ask(self, requests: Sequence[Request]) -> list[Any]: ...


class InThisPython:
    """Our Note on the pycrdt of this Python."""

    def ask(self, requests: Sequence[Request]) -> list[Any]:
        answers: list[Any] = json.loads(pycrdt_engine.answer(json.dumps(requests)))
        return answers


class InNode:
    """An engine in a process of its own that answers line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, requests: Sequence[Request]) -> list[Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(requests) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the engine has ended: its words are above"
        answers: list[Any] = json.loads(line)
        return answers


@contextmanager
def yjs() -> Iterator[Engine]:
    """Run Yjs in Node."""
    with _running([str(node()), str(HERE / "yjs.mjs")]) as engine:
        yield engine


@contextmanager
def pyodide(scratch: Path) -> Iterator[Engine]:
    """Run our Note in Pyodide in Node, on the runtime that the site ships."""
    sources = scratch / "sources.zip"
    sources.write_bytes(_sources())
    with _running(
        [str(node()), str(HERE / "pyodide.mjs"), str(build.files_of(build.runtime())), str(sources)]
    ) as engine:
        yield engine


@contextmanager
def _running(command: list[str]) -> Iterator[Engine]:
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        yield InNode(process)
    finally:
        process.kill()
        process.wait()


def _sources() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in [ROOT / "app/carryon/__init__.py", *sorted((ROOT / "app/carryon/notes").glob("*.py"))]:
            archive.write(path, path.relative_to(ROOT / "app"))
        archive.write(HERE / "pycrdt_engine.py", "pycrdt_engine.py")
    return packed.getvalue()
