"""The style sheets: contrast of every pair of tokens that meets, and the habits of STYLE.md."""

import json
import re
from pathlib import Path

import pytest

CSS = Path(__file__).parent.parent.parent / "static" / "css"
SHEETS = sorted(CSS.glob("*.css"))
TOKENS = (CSS / "tokens.css").read_text()
TEXT, SIGN = 4.5, 3.0

GROUNDS = ("--ground-side", "--ground-list", "--ground-note", "--ground-raised", "--ground-field", "--ground-code")
WASHES = ("--wash-hover", "--wash-chosen")
PAIRS = [
    *[("--ink", ground, TEXT) for ground in (*GROUNDS, *WASHES, "--wash-mark")],
    *[("--ink-quiet", ground, TEXT) for ground in (*GROUNDS, *WASHES)],
    *[("--accent", ground, TEXT) for ground in (*GROUNDS, *WASHES)],
    ("--accent-ink", "--accent-ground", TEXT),
    ("--ink-scan", "--ground-scan", TEXT),
    ("--warn", "--ground-side", TEXT),
    ("--warn", "--ground-note", TEXT),
    *[
        ("--line-strong", ground, SIGN)
        for ground in ("--ground-side", "--ground-list", "--ground-note", "--ground-raised")
    ],
    *[("--danger", ground, SIGN) for ground in ("--ground-raised", "--ground-note")],
    *[("--good", ground, SIGN) for ground in ("--ground-side", "--ground-note")],
    *[("--accent-ground", ground, SIGN) for ground in ("--ground-note", "--ground-raised", "--ground-field")],
]


def colours(token: str) -> tuple[str, str]:
    """The light and the dark colour of a token."""
    found = re.search(rf"{token}: light-dark\((#[0-9a-f]{{6}}), (#[0-9a-f]{{6}})\);", TOKENS)
    assert found, f"{token} is no pair of colours"
    return found[1], found[2]


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("front", "ground", "least"), PAIRS, ids=[f"{front} on {ground}" for front, ground, _ in PAIRS]
)
def test_what_is_read_stands_out_from_its_ground(front: str, ground: str, least: float, theme: int) -> None:
    """WCAG 2.2 AA: 4.5 for text, 3 for signs and edges of what can be pressed, in both themes."""
    assert contrast(colours(front)[theme], colours(ground)[theme]) >= least


def test_the_bars_of_a_phone_have_the_ground_that_they_touch() -> None:
    """A phone shows the list first: page, manifest and the screen before the start take its ground, light and dark."""
    light, dark = colours("--ground-list")
    page = (CSS.parent / "index.html").read_text()
    manifest = json.loads((CSS.parent / "manifest.webmanifest").read_text())

    named = re.findall(r'name="theme-color" media="\(prefers-color-scheme: (\w+)\)" content="(#\w+)"', page)
    assert named == [("light", light), ("dark", dark)]
    assert (manifest["theme_color"], manifest["background_color"]) == (light, light)


def test_black_on_white_is_21() -> None:
    """The formula itself, against the value that everybody knows."""
    assert round(contrast("#000000", "#ffffff"), 2) == 21


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_a_sheet_keeps_the_habits(sheet: Path) -> None:
    """No ids, nothing important, colours by token only, and directions that turn with the text's."""
    rules = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)

    assert "!important" not in rules
    assert not re.search(r"\b(margin|padding|border|[^-]inset)-(left|right|top|bottom)\b", rules)
    assert not re.search(r"^\s*(left|right|top|bottom|float|((min|max)-)?(width|height)):", rules, re.MULTILINE)
    assert not re.search(r"text-align: (left|right)", rules)
    if sheet.name != "tokens.css":
        assert "#" not in rules
        assert "rgb" not in rules


def test_every_sheet_is_in_a_layer() -> None:
    """The entry names all of them, and each layer in order."""
    entry = (CSS / "app.css").read_text()

    imported = set(re.findall(r'@import url\("([a-z]+\.css)"\) layer\((?:reset|tokens|layout|parts)\);', entry))
    assert imported == {sheet.name for sheet in SHEETS} - {"app.css"}
    assert "@layer reset, tokens, layout, parts;" in entry


def test_every_token_that_is_used_is_there_and_every_token_there_is_used() -> None:
    """Parts and the editor's own style sheet speak of roles that exist."""
    defined = set(re.findall(r"^\s*(--[a-z0-9-]+):", TOKENS, re.MULTILINE))
    editor = [path.read_text() for path in sorted((CSS.parent / "js").rglob("*.js"))]
    used = set(re.findall(r"var\((--[a-z0-9-]+)", "".join([*(sheet.read_text() for sheet in SHEETS), *editor])))

    assert used == defined


def test_motion_and_focus_are_looked_after() -> None:
    """Who asked for less motion gets it; where the keyboard is can be seen."""
    assert re.search(r"prefers-reduced-motion: reduce\) \{\s*:root \{\s*--ease: 0s;", TOKENS)
    for sheet in SHEETS:
        text = sheet.read_text()
        # A rule of a lower layer could not end any other motion.
        assert "animation" not in text and text.count("transition") == len(re.findall(r"transition: [^;]*--ease", text))
    assert ":focus-visible" in (CSS / "layout.css").read_text()


def test_every_class_of_a_template_has_a_rule_and_every_rule_a_use() -> None:
    """A class per part; nothing dead on either side."""
    views = CSS.parent.parent / "app" / "carryon"
    pages = [*sorted((views / "views" / "templates").glob("*.html")), CSS.parent / "index.html"]
    texts = [page.read_text() for page in pages]
    modules = ("views/icons.py", "views/settings.py", "notes/markdown.py")
    code = [(views / module).read_text() for module in modules]
    given = set(" ".join(re.findall(r'class="([a-z -]+)"', "".join(texts + code))).split())
    given |= {"link-unknown", "link-ambiguous", "task-list-item"}
    rules = re.sub(r"/\*.*?\*/", "", "".join(sheet.read_text() for sheet in SHEETS), flags=re.DOTALL)
    ruled = set(re.findall(r"\.([a-z][a-z-]+)(?=[\s,:.>+\[{)])", rules))

    assert ruled - given == set()
    assert given - ruled <= {"nav-notebooks", "footnote"}
