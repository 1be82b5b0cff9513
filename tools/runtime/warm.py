"""Runs in Pyodide just before its memory becomes the boot image: imports what every start needs.

1. Pure modules only: memory that a binary extension owns cannot be in the image, so pycrdt itself is not here, but
   everything that it pulls in is, the lazy parts of anyio included.
2. What is slow once and then cached is done once: regular expressions, Jinja's lexer, markdown-it's rules.
3. Nothing that differs from device to device may be remembered: whoever starts from the image seeds `random` again.
"""

import importlib
import sys

STANDARD_LIBRARY = """
array base64 binascii bisect calendar codecs collections.abc concurrent.futures configparser contextlib contextvars
copy csv dataclasses datetime decimal difflib email.charset email.encoders email.generator email.header email.message
email.mime.text email.parser email.policy email.utils enum fractions functools gzip hashlib heapq hmac html html.entities
html.parser importlib.metadata importlib.resources importlib.resources.readers inspect io ipaddress itertools json
keyword linecache locale logging mimetypes numbers operator os pathlib pickle pkgutil platform posixpath pprint queue
quopri random re secrets selectors shutil signal socket statistics string struct tempfile textwrap threading time
traceback types typing unicodedata urllib.parse urllib.request uuid warnings weakref zipfile zipimport zlib asyncio
asyncio.taskgroups asyncio.timeouts
""".split()
PACKAGES = """
anyio anyio.abc anyio.from_thread anyio.lowlevel anyio.streams.memory anyio.to_thread anyio._backends._asyncio idna
jinja2 jinja2.ext jinja2.loaders jinja2.sandbox markdown_it markdown_it.presets markupsafe mdurl segno
typing_extensions
""".split()
FROM_ANYIO = """
BrokenResourceError CancelScope Condition Event Lock create_memory_object_stream create_task_group fail_after
from_thread get_cancelled_exc_class move_on_after sleep to_thread
""".split()

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

# The files of site-packages are not in the image: what the importers remember of them must not be either.
sys.path_importer_cache.clear()
importlib.invalidate_caches()
