"""Runs in Pyodide just before its memory becomes the boot image: imports what every start needs.

1. Pure modules only: memory that a binary extension owns cannot be in the image, so pycrdt itself is not here, but
   everything that it pulls in is, the lazy parts of anyio included.
2. What is slow once and then cached is done once: regular expressions, Jinja's lexer, markdown-it's rules.
3. The directories of the archives on `sys.path` are read once, here: the archives are the same wherever the image wakes.
4. Nothing that differs from device to device may be remembered: whoever starts from the image seeds `random` again.
"""

import importlib
import sys

STANDARD_LIBRARY = """
array base64 binascii bisect collections.abc concurrent.futures contextlib contextvars copy dataclasses datetime difflib
email.message email.parser email.policy email.utils enum functools hashlib heapq hmac html importlib.metadata importlib.metadata._adapters
importlib.metadata._text importlib.resources inspect io itertools json keyword linecache logging numbers operator os pathlib pkgutil posixpath
queue quopri random re secrets selectors shutil socket string struct tempfile textwrap threading time traceback types
typing unicodedata urllib.parse uuid warnings weakref zipfile zlib asyncio asyncio.taskgroups asyncio.timeouts
""".split()
PACKAGES = """
anyio anyio.abc anyio.from_thread anyio.lowlevel anyio.streams.memory anyio.to_thread anyio._backends._asyncio
jinja2 jinja2.loaders markdown_it markdown_it.presets markupsafe mdurl typing_extensions
mdit_py_plugins.front_matter mdit_py_plugins.tasklists mdit_py_plugins.footnote
""".split()
FROM_ANYIO = """
BrokenResourceError CancelScope Condition Event Lock create_memory_object_stream create_task_group fail_after
from_thread get_cancelled_exc_class move_on_after sleep to_thread
""".split()

# The packages, which are in the runtime, and the app, which differs from release to release.
sys.path += ["/lib/site-packages.zip", "/lib/app.zip"]

for name in STANDARD_LIBRARY + PACKAGES:
    importlib.import_module(name)

import anyio

for name in FROM_ANYIO:
    getattr(anyio, name)

import jinja2
import markdown_it

environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
environment.from_string("{% for a in b if a %}{{ a|e }}{% else %}{% endfor %}").render(b=["&"])
markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"]).render("# a\n\n- *b* `c` [d](e)\n")
del environment, anyio, jinja2, markdown_it

# These are not there yet: what the importers remember of them must not be in the image.
for path in ("/lib/app.zip", "/lib/python3.14/site-packages"):
    sys.path_importer_cache.pop(path, None)
