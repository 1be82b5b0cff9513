"""`carryon-relay`: one process, one port, one folder; serves until SIGTERM or SIGINT and then leaves nothing undone."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

import uvloop
from aiohttp import web

from carryon_sync.server.app import application
from carryon_sync.server.doors import CONNECTIONS_MAX, Doors
from carryon_sync.server.gate import Gate
from carryon_sync.server.ledger_thread import LedgerThread
from carryon_sync.server.report import report
from carryon_sync.server.rooms import Rooms
from carryon_sync.server.settings import Settings, settings_of
from carryon_sync.server.sqlite_ledger import LedgerUnusable, SqliteLedger

BACKLOG = 1024
KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 5
# What the process has open beside connections: its files, its pipes, a site's files as they are read.
OWN_FILES = 64


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
    doors = Doors(settings.proxies, _connections_max())
    served: Callable[[], asyncio.Protocol]
    try:
        server = await loop.create_server(
            lambda: Gate(served(), doors), settings.host, settings.port, backlog=BACKLOG, start_serving=False
        )
    except OSError as fault:
        await ledger.close()
        words = f"{settings.host}:{settings.port} cannot be listened on ({fault.strerror})"
        return _refused(f"{words}: stop what uses it, or choose another with --port")
    port = server.sockets[0].getsockname()[1]
    rooms = Rooms(ledger, settings.origins_at(port))
    runner = web.AppRunner(
        application(rooms, doors, release, settings.site),
        access_log=None,
        keepalive_timeout=KEEP_ALIVE_SECONDS,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    await runner.setup()
    assert runner.server is not None, "it is set up"
    served = runner.server
    await server.start_serving()
    print(_announced(settings, port), flush=True)
    ticking = asyncio.create_task(rooms.keep_time())
    await stopping.wait()
    report("stopping", "asked to stop: hanging up, finishing what was received")
    ticking.cancel()
    server.close()
    await rooms.close()
    await runner.cleanup()
    await ledger.close()
    return 0


def _connections_max() -> int:
    """Let this process have as many files open as it may, and return how many connections that is enough for."""
    wanted = CONNECTIONS_MAX + OWN_FILES
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    return max(1, files - OWN_FILES)


def _announced(settings: Settings, port: int) -> str:
    host = "localhost" if settings.host in ("127.0.0.1", "::1", "0.0.0.0", "::") else settings.host
    what = "Carryon is served" if settings.site is not None else "Carryon's relay listens"
    return f"{what} at http://{host}:{port}/"


def _refused(words: str) -> int:
    print(words, file=sys.stderr)
    return 1


if __name__ == "__main__":
    main()
