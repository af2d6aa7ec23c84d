from io import BytesIO
from random import Random

from PIL import Image, ImageDraw

from screens.pictures import small

TEAL, GROUND = (13, 148, 136), (249, 250, 251)
INKS = [(22, 163, 74), (147, 51, 234), (185, 28, 28), (2, 132, 199), (75, 85, 99)]


def page() -> Image.Image:
    """Letters in several inks, each point of them more or less of its ink, on white beside a ground."""
    picture, chance = Image.new("RGB", (1280, 800), (255, 255, 255)), Random(1)
    for number in range(60_000):
        part, ink = chance.random(), chance.choice(INKS)
        point = tuple(round(255 * (1 - part) + part * each) for each in ink)
        picture.putpixel((400 + number % 800, 100 + number // 800), point)
    ImageDraw.Draw(picture).rectangle((0, 0, 300, 800), fill=GROUND)
    return picture


def test_a_small_patch_of_colour_and_a_grey_ground_keep_their_colours() -> None:
    picture, output = page(), BytesIO()
    ImageDraw.Draw(picture).rectangle((10, 10, 18, 18), fill=TEAL)
    picture.save(output, "PNG")
    made = Image.open(BytesIO(small(output.getvalue()))).convert("RGB")
    seen = [made.getpixel(place) for place in ((14, 14), (200, 700), (800, 40))]
    assert seen == [TEAL, GROUND, (255, 255, 255)]
