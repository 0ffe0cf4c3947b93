"""A pack's files become Images, each of them checked."""

import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from latelier.data.checked import mapped
from latelier.data.holding import hold
from latelier.data.images import Images
from latelier.data.info import Info, fits, parsed, pixel_bytes, read_info
from latelier.data.known import PIXELS, SUMS
from latelier.data.npy import array, header
from latelier.data.sums import BLOCK, DamagedError, regular, total, verified


def opened(folder: Path) -> Images | None:
    """The pack in a folder, which is held until its pixels are given up; None if there is none. Raises DamagedError."""
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
        return array(folder / name, _content(folder, info, name), np.dtype(kind), shape)

    _content(folder, info, "skipped.txt")
    names, captions = _texts(parsed("rows.json", _content(folder, info, "rows.json")), n)
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
        range=None if info["range"] is None else (info["range"][0], info["range"][1]),
    )


def _content(folder: Path, info: Info, name: str) -> bytes:
    return verified(folder / name, *info["files"][name])


def _texts(rows: Any, n: int) -> tuple[list[str], Sequence[Sequence[str]]]:
    """Names and captions."""
    told: dict[str, Any] = rows if isinstance(rows, dict) else {}
    names, captions = told.get("names", []), told.get("captions", [[]] * n)
    if not (fits(names, [str]) and fits(captions, [[str]]) and len(names) == len(captions) == n):
        raise DamagedError("rows.json: not names and captions of every picture")
    return names, captions


def _truth(folder: Path, info: Info, name: str) -> np.ndarray:
    path, (kind, shape) = folder / f"truth-{name}.npy", info["truth"][name]
    first = header(np.dtype(kind), shape)
    try:
        if list(total(path)) != info["files"][path.name]:
            raise DamagedError(f"{path.name}: not what was written")
        with regular(path) as file:
            agree = file.read(len(first)) == first
    except OSError as error:
        raise DamagedError(f"{path.name}: {error.strerror or error}") from error
    length = prod(shape) * np.dtype(kind).itemsize
    if not agree or info["files"][path.name][0] != len(first) + length or shape[:1] != [info["rows"]] or not length:
        raise DamagedError(f"{path.name}: not an array of {kind} {shape}")
    return np.memmap(path, kind, "r", len(first), tuple(shape))
