"""Runs in Pyodide: compiles modules for the browser's Python, small.

1. Byte code is believed as it is (an unchecked .pyc): its source is not there.
2. Docstrings of modules and functions are left out, asserts are not. Those of classes stay: where one is missing, a
   dataclass writes one when it is made, which takes longer than to read it.
3. Columns in tracebacks are left out too, by PYTHONNODEBUGRANGES in the image: together with (2) that is two fifths.
"""

import ast
from importlib import _bootstrap_external
from importlib.util import source_hash


def byte_code(source: bytes, path: str) -> bytes:
    """Compile a module into a .pyc; tracebacks name it as `path`."""
    source = bytes(source)
    code = compile(without_docstrings(ast.parse(source, path)), path, "exec", dont_inherit=True, optimize=0)
    pyc = _bootstrap_external._code_to_hash_pyc(code, source_hash(source), False)  # type: ignore[attr-defined]
    return bytes(pyc)


def without_docstrings(tree: ast.Module) -> ast.Module:
    """Take the docstrings out that are left out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef):
            match node.body:
                case [ast.Expr(ast.Constant(str())) as docstring]:
                    node.body = [ast.copy_location(ast.Pass(), docstring)]
                case [ast.Expr(ast.Constant(str())), *rest]:
                    node.body = rest
    return tree
