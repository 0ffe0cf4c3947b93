"""A pack's files become Images, each of them checked."""

import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from latelier.data.checked import mapped
from latelier.data.holding import hold
from latelier.data.images import Images
from latelier.data.info import Info, fits, parsed, pixel_bytes, read_info
from latelier.data.known import PIXELS, SUMS
from latelier.data.npy import array, header
from latelier.data.sums import BLOCK, DamagedError, verified


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
    found = array(path, _content(folder, info, path.name), np.dtype(kind), shape)
    if not shape or shape[0] != info["rows"]:
        raise DamagedError(f"{path.name}: not a value for every picture")
    return np.memmap(path, kind, "r", len(header(found.dtype, shape)), tuple(shape)) if found.size else found
