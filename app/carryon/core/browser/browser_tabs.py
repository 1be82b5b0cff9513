"""The core's end of a tab's MessagePort, and the files that a tab sends along."""

from collections.abc import Callable
from typing import Any

import js
from pyodide.ffi import JsException, create_proxy, jsnull, to_js

from carryon.core.environment import FileUnreadable
from carryon.core.tabs.messages import ToTab, encode


class BrowserPort:
    """A MessagePort; owns its proxy."""

    def __init__(self, port: Any, received: Callable[[object], None]) -> None:
        """`received` gets each message as plain Python values; a `File` in it stays the browser's."""
        self._port = port
        self._proxy = create_proxy(lambda event: received(_plain(event.data)))
        port.onmessage = self._proxy

    def post(self, message: ToTab) -> None:
        """Send a message to the tab."""
        self._port.postMessage(to_js(encode(message), dict_converter=js.Object.fromEntries))

    def close(self) -> None:
        """Let go of the port."""
        self._port.onmessage = jsnull
        self._port.close()
        self._proxy.destroy()


class BrowserFile:
    """A file that the person chose."""

    def __init__(self, file: Any, path: str) -> None:
        self._file = file
        self.path = path
        self.bytes_count = int(file.size)
        self.modified = int(file.lastModified) or None

    async def read(self) -> bytes:
        """Return the file's bytes."""
        try:
            buffer = await self._file.arrayBuffer()
        except JsException as error:
            raise FileUnreadable(f"{self.path} could not be read ({error.name}): choose it again") from error
        return bytes(buffer.to_bytes())


def _plain(data: Any) -> object:
    message = data.to_py() if hasattr(data, "to_py") else data
    # JavaScript's null has a value of its own in Pyodide.
    return (
        {name: None if value is jsnull else value for name, value in message.items()}
        if isinstance(message, dict)
        else message
    )
