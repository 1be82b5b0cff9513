"""The relay's HTTP face: `/sync/<notebook>` is the protocol, `/healthz` says that it lives, the rest is the site."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import WSMsgType, web

from carryon_sync.formats.ids import raw_of
from carryon_sync.formats.rejected import Rejected
from carryon_sync.protocol.closing import Closing
from carryon_sync.protocol.frames import FRAME_BYTES_MAX, PROTOCOL
from carryon_sync.server.connection import Connection
from carryon_sync.server.report import report
from carryon_sync.server.rooms import Rooms
from carryon_sync.server.site import Site, policy, relays_of

CONNECTIONS_MAX = 20_000

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(rooms: Rooms, version: str, site: Path | None) -> web.Application:
    """Put the routes together."""
    always = policy("" if site is None else relays_of(site))

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
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
    app.router.add_get("/sync/{notebook}", Sync(rooms).respond, allow_head=False)
    app.router.add_get("/{path:.*}", nothing if site is None else Site(site).respond)
    return app


class Sync:
    """The protocol's end of a WebSocket."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._open = 0

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """Take a WebSocket, and pass its messages to its notebook's room until it ends."""
        notebook = raw_of(request.match_info["notebook"])
        if isinstance(notebook, Rejected):
            return web.Response(status=404, text=f"This is no notebook's address: {notebook.reason}.\n")
        offered = [one.strip() for one in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        socket = web.WebSocketResponse(
            protocols=(PROTOCOL,), compress=False, max_msg_size=FRAME_BYTES_MAX, decode_text=False
        )
        if not socket.can_prepare(request).ok or PROTOCOL not in offered:
            words = f"This address speaks WebSocket with the subprotocol {PROTOCOL}.\n"
            return web.Response(status=426, text=words, headers={"Upgrade": "websocket"})
        if self._open >= CONNECTIONS_MAX:
            return web.Response(status=503, text=f"{CONNECTIONS_MAX} devices are connected, which is the limit.\n")
        self._open += 1
        try:
            await socket.prepare(request)
            return await self._converse(socket, request, notebook)
        finally:
            self._open -= 1

    async def _converse(
        self, socket: web.WebSocketResponse, request: web.Request, notebook: bytes
    ) -> web.StreamResponse:
        transport = request.transport
        if transport is None:
            return socket
        connection = Connection(socket, transport)
        try:
            room, number = await self._rooms.enter(notebook, connection, request.host.lower())
        except Exception as fault:
            report("room-not-opened", f"{type(fault).__name__}: {fault}", notebook)
            connection.hang_up(Closing.FAILED, "the relay could not open this notebook; its log says why")
            await connection.closed()
            return socket
        try:
            async for message in socket:
                if message.type is WSMsgType.BINARY:
                    room.receive(number, message.data)
                else:
                    connection.hang_up(Closing.BROKEN, "messages are binary")
        finally:
            room.leave(number)
        await asyncio.shield(connection.closed())
        return socket
