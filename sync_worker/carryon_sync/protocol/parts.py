"""A large frame travels in parts, so that a thin link shows progress, and neither side takes a long message for silence.

1. A frame of more than `PART_BYTES` goes out as `part`s of that size, each a message of its own, with a ping between two:
   its pong tells the sender how far the parts have come. Nothing of either has to be asked for or agreed on.
2. Small frames may stand between the parts of a large one; another large one may not.
3. The parts of a frame come in order. One that comes twice is passed over; one that is missing ends the connection.
"""

from __future__ import annotations

from carryon_sync.formats.rejected import Rejected
from carryon_sync.protocol.codec import decode, encode
from carryon_sync.protocol.frames import FRAME_BYTES_MAX, PART_BYTES, Frame, Part, Ping

# A ping that nobody times.
BETWEEN = encode(Ping(0))


def messages(frame: bytes) -> tuple[bytes, ...]:
    """Return what is sent, in this order, for an encoded frame."""
    if len(frame) <= PART_BYTES:
        return (frame,)
    count = -(-len(frame) // PART_BYTES)
    sent: list[bytes] = []
    for no in range(count):
        if no:
            sent.append(BETWEEN)
        sent.append(encode(Part(no, count, frame[no * PART_BYTES : (no + 1) * PART_BYTES])))
    return tuple(sent)


class Reader:
    """Makes frames of the messages of one connection; `size` is that of the frame read last, as it was before its parts."""

    def __init__(self) -> None:
        self.size = 0
        self._parts: list[bytes] = []
        self._parts_bytes = 0
        self._last: Part | None = None

    @property
    def unfinished_bytes(self) -> int:
        """Return how many bytes are held of a frame that is not whole yet."""
        return self._parts_bytes

    def read(self, message: bytes, bytes_max: int = FRAME_BYTES_MAX) -> Frame | Rejected | None:
        """Read one message; None for a part of a frame that is not whole yet, of `bytes_max` bytes at most."""
        frame = decode(message)
        if not isinstance(frame, Part):
            self.size = len(message)
            return (
                Rejected(f"a frame has {self.size} bytes, the limit here is {bytes_max}")
                if self.size > bytes_max
                else frame
            )
        return self._join(frame, bytes_max)

    def _join(self, part: Part, bytes_max: int) -> Frame | Rejected | None:
        if part == self._last:
            return None
        due = len(self._parts)
        if part.no != due or (due and self._last is not None and part.of != self._last.of):
            return Rejected(f"part {part.no} of {part.of} came where part {due} is due")
        self._parts.append(part.data)
        self._parts_bytes += len(part.data)
        self._last = part
        if self._parts_bytes > bytes_max:
            return Rejected(f"a frame has more than {bytes_max} bytes, which is the limit here")
        if due + 1 < part.of:
            return None
        whole, self._parts, self._parts_bytes = b"".join(self._parts), [], 0
        self.size = len(whole)
        frame = decode(whole)
        return Rejected("a part of a frame holds a part") if isinstance(frame, Part) else frame
