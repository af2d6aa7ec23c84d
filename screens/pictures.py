"""Pictures of screens, small enough for a repository."""

from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Page

THEMES: Final = ("light", "dark")
WIDTH, HEIGHT, MOST = 1280, 800, 2000
# As wide as many a phone.
PHONE: Final = 390
# How many colours, and how much of the height: the first that makes it small enough.
CUTS: Final = ((128, 1.0), (64, 1.0), (64, 0.8), (64, 0.6), (64, 0.4))
MOST_BYTES: Final = 120_000


def set_theme(page: Page, theme: str) -> None:
    """Have the page be light or dark, as its reader's choice would."""
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
    page.wait_for_function(
        "(dark) => document.documentElement.classList.contains('dark') === dark", arg=theme == "dark"
    )


def take(page: Page, path: Path, width: int = WIDTH) -> int:
    """Write a picture of the whole page, cut where it goes on for long; its size in bytes."""
    page.set_viewport_size({"width": width, "height": HEIGHT})
    height = min(MOST, int(page.evaluate("document.documentElement.scrollHeight")))
    page.set_viewport_size({"width": width, "height": max(HEIGHT, height)})
    page.wait_for_timeout(150)
    shot = page.screenshot(animations="disabled", caret="hide")
    path.write_bytes(small(shot))
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    return path.stat().st_size


def small(png: bytes) -> bytes:
    """The same picture with a palette, which screens of text and lines do well with; MOST_BYTES at the most."""
    picture = Image.open(BytesIO(png)).convert("RGB")
    made = (_made(picture, colours, int(picture.height * part)) for colours, part in CUTS)
    found = next((each for each in made if len(each) <= MOST_BYTES), None)
    if found is None:
        raise ValueError(f"A picture has more than {MOST_BYTES} bytes; cut it earlier.")
    return found


def _made(picture: Image.Image, colours: int, height: int) -> bytes:
    output = BytesIO()
    cut = picture.crop((0, 0, picture.width, height))
    # The means keep grounds from a tint, and small patches from the colour of large ones.
    cut.quantize(colours, kmeans=1, dither=Image.Dither.NONE).save(output, "PNG", optimize=True)
    return output.getvalue()
