"""The layers are a law: what each package may import, and what pure code may not touch."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

REPOSITORY: Final = Path(__file__).parent.parent
APP: Final = REPOSITORY / "app" / "carryon"
SYNC: Final = REPOSITORY / "sync_worker" / "carryon_sync"

BROWSER: Final = {"js", "pyodide", "pyodide_js", "_pyodide"}

# package → (what it may import of ours, third-party packages that it may import)
LAWS: Final[dict[str, tuple[set[str], set[str]]]] = {
    "notes": ({"carryon.notes"}, {"pycrdt", "markdown_it", "mdit_py_plugins"}),
    "notebook": ({"carryon.notebook", "carryon.notes"}, set()),
    "views": ({"carryon.views", "carryon.notebook", "carryon.notes"}, {"jinja2", "markupsafe", "segno"}),
    "storage": ({"carryon.storage", "carryon_sync"}, BROWSER),
    "crypto": ({"carryon.crypto", "carryon_sync"}, {"cryptography"} | BROWSER),
    "core": ({"carryon", "carryon_sync"}, BROWSER),
}
PURE: Final = ("notes", "notebook", "views")
# wing of `carryon_sync` → the wings that it may import; all but the server are pure.
WINGS: Final[dict[str, set[str]]] = {
    "formats": {"formats"},
    "protocol": {"formats", "protocol"},
    "device": {"formats", "protocol", "device"},
    "relay": {"formats", "protocol", "relay"},
    "server": {"formats", "protocol", "relay", "server"},
}
PURE_WINGS: Final = ("formats", "protocol", "device", "relay")
# What stands in `core`, each importing only itself and what stands before it.
CORE_ORDER: Final = (
    "environment",
    "tabs",
    "log",
    "relays",
    "open_notebook",
    "device_view",
    "notebooks",
    "acts",
    "core",
    "browser",
)
IMPURE_MODULES: Final = {
    "time",
    "random",
    "secrets",
    "asyncio",
    "os",
    "socket",
    "threading",
    "sqlite3",
    "uuid",
} | BROWSER
CLOCKS: Final = {"now", "today", "utcnow"}
STANDARD: Final = __import__("sys").stdlib_module_names


def modules_of(folder: Path) -> list[Path]:
    """All modules below a folder, never none: an empty law would hold by itself."""
    found = sorted(folder.rglob("*.py"))
    assert found, f"{folder} holds no module"
    return found


def imports_of(path: Path) -> Iterator[str]:
    """The full names of all modules that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""


def is_below(name: str, package: str) -> bool:
    """Whether a module is a package or lies in it."""
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize("package", LAWS)
def test_a_package_imports_only_what_its_layer_may(package: str) -> None:
    """The table of docs/architecture.md, held against every import."""
    ours, third_party = LAWS[package]
    for path in modules_of(APP / package):
        for name in imports_of(path):
            if name.split(".")[0] in STANDARD:
                continue
            allowed = any(is_below(name, each) for each in ours) or name.split(".")[0] in third_party
            assert allowed, f"{path.relative_to(REPOSITORY)} imports {name}"


def test_only_the_browser_adapters_touch_the_browser() -> None:
    """`js` and `pyodide` are imported by adapters named for the browser, and by nothing else."""
    for path in modules_of(APP):
        touched = {name.split(".")[0] for name in imports_of(path)} & BROWSER
        if touched:
            relative = path.relative_to(APP)
            is_adapter = relative.parts[:2] == ("core", "browser") or relative.name.startswith(
                ("indexeddb_", "webcrypto_")
            )
            assert is_adapter, f"{relative} imports {sorted(touched)}"


def test_what_moves_changes_knows_nothing_of_notes() -> None:
    """`carryon_sync` imports nothing of the app; its machines nothing but the standard library; its `__init__` nothing at all."""
    for path in modules_of(SYNC):
        in_server = "server" in path.relative_to(SYNC).parts
        for name in imports_of(path):
            assert not is_below(name, "carryon"), f"{path} imports {name}"
            if not in_server:
                assert name.split(".")[0] in STANDARD or is_below(name, "carryon_sync"), f"{path} imports {name}"
                assert not is_below(name, "carryon_sync.server"), f"{path} imports {name}"
    assert list(imports_of(SYNC / "__init__.py")) == []


def pure_modules() -> list[Path]:
    """The modules that are pure by law."""
    folders = [APP / package for package in PURE] + [SYNC / wing for wing in PURE_WINGS]
    return [path for folder in folders for path in modules_of(folder)]


def names_in(folder: Path) -> set[str]:
    """What stands in a package, by the names that imports give it."""
    inside = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    return inside - {"__init__"}


def inner_imports_of(path: Path, package: str) -> Iterator[str]:
    """What of its own package a module imports, by the first name below the package."""
    for name in imports_of(path):
        if is_below(name, package):
            assert name != package, f"{path.relative_to(REPOSITORY)} imports {package} whole"
            yield name.removeprefix(package + ".").split(".")[0]


@pytest.mark.parametrize("wing", WINGS)
def test_the_halves_of_the_protocol_never_meet(wing: str) -> None:
    """`formats` is the ground, `protocol` stands on it; the device's half and the relay's know both, and not each other."""
    assert names_in(SYNC) == set(WINGS)
    for path in modules_of(SYNC / wing):
        for name in inner_imports_of(path, "carryon_sync"):
            assert name in WINGS[wing], f"{path.relative_to(REPOSITORY)} imports {name}"


@pytest.mark.parametrize("place", CORE_ORDER)
def test_the_core_stands_in_one_order(place: str) -> None:
    """What comes later in `core` knows what comes before it, never the other way round, so that there is no circle."""
    core = APP / "core"
    assert names_in(core) == set(CORE_ORDER)
    paths = modules_of(core / place) if (core / place).is_dir() else [core / f"{place}.py"]
    before = CORE_ORDER[: CORE_ORDER.index(place) + 1]
    for path in paths:
        for name in inner_imports_of(path, "carryon.core"):
            assert name in before, f"{path.relative_to(REPOSITORY)} imports {name}"


@pytest.mark.parametrize("path", pure_modules(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_pure_code_is_pure(path: Path) -> None:
    """No clock, no randomness, no `async`, no machine: they are arguments."""
    tree = ast.parse(path.read_text())

    assert not {name.split(".")[0] for name in imports_of(path)} & IMPURE_MODULES
    for node in ast.walk(tree):
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith), f"{path}: async"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in CLOCKS, f"{path}:{node.lineno} reads a clock"


def test_only_notes_import_pycrdt_and_nobody_merges_updates() -> None:
    """`merge_updates` has lost updates upstream (C4); pycrdt stays behind one package."""
    for path in [*modules_of(APP), *modules_of(SYNC)]:
        if any(is_below(name, "pycrdt") for name in imports_of(path)):
            assert path.relative_to(APP).parts[0] == "notes", f"{path} imports pycrdt"
        names = {
            getattr(node, "attr", None) or getattr(node, "id", None) or getattr(node, "name", None)
            for node in ast.walk(ast.parse(path.read_text()))
        }
        assert "merge_updates" not in names, f"{path} merges updates"
