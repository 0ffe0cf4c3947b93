"""Which packs hold images that a new one may copy: those whose pixels were decided about in the same way."""

import json
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from PIL import __version__ as pillow
from PIL import features

from latelier.data.packing.decode import Target
from latelier.data.packing.holding import USED
from latelier.data.packing.info import Info, content, read_info
from latelier.data.packing.known import ORIGIN, ORIGIN_BYTES, SUMS, index_of
from latelier.data.packing.npy import mapped_array
from latelier.data.packing.sums import DamagedError

PACKS, ROWS = 256, 1 << 22  # this many are looked through, of the packs last used: a fraction of a second;
TIMES = 4  # or this many rows for each that is to be made, which takes less time than one decoded
INDEX = "known.npy"  # in the folder of a pack that is being made
PLUGINS = ("pillow-heif", "pillow-jxl-plugin")  # packages that decode formats for Pillow


def made(target: Target) -> list[Any]:
    """What decides about an image's pixels beside its bytes, fit for JSON: the target, and the versions of what
    decodes."""
    codecs = [f"{name} {features.version(name)}" for name in features.get_supported() if features.version(name)]
    plugins = []
    for name in PLUGINS:
        with suppress(PackageNotFoundError):
            plugins.append(f"{name} {version(name)}")
    found: list[Any] = json.loads(json.dumps([target, [f"pillow {pillow}", *sorted(codecs), *plugins]]))
    return found  # as it is read again: of lists alone


def reusable(part: Path, how: list[Any], row: int, count: int) -> tuple[str, int, list[str]] | None:
    """What ``Known`` is made of, for the pack of ``count`` images that is being made in ``part`` as ``how`` says;
    ``row``: bytes of an image. None where no pack was made so, or there is no room for the index."""
    folders, origins = list[str](), list[np.ndarray]()
    for folder in last_used(part.parent)[:PACKS]:
        with suppress(DamagedError):
            info = read_info(folder)
            if info["made"] == how and sum(map(len, origins)) + info["rows"] <= max(ROWS, TIMES * count):
                origins.append(_origin(folder, info))
                folders.append(str(folder))
    if not folders:
        return None
    try:
        np.save(part / INDEX, index_of(origins))
    except OSError:
        return None
    return str(part / INDEX), row, folders


def last_used(packs: Path) -> list[Path]:
    """The folders of finished packs, those that were used last first."""
    found = [folder for folder in packs.iterdir() if is_key(folder.name) and folder.is_dir()]
    return sorted(found, key=used, reverse=True)


def is_key(name: str) -> bool:
    """Whether a folder is called like a pack."""
    return len(name) == 32 and set(name) <= set("0123456789abcdef")


def used(folder: Path) -> float:
    """When a pack was opened last, in seconds since 1970: a file is touched then."""
    for path in (folder / USED, folder):
        with suppress(OSError):
            return path.stat().st_mtime
    return 0.0


def _origin(folder: Path, info: Info) -> np.ndarray:
    """Also sees to it that the sums, by which a decoding process checks what it copies, are whole."""
    content(folder, info, SUMS)
    written, shape = info["files"][ORIGIN], (info["rows"], ORIGIN_BYTES)
    return mapped_array(folder / ORIGIN, written["bytes"], written["sum"], np.dtype(np.uint8), shape)
