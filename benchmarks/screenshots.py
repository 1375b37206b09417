"""``python -m benchmarks.screenshots``: the pictures of the page in docs/, from results/wwm21-synthetic in Debian's chromium."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "results" / "wwm21-synthetic" / "report.html"
# file, width, height, light or dark, address, what (nothing: the first screen)
PICTURES = (
    ("page", 1280, 800, "light", "lang=en", ""),
    ("page-dark", 1280, 800, "dark", "lang=nl", ""),
    ("page-phone", 375, 740, "light", "lang=nl", ""),
    ("page-tablet", 800, 1000, "light", "lang=en", ""),
    ("page-claim", 1280, 800, "light", "lang=en&at=C05", "#claim-5"),
    ("page-effects", 1280, 800, "light", "lang=en", "#figure-2"),
    ("page-bounds", 1280, 800, "light", "lang=en", "#bounds"),
)
COLOURS = 48


def main() -> None:
    """Take every picture, in few colours: a page is flat."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, width, height, scheme, address, what in PICTURES:
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
            tab = context.new_page()
            tab.goto(f"{PAGE.as_uri()}#{address}")
            tab.wait_for_selector("body[data-ready=yes]")
            if what:
                tab.evaluate("document.querySelector('.bar').hidden = true")  # it would lie over the picture
            taken = tab.locator(what).screenshot() if what else tab.screenshot()
            picture = Image.open(io.BytesIO(taken)).convert("RGB")
            picture.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
                ROOT / "docs" / f"{name}.png", optimize=True
            )
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
