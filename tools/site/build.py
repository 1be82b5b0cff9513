"""Builds the site out of the runtime, the app and the static files.

    index.html  sw.js  manifest.webmanifest  icons/  bom.json      at the root: `sw.js` holds the hash of all other files
    v/<release>/  tab.js  editor.js  core.js  chunks  app.css  app.zip      this release, named by the hash of its contents
    r/<runtime>/  Pyodide, boot image, packages (`tools.runtime.build`)     shared by releases

1. Nothing in the site names a host or begins with a slash: it works under any base path.
2. A file of a hash folder never changes; files at the root are replaced last, `sw.js` after all others.
3. What does not differ is not built: nothing at all, or the app alone in a second or two.
4. Each file has `.br` and `.gz` beside it where they are smaller.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tools import cache
from tools.compression import compress
from tools.runtime.build import PACKAGES, packages, runtime
from tools.site import app, materials
from tools.site.files import hash_of, integrity, table
from tools.system import ENVIRONMENT, ROOT, node, run, say

HERE = Path(__file__).resolve().parent
STATIC = ROOT / "static"
INPUTS = [STATIC, ROOT / "app", ROOT / "sync_worker", HERE]
INPUT_SUFFIXES = (".py", ".html", ".js", ".mjs", ".css", ".svg", ".png", ".webmanifest")
BUILT_FROM = ".built-from"
QUALITY = 9


@dataclass(frozen=True, slots=True)
class Order:
    """What to build."""

    target: Path
    relay_origins: tuple[str, ...] = ()
    mark: str = ""
    dev: bool = False


def build(order: Order) -> str:
    """Build what has changed and return the release's hash."""
    shared = runtime()
    inputs = key(order, shared)
    stamp = order.target / BUILT_FROM
    if stamp.exists() and stamp.read_text().split()[0] == inputs:
        return stamp.read_text().split()[1]
    write_messages()
    with tempfile.TemporaryDirectory(prefix="carryon-site-") as scratch:
        release = build_release(order, shared, Path(scratch))
    stamp.write_text(f"{inputs} {release}\n")
    say(f"{order.target.name}: release {release}")
    return release


def write_messages() -> None:
    """Write the TypeScript declarations of the messages between tab and core from their table in Python."""
    target = STATIC / "js" / "messages.d.ts"
    declared = run([ENVIRONMENT / "bin" / "python", "-m", "carryon.core.messages"], quiet=True)
    if not target.exists() or target.read_text() != declared:
        target.write_text(declared)


def key(order: Order, shared: Path) -> str:
    """Hash everything that the release is made from."""
    files = [path for folder in INPUTS for path in sorted(folder.rglob("*")) if path.suffix in INPUT_SUFFIXES]
    names = "\n".join(path.relative_to(ROOT).as_posix() for path in files)
    lock = ROOT / "package-lock.json"
    return cache.key(shared.name, repr(order), names, HERE.parent / "compression.py", lock, *files)


def build_release(order: Order, shared: Path, scratch: Path) -> str:
    """Build a release into a scratch folder and put it into the target; return its hash."""
    runtime_files = {path: value for path, value in table(shared).items() if path != PACKAGES}
    runtime_path = f"r/{hash_of(runtime_files)}/"
    made = scratch / "app"
    made.mkdir()
    bundled = bundle(scratch, {"what": "app", "target": str(made), "runtime": runtime_path})
    app.write_archive(shared, made / "app.zip")
    if order.dev:
        reloading = (HERE / "reload.js").read_text()
        (made / "tab.js").write_text((made / "tab.js").read_text() + reloading)

    shell = shell_of(scratch / "shell")
    app_files = table(made)
    sources = {
        "sw.js": integrity((STATIC / "sw.js").read_bytes()),
        "mark": order.mark,
        "relays": repr(order.relay_origins),
    }
    release = hash_of({**app_files, **table(shell), **sources, runtime_path: ""})
    index = shell / "index.html"
    index.write_text(filled(index.read_text(), release, runtime_path, order.relay_origins))
    shell_files = table(shell)
    release_table = {
        "release": release,
        "runtime": runtime_path.split("/")[1],
        "shell": shell_files,
        "app": {f"v/{release}/{path}": value for path, value in app_files.items()},
        "files": {f"{runtime_path}{path}": value for path, value in runtime_files.items()},
    }
    write_worker(order, shell, release_table)
    files = {**table(shell), **release_table["app"], **release_table["files"]}
    materials.write(
        shell / "bom.json",
        release,
        release_table["runtime"],
        [*packages(shared), *materials.npm_packages(["pyodide", *bundled])],
        files,
    )
    compress([path for folder in (made, shell) for path in folder.rglob("*") if path.is_file()], QUALITY)
    publish(order.target, shared, runtime_path, made, f"v/{release}/", shell)
    return release


