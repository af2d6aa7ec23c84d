"""Pictures of screens, small enough for a repository."""

from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Page

THEMES: Final = ("light", "dark")
WIDTH, HEIGHT, MOST = 1280, 800, 2000
COLOURS: Final = 128


def set_theme(page: Page, theme: str) -> None:
    """Have the page be light or dark, as its reader's choice would."""
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
    page.wait_for_function(
        "(dark) => document.documentElement.classList.contains('dark') === dark", arg=theme == "dark"
    )


def take(page: Page, path: Path) -> int:
    """Write a picture of the whole page, cut where it goes on for long; its size in bytes."""
    height = min(MOST, int(page.evaluate("document.documentElement.scrollHeight")))
    page.set_viewport_size({"width": WIDTH, "height": max(HEIGHT, height)})
    page.wait_for_timeout(150)
    shot = page.screenshot(animations="disabled", caret="hide")
    path.write_bytes(small(shot))
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    return path.stat().st_size


def small(png: bytes) -> bytes:
    """The same picture with a palette, which screens of text and lines do well with."""
    picture = Image.open(BytesIO(png)).convert("RGB")
    output = BytesIO()
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(output, "PNG", optimize=True)
    return output.getvalue()
