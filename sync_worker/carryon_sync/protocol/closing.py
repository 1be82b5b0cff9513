"""Why a connection ends, as WebSocket close codes; the words beside them are for people."""

from __future__ import annotations

from enum import IntEnum


class Closing(IntEnum):
    """Close codes; those from 4000 on are this protocol's own."""

    NORMAL = 1000
    GOING_AWAY = 1001
    BROKEN = 4000
    NOT_LET_IN = 4001
    SILENT = 4002
    SLOW = 4003
    FLOODED = 4004
    FAILED = 4005
