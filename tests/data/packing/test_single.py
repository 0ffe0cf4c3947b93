"""One image that comes by itself: small at once, and never too large."""

import io

import numpy as np
import pytest
from PIL import Image

from latelier.data.packing.single import SIDE, read
from latelier.errors import Refusal


def content(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)  # not to wait for zlib
    return file.getvalue()


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P"])
def test_a_large_image_is_made_small_by_strips(mode: str) -> None:
    """As if it had been made small whole."""
    large = Image.linear_gradient("L").resize((4 * SIDE + 3, 2 * SIDE + 5)).convert("RGB").rotate(180)
    large.paste((200, 40, 90), (100, 100, 2000, 900))
    large = large.convert(mode)
    small = read(content(large))
    plain = large.convert("L" if mode == "L" else "RGB")
    plain.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    assert small.mode == plain.mode
    assert abs(small.height - plain.height) <= 1
    difference = np.asarray(small.resize(plain.size), float) - np.asarray(plain, float)
    assert np.abs(difference).mean() < 1


def test_deep_images_are_smaller() -> None:
    with pytest.raises(Refusal, match="of more than 8 bits a value, and 10,000,000 are the most"):
        read(content(Image.new("I;16", (4000, 4000), 300)))
