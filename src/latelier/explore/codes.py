"""Codes of all images that a page shows, or of a fair sample of very many: computed in slices, kept in the cache folder
by weights and images: not in the run, which may be a stranger's."""

import time
from collections.abc import Generator, Iterator
from functools import cached_property
from hashlib import sha256
from math import prod
from pathlib import Path

import numpy as np
import torch

from latelier.codes.rows import device_of, flat, tabled
from latelier.core import Encodes, Model, need
from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.explore import kept_rows
from latelier.nets.eval_mode import evaluating

BLOCK = 64  # images encoded at once
SLICE = 0.04  # s, after which others are let in: as long as a person does not notice
IMAGES = 200_000
NUMBERS = 64 << 20  # of codes at most, 256 MB, which bounds the images whose codes are long
COMPARED = 8192  # codes whose distances are taken at once


class WaitingError(Exception):
    """Something is still being computed. ``share`` of it, from 0 to 1, is there."""

    def __init__(self, share: float):
        super().__init__(f"{share:.0%}")
        self.share = share


class Codes:
    """The most likely codes of the images of a set, as rows; of more than ``IMAGES``, of a sample."""

    def __init__(self, model: Model, images: Images, folder: Path | None):
        self._model, self._images, self._folder = model, images, folder
        self._rows: np.ndarray | None = None
        self._done, self._failed = 0.0, ""
        self.remark = ""  # why they are not kept on disk, in words

    @cached_property
    def picked(self) -> np.ndarray:
        """int64 [n], ascending: the images that codes are of, as rows of the data."""
        return stratified(self._images.label, min(IMAGES, max(BLOCK, NUMBERS // self._size)))

    @property
    def said(self) -> str:
        """How many codes there are, of how many images, in words."""
        count, total = len(self.picked), len(self._images)
        return (
            f"codes of all {total:,} images" if count == total else f"codes of {count:,} of {total:,} images, a sample"
        )

    def rows(self) -> np.ndarray:
        """float32 [n, d], of the images ``picked``. Raises WaitingError until they are there, and Refusal if they
        could not be computed."""
        if self._failed:
            raise Refusal(f"the codes of these images could not be computed: {self._failed}")
        if self._rows is None:
            raise WaitingError(self._done)
        return self._rows

    def slices(self) -> Iterator[None]:
        """Computes them, or finds them on disk; nothing where they are there."""
        if self._rows is not None:
            return
        try:
            path, shape = self.file("codes"), (len(self.picked), self._size)
            rows = (yield from kept_rows.found(path, shape)) if path else None
            if rows is None:
                rows = yield from self._computed(shape)
                if path:
                    yield from self._kept(path, rows)
            self._rows = rows
        except (RuntimeError, ValueError, OSError) as error:  # of torch, of images, of a disk
            self._failed = str(error)

    def nearest(self, row: np.ndarray, count: int) -> list[tuple[int, float]]:
        """(row of the data, distance) of the codes nearest to one [d], nearest first."""
        rows = self.rows()
        blocks = [rows[start : start + COMPARED] for start in range(0, len(rows), COMPARED)]
        away = np.concatenate([np.linalg.norm(block - row, axis=1) for block in blocks])
        return [(int(self.picked[i]), float(away[i])) for i in np.argsort(away, kind="stable")[:count]]

    def file(self, kind: str) -> Path | None:
        """Where a table of that kind that follows from these codes is kept; None where none can be."""
        if self._folder is None or not self._images.fingerprint:
            return None
        return self._folder / "explore" / f"{kind}-{self._key}.npy"

    @cached_property
    def _size(self) -> int:
        return sum(prod(self._model.latents[name].shape) for name in tabled(self._model))

    @cached_property
    def _key(self) -> str:
        """Of weights, images, and which of them."""
        weights = sha256()
        for name, tensor in self._model.state_dict().items():
            weights.update(name.encode())
            weights.update(tensor.cpu().contiguous().flatten().view(torch.uint8).numpy().data)
        picked = sha256(self.picked.astype("<i8").tobytes())
        key = sha256(f"{weights.hexdigest()} {self._images.fingerprint} {picked.hexdigest()}".encode())
        return key.hexdigest()[:24]

    def _computed(self, shape: tuple[int, int]) -> Generator[None, None, np.ndarray]:
        if shape[0] == 0:
            raise ValueError("there are no images")
        encoder, device = need(self._model, Encodes), device_of(self._model)
        rows, begun = np.empty(shape, np.float32), time.monotonic()
        for start in range(0, len(rows), BLOCK):
            with evaluating(self._model):
                image = self._images.floats(self.picked[start : start + BLOCK]).to(device)
                rows[start : start + BLOCK] = flat(encoder.encode(image).mode(), self._model).cpu().numpy()
            self._done = min(1.0, (start + BLOCK) / len(rows))
            if time.monotonic() - begun > SLICE:
                yield
                begun = time.monotonic()
        return rows

    def _kept(self, path: Path, rows: np.ndarray) -> Iterator[None]:
        try:
            yield from kept_rows.keep(path, rows)
        except (Refusal, OSError) as error:
            self.remark = f"codes are kept in memory alone: {error}"


def stratified(label: np.ndarray, most: int, seed: int = 0) -> np.ndarray:
    """int64, ascending: all rows of ``label``, or ``most`` of them by ``seed``, of each class (unknown is one) its
    share and one at least."""
    if len(label) <= most:
        return np.arange(len(label))
    order = np.random.default_rng(seed).permutation(len(label))
    order = order[np.argsort(label[order], kind="stable")]
    sizes = np.unique(label, return_counts=True)[1]
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)  # of each row in its class
    return np.sort(order[np.argsort(place / np.repeat(sizes, sizes), kind="stable")[:most]])
