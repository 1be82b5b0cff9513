// P12's baseline: a relay of nothing but the `ws` library, which sends each message on to everybody else in the room (the path). Prints its port.
import { WebSocketServer } from "ws";

/** @type {Map<string | undefined, Set<import("ws").WebSocket>>} */
const rooms = new Map();
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false }, () => console.log(server.address().port));
server.on("connection", (socket, { url }) => {
  const room = rooms.get(url) ?? new Set();
  rooms.set(url, room.add(socket));
  socket.on("message", (data) => {
    for (const other of room) if (other !== socket) other.send(data, { binary: true });
  });
});
