"""The relay's HTTP face: `/sync/<notebook>` is the protocol, `/healthz` says that it lives, the rest is the site."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import WSMsgType, web

from carryon_sync.formats.ids import raw_of
from carryon_sync.formats.rejected import Rejected
from carryon_sync.protocol.closing import Closing
from carryon_sync.protocol.frames import FRAME_BYTES_MAX, PROTOCOL
from carryon_sync.server.connection import Connection, received_bytes
from carryon_sync.server.doors import Doors, Guest
from carryon_sync.server.gate import gate_of
from carryon_sync.server.report import report
from carryon_sync.server.rooms import Rooms
from carryon_sync.server.site import Site, policy, relays_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(rooms: Rooms, doors: Doors, version: str, site: Path | None) -> web.Application:
    """Put the routes together; it is to be served behind a `Gate` with the same `doors`."""
    always = policy("" if site is None else relays_of(site))

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        gate_of(request).asked()
        try:
            response = await handler(request)
        except web.HTTPException as refused:
            response = web.Response(status=refused.status, text=f"{refused.status}: {refused.reason}\n")
            response.headers.update({name: refused.headers[name] for name in ("Allow",) if name in refused.headers})
        except Exception as fault:
            report("request-failed", f"{type(fault).__name__}: {fault}")
            response = web.Response(status=500, text="The relay failed at this request; its log says why.\n")
        if not response.prepared:
            response.headers.update(always)
            # Only a file of the site has a rule of its own: nobody keeps an answer that there was none, however it is named.
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    async def healthz(request: web.Request) -> web.Response:
        about = {"service": "carryon-relay", "version": version, "protocol": PROTOCOL}
        return web.json_response(about, headers={"Cache-Control": "no-store"})

    async def nothing(request: web.Request) -> web.Response:
        return web.Response(status=404, text="This relay serves no site.\n")

    app = web.Application(middlewares=[guarded])
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/sync/{notebook}", Sync(rooms, doors).respond, allow_head=False)
    app.router.add_get("/{path:.*}", nothing if site is None else Site(site).respond)
    return app


class Sync:
    """The protocol's end of a WebSocket."""

    def __init__(self, rooms: Rooms, doors: Doors) -> None:
        self._rooms = rooms
        self._doors = doors

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """Take a WebSocket, and pass its messages to its notebook's room until it ends."""
        notebook = raw_of(request.match_info["notebook"])
        if isinstance(notebook, Rejected):
            return web.Response(status=404, text=f"This is no notebook's address: {notebook.reason}.\n")
        offered = [one.strip() for one in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        # Pings of WebSocket's own are messages like others here: they are counted, and answered at the same pace.
        socket = web.WebSocketResponse(
            protocols=(PROTOCOL,), compress=False, max_msg_size=FRAME_BYTES_MAX, decode_text=False, autoping=False
        )
        if not socket.can_prepare(request).ok or PROTOCOL not in offered:
            words = f"This address speaks WebSocket with the subprotocol {PROTOCOL}.\n"
            return web.Response(status=426, text=words, headers={"Upgrade": "websocket"})
        await socket.prepare(request)
        if request.transport is None:
            return socket
        gate, connection = gate_of(request), Connection(socket, request.transport)
        gate.ends_by(lambda words: connection.hang_up(Closing.FLOODED, words))
        forwarded = self._doors.forwarded_for(gate.peer, request.headers.get("X-Forwarded-For", ""))
        refused = gate.guest.at_door(forwarded)
        if refused is None:
            await self._converse(socket, connection, gate.guest, notebook)
        else:
            connection.hang_up(Closing.FLOODED, refused)
        await asyncio.shield(connection.closed())
        return socket

    async def _converse(
        self, socket: web.WebSocketResponse, connection: Connection, guest: Guest, notebook: bytes
    ) -> None:
        try:
            room, number, spent = await self._rooms.enter(notebook, connection)
        except Exception as fault:
            report("room-not-opened", f"{type(fault).__name__}: {fault}", notebook)
            connection.hang_up(Closing.FAILED, "the relay could not open this notebook; its log says why")
            return
        try:
            await asyncio.sleep(guest.spent(spent, time.monotonic()))
            async for message in socket:
                began = time.monotonic()
                if message.type is WSMsgType.BINARY:
                    guest.read(received_bytes(len(message.data)))
                    room.receive(number, message.data)
                    guest.holds(room.unfinished_bytes(number))
                    if guest.stranger and room.is_in(number):
                        guest.let_in()
                        connection.let_in()
                elif message.type is WSMsgType.PING:
                    guest.read(received_bytes(len(message.data)))
                    with contextlib.suppress(ConnectionError):  # It has ended meanwhile, as the next turn will see.
                        await socket.pong(message.data)
                elif message.type is not WSMsgType.PONG:
                    connection.hang_up(Closing.BROKEN, "messages are binary")
                now = time.monotonic()
                # At least a turn for the others, whose messages may have come meanwhile.
                await asyncio.sleep(guest.spent(now - began, now))
        finally:
            room.leave(number)
