"""Strangers' files: images become plain pixels, and all else a sentence."""

import io
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from explore.opened import page
from made import noise
from PIL import Image
from sheets.fakes import Fake

from latelier.data.packing.single import SIDE, read
from latelier.errors import Refusal
from latelier.explore.uploads import BYTES, MOST, Uploads


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **({"compress_level": 1} if kind == "PNG" else {}), **options)  # not to wait for zlib
    return content.getvalue()


def huge(width: int, height: int) -> bytes:
    """The header of a PNG of that size, and hardly any pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")


WRONG: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "no image that can be read"),
    "text": (lambda: b"hello, I am a text file\n" * 100, "no image that can be read"),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no image that can be read"),
    "cut": (lambda: saved(noise(size=(64, 64)))[:900], "damaged and cannot be read"),
    "cut jpeg": (lambda: saved(noise(size=(64, 64)), "JPEG")[:900], "damaged and cannot be read"),
    "100 megapixels": (lambda: huge(10_000, 10_000), "more than 40,000,000 pixels: make it smaller"),
    "50 megapixels": (lambda: huge(10_000, 5_000), "10,000 x 5,000 pixels, and 40,000,000 are the most"),
    "a bomb": (lambda: huge(60_000, 60_000), "make it smaller"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_good_image_is_refused_and_the_server_lives_on(name: str) -> None:
    make, said = WRONG[name]
    with page(Fake((1, 8, 8))) as opened:
        answer = opened.client.post("/api/upload", content=make())
        assert answer.status_code == 400
        assert said in answer.json()["error"]
        image = opened.client.post("/api/upload", content=saved(noise())).json()["image"]
        assert opened.ask("reconstruct", "show", image=image)["caption"] == "your image"


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK", "LA"])
def test_every_mode_becomes_what_the_model_sees(mode: str) -> None:
    uploads = Uploads()
    name = uploads.add(saved(noise(mode, (30, 20)), "TIFF"))
    for image in ((1, 8, 8), (3, 16, 16), (3, 8, 12)):
        pixels = uploads.pixels(name, image)
        assert (pixels.shape, pixels.dtype) == ((*image[1:], image[0]), np.uint8)
        assert pixels.std() > 0


def test_an_image_of_the_models_size_is_kept_as_it_is() -> None:
    uploads, image = Uploads(), noise("RGB", (16, 16))
    assert np.array_equal(uploads.pixels(uploads.add(saved(image)), (3, 16, 16)), np.asarray(image))


def test_a_photograph_is_turned_upright_and_made_small() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    wide = Image.new("RGB", (3000, 1500))
    wide.paste("white", (0, 0, 1500, 1500))  # the left half, which is the top when upright
    image = read(saved(wide, "JPEG", exif=exif))
    assert image.size == (SIDE // 2, SIDE)
    assert np.asarray(image)[10].mean() > 250


def test_the_same_file_has_the_same_id_and_no_name_of_its_own() -> None:
    one, other = Uploads(), Uploads()
    assert one.add(saved(noise())) == other.add(saved(noise()))
    assert one.add(saved(noise(seed=1))) != other.add(saved(noise()))


def test_as_many_as_are_kept_are_kept() -> None:
    uploads = Uploads()
    names = [uploads.add(saved(noise(seed=seed))) for seed in range(MOST + 3)]
    assert len(uploads) == MOST
    with pytest.raises(Refusal, match="drop the file on the page again"):
        uploads.pixels(names[2], (1, 8, 8))
    assert uploads.pixels(names[3], (1, 8, 8)).shape == (8, 8, 1)


def test_one_is_decoded_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def slow(content: bytes) -> Image.Image:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.02)
        with lock:
            at_once -= 1
        return read(content)

    monkeypatch.setattr("latelier.explore.uploads.read", slow)
    uploads = Uploads()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(uploads.add, [saved(noise(seed=seed)) for seed in range(8)]))
    assert (most, len(uploads)) == (1, 8)


def test_bytes_of_pixels_are_bounded() -> None:
    uploads = Uploads()
    for seed in range(16):
        uploads.add(saved(Image.new("RGB", (SIDE, SIDE), (seed, 0, 0))))
    assert BYTES - 4 * SIDE**2 < uploads.bytes <= BYTES


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_the_memory_of_thirty_large_images_is_given_back() -> None:
    """Of 39.9 megapixels each, by twelve at a time: 4.2 GB were taken, and stayed."""
    script = Path(__file__).with_name("upload_many.py")
    told = subprocess.run([sys.executable, script], check=True, capture_output=True, text=True).stdout
    peak, stays = map(int, told.split())
    assert peak < 500
    assert stays < 150
