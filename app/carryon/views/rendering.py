"""Templates to HTML: the only door through which anything becomes markup.

1. Everything is escaped but what is `Markup`: other rendered templates, icons, and Markdown with raw HTML off.
2. A template gets one model, a named tuple called `view` (made and hashed faster than a dataclass, and every start of a
   browser makes the classes anew); a name that is not in it is an error.
3. What was rendered is kept by template and model: after an edit only the parts whose model changed are rendered anew.
4. A built site carries the templates compiled (`compile_into`, a folder of modules beside that of the templates),
   because compiling them costs a browser more than all its first renderings.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from functools import lru_cache
from pathlib import Path
from typing import Final

from jinja2 import BaseLoader, Environment, FileSystemLoader, ModuleLoader, StrictUndefined
from markupsafe import Markup

from carryon.views.icons import icon

RENDERED_MAX: Final = 64
"""Regions of some tabs; a region is up to some 50 KB."""
_templates: Final = Path(__file__).parent / "templates"
_compiled: Final = Path(__file__).parent / "templates_compiled"


@lru_cache(maxsize=RENDERED_MAX)
def render(template: str, model: Hashable) -> Markup:
    """Return the HTML of a model."""
    return Markup(_environment.get_template(f"{template}.html").render(view=model))


def macro(template: str, name: str) -> Callable[..., Markup]:
    """Return a macro of a template, for what is rendered so often that a template's own start would be most of it."""
    found: Callable[..., Markup] = getattr(_environment.get_template(f"{template}.html").module, name)
    return found


def compile_into(folder: Path) -> None:
    """Write every template as a Python module into a folder."""
    environment = _make_environment(FileSystemLoader(_templates))
    environment.compile_templates(folder, zip=None, extensions=["html"], ignore_errors=False)


def _make_environment(loader: BaseLoader) -> Environment:
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    environment.globals["icon"] = icon
    return environment


# In a built site this lies in an archive, where a folder cannot be asked for.
_environment = _make_environment(FileSystemLoader(_templates) if _templates.is_dir() else ModuleLoader(_compiled))


if __name__ == "__main__":
    compile_into(Path(sys.argv[1]))
