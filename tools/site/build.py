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
from pathlib import Path

from tools import cache
from tools.compression import compress
from tools.runtime.build import files_of, packages, runtime
from tools.site import app, materials, publish
from tools.site.files import hash_of, integrity, table
from tools.site.release import Order, Release
from tools.system import ENVIRONMENT, ROOT, node, run, say

HERE = Path(__file__).resolve().parent
STATIC = ROOT / "static"
NPM_LOCK = ROOT / "package-lock.json"
INPUTS = (STATIC, ROOT / "app", ROOT / "sync_worker", HERE)
INPUT_SUFFIXES = (".py", ".html", ".js", ".mjs", ".css", ".svg", ".png", ".webmanifest")
BUILT_FROM = ".built-from"
QUALITY = 9


def build(target: Path, order: Order) -> str:
    """Build what has changed and return the release's hash."""
    shared = runtime()
    inputs = key(order, shared)
    stamp = target / BUILT_FROM
    if stamp.exists() and stamp.read_text().split()[0] == inputs:
        return stamp.read_text().split()[1]
    write_messages()
    with tempfile.TemporaryDirectory(prefix="carryon-site-") as scratch:
        release = build_release(order, shared, Path(scratch), target)
    stamp.write_text(f"{inputs} {release}\n")
    say(f"{target.name}: release {release}")
    return release


def key(order: Order, shared: Path) -> str:
    """Hash everything that the release is made from."""
    files = [path for folder in INPUTS for path in sorted(folder.rglob("*")) if path.suffix in INPUT_SUFFIXES]
    names = "\n".join(path.relative_to(ROOT).as_posix() for path in files)
    return cache.key(shared.name, repr(order), names, HERE.parent / "compression.py", NPM_LOCK, *files)


def write_messages() -> None:
    """Write the TypeScript declarations of the messages between tab and core from their table in Python."""
    target = STATIC / "js" / "messages.d.ts"
    declared = run([ENVIRONMENT / "bin" / "python", "-m", "carryon.core.tabs.messages"], quiet=True)
    if not target.exists() or target.read_text() != declared:
        target.write_text(declared)


def build_release(order: Order, shared: Path, scratch: Path, target: Path) -> str:
    """Build a release in a scratch folder, put it into the target and return its hash."""
    made, shell = scratch / "app", scratch / "shell"
    runtime_files = table(files_of(shared))
    runtime_hash = hash_of(runtime_files)
    bundled = write_app(made, order, shared, f"r/{runtime_hash}/")
    copy_shell(shell)

    # The page will hold the release's name, so the name comes from what the page is made of.
    app_files = table(made)
    others = {"sw.js": integrity((STATIC / "sw.js").read_bytes()), "order": repr(order), "runtime": runtime_hash}
    name = hash_of({**app_files, **table(shell), **others})
    fill_page(shell / "index.html", name, f"r/{runtime_hash}/", order.relay_origins)

    release = Release(
        release=name,
        runtime=runtime_hash,
        shell=table(shell),
        app={f"v/{name}/{path}": value for path, value in app_files.items()},
        files={f"r/{runtime_hash}/{path}": value for path, value in runtime_files.items()},
    )
    write_worker(shell, order, release)
    materials.write(shell, release, [*packages(shared), *materials.npm_packages(["pyodide", *bundled])])
    compress([*publish.files(made), *publish.files(shell)], QUALITY)
    publish.put_folder(files_of(shared), target / "r" / runtime_hash)
    publish.put_folder(made, target / "v" / name)
    publish.put_root(shell, target)
    publish.sweep(target, shell, {target / "r" / runtime_hash, target / "v" / name, target / BUILT_FROM})
    return name


def write_app(made: Path, order: Order, shared: Path, runtime_path: str) -> list[str]:
    """Write the release's own folder and return the npm packages that were bundled into it."""
    made.mkdir()
    bundled = bundle(made, {"what": "app", "runtime": runtime_path, "relays": order.relay_origins})
    app.write_archive(files_of(shared), made / "app.zip")
    if order.dev:
        with (made / "tab.js").open("a") as tab:
            tab.write((HERE / "reload.js").read_text())
    return bundled


def bundle(target: Path, order: dict[str, object]) -> list[str]:
    """Run the bundler and return the npm packages that it bundled."""
    path = target.parent / "order.json"
    path.write_text(json.dumps({"source": str(STATIC), "target": str(target), **order}))
    names: list[str] = json.loads(run([node(), HERE / "bundle.mjs", path], quiet=True))
    return names


def copy_shell(shell: Path) -> None:
    """Copy what lies at the root of the site as it is: page, manifest and icons."""
    shutil.copytree(STATIC / "icons", shell / "icons", copy_function=shutil.copyfile)
    for name in ("index.html", "manifest.webmanifest"):
        shutil.copyfile(STATIC / name, shell / name)


def fill_page(page: Path, release: str, runtime_path: str, relay_origins: tuple[str, ...]) -> None:
    """Put the names of this release into the page."""
    text = page.read_text()
    relays = "".join(f" {origin}" for origin in relay_origins)
    names = {"%RELEASE%": release, "%APP%": f"v/{release}/", "%RUNTIME%": runtime_path, " %RELAYS%": relays}
    for placeholder, value in names.items():
        text = text.replace(placeholder, value)
    page.write_text(text)


def write_worker(shell: Path, order: Order, release: Release) -> None:
    """Write the service worker with the table of its release; in development, one that keeps nothing."""
    if order.dev:
        shutil.copyfile(HERE / "dev_worker.js", shell / "sw.js")
        (shell / "release.txt").write_text(release.release)
    else:
        bundle(shell, {"what": "worker", "release": release.table()})
