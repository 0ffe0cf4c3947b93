"""Images that are read with an extra alone, or not at all: counted, with what would help."""

import io
import subprocess
import sys
import tomllib
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import folder, noise
from PIL import Image, PngImagePlugin, features

from latelier.data.packing import formats
from latelier.data.packing.decode import ORIENTATION, UPRIGHT, Target, decode, no_bombs, probe
from latelier.data.packing.formats import ADVICE, EXTRAS, advice, is_image_file, kind_of, unread
from latelier.data.packing.jxl import jxl_size
from latelier.data.packing.png import KEPT
from latelier.data.sources.open import open_images
from latelier.errors import Refusal

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
JXL = bytes.fromhex("ff0a48201014370208000100740043")  # 12 x 10


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))


# ---- what would help


def phone(path: Path, readable: int = 2) -> Path:
    folder(path, readable)
    path.mkdir(exist_ok=True)
    for i in range(3):
        (path / f"IMG_{i}.HEIC").write_bytes(HEIC + bytes(100))
    (path / "raw").mkdir()
    (path / "raw" / "a.dng").write_bytes(b"II*\0")
    (path / "notes.txt").write_text("no image's ending")
    return path


@pytest.mark.usefixtures("no_extras")
def test_images_that_are_not_read_are_counted_with_what_would_help(tmp_path: Path) -> None:
    images = open_images(phone(tmp_path / "all"))
    assert len(images) == 2
    assert images.remarks == (
        "3 .heic images are not read: pip install 'latelier[heif]'",
        f"1 .dng image is not read: {formats.RAW}",
    )


@pytest.mark.usefixtures("no_extras")
def test_a_folder_of_such_alone_is_refused_with_the_sentence(tmp_path: Path) -> None:
    expected = r"no images in this folder, but 3 \.heic \(pip install 'latelier\[heif\]'\), 1 \.dng \(camera raw"
    with pytest.raises(Refusal, match=expected):
        open_images(phone(tmp_path / "all", readable=0))


@pytest.mark.usefixtures("no_extras")
def test_so_are_those_under_another_name(tmp_path: Path) -> None:
    source = folder(tmp_path / "all", 2)
    (source / "x.jpg").write_bytes(HEIC + bytes(100))
    (source / "y.png").write_bytes(JXL)
    images = open_images(source)
    assert images.skipped == ("x.jpg", "y.png")
    assert images.remarks == (
        "1 of 4 images are not read: a HEIF image, whatever its name: pip install 'latelier[heif]'",
        "1 of 4 images are not read: a JXL image, whatever its name: pip install 'latelier[jxl]'",
    )


def test_every_ending_has_its_advice() -> None:
    endings = [*ADVICE, *(ending for extra in EXTRAS.values() for ending in extra.endings)]
    for ending in endings:
        assert advice(f"a.{ending.upper()}"), ending
        assert ending not in formats.ENDINGS
    assert advice("a.txt") is advice("a") is None
    assert unread({"cr2": 1, "heic": 1200}) == [
        "1,200 .heic images are not read: pip install 'latelier[heif]'",
        f"1 .cr2 image is not read: {formats.RAW}",
    ]


def test_an_extra_that_is_installed_makes_images_of_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "installed", lambda extra: extra.name == "heif")
    assert is_image_file("A.HEIC")
    assert is_image_file("a.b.heif")
    assert not is_image_file("a.jxl")
    assert not is_image_file(".heic")
    assert not is_image_file("heic")


def test_what_the_pack_skipped_is_tried_again_with_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = folder(tmp_path / "all", 2)
    monkeypatch.setattr(formats, "installed", lambda extra: False)
    open_images(source)
    assert len(list((tmp_path / "cache/packs").iterdir())) == 1
    monkeypatch.setattr(formats, "installed", lambda extra: True)
    open_images(source)
    assert len(list((tmp_path / "cache/packs").iterdir())) == 2


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (HEIC, "HEIF"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf", "HEIF"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", None),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", None),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", None),
        (JXL, "JXL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JXL"),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"", None),
    ],
)
def test_formats_are_known_by_their_first_bytes(head: bytes, kind: str | None) -> None:
    assert kind_of(head) == kind


def test_nothing_is_imported_before_a_file_needs_it() -> None:
    asked = (
        "import sys, latelier.data.packing.worker; print([m for m in sys.modules if m.split('.')[0] in (%r, %r, %r)])"
    )
    command = asked % ("torch", "pillow_heif", "pillow_jxl")
    ran = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_header_of_jpeg_xl_says_how_large_it_is() -> None:
    assert jxl_size(io.BytesIO(JXL)) == (12, 10)
    boxed = b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x14ftypjxl \0\0\0\0jxl " + b"\0\0\0\0jxlc" + JXL
    assert jxl_size(io.BytesIO(boxed)) == (12, 10)
    for bad in (b"", b"\xff\x0a", boxed[:40], b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(100)):
        with pytest.raises(ValueError, match="no JPEG XL image"):
            jxl_size(io.BytesIO(bad))


