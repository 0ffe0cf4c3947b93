import io
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import noise
from PIL import Image, TiffImagePlugin

from latelier.data.packing.decode import ORIENTATION, UPRIGHT, SurpriseError, Target, decode, no_bombs, probe


def encoded(image: Image.Image, format: str = "PNG", **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, format, **options)
    file.seek(0)
    return file


def own_size(image: Image.Image, channels: int) -> Target:
    return Target(image.height, image.width, channels, crop=False)


def test_rgb_comes_back_as_it_is() -> None:
    image = noise("RGB")
    array, found = decode(encoded(image), own_size(image, 3))
    assert (array == np.asarray(image)).all()
    assert found == set()


def test_palette_gives_its_colours() -> None:
    image = noise("RGB").quantize(16)
    array, found = decode(encoded(image), own_size(image, 3))
    assert (array == np.asarray(image.convert("RGB"))).all()
    assert found == {"palette"}
    assert not probe(encoded(image))[0]


def test_palette_of_greys_is_grey() -> None:
    image = noise("L").quantize(16)
    assert image.mode == "P"
    array, found = decode(encoded(image), own_size(image, 1))
    assert (array[..., 0] == np.asarray(image.convert("L"))).all()
    assert found == {"palette"}
    assert probe(encoded(image))[0]


def test_cmyk() -> None:
    image = noise("CMYK")
    array, found = decode(encoded(image, "TIFF"), own_size(image, 3))
    assert (array == np.asarray(image.convert("RGB"))).all()
    assert found == {"CMYK"}


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_on_white(mode: str) -> None:
    image = noise(mode)
    values = np.asarray(image).astype(float)
    alpha = values[..., -1:] / 255
    array, found = decode(encoded(image), own_size(image, len(image.getbands()) - 1))
    np.testing.assert_allclose(array, values[..., :-1] * alpha + 255 * (1 - alpha), atol=1)
    assert found == {"alpha"}


def test_transparent_colour_of_a_plain_png_becomes_white() -> None:
    image = Image.new("RGB", (4, 4), (10, 20, 30))
    array, found = decode(encoded(image, transparency=(10, 20, 30)), own_size(image, 3))
    assert (array == 255).all()
    assert found == {"alpha"}


@pytest.mark.parametrize("orientation", sorted(UPRIGHT))
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_exif_turns_upright(orientation: int, format: str) -> None:
    image = noise("RGB")
    inverse = {6: 8, 8: 6}.get(orientation, orientation)  # the others undo themselves
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    tags: dict[str, Any] = {"exif": exif}
    if format == "TIFF":
        tags = {"tiffinfo": TiffImagePlugin.ImageFileDirectory_v2()}
        tags["tiffinfo"][ORIENTATION] = orientation
    file = partial(encoded, image.transpose(UPRIGHT[inverse]), format, **tags)
    array, found = decode(file(), own_size(image, 3))
    assert (array == np.asarray(image)).all()
    assert found == ({"turned"} if format == "PNG" else set())  # Pillow's TIFF reader turns by itself
    assert probe(file()) == (False, (image.height, image.width), False)


def test_first_frame_of_an_animation() -> None:
    first, second = noise("L", seed=1).convert("RGB"), noise("L", seed=2).convert("RGB")
    array, found = decode(encoded(first, "GIF", save_all=True, append_images=[second]), own_size(first, 1))
    assert (array == np.asarray(first)[..., :1]).all()
    assert "frames" in found


def test_crop_takes_the_centre() -> None:
    wide = np.zeros((8, 24, 3), np.uint8)
    wide[:, 8:16] = (200, 100, 50)
    array, _ = decode(encoded(Image.fromarray(wide)), Target(8, 8, 3, crop=True))
    assert (array == (200, 100, 50)).all()
    tall = noise("RGB", (20, 60))
    array, _ = decode(encoded(tall), Target(10, 10, 3, crop=True))
    scaled = tall.resize((10, 30), Image.Resampling.LANCZOS)
    np.testing.assert_allclose(array, np.asarray(scaled.crop((0, 10, 10, 20)), float), atol=1)


def test_reduced_jpeg_is_close_to_one_decoded_whole() -> None:
    image = noise("RGB", (16, 16)).resize((640, 640), Image.Resampling.BICUBIC)
    file = encoded(image, "JPEG", quality=95)
    whole = np.asarray(Image.open(file).resize((64, 64), Image.Resampling.LANCZOS), float)
    array, _ = decode(file, Target(64, 64, 3, crop=True))
    assert np.abs(array - whole).mean() < 1


def test_one_pixel_is_scaled_up() -> None:
    array, _ = decode(encoded(Image.new("RGB", (1, 1), (7, 8, 9))), Target(8, 8, 3, crop=True))
    assert (array == (7, 8, 9)).all()


def test_grey_and_colour_where_the_other_was_asked_for() -> None:
    grey, colour = noise("L"), noise("RGB")
    array, found = decode(encoded(grey), own_size(grey, 3))
    assert (array == np.asarray(grey)[..., None]).all()
    assert found == {"grey"}
    array, found = decode(encoded(colour), own_size(colour, 1))
    assert (array[..., 0] == np.asarray(colour.convert("L"))).all()
    assert found == {"colour"}


def test_another_size_is_a_surprise() -> None:
    with pytest.raises(SurpriseError, match="10 x 12"):
        decode(encoded(noise("RGB")), Target(12, 10, 3, crop=False))


def test_truncated_and_foreign_files_raise(tmp_path: Path) -> None:
    target = Target(10, 12, 3, crop=False)
    whole = encoded(noise("RGB", (64, 64)), "JPEG").getvalue()
    for content in (whole[: len(whole) // 2], b"text\n", b""):
        with pytest.raises(OSError, match=r"truncated|cannot identify"):
            decode(io.BytesIO(content), target)


def test_bombs_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with no_bombs(), pytest.raises(Image.DecompressionBombWarning):
        decode(encoded(noise("RGB")), Target(10, 12, 3, crop=False))
