"""Packs the app's Python as one archive of byte code, as it lies on the core's `sys.path`.

1. What the browser runs: `carryon` without its command, `carryon_sync` without its server, templates compiled.
2. A module is compiled again only when it has changed; byte code is kept in `build/bytecode` by its source.
3. What dataclasses generate is compiled too (`carryon.precompiled`): that halves what importing the app takes.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tools import cache
from tools.system import ENVIRONMENT, ROOT, node, run

HERE = Path(__file__).resolve().parent
KEPT = ROOT / "build" / "bytecode"
PACKAGES = {"carryon": ROOT / "app" / "carryon", "carryon_sync": ROOT / "sync_worker" / "carryon_sync"}
NOT_IN_BROWSER = ("carryon/cli/", "carryon_sync/server/", "carryon/views/templates/")
TEMPLATES = "carryon/views/templates_compiled"
PRECOMPILED = "carryon/precompiled.bin"
SHIPPED_TO = "/lib/app.zip"
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the app, where its byte code is kept, and its name in the archive."""

    source: Path
    name: str
    kept: Path


def write_archive(runtime: Path, target: Path) -> None:
    """Write app.zip for the Python of a runtime."""
    with tempfile.TemporaryDirectory(prefix="carryon-app-") as scratch:
        compiled = Path(scratch) / "templates_compiled"
        compile_templates(compiled)
        found = modules(runtime, compiled)
        compile_modules(runtime, [module for module in found if not module.kept.exists()], Path(scratch))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for module in found:
            archive.writestr(zipfile.ZipInfo(f"{module.name}c", EPOCH), module.kept.read_bytes())
    add_precompiled(runtime, target)


def add_precompiled(runtime: Path, target: Path) -> None:
    """Add what dataclasses generate to app.zip, compiled; kept in `build/bytecode` by the archive's bytes."""
    kept = KEPT / f"{cache.key(runtime.name, target, HERE / 'precompiled.py')}.bin"
    if not kept.exists():
        with tempfile.TemporaryDirectory(prefix="carryon-app-") as scratch:
            made = Path(scratch) / "made"
            run([node(), HERE / "precompiled.mjs", runtime, target, made], quiet=True)
            shutil.move(made, kept)
    with zipfile.ZipFile(target, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(PRECOMPILED, EPOCH), kept.read_bytes())


def compile_templates(target: Path) -> None:
    """Let the views write their templates as Python modules."""
    run([ENVIRONMENT / "bin" / "python", "-m", "carryon.views.rendering", target], quiet=True)


def modules(runtime: Path, templates: Path) -> list[Module]:
    """Return every module that the browser gets, in the order of the archive."""
    sources = {
        f"{package}/{path.relative_to(folder).as_posix()}": path
        for package, folder in PACKAGES.items()
        for path in folder.rglob("*.py")
    }
    sources |= {f"{TEMPLATES}/{path.name}": path for path in templates.glob("*.py")}
    return [
        Module(sources[name], name, KEPT / f"{cache.key(runtime.name, name, sources[name])}.pyc")
        for name in sorted(sources)
        if not name.startswith(NOT_IN_BROWSER)
    ]


def compile_modules(runtime: Path, changed: list[Module], scratch: Path) -> None:
    """Compile modules with the runtime's Python into where they are kept."""
    if not changed:
        return
    KEPT.mkdir(parents=True, exist_ok=True)
    order = scratch / "order.json"
    made = scratch / "made"
    made.mkdir()
    listed = [
        {"source": str(module.source), "name": f"{SHIPPED_TO}/{module.name}", "target": str(made / module.kept.name)}
        for module in changed
    ]
    order.write_text(json.dumps({"runtime": str(runtime), "modules": listed}))
    run([node(), HERE / "bytecode.mjs", order], quiet=True)
    for module in changed:
        shutil.move(made / module.kept.name, module.kept)