def test_a_bomb_of_jpeg_xl_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "installed", lambda extra: True)
    monkeypatch.setattr(formats, "import_module", None)  # coming that far would fail
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 119)
    with pytest.raises(Image.DecompressionBombError, match="12 x 10 pixels"):
        decode(io.BytesIO(JXL), Target(10, 12, 1, False))


# ---- with the extras


def encoded(image: Image.Image, format: str, **options: Any) -> io.BytesIO:
    content = io.BytesIO()
    image.save(content, format, **options)
    return content


def smooth() -> Image.Image:
    return noise("RGB", (4, 3)).resize((64, 48), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("orientation", [1, *sorted(UPRIGHT)])
def test_heic_is_read_and_upright(orientation: int) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    image = smooth()
    stored = image.transpose(UPRIGHT[{6: 8, 8: 6}.get(orientation, orientation)]) if orientation > 1 else image
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    content = encoded(stored, "HEIF", quality=95, exif=exif.tobytes())
    assert probe(content) == (False, (48, 64), False)
    array, found = decode(content, Target(48, 64, 3, False))
    assert found == set()
    assert np.abs(array - np.asarray(image, float)).mean() < 3


def test_heic_of_a_phone_in_a_folder(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    source = folder(tmp_path / "all", 2, size=(64, 48))
    for name in ("a.HEIC", "b.jpg"):  # the second has the name of another format
        (source / name).write_bytes(encoded(smooth(), "HEIF", quality=95).getvalue())
    images = open_images(source)
    assert len(images) == 4
    assert not images.remarks
    assert np.abs(images.pixels[3] - np.asarray(smooth(), float)).mean() < 3


@pytest.mark.parametrize("values", [np.uint8, np.uint16])
def test_jpeg_xl_is_read(values: type) -> None:
    pytest.importorskip("pillow_jxl")
    shown = np.arange(120).reshape(10, 12).astype(values) * (2 if values is np.uint8 else 500)
    content = encoded(Image.fromarray(shown), "JXL", lossless=True)
    array, found = decode(content, Target(10, 12, 1, False, (0, 65535)))
    expected = shown if values is np.uint8 else np.rint(shown / 257)
    assert (array[..., 0] == expected).all()
    assert found == (set() if values is np.uint8 else {"deep"})


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif_is_read(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "a.avif").write_bytes(encoded(smooth(), "AVIF", quality=95).getvalue())
    images = open_images(tmp_path / "all")
    assert np.abs(images.pixels[0] - np.asarray(smooth(), float)).mean() < 3


# ---- text beside the pixels


def texts(*lengths: int, zip: bool = True) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    for i, length in enumerate(lengths):
        info.add_text(f"comment {i}", "x" * length, zip=zip)
    return info


@pytest.mark.parametrize("info", [texts(2 << 20), texts(*[KEPT - 100] * 70), texts(70 << 20, zip=False), texts(10)])
def test_an_image_with_long_texts_is_read(info: PngImagePlugin.PngInfo) -> None:
    image = noise("RGB")
    content = encoded(image, "PNG", pnginfo=info)
    with no_bombs():
        assert probe(content) == (False, (10, 12), False)
        array, _ = decode(content, Target(10, 12, 3, False))
    assert (array == np.asarray(image)).all()


def test_so_is_one_with_a_large_profile_or_text_after_the_pixels() -> None:
    image = noise("RGB")
    plain = encoded(image, "PNG").getvalue()
    profile = encoded(image, "PNG", icc_profile=bytes(2 << 20))
    text = encoded(image, "PNG", pnginfo=texts(2 << 20)).getvalue()
    start = text.index(b"zTXt") - 4
    end = start + 12 + int.from_bytes(text[start : start + 4], "big")
    after = io.BytesIO(plain[:-12] + text[start:end] + plain[-12:])
    for content in (profile, after):
        array, _ = decode(content, Target(10, 12, 3, False))
        assert (array == np.asarray(image)).all()


def test_a_bomb_of_text_is_not_unpacked() -> None:
    image, packer = noise("RGB"), zlib.compressobj()
    bomb = b"key\0\0" + b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()
    assert len(bomb) < 1 << 20
    chunk = len(bomb).to_bytes(4, "big") + b"zTXt" + bomb + zlib.crc32(b"zTXt" + bomb).to_bytes(4, "big")
    plain = encoded(image, "PNG").getvalue()
    tracemalloc.start()
    try:
        array, _ = decode(io.BytesIO(plain[:-12] + chunk + plain[-12:]), Target(10, 12, 3, False))
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    assert (array == np.asarray(image)).all()


def test_orientation_beside_long_texts_is_kept() -> None:
    image = noise("RGB")
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    content = encoded(image.transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif, pnginfo=texts(2 << 20))
    array, found = decode(content, Target(10, 12, 3, False))
    assert found == {"turned"}
    assert (array == np.asarray(image)).all()


def test_the_extras_are_offered() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert {extra.name for extra in EXTRAS.values()} <= set(project["optional-dependencies"])
