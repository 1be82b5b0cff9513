"""Serves the site while it is worked on: `python -m tools.dev`, by `make dev`.

1. A change under app/, static/ or sync_worker/ builds the app part again; pages reload by themselves (`reload.js`).
2. A change of what the relay runs starts the relay again too.
3. The site is built for development: its service worker keeps nothing, so that a reload shows what was built last.
4. A build that fails says why, and the last good site stays.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from tools.site.build import build
from tools.site.release import Order
from tools.system import ENVIRONMENT, ROOT, Missing, say

TARGET = ROOT / "build" / "dev"
WATCHED = (ROOT / "app", ROOT / "static", ROOT / "sync_worker")
RELAY = ROOT / "sync_worker"
SUFFIXES = (".py", ".html", ".js", ".css", ".svg", ".png", ".webmanifest")
LOOK_EVERY_SECONDS = 0.3
STOP_WITHIN_SECONDS = 10


def main() -> int:
    """Build, serve, and do both again on every change until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tools.dev", description="Serve the site and rebuild it on change.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--data", type=Path, default=ROOT / "build" / "data")
    chosen = parser.parse_args()
    seen = look()
    rebuild()
    relay = start_relay(chosen.port, chosen.data)
    try:
        while True:
            time.sleep(LOOK_EVERY_SECONDS)
            now = look()
            changed = {path for path in seen.keys() | now.keys() if seen.get(path) != now.get(path)}
            seen = now
            if changed:
                say(f"changed: {', '.join(sorted(str(path.relative_to(ROOT)) for path in changed))}")
                rebuild()
            if any(path.is_relative_to(RELAY) for path in changed):
                stop(relay)
                relay = start_relay(chosen.port, chosen.data)
    except KeyboardInterrupt:
        stop(relay)
    return 0


def look() -> dict[Path, int]:
    """Return when each watched file was changed last."""
    files = [path for folder in WATCHED for path in folder.rglob("*") if path.suffix in SUFFIXES]
    # The build writes declarations beside the sources; they follow from what is watched.
    return {path: path.stat().st_mtime_ns for path in files if path.exists() and not path.name.endswith(".d.ts")}


def rebuild() -> None:
    """Build the site, or say why that failed."""
    started = time.monotonic()
    try:
        build(TARGET, Order(dev=True))
    except Missing as missing:
        print(f"\nNot built: {missing}\n", file=sys.stderr)
    else:
        say(f"built in {time.monotonic() - started:.1f} s")


def start_relay(port: int, data: Path) -> subprocess.Popen[bytes]:
    """Start the relay that serves the site."""
    command: list[str | Path] = [ENVIRONMENT / "bin" / "carryon-relay", "--host", "127.0.0.1", "--port", str(port)]
    return subprocess.Popen([*command, "--data", data, "--site", TARGET])


def stop(relay: subprocess.Popen[bytes]) -> None:
    """Let the relay end by itself."""
    relay.terminate()
    relay.wait(STOP_WITHIN_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
