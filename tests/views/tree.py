"""Reads rendered HTML the way a person with a screen reader meets it: elements with roles, names and text.

A small part of the accessible-name computation, as far as these views use it: `aria-label`, a label around a box, else the text
without what is hidden.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"input", "br", "hr", "img", "path", "meta", "link"}
NAMED_BY_TEXT = {"a", "button", "h1", "h2", "h3", "li", "summary"}
BOXES = {"text": "textbox", "url": "textbox", "search": "searchbox", "checkbox": "checkbox"}
ROLES = {"a": "link", "button": "button", "ul": "list", "li": "listitem", "progress": "progressbar", "dialog": "dialog"}
HEADINGS = {"h1", "h2", "h3"}


@dataclass
class Element:
    """An element of the tree; a text is a string among its children."""

    tag: str
    attributes: dict[str, str]
    parent: "Element | None" = None
    children: list["Element | str"] = field(default_factory=list)

    def __iter__(self) -> Iterator["Element"]:
        """Every element below, in order."""
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child

    @property
    def text(self) -> str:
        """All text, hidden or not."""
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    @property
    def spoken(self) -> str:
        """The text that is read out."""
        parts = []
        for child in self.children:
            if isinstance(child, str):
                parts.append(child)
            elif child.attributes.get("aria-hidden") != "true" and "hidden" not in child.attributes:
                parts.append(child.spoken)
        return " ".join("".join(parts).split())

    @property
    def role(self) -> str:
        """The role, given or the element's own."""
        if "role" in self.attributes:
            return self.attributes["role"]
        if self.tag == "input":
            kind = self.attributes.get("type", "text")
            return BOXES.get(kind, kind)
        if self.tag == "section":
            return "region" if "aria-label" in self.attributes else ""
        return "heading" if self.tag in HEADINGS else ROLES.get(self.tag, "")

    @property
    def name(self) -> str:
        """The accessible name."""
        if "aria-label" in self.attributes:
            return self.attributes["aria-label"]
        if self.tag == "input":
            around = self.parent
            while around is not None and around.tag != "label":
                around = around.parent
            return around.spoken if around is not None else ""
        return self.spoken if self.tag in NAMED_BY_TEXT else ""

    def all(self, role: str, name: str | None = None) -> list["Element"]:
        """The elements of a role, and of exactly this name."""
        return [each for each in self if each.role == role and (name is None or each.name == name)]

    def one(self, role: str, name: str) -> "Element":
        """The one element of this role and name."""
        found = self.all(role, name)
        assert len(found) == 1, (
            f"{len(found)} of role {role} named {name!r}; of that role: {[e.name for e in self.all(role)]}"
        )
        return found[0]


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs}, self._open[-1])
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment was rendered: {data!r}")


def tree_of(html: str) -> Element:
    """Return the tree of some HTML, whose tags must all be closed in order."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    assert len(builder._open) == 1, f"left open: {[each.tag for each in builder._open[1:]]}"
    return builder.root


def page_of(regions: dict[str, str]) -> Element:
    """Return the tree of all regions."""
    return tree_of("".join(regions.values()))
