"""Draw the icons' PNG files from their SVG sources in static/icons: run by hand when a source has changed, as `python -m tools.icons`.

1. `icon.svg` is the picture; on a maskable icon and on Apple's it lies smaller on a full ground, within the safe zone of 80 %.
2. `icon-monochrome.svg` is one shape, tinted by the system.
"""

from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

ICONS: Final = Path(__file__).parent.parent / "static" / "icons"
GROUND: Final = "#a63c16"
DRAWN: Final = (
    ("icon.svg", "icon-192.png", 192, None, 1.0),
    ("icon.svg", "icon-512.png", 512, None, 1.0),
    ("icon.svg", "icon-maskable-512.png", 512, GROUND, 0.86),
    ("icon.svg", "apple-touch-icon.png", 180, GROUND, 1.0),
    ("icon-monochrome.svg", "icon-monochrome-512.png", 512, None, 1.0),
)


def draw(page: Page, source: str, target: str, pixels: int, ground: str | None, part: float) -> None:
    """Draw one icon of `pixels` squared, on a ground or on none."""
    page.set_viewport_size({"width": pixels, "height": pixels})
    style = f"margin: 0; display: grid; place-items: center; block-size: 100vh; background: {ground or 'transparent'}"
    size = f"<style>svg {{ inline-size: {part * 100}%; block-size: {part * 100}% }}</style>"
    page.set_content(f'<body style="{style}">{size}{(ICONS / source).read_text()}</body>')
    page.screenshot(path=ICONS / target, omit_background=ground is None)


def main() -> None:
    """Draw them all."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        for icon in DRAWN:
            draw(page, *icon)
        browser.close()


if __name__ == "__main__":
    main()
