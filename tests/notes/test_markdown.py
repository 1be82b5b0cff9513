"""The preview: Markdown becomes HTML that is safe in our page, whatever the text is."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser

import pytest
from carryon.notes.markdown import characters_max, paragraph_characters_max, render
from hypothesis import given
from hypothesis import strategies as st

ONE, OTHER = "1" * 26, "2" * 26
NOTES = {"Home": [ONE], "Twice": [ONE, OTHER], "folder/Home": [ONE]}

ALLOWED = {
    "p": {"dir", "class"},
    "a": {"href", "rel", "target", "class", "data-action", "data-note"},
    "span": {"class"},
    "input": {"class", "disabled", "type", "checked"},
    "code": {"class"},
    "ol": {"start", "class"},
    "ul": {"class"},
    "li": {"class", "dir"},
    "sup": {"class"},
    "th": {"dir", "data-align"},
    "td": {"dir", "data-align"},
} | {f"h{level}": {"dir"} for level in range(1, 7)}
PLAIN = {"em", "strong", "s", "br", "hr", "pre", "blockquote", "label", "table", "thead", "tbody", "tr"}
HREF = re.compile(r"https?://.*|mailto:.*|\?note=[0-9A-Z]{26}", re.IGNORECASE | re.DOTALL)
CLASSES = re.compile(
    r"image|cut|footnotes?|link-unknown|link-ambiguous|task-list-item(-checkbox)?|contains-task-list|language-.*",
    re.DOTALL,
)

MARKS = (
    "<script>", "<b onclick=x>", "<!--", "&lt;", "&#x6a;", "javascript:", "JaVaScRiPt:", "data:text/html,", "vbscript:",
    "//evil", "https://x.y", "mailto:a@b", "?note=", "[", "](", ")", "]", "![", "[[", "]]", "![[", "<", ">", '"', "'", "`",
    "```", "~~~", "*", "_", "~~", "\n", "\n\n", "\t", "    ", "- [ ] ", "- [x] ", "> ", "# ", "[^1]", "\n[^1]: ", "^[",
    "[a]: ", "\\", "---\n", "a b", "😀", "\0", "\r", "\u200f", "Home", "Twice", "Nowhere", "\x07", ":", "&Tab;",
    "&NewLine;", "|", "| a | b |\n|:-|-:|\n| c | d |\n",
)  # fmt: skip
PIECES = st.sampled_from(MARKS)


def link_to(target: str) -> Sequence[str]:
    """Find the notes of these tests."""
    return NOTES.get(target, ())


@given(st.lists(PIECES | st.text(max_size=4), max_size=30).map("".join))
def test_no_text_becomes_anything_but_what_the_page_allows(text: str) -> None:
    """Only known tags with known attributes, links only where they may lead, no ids, no styles, all tags closed."""
    _Checker().check(render(text, link_to))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<b>x</b>", '<p dir="auto">&lt;b&gt;x&lt;/b&gt;</p>\n'),
        ("[a](javascript:alert(1))", '<p dir="auto">[a](javascript:alert(1))</p>\n'),
        ("[a](ftp://x.y) [b](tel:1)", '<p dir="auto">[a](ftp://x.y) [b](tel:1)</p>\n'),
        (
            "[![alt](https://x.y/i.png)](https://x.y)",
            '<p dir="auto"><a href="https://x.y" rel="noopener noreferrer" target="_blank">'
            '<span class="image">alt</span></a></p>\n',
        ),
        ("[a](//evil.org)", '<p dir="auto"><span class="link-unknown">a</span></p>\n'),
        (
            "[a](https://x.y 'title')",
            '<p dir="auto"><a href="https://x.y" rel="noopener noreferrer" target="_blank">a</a></p>\n',
        ),
        (
            "[[Home]]",
            f'<p dir="auto"><a href="?note={ONE}" data-action="note.open" data-note="{ONE}">Home</a></p>\n',
        ),
        (
            "[[Twice#part|words <b>]]",
            f'<p dir="auto"><a href="?note={ONE}" data-action="note.open" data-note="{ONE}" class="link-ambiguous">'
            "words &lt;b&gt;</a></p>\n",
        ),
        ("[[Nowhere#part]]", '<p dir="auto"><span class="link-unknown">Nowhere#part</span></p>\n'),
        (
            "[a](../folder/Home.md#part)",
            f'<p dir="auto"><a href="?note={ONE}" data-action="note.open" data-note="{ONE}">a</a></p>\n',
        ),
        (
            f"[a](?note={OTHER})",
            f'<p dir="auto"><a href="?note={OTHER}" data-action="note.open" data-note="{OTHER}">a</a></p>\n',
        ),
        ("![alt](local.png)", '<p dir="auto"><span class="image">alt</span></p>\n'),
        (
            "![](https://x.y/z.png)",
            '<p dir="auto"><a class="image" href="https://x.y/z.png" rel="noopener noreferrer" target="_blank">'
            "z.png</a></p>\n",
        ),
        ("one\ntwo", '<p dir="auto">one<br>\ntwo</p>\n'),
        ("---\ntitle: x\n---\n~~old~~", '<p dir="auto"><s>old</s></p>\n'),
        ("# Heading", '<h1 dir="auto">Heading</h1>\n'),
        ("a[^1]\n\n[^1]: note", '<p dir="auto">a<sup class="footnote">[1]</sup></p>\n<hr>\n<ol class="footnotes">\n'
         '<li dir="auto"><p dir="auto">note</p>\n</li>\n</ol>\n'),
    ],
)  # fmt: skip
def test_a_text_is_shown_as(text: str, html: str) -> None:
    """Raw HTML as text, links where they may lead, images as words."""
    assert render(text, link_to) == html


def test_a_task_has_a_box_with_its_words_as_name() -> None:
    """The box is labelled by the text of the task."""
    html = render("- [x] done\n- [ ] open", link_to)

    assert html.count("<label><input ") == 2
    assert html.count('checked="checked"') == 1


def test_a_column_is_aligned_by_an_attribute() -> None:
    """The page's policy forbids style attributes."""
    html = render("| a | b |\n|:--|--:|\n| 1 | 2 |\n", link_to)

    assert html.count('data-align="right"') == 2
    assert "style" not in html


def test_a_very_long_text_is_cut_and_says_so() -> None:
    """Rendering ends at the limit, and an empty paragraph tells."""
    html = render("word \n\n" * (characters_max // 6), link_to)

    assert html.endswith('<p class="cut"></p>\n')
    assert not render("word", link_to).endswith('<p class="cut"></p>\n')


@pytest.mark.parametrize("text", ["*a" * paragraph_characters_max, "[^" * 5_000, "[[Home]] " * 400])
def test_a_paragraph_that_is_too_costly_is_shown_as_written(text: str) -> None:
    """Hostile text must not hold the core up for seconds."""
    assert render(text, link_to) == f'<p dir="auto">{text.strip()}</p>\n'


class _Checker(HTMLParser):
    """Asserts that HTML holds nothing but what the page allows."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []

    def check(self, html: str) -> None:
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        assert tag in PLAIN or tag in ALLOWED
        assert names <= ALLOWED.get(tag, set())
        values = dict(attrs)
        if tag == "a":
            assert HREF.fullmatch(values["href"] or "")
            assert "a" not in self.open
        assert CLASSES.fullmatch(values.get("class") or "cut")
        assert values.get("data-action", "note.open") == "note.open"
        if tag not in ("br", "hr", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")
