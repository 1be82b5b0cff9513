"""Renders a note's Markdown as HTML that is safe in the page: the only way in which a note's text becomes markup.

1. CommonMark with tables, strikethrough, task lists and footnotes; a line break that was typed is shown. Front matter
   is left out.
2. Raw HTML is shown as text. No ids, no style attributes, no scripts, no images: an image is a link to it, or its
   words.
3. A link leads to http, https or mailto, or to a note of ours (`?note=<id>`, followed within the page). Any other
   scheme stays text; a relative link and a `[[wiki link]]` are looked up by `link_to`. One that leads nowhere gets
   the class `link-unknown`, one that could lead to several notes leads to the first and gets `link-ambiguous`.
4. Paragraphs, headings, list items and cells have `dir="auto"`; a column's alignment is `data-align`.
5. A text longer than `characters_max` is rendered up to there, and an empty paragraph of class `cut` says so. A
   paragraph that is longer than `paragraph_characters_max`, or has more than `brackets_max` opening brackets, is
   shown as it is written: the parser takes cubic time on hostile ones (10,000 characters of `[^`: 14 s).

`[[target|words]]`, `[[target#heading]]` and `![[target]]` are understood; the heading is not followed. It never reads
a note itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.tasklists import tasklists_plugin

from carryon.notes.row import split_front_matter

characters_max = 200_000
paragraph_characters_max = 10_000
brackets_max = 150

LinkTo = Callable[[str], Sequence[str]]
"""Finds the notes that a link's target (a title, or a path without `.md`) may mean: their ids, the best first."""

_outside = re.compile(r"https?://|mailto:", re.IGNORECASE)
_scheme = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_ours = re.compile(r"\?note=([0-9A-Z]{26})")
_wiki = re.compile(r"(!?)\[\[([^\[\]|\n#]*)(#[^\[\]|\n]*)?(?:\|([^\[\]\n]*))?\]\]")
_plain = "plain"  # an inline token that is hidden from the parser
_blocks = {"paragraph_open", "heading_open", "list_item_open", "th_open", "td_open"}


def render(text: str, link_to: LinkTo) -> str:
    """Return the HTML of a note's body."""
    _, markdown = split_front_matter(text)
    html: str = _markdown.render(markdown[:characters_max], {"link_to": link_to})
    return html if len(markdown) <= characters_max else html + '<p class="cut"></p>\n'


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "xhtmlOut": False})
    parser.enable(["table", "strikethrough"]).use(footnote_plugin).use(tasklists_plugin, label=True)
    parser.inline.ruler.before("link", "wiki_link", _wiki_link)
    parser.core.ruler.before("inline", "plain_paragraph", _show_long_plainly)
    parser.core.ruler.push("carryon", _finish)
    parser.validateLink = _may_link  # type: ignore[method-assign]
    parser.add_render_rule("image", _image)
    parser.add_render_rule("footnote_ref", _footnote_reference)
    parser.add_render_rule("footnote_block_open", lambda *_: '<hr>\n<ol class="footnotes">\n')
    parser.add_render_rule("footnote_block_close", lambda *_: "</ol>\n")
    parser.add_render_rule("footnote_open", lambda *_: '<li dir="auto">')
    parser.add_render_rule("footnote_close", lambda *_: "</li>\n")
    parser.add_render_rule("footnote_anchor", lambda *_: "")
    return parser


def _may_link(url: str) -> bool:
    return bool(_outside.match(url)) or not _scheme.match(url)


def _wiki_link(state: StateInline, silent: bool) -> bool:
    """Parse `[[…]]` and `![[…]]`."""
    found = _wiki.match(state.src, state.pos, state.posMax)
    if found is None or not (found[2].strip() or found[3]):
        return False
    if not silent:
        target, heading, words = found[2].strip(), found[3] or "", found[4]
        token = state.push("link_open", "a", 1)
        token.meta = {"target": target}
        state.push("text", "", 0).content = (words or "").strip() or target + heading
        state.push("link_close", "a", -1)
    state.pos = found.end()
    return True


def _show_long_plainly(state: StateCore) -> None:
    for token in state.tokens:
        long = len(token.content) > paragraph_characters_max or token.content.count("[") > brackets_max
        if token.type == "inline" and long:
            token.type = _plain


def _finish(state: StateCore) -> None:
    """Give every token of a parsed text the attributes that our page allows, and take those that it forbids."""
    link_to: LinkTo = state.env["link_to"]
    for token in state.tokens:
        if token.type in _blocks:
            token.attrSet("dir", "auto")
        align = str(token.attrs.pop("style", ""))
        if align:
            token.attrSet("data-align", align.removeprefix("text-align:"))
        if token.type == _plain:
            token.type, token.children = "inline", [Token("text", "", 0, content=token.content)]
        if token.children:
            _finish_inline(token.children, link_to)


def _finish_inline(tokens: list[Token], link_to: LinkTo) -> None:
    opened: list[Token] = []
    for token in tokens:
        if token.type == "link_open":
            _finish_link(token, link_to)
            opened.append(token)
        elif token.type == "link_close":
            token.tag = opened.pop().tag
        elif token.type == "image":
            token.meta["inside"] = bool(opened)


def _finish_link(token: Token, link_to: LinkTo) -> None:
    href = str(token.attrs.get("href", ""))
    own = _ours.fullmatch(href)
    token.attrs = {}
    if _outside.match(href):
        token.attrs = {"href": href, "rel": "noopener noreferrer", "target": "_blank"}
        return
    notes = [own[1]] if own else link_to(str(token.meta.get("target") or _path(href)))
    if not notes:
        token.tag = "span"
        token.attrs = {"class": "link-unknown"}
        return
    token.attrs = {"href": f"?note={notes[0]}", "data-action": "note.open", "data-note": notes[0]}
    if len(notes) > 1:
        token.attrs["class"] = "link-ambiguous"


def _path(href: str) -> str:
    """Return the path that a relative link names, as a title is looked up: without dots before and `.md` after."""
    path = unquote(re.split(r"[?#]", href, maxsplit=1)[0])
    return re.sub(r"^(?:\.{0,2}/)+|\.md$", "", path, flags=re.IGNORECASE)


def _image(self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[index]
    source = str(token.attrs.get("src", ""))
    words = escapeHtml(self.renderInlineAsText(token.children, options, env) or unquote(source.rsplit("/", 1)[-1]))
    if token.meta.get("inside") or not _outside.match(source) or source.lower().startswith("mailto"):
        return f'<span class="image">{words}</span>'
    return f'<a class="image" href="{escapeHtml(source)}" rel="noopener noreferrer" target="_blank">{words}</a>'


def _footnote_reference(_self: RendererHTML, tokens: Sequence[Token], index: int, *_: Any) -> str:
    return f'<sup class="footnote">[{tokens[index].meta["id"] + 1}]</sup>'


_markdown = _parser()
