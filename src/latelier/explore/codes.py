"""Codes of all images that a page shows: computed in slices, kept in the cache folder by weights and images: not in
the run, which may be a stranger's."""

import io
from collections.abc import Generator, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from zlib import crc32

import numpy as np
import torch

from latelier.codes.rows import device_of, flat
from latelier.core import Encodes, Model, need
from latelier.data.images import Images
from latelier.data.packing.sums import DamagedError, read
from latelier.errors import Refusal
from latelier.nets.eval_mode import evaluating
from latelier.storage import files

BLOCK = 64  # images a slice: about as long as a person does not notice
NUMBERS = 32 << 20  # of codes at most, which bounds the images that are taken
PICTURES = 20_000
FILES = 16  # kept; the oldest go
MOST = 1 << 28  # bytes of one
SUM = 4  # bytes of the sum behind it


class WaitingError(Exception):
    """Codes are still being computed. ``share`` of them, from 0 to 1, are there."""

    def __init__(self, share: float):
        super().__init__(f"{share:.0%}")
        self.share = share


class Codes:
    """The most likely codes of the first images of a set, as rows."""

    def __init__(self, model: Model, images: Images, folder: Path | None):
        self._model, self._images, self._folder = model, images, folder
        self._rows: np.ndarray | None = None
        self._done, self._failed = 0.0, ""
        self.remark = ""  # why they are not kept on disk, in words

    def rows(self) -> np.ndarray:
        """float32 [n, d], of the first n images. Raises WaitingError until they are there, and Refusal if they could
        not be computed."""
        if self._failed:
            raise Refusal(f"the codes of these images could not be computed: {self._failed}")
        if self._rows is None:
            raise WaitingError(self._done)
        return self._rows

    @property
    def picked(self) -> np.ndarray:
        """int64 [n]: the image that each row belongs to. Raises as ``rows`` does."""
        return np.arange(len(self.rows()))

    def slices(self) -> Iterator[None]:
        """Computes them, or finds them on disk; nothing where they are there."""
        if self._rows is not None:
            return
        try:
            path = self._path()
            self._rows = self._found(path) if path else None
            if self._rows is None:
                self._rows = yield from self._computed()
                if path:
                    self._keep(path, self._rows)
        except (RuntimeError, ValueError, OSError) as error:  # of torch, of images, of a disk
            self._failed = str(error)

    def nearest(self, row: np.ndarray, count: int) -> list[tuple[int, float]]:
        """(image, distance) of the codes nearest to one [d], nearest first."""
        away = np.linalg.norm(self.rows() - row, axis=1)
        return [(int(i), float(away[i])) for i in np.argsort(away, kind="stable")[:count]]

    def _computed(self) -> Generator[None, None, np.ndarray]:
        encoder, device = need(self._model, Encodes), device_of(self._model)
        blocks: list[np.ndarray] = []
        start, count = 0, min(len(self._images), PICTURES)
        while start < count:
            with evaluating(self._model):
                image = self._images.floats(slice(start, min(count, start + BLOCK))).to(device)
                blocks.append(flat(encoder.encode(image).mode(), self._model).cpu().numpy())
            start += BLOCK
            count = min(count, max(BLOCK, NUMBERS // blocks[0].shape[1]))
            self._done = min(1.0, start / count)
            yield
        return np.concatenate(blocks)

    def _path(self) -> Path | None:
        if self._folder is None or not self._images.fingerprint:
            return None
        weights = sha256()
        for name, tensor in self._model.state_dict().items():
            weights.update(name.encode())
            weights.update(tensor.cpu().contiguous().flatten().view(torch.uint8).numpy().data)
        key = sha256(f"{weights.hexdigest()} {self._images.fingerprint} {PICTURES} {NUMBERS}".encode())
        return self._folder / "explore" / f"codes-{key.hexdigest()[:24]}.npy"

    def _found(self, path: Path) -> np.ndarray | None:
        """The rows that were kept, if they are as they were written and as many as would be computed."""
        with suppress(OSError, ValueError, EOFError, DamagedError):
            content = read(path, MOST)
            if int.from_bytes(content[-SUM:], "little") == crc32(content[:-SUM]):
                rows: np.ndarray = np.load(io.BytesIO(content[:-SUM]))
                most = min(len(self._images), PICTURES, max(BLOCK, NUMBERS // rows.shape[1]))
                return rows if rows.dtype == np.float32 and len(rows) == most and np.isfinite(rows).all() else None
        return None

    def _keep(self, path: Path, rows: np.ndarray) -> None:
        content = io.BytesIO()
        np.save(content, rows)
        try:
            files.write(path, content.getvalue() + crc32(content.getvalue()).to_bytes(SUM, "little"))
            older = sorted(path.parent.glob("codes-*.npy"), key=lambda file: file.stat().st_mtime)
            for file in older[:-FILES]:
                file.unlink(missing_ok=True)
        except (Refusal, OSError) as error:
            self.remark = f"codes are kept in memory alone: {error}"