def bundle(scratch: Path, order: dict[str, object]) -> list[str]:
    """Run the bundler and return the npm packages that it bundled."""
    path = scratch / "order.json"
    path.write_text(json.dumps({"source": str(STATIC), **order}))
    printed = run([node(), HERE / "bundle.mjs", path], quiet=True)
    names: list[str] = json.loads(printed) if printed else []
    return names


def shell_of(folder: Path) -> Path:
    """Copy what lies at the root of the site as it is: page, manifest and icons."""
    folder.mkdir()
    for name in ("index.html", "manifest.webmanifest"):
        shutil.copyfile(STATIC / name, folder / name)
    shutil.copytree(STATIC / "icons", folder / "icons", copy_function=shutil.copyfile)
    return folder


def filled(page: str, release: str, runtime_path: str, relay_origins: tuple[str, ...]) -> str:
    """Return the page with the names of this release."""
    names = {"%RELEASE%": release, "%APP%": f"v/{release}/", "%RUNTIME%": runtime_path}
    for placeholder, value in names.items():
        page = page.replace(placeholder, value)
    return page.replace(" %RELAYS%", "".join(f" {origin}" for origin in relay_origins))


def write_worker(order: Order, shell: Path, release_table: dict[str, object]) -> None:
    """Write the service worker with the table of its release; in development one that keeps nothing."""
    if order.dev:
        shutil.copyfile(HERE / "dev_worker.js", shell / "sw.js")
        (shell / "release.txt").write_text(str(release_table["release"]))
    else:
        bundle(shell.parent, {"what": "worker", "target": str(shell), "release": release_table})


def publish(target: Path, shared: Path, runtime_path: str, made: Path, app_path: str, shell: Path) -> None:
    """Put the release into the target: hash folders first, `sw.js` last, then remove other releases."""
    target.mkdir(parents=True, exist_ok=True)
    for source, path in ((shared, runtime_path), (made, app_path)):
        if not (target / path).exists():
            part = target / f"{path.rstrip('/')}.part"
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(source, part, ignore=shutil.ignore_patterns(PACKAGES), copy_function=shutil.copyfile)
            part.rename(target / path)
    at_root = sorted(
        (path for path in shell.rglob("*") if path.is_file()), key=lambda path: path.name.startswith("sw.js")
    )
    for source in at_root:
        place = target / source.relative_to(shell)
        place.parent.mkdir(exist_ok=True)
        part = place.with_name(f"{place.name}.part")
        shutil.copyfile(source, part)
        part.rename(place)
    kept = {*(target / source.relative_to(shell) for source in at_root), target / BUILT_FROM}
    for path in [*target.glob("*"), *target.glob("icons/*")]:
        if path.is_file() and path not in kept:
            path.unlink()
    for path in [*target.glob("v/*"), *target.glob("r/*")]:
        if path not in (target / app_path.rstrip("/"), target / runtime_path.rstrip("/")):
            shutil.rmtree(path)
