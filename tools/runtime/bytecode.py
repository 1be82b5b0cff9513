"""Runs in Pyodide: compiles modules for the browser's Python."""

from importlib import _bootstrap_external
from importlib.util import source_hash


def byte_code(source: bytes, path: str) -> bytes:
    """Compile a module into a .pyc that is believed as it is; tracebacks name it as `path`."""
    source = bytes(source)
    code = compile(source, path, "exec", dont_inherit=True, optimize=0)
    pyc = _bootstrap_external._code_to_hash_pyc(code, source_hash(source), False)  # type: ignore[attr-defined]
    return bytes(pyc)
