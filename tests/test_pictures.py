from io import BytesIO

from PIL import Image, ImageDraw

from screens.pictures import small

TEAL = (13, 148, 136)


def test_a_small_patch_of_colour_keeps_its_colour() -> None:
    picture = Image.linear_gradient("L").resize((1280, 800)).convert("RGB")
    ImageDraw.Draw(picture).rectangle((10, 10, 18, 18), fill=TEAL)
    output = BytesIO()
    picture.save(output, "PNG")
    made = Image.open(BytesIO(small(output.getvalue()))).convert("RGB")
    assert made.getpixel((14, 14)) == TEAL
