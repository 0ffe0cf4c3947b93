"""Which files are images: by their endings, and by their first bytes where Pillow reads them with an extra alone; and
what would help with the others. Imports Pillow's plugins only when a file needs them."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import BinaryIO, NamedTuple

from PIL import Image, features

from latelier.data.packing.jxl import jxl_size

ENDINGS = frozenset(
    "png jpg jpeg jpe jfif webp gif bmp tif tiff pbm pgm pnm ppm avif jp2 tga".split()  # noqa: SIM905
)
FORMATS = (  # whatever a file is called: each is read by Pillow itself, where of an EPS Ghostscript would be started
    *("PNG", "JPEG", "GIF", "BMP", "TIFF", "PPM", "TGA", "JPEG2000"),
    *(name for name in ("WEBP", "AVIF") if features.check(name.lower())),
)
HEAD = 64  # bytes of a file by which a format with an extra is known
HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
CONTAINERS = frozenset({b"mif1", b"msf1"})  # of either kind: the brands that follow say which


class Extra(NamedTuple):
    """A format that Pillow reads with a plugin."""

    name: str  # of latelier's extra
    module: str
    endings: frozenset[str]


EXTRAS = {
    "HEIF": Extra("heif", "pillow_heif", frozenset({"heic", "heif", "hif"})),
    "JXL": Extra("jxl", "pillow_jxl", frozenset({"jxl"})),
}
INSTALL = "pip install 'latelier["  # how advice that names an extra begins
RAW = "camera raw: convert them to PNG, TIFF or JPEG, as darktable and RawTherapee do"
DOCUMENT = "drawn by a program, not stored as pixels: export them as PNG"
WORK = "a program's own format: export them as PNG or TIFF from it"
MEASURED = "convert them to TIFF (16 bits or floats)"
ADVICE = {  # ending -> what would help, where no extra does
    **dict.fromkeys(("dng", "cr2", "cr3", "crw", "nef", "nrw", "arw", "srf", "sr2", "orf", "rw2", "raf"), RAW),
    **dict.fromkeys(("pef", "srw", "raw", "3fr", "iiq", "x3f", "rwl", "kdc", "dcr", "mrw", "erf"), RAW),
    **dict.fromkeys(("svg", "svgz", "eps", "ai", "wmf", "emf"), DOCUMENT),
    **dict.fromkeys(("psd", "psb", "xcf", "kra", "afphoto", "procreate"), WORK),
    **dict.fromkeys(("exr", "hdr", "pfm", "dcm", "dicom", "nii", "mha", "fits", "czi", "nd2", "lif"), MEASURED),
    **dict.fromkeys(("ico", "icns", "dds", "jxr", "wdp", "hdp"), "convert them to PNG"),
}


def is_image_file(name: str) -> bool:
    """Whether a file's name ends like that of an image that can be read here."""
    stem, _, ending = name.rpartition(".")
    ending = ending.lower()
    if not stem or ending in ENDINGS:
        return bool(stem)
    return any(ending in extra.endings and installed(extra) for extra in EXTRAS.values())


def ready() -> list[str]:
    """The formats of extras that can be read here."""
    return [kind for kind, extra in EXTRAS.items() if installed(extra)]


@cache
def installed(extra: Extra) -> bool:
    """Whether the plugin is there; it is not imported."""
    return find_spec(extra.module) is not None


def advice(name: str) -> str | None:
    """What would help with a file that is not read, by its ending; None where that is no image's."""
    ending = name.rpartition(".")[2].lower()
    for extra in EXTRAS.values():
        if ending in extra.endings:
            return _install(extra)
    return ADVICE.get(ending)


def unread(counts: Mapping[str, int]) -> list[str]:
    """A sentence for each ending of files that are not read, the most files first; ``counts``: ending -> files."""
    return [
        f"{count:,} .{ending} {'image is' if count == 1 else 'images are'} not read: {advice(f'.{ending}')}"
        for ending, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def formats_of(file: BinaryIO) -> tuple[str, ...]:
    """As what Pillow may open a file, by its first bytes; the plugin that it takes is imported. Stands at the beginning
    before and after. Raises OSError for a format whose plugin is missing, and DecompressionBombError where a plugin
    would decode before Pillow can see how large the image is."""
    head = file.read(HEAD)
    file.seek(0)
    kind = kind_of(head)
    if kind is None:
        return FORMATS
    extra = EXTRAS[kind]
    if not installed(extra):
        raise OSError(f"a {kind} image, whatever its name: {_install(extra)}")
    if kind == "JXL":
        width, height = jxl_size(file)
        file.seek(0)
        if (most := Image.MAX_IMAGE_PIXELS) and width * height > most:
            raise Image.DecompressionBombError(f"{width:,} x {height:,} pixels are more than are opened")
    if kind not in Image.OPEN:
        module = import_module(extra.module)  # that of JPEG XL registers itself
        if kind == "HEIF":  # the image itself, never a smaller one that lies beside it; other processes decode too
            module.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
    return (kind,)


def kind_of(head: bytes) -> str | None:
    """The format among ``EXTRAS`` whose file begins so, if it is one."""
    if head.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")):
        return "JXL"
    if head[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(head[:4], "big"), len(head))
    major, others = head[8:12], {head[at : at + 4] for at in range(16, end - 3, 4)}
    container = major in CONTAINERS and not others & {b"avif", b"avis"}
    return "HEIF" if major in HEIF_BRANDS or container else None


def _install(extra: Extra) -> str:
    return f"{INSTALL}{extra.name}]'"
