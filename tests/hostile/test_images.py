"""Damaged, foreign and odd files under images' names: each is decoded or skipped with a reason, and none starts a
program."""

import io
import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

PROGRAMS = ("gs", "djpeg", "cjpeg", "xv", "display", "convert", "magick", "inkscape", "rsvg-convert")
SIZES = (24, 20)
ASKED = """
    import json, sys
    from latelier.data.sources.open import open_images

    images = open_images(sys.argv[1], range=(0, 4095))  # whole numbers and floats are together here
    print(json.dumps([list(images.names), list(images.skipped), int(images.pixels.shape[0])]))
"""


def drawn(mode: str = "RGB") -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (*SIZES[::-1], 3), np.uint8)
    return Image.fromarray(values).convert(mode)


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, format, **options)
    return content.getvalue()


def whole() -> dict[str, bytes]:
    """A good file of each format, by its ending."""
    floats = np.random.default_rng(0).random(SIZES[::-1]).astype(np.float32)
    return {
        "png": encoded(drawn(), "PNG"),
        "palette.png": encoded(drawn("P"), "PNG", transparency=bytes(range(256))),
        "jpg": encoded(drawn(), "JPEG", exif=bytes.fromhex("457869660000") + b"MM\0*\0\0\0\x08\0\x00\0\0\0\0"),
        "cmyk.jpg": encoded(drawn("CMYK"), "JPEG"),
        "gif": encoded(drawn("P"), "GIF", save_all=True, append_images=[drawn("L")]),
        "bmp": encoded(drawn(), "BMP"),
        "tif": encoded(drawn(), "TIFF", compression="tiff_lzw"),
        "float.tif": encoded(Image.fromarray(floats), "TIFF"),
        "deep.png": encoded(Image.fromarray((floats * 4095).astype(np.uint16)), "PNG"),
        "webp": encoded(drawn(), "WEBP"),
        "jp2": encoded(drawn(), "JPEG2000"),
        "tga": encoded(drawn(), "TGA"),
        "ppm": encoded(drawn(), "PPM"),
    }


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


def odd() -> dict[str, bytes]:
    """Files that are none of these, or that ask for too much."""
    good = whole()
    long = chunk(b"IDAT", zlib.compress(bytes(100_001)))
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n"
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/hosts"/></svg>'
    return {
        "empty.png": b"",
        "one-byte.jpg": b"\xff",
        "zeros.tif": bytes(1000),
        "text.gif": b"GIF89a",
        "eps.png": postscript,
        "eps-binary.jpg": b"\xc5\xd0\xd3\xc6"
        + struct.pack("<6I", 30, 60, 0, 0, 0, 0)
        + b"\xff\xff%!PS-Adobe-3.0 EPSF-3.0\n",
        "pdf.png": b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n",
        "svg.png": svg,
        "psd.png": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 4, 4, 8, 3) + bytes(200),
        "ico.png": b"\0\0\1\0\1\0\x08\x08\0\0\1\0 \0\x40\0\0\0\x16\0\0\0" + bytes(100),
        "wmf.bmp": b"\xd7\xcd\xc6\x9a\0\0" + bytes(60),
        "fli.gif": struct.pack("<IHHHH", 200, 0xAF11, 1, 4, 4) + bytes(200),
        "jpg.png": good["jpg"],
        "tif.jpg": good["tif"],
        "zip.png": b"PK\3\4" + bytes(100),
        "0x0.png": png(0, 0, chunk(b"IDAT", zlib.compress(b""))),
        "1x1.png": png(1, 1, chunk(b"IDAT", zlib.compress(b"\0\x80"))),
        "100000x1.png": png(100_000, 1, long),
        "1x100000.png": png(1, 100_000, chunk(b"IDAT", zlib.compress(bytes(200_000)))),
        "bomb.png": png(100_000, 100_000, long),
        "short.png": png(1000, 1000, long),
        "no-pixels.png": png(8, 8),
        "negative.bmp": b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, -8, -8, 1, 24, 0, 0, 0, 0, 0, 0),
        "bomb.gif": b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\0;",
        "circle.tif": b"II*\0\x08\0\0\0\0\0\x08\0\0\0" + bytes(20),
        "many-tags.tif": b"II*\0\x08\0\0\0\xff\xff" + bytes(5000),
        "maxval.ppm": b"P6 8 8 99999999 " + bytes(200),
        "huge.ppm": b"P6 999999999 999999999 255 " + bytes(200),
        "chunks.png": png(8, 8, *[chunk(b"teST", b"")] * 5000),
        "heic.jpg": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100),
        "jxl.png": b"\xff\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        "avif.png": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(60),
        "\x1b[31m.png": b"no image",
    }


def damaged(seed: int) -> dict[str, bytes]:
    """Each good file cut off at a tenth of it, and with some of its bits turned."""
    rng, found = np.random.default_rng(seed), dict[str, bytes]()
    for i, (ending, content) in enumerate(whole().items()):
        tenth = 1 + (seed + i) % 9
        found[f"cut-{tenth}.{ending}"] = content[: len(content) * tenth // 10]
        bits = bytearray(content)
        for place in rng.integers(0, len(content), 3):
            bits[place] ^= 1 << int(rng.integers(8))
        found[f"bits.{ending}"] = bytes(bits)
    return found


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_each_is_decoded_or_skipped_with_a_reason(seed: int, tmp_path: Path) -> None:
    mark, programs, images = tmp_path / "started", tmp_path / "bin", tmp_path / "images"
    programs.mkdir()
    for name in PROGRAMS:
        (programs / name).write_text(f"#!/bin/sh\ntouch {mark}\n")
        (programs / name).chmod(0o755)
    files = {**{f"good.{ending}": content for ending, content in whole().items()}, **odd(), **damaged(seed)}
    images.mkdir()
    for name, content in files.items():
        (images / name).write_bytes(content)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"LATELIER_CACHE": str(tmp_path / "cache"), "PATH": path}
    command = [sys.executable, "-c", "\n".join(line.strip() for line in ASKED.splitlines()), str(images)]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    assert not ran.stderr
    names, skipped, count = json.loads(ran.stdout)
    assert sorted(names + skipped) == sorted(files)
    assert len(names) == count
    assert {f"good.{ending}" for ending in whole()} <= set(names)
    assert {"1x1.png", "100000x1.png", "1x100000.png", "jpg.png", "tif.jpg"} <= set(names)
    foreign = ("eps", "eps-binary", "pdf", "svg", "psd", "ico", "wmf", "zip", "0x0", "bomb", "huge", "short", "empty")
    assert {name for name in odd() if name.rpartition(".")[0] in foreign} <= set(skipped)
    lines = next((tmp_path / "cache").glob("packs/*/skipped.txt")).read_text().splitlines()
    reasons = dict(line.split("\t") for line in lines)
    assert set(reasons) == set(skipped)
    assert all(reasons.values())
    assert not mark.exists()
