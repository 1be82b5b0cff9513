"""`carryon-relay`: one process, one port, one folder; serves until SIGTERM or SIGINT and then leaves nothing undone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from importlib.metadata import PackageNotFoundError, version

import uvloop
from aiohttp import web

from carryon_sync.server.app import application
from carryon_sync.server.ledger_thread import LedgerThread
from carryon_sync.server.report import report
from carryon_sync.server.rooms import Rooms
from carryon_sync.server.settings import Settings, settings_of
from carryon_sync.server.sqlite_ledger import LedgerUnusable, SqliteLedger

KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 5


def main() -> None:
    """Run the relay."""
    try:
        release = version("carryon")
    except PackageNotFoundError:
        release = "0"
    settings = settings_of(sys.argv[1:], os.environ, release)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(_serve(settings, release)))


async def _serve(settings: Settings, release: str) -> int:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stopping.set)
    ledger = LedgerThread(lambda: SqliteLedger(settings.data), loop)
    try:
        await ledger.ready()
    except LedgerUnusable as unusable:
        return _refused(str(unusable))
    rooms = Rooms(ledger)
    app = application(rooms, release, settings.site)
    runner = web.AppRunner(
        app, access_log=None, keepalive_timeout=KEEP_ALIVE_SECONDS, shutdown_timeout=SHUTDOWN_SECONDS
    )
    await runner.setup()
    site = web.TCPSite(runner, settings.host, settings.port)
    try:
        await site.start()
    except OSError as fault:
        await ledger.close()
        words = f"{settings.host}:{settings.port} cannot be listened on ({fault.strerror})"
        return _refused(f"{words}: stop what uses it, or choose another with --port")
    print(_announced(settings, runner), flush=True)
    ticking = asyncio.create_task(rooms.keep_time())
    await stopping.wait()
    report("stopping", "asked to stop: hanging up, finishing what was received")
    ticking.cancel()
    await site.stop()
    await rooms.close()
    await runner.cleanup()
    await ledger.close()
    return 0


def _announced(settings: Settings, runner: web.AppRunner) -> str:
    port = runner.addresses[0][1]
    host = "localhost" if settings.host in ("127.0.0.1", "::1", "0.0.0.0", "::") else settings.host
    what = "Carryon is served" if settings.site is not None else "Carryon's relay listens"
    return f"{what} at http://{host}:{port}/"


def _refused(words: str) -> int:
    print(words, file=sys.stderr)
    return 1


if __name__ == "__main__":
    main()
