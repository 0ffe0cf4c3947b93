"""A pack's files become Images, each of them checked."""

import os
import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from latelier.data import checked
from latelier.data.checked import mapped
from latelier.data.images import Images
from latelier.data.packing.holding import hold
from latelier.data.packing.info import CAPTIONS, NAMES, Info, content, read_info, summed_blocks
from latelier.data.packing.known import ORIGIN, PIXELS, SUMS
from latelier.data.packing.npy import array, mapped_array
from latelier.data.packing.sums import DamagedError, regular, total
from latelier.data.rows import Absent
from latelier.data.texts import Texts

WRONG = {"label.npy": "not the number of a class", "attribute.npy": "neither 1, 0 nor -1"}
HELD = 16 << 20  # bytes of labels or attributes up to which they are read into memory; more are mapped


def opened(folder: Path) -> Images | None:
    """The pack in a folder, which is held until its pixels are given up; None if there is none. Raises DamagedError,
    for a link too: it may lead to a folder of the user's, where nothing is to be written."""
    if folder.is_symlink():
        raise DamagedError("it is a link")
    with ExitStack() as stack:
        if (lock := hold(folder)) is None:
            return None
        stack.enter_context(lock)
        images = _images(folder, read_info(folder))
        weakref.finalize(images.pixels, stack.pop_all().close)
    return images


def _images(folder: Path, info: Info) -> Images:
    n = info["rows"]
    for name in {"skipped.txt", ORIGIN} & info["files"].keys():  # of no use here, and yet to be as they were written
        _check(folder, info, name)
    most = len(info["classes"]) - 1 if info["classes"] else np.iinfo(np.int64).max
    label = _table(folder, info, "label.npy", "<i8", (n,), most)
    attribute = _table(folder, info, "attribute.npy", "|i1", (n, len(info["attributes"])), 1)
    blocks = summed_blocks(info)
    found = array(folder / SUMS, content(folder, info, SUMS), np.dtype("<u4"), (sum(blocks.values()),))
    sums = dict(zip(blocks, np.split(found, np.cumsum([*blocks.values()])[:-1]), strict=True))
    for name in {NAMES, CAPTIONS} & blocks.keys():
        _check(folder, info, name)
    return Images(
        pixels=mapped(folder / PIXELS, (n, *info["shape"]), sums[PIXELS]),
        label=label,
        attribute=attribute,
        captions=Texts(folder / CAPTIONS, n, sums[CAPTIONS], lists=True) if info["captioned"] else Absent(n),
        names=Texts(folder / NAMES, n, sums[NAMES], lists=False),
        classes=tuple(info["classes"]),
        attributes=tuple(info["attributes"]),
        factors=tuple(info["factors"]),
        truth={name: _truth(folder, info, name) for name in info["truth"]},
        fingerprint=info["digest"],
        known=info["known"],
        skipped=tuple(info["skipped"]),
        remarks=tuple(info["remarks"]),
        range=info["range"] and (info["range"][0], info["range"][1]),
    )


def _check(folder: Path, info: Info, name: str) -> None:
    """Compares a file with its sum, in no more memory than a piece of it; one that is too long for that by its length
    alone, as it is checked when it is read. Raises DamagedError."""
    path, written = folder / name, info["files"][name]
    try:
        with regular(path) as file:
            length = os.fstat(file.fileno()).st_size
        found = (length, written["sum"]) if written["bytes"] > checked.AT_ONCE else total(path)
    except OSError as error:
        raise DamagedError(f"{name}: {error.strerror or error}") from error
    if length < written["bytes"]:
        raise DamagedError(f"{name}: cut short")
    if found != (written["bytes"], written["sum"]):
        raise DamagedError(f"{name}: {'longer than it was' if length > written['bytes'] else 'not what was written'}")


def _table(folder: Path, info: Info, name: str, kind: str, shape: Sequence[int], most: int) -> np.ndarray:
    """Whole numbers from -1 to ``most``, in memory of their own, or mapped so that what is written to them does not
    reach the file. Raises DamagedError."""

    def check(values: np.ndarray) -> None:
        if ((values < -1) | (values > most)).any():
            raise DamagedError(f"{name}: {WRONG[name]}")

    written = info["files"][name]
    if written["bytes"] > HELD:
        return np.asarray(
            mapped_array(folder / name, written["bytes"], written["sum"], np.dtype(kind), shape, "c", check)
        )
    values = array(folder / name, content(folder, info, name), np.dtype(kind), shape).copy()
    check(values)
    return values


def _truth(folder: Path, info: Info, name: str) -> np.ndarray:
    kind, shape = info["truth"][name]["kind"], info["truth"][name]["shape"]
    path, written = folder / f"truth-{name}.npy", info["files"][f"truth-{name}.npy"]
    if shape[:1] != [info["rows"]]:
        raise DamagedError(f"{path.name}: not of every image")
    return mapped_array(path, written["bytes"], written["sum"], np.dtype(kind), shape)
