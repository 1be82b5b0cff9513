"""Scripts of this folder, run in Node on a built site's runtime."""

import subprocess
from pathlib import Path

from tools.system import node

HERE = Path(__file__).parent


def printed(site: Path, script: str) -> str:
    """What a script prints, given the site's runtime and the app's archive."""
    archive, runtime = next(site.glob("v/*/app.zip")), next(site.glob("r/*"))
    command = [str(node()), str(HERE / script), str(runtime), str(archive)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
