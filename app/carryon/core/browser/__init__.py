"""The core in a browser: `start`, which the core's host calls once Python is up, and the adapters."""

import os
import random
import time
from collections.abc import Awaitable, Sequence
from typing import Any

import js
from pyodide.ffi import create_proxy, to_js

from carryon.core.browser.browser_key import storage_key
from carryon.core.browser.browser_locks import BrowserChannel, BrowserLocks
from carryon.core.browser.browser_loop import keep_late_calls
from carryon.core.browser.browser_socket import connect, is_relay
from carryon.core.browser.browser_tabs import BrowserFile, BrowserPort
from carryon.core.core import Core
from carryon.core.environment import Environment, Frame, Place
from carryon.crypto.webcrypto_at_rest import WebCryptoAtRest
from carryon.crypto.webcrypto_primitives import WebCryptoPrimitives
from carryon.storage.indexeddb_store import IndexedDbStore
from carryon.storage.store import Stored


async def start(host: Any) -> None:
    """Run the core until the worker ends; `host` is what `static/js/core.js` offers."""
    # The boot image was made once for everybody, the state of `random` with it.
    random.seed(os.urandom(32))
    keep_late_calls()
    core = Core(await _environment(host))

    def attach(port: Any, *_: Any) -> None:
        core.attach(lambda received: BrowserPort(port, received))

    def open_doors() -> None:
        host.attach = create_proxy(attach)

    await core.run(open_doors)


async def _environment(host: Any) -> Environment:
    async def open_store(name: str, stores: Sequence[Stored]) -> IndexedDbStore:
        return await IndexedDbStore.open(host.storage, name, stores)

    def keep_frame(frame: Frame) -> Awaitable[None]:
        return host.frame(to_js(frame, dict_converter=js.Object.fromEntries))  # type: ignore[no-any-return]

    key = await storage_key(host.storage, os.urandom)
    return Environment(
        place=Place(host.base, host.release, _device_name(), tuple(host.relays)),
        now=lambda: int(time.time() * 1000),
        random=os.urandom,
        primitives=WebCryptoPrimitives(),
        at_rest=WebCryptoAtRest(key.key, os.urandom),
        locks=BrowserLocks(host),
        open_store=open_store,
        channel=lambda name, heard: BrowserChannel(host, name, heard),
        connect=connect,
        is_relay=is_relay,
        chosen_file=BrowserFile,
        keep_frame=keep_frame,
        is_persisted=host.persisted,
        key_lies_beside=key.lies_beside,
    )


def _device_name() -> str:
    """A name for this device that its owner will recognise, from what the browser says of itself."""
    agent = str(js.navigator.userAgent)
    systems = {
        "Android": "Android",
        "iPhone": "iPhone",
        "iPad": "iPad",
        "Windows": "Windows",
        "Mac OS": "Mac",
        "CrOS": "Chromebook",
        "Linux": "Linux",
    }
    browsers = {"Edg/": "Edge", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
    system = next((name for sign, name in systems.items() if sign in agent), "")
    browser = next((name for sign, name in browsers.items() if sign in agent), "Browser")
    return f"{browser} on {system}" if system else browser
