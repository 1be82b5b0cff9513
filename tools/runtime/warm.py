"""Runs in Pyodide just before its memory becomes the boot image: imports what every start needs.

1. Pure modules only: memory that a binary extension owns cannot be in the image, so pycrdt itself is not here, but
   everything that it pulls in is, the lazy parts of anyio included (`warm.txt`).
2. What is slow once and then cached is done once: regular expressions, Jinja's lexer, markdown-it's rules.
3. The directories of the archives on `sys.path` are read once, here: they are the same wherever the image wakes.
4. Nothing that differs from device to device may be remembered: whoever starts from the image seeds `random` again.
"""

import gc
import importlib
import sys

PACKAGES = "/lib/site-packages.zip"
APP = "/lib/app.zip"
EXTENSION_MODULES = "/lib/python3.14/site-packages"


def warm(names: str, tools: str) -> None:
    """Import what a text names, line by line, and use what remembers its first use; `tools` is where this came from."""
    sys.path += [PACKAGES, APP]
    for line in names.splitlines():
        if line and not line.startswith("#"):
            module, _, lazy = line.partition(":")
            imported = importlib.import_module(module)
            if lazy:
                getattr(imported, lazy)
    render()
    forget(tools)


def forget(tools: str) -> None:
    """Leave nothing of the build in the image, and nothing of what the importers know of files that are not there yet."""
    sys.path.remove(tools)
    for name in [name for name in sys.modules if name.partition(".")[0] == "tools"]:
        del sys.modules[name]
    for path in [path for path in sys.path_importer_cache if path.startswith((tools, APP, EXTENSION_MODULES))]:
        del sys.path_importer_cache[path]
    gc.collect()


def render() -> None:
    """Render a template and a text of every kind."""
    import jinja2
    import markdown_it

    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.from_string("{% for a in b if a %}{{ a|e }}{% else %}{% endfor %}").render(b=["&"])
    markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"]).render("# a\n\n- *b* `c` [d](e)\n")
