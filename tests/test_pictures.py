from io import BytesIO

import pytest
from PIL import Image, ImageDraw

from screens.pictures import small

TEAL = (13, 148, 136)


GROUND = (249, 250, 251)


def test_a_small_patch_of_colour_keeps_its_colour_and_so_does_the_ground() -> None:
    picture = Image.linear_gradient("L").resize((1280, 800)).convert("RGB")
    ImageDraw.Draw(picture).rectangle((0, 0, 300, 800), fill=GROUND)
    ImageDraw.Draw(picture).rectangle((10, 10, 18, 18), fill=TEAL)
    output = BytesIO()
    picture.save(output, "PNG")
    made = Image.open(BytesIO(small(output.getvalue()))).convert("RGB")
    for place, colour in (((14, 14), TEAL), ((5, 5), GROUND)):
        assert made.getpixel(place) == pytest.approx(colour, abs=8)
