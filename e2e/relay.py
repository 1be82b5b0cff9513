"""A real relay in its own process, which the tests start, kill and start again."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parent.parent
SITE: Final = REPOSITORY / "build" / "site"
START_SECONDS_MAX: Final = 20.0


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Relay:
    """One `carryon-relay` that serves a site; its data folder and port outlive its process."""

    def __init__(self, data: Path, site: Path = SITE, origins: Sequence[str] = ()) -> None:
        self.data = data
        self.site = site
        self.origins = origins
        self.port = free_port()
        self.url = f"http://localhost:{self.port}/"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process and wait until it answers."""
        assert self._process is None, "the relay runs already"
        self._log = (self.data.parent / f"relay-{self.port}.log").open("ab")
        command = [
            sys.executable,
            "-m",
            "carryon_sync.server",
            "--port",
            str(self.port),
            "--data",
            str(self.data),
            "--site",
            str(self.site),
            *(f"--origin={origin}" for origin in self.origins),
        ]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log, env=dict(os.environ))
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self.answers():
            assert self._process.poll() is None, f"the relay ended with {self._process.returncode}: {self.log()}"
            assert time.monotonic() < deadline, f"the relay did not answer: {self.log()}"

    def answers(self) -> bool:
        """Whether the relay says that it is one."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
        try:
            connection.request("GET", "/healthz")
            response = connection.getresponse()
            return response.status == 200 and json.loads(response.read())["service"] == "carryon-relay"
        except OSError:
            return False
        finally:
            connection.close()

    def log(self) -> str:
        """What the process printed."""
        return (self.data.parent / f"relay-{self.port}.log").read_text()

    def kill(self) -> None:
        """End the process at once, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End the process in good order."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=20)
            self._process = None
            self._log.close()
