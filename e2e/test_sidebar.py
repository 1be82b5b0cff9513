"""The sidebar holds with whatever a folder is called."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from e2e.device import Device
from e2e.relay import Relay

NAMES: Final = (
    "x" * 180,
    "Travel/Lisbon",
    "עברית ארוכה מאוד " * 8,
    "عربي 123 (abc)",
    "\u202eturned over",
    "isolated \u2067and not closed",
    "👩‍👩‍👧‍👦" * 7,
    "Z\u0300\u0301\u0302\u0303\u0304\u0305" * 9,
    "one\u2028line",
    "\u200b\u200d",
    "a/b/c/d/" + "e" * 120,
)
# What reaches out of its region, or stands in another order than it should: sign, name, count.
FAULTS: Final = """() => {
  const nav = document.querySelector('[data-region="nav"]').getBoundingClientRect();
  const outside = [...document.querySelectorAll('[data-region="nav"] *')].filter((each) => {
    const { left, right, width } = each.getBoundingClientRect();
    return width && (left < nav.left - 1 || right > nav.right + 1);
  });
  const turned = [...document.querySelectorAll(".nav-item[data-folder]")].filter((item) => {
    const [sign, name, count] = [...item.children].map((each) => each.getBoundingClientRect());
    return !(sign.right <= name.left && name.right <= count.left && name.width && name.height < 2 * sign.height);
  });
  return [...outside, ...turned].map((each) => `${each.className} ${each.textContent}`);
}"""


def test_no_folder_s_name_reaches_out_or_moves_others(
    relay: Relay, new_device: Callable[..., Device], tmp_path: Path
) -> None:
    """Long without a blank, from right to left, turned over, piled up, or invisible: each has its line, its sign and its count."""
    tab = new_device().open(relay.url)
    for number, name in enumerate(NAMES):
        folder = tmp_path / "vault" / name
        folder.mkdir(parents=True)
        (folder / f"{number}.md").write_text("words")
    assert tab.import_folder(tmp_path / "vault") == len(NAMES)
    tab.button("Done").click()
    tab.place("All notes")

    for width in (1280, 820, 390):
        tab.page.set_viewport_size({"width": width, "height": 800})
        if width == 820:
            tab.button("Browse").click()
        folders = tab.page.locator(".nav-item[data-folder]")
        folders.first.wait_for()

        assert folders.count() >= len(NAMES)
        assert tab.page.evaluate(FAULTS) == []
        assert (
            tab.page.evaluate(
                "(({scrollWidth, clientWidth}) => scrollWidth - clientWidth)(document.querySelector('.nav-scroll'))"
            )
            == 0
        )
