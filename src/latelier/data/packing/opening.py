"""A pack's files become Images, each of them checked."""

import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from math import prod
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np

from latelier.data.checked import mapped
from latelier.data.images import Images
from latelier.data.packing.holding import hold
from latelier.data.packing.info import Info, content, formed, parsed, pixel_bytes, read_info
from latelier.data.packing.known import ORIGIN, PIXELS, SUMS
from latelier.data.packing.npy import array, header
from latelier.data.packing.sums import BLOCK, DamagedError, regular, total


class Rows(TypedDict):
    """rows.json."""

    names: list[str]
    captions: NotRequired[list[list[str]]]


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

    def values(name: str, kind: str, *shape: int) -> np.ndarray:
        return array(folder / name, content(folder, info, name), np.dtype(kind), shape)

    for name in {"skipped.txt", ORIGIN} & info["files"].keys():  # of no use here, and yet to be as they were written
        content(folder, info, name)
    names, captions = _texts(parsed("rows.json", content(folder, info, "rows.json")), n)
    label = values("label.npy", "<i8", n)
    if (label < -1).any() or (info["classes"] and (label >= len(info["classes"])).any()):
        raise DamagedError("label.npy: not the number of a class")
    attribute = values("attribute.npy", "|i1", n, len(info["attributes"]))
    if ((attribute < -1) | (attribute > 1)).any():
        raise DamagedError("attribute.npy: neither 1, 0 nor -1")
    sums = values(SUMS, "<u4", -(-pixel_bytes(info) // BLOCK))
    return Images(
        pixels=mapped(folder / PIXELS, (n, *info["shape"]), sums),
        label=label.copy(),
        attribute=attribute.copy(),
        captions=captions,
        names=names,
        classes=tuple(info["classes"]),
        attributes=tuple(info["attributes"]),
        factors=tuple(info["factors"]),
        truth={name: _truth(folder, info, name) for name in info["truth"]},
        fingerprint=info["digest"],
        skipped=tuple(info["skipped"]),
        remarks=tuple(info["remarks"]),
        range=info["range"] and (info["range"][0], info["range"][1]),
    )


def _texts(told: Any, n: int) -> tuple[list[str], Sequence[Sequence[str]]]:
    """Names and captions."""
    rows = formed("rows.json", told, Rows)
    names: list[str] = rows["names"]
    captions: Sequence[Sequence[str]] = rows.get("captions") or [()] * n
    if not len(names) == len(captions) == n:
        raise DamagedError("rows.json: not names and captions of every image")
    return names, captions


def _truth(folder: Path, info: Info, name: str) -> np.ndarray:
    path, kind, shape = folder / f"truth-{name}.npy", info["truth"][name]["kind"], info["truth"][name]["shape"]
    written = info["files"][path.name]
    first = header(np.dtype(kind), shape)
    try:
        if total(path) != (written["bytes"], written["sum"]):
            raise DamagedError(f"{path.name}: not what was written")
        with regular(path) as file:
            agree = file.read(len(first)) == first
    except OSError as error:
        raise DamagedError(f"{path.name}: {error.strerror or error}") from error
    length = prod(shape) * np.dtype(kind).itemsize
    if not agree or written["bytes"] != len(first) + length or shape[:1] != [info["rows"]]:
        raise DamagedError(f"{path.name}: not an array of {kind} {shape}")
    return np.memmap(path, kind, "r", len(first), tuple(shape))
