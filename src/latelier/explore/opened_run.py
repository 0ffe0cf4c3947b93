"""A run on the page: its model, images by id, their codes."""

import re
from base64 import b64encode
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator
from functools import cached_property
from pathlib import PurePath
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Generator, Tensor

from latelier.codes.directions import Found
from latelier.codes.rows import device_of
from latelier.core import Code, Decodes, Encodes, Model, need
from latelier.data.images import Images, to_float
from latelier.data.packing.pack import cache_folder
from latelier.explore.codes import Codes
from latelier.explore.columns import Columns
from latelier.explore.embedding import Embedding
from latelier.explore.light import Light
from latelier.explore.requests import Question
from latelier.explore.uploads import Uploads
from latelier.explore.workbench import Workbench
from latelier.nets.eval_mode import evaluating
from latelier.runs import edit_basis
from latelier.runs.run import Run
from latelier.runs.where import Where
from latelier.sheets.sheet import png
from latelier.sheets.view import Blocks, pixels
from latelier.slices import Slices

ID = re.compile(r"d\d{1,9}|u[0-9a-f]{12}")  # a row of the data, or an upload
SEEN = 256  # images of the data that ranges and orders are read off, of large ones as many as fit into
BYTES = 64 << 20  # of floats
BLOCK = 8  # of them a slice
KEPT = 64  # answers that are kept
QUICK = 1  # level of compression
T = TypeVar("T")


class Unknown(LookupError):
    """No such run, panel, action or image."""


class OpenedRun:
    """One opened run with the images that it is looked at with."""

    def __init__(
        self,
        name: str,
        run: Run,
        shown: Images,
        fit: Callable[[], Images],
        uploads: Uploads,
        where: Where,
        splits: tuple[str, ...] = (),
    ):
        """``splits``: all that the source has of whose one these images are."""
        self.name, self.run, self.shown, self.splits = name, run, shown, splits
        self.title = run.name  # what people call it
        self.open_split: Callable[[str], Slices[str]] | None = None  # opens one; the name of the run with it
        self.close: Callable[[], str] | None = None  # of a run that was opened on the page; the name of another
        self.closed = False
        self._fit, self._uploads, self._where = fit, uploads, where
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._under_way: dict[Hashable, Slices[Any]] = {}
        self.codes = Codes(run.model, shown, cache_folder(None))
        self.columns, self.embedding = Columns(self), Embedding(self.codes)
        self.between: Callable[[Iterator[None]], None] = _at_once  # who does long work, in slices

    def use(self, bench: Workbench) -> None:
        """Goes by these labels and selections, which runs over the same images share."""
        self.bench, self.light = bench, Light(self.codes, bench.book, bench.truth)

    def end(self) -> None:
        """It is no longer on the page: nothing more is computed for it."""
        self.closed = True
        self.embedding.close()

    @property
    def where(self) -> Where:
        """How the images were found."""
        return self._where

    @property
    def model(self) -> Model:
        return self.run.model

    @property
    def device(self) -> torch.device:
        return device_of(self.model)

    def generator(self, seed: int) -> Generator:
        """On the model's device."""
        return Generator(self.device).manual_seed(seed)

    def pixels(self, image_id: str) -> np.ndarray:
        """uint8 [h, w, c]. Raises Unknown for what is no id of an image, and Refusal for one that is gone."""
        if not ID.fullmatch(image_id):
            raise Unknown(f'"{image_id[:40]}" is no image of this page')
        if image_id.startswith("u"):
            return self._uploads.pixels(image_id, self.model.image)
        return np.asarray(self.shown.pixels[self.row(image_id)])

    def row(self, image_id: str) -> int:
        """The row of an image of the data. Raises Unknown for any other id."""
        if not (ID.fullmatch(image_id) and image_id.startswith("d")):
            raise Unknown(f'"{image_id[:40]}" is no image of the data')
        row = int(image_id[1:])
        if row >= len(self.shown):
            raise Unknown(f"there is no image {row}: {self.shown.source} has {len(self.shown):,}")
        return row

    def image(self, image_id: str) -> Tensor:
        """[1, c, h, w] on the model's device."""
        return to_float(torch.from_numpy(np.array(self.pixels(image_id)[None]))).to(self.device)

    def label(self, image_id: str) -> str:
        """The class of an image of the data, or ""."""
        row = int(image_id[1:]) if image_id.startswith("d") else -1
        known = row >= 0 and self.shown.label[row] >= 0 and len(self.shown.classes) > 0
        return self.shown.classes[self.shown.label[row]] if known else ""

    def caption(self, image_id: str) -> str:
        """What people call it."""
        if image_id.startswith("u"):
            return "your image"
        name = self.file_name(int(image_id[1:]))
        label = self.label(image_id)
        return f"{label} ({name})" if label else name

    def file_name(self, row: int) -> str:
        """Of an image of the data, without the folders above."""
        return PurePath(str(self.shown.names[row])).name

    def code(self, image_id: str) -> Code:
        """Its most likely code, [1, ...]. Raises Refusal for a model that does not encode."""
        encoder = need(self.model, Encodes)
        return self.once(("code", image_id), lambda: encoder.encode(self.image(image_id)).mode())

    def decode(self, code: Code) -> Tensor:
        """[n, c, h, w] in [0, 1]."""
        return need(self.model, Decodes).decode(code)

    def once(self, key: Hashable, work: Callable[[], T]) -> T:
        """What ``work`` gives, in evaluation mode; kept as one of the last ``KEPT``."""
        if key not in self._kept:
            with evaluating(self.model):
                self._kept[key] = work()
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        value: T = self._kept[key]
        return value

    def shared(self, key: Hashable, work: Callable[[], Slices[T]]) -> Slices[T]:
        """What slices give, kept like ``once``. A request that comes while they are under way goes on with them, also
        where the first one has been left."""
        while key not in self._kept:
            if key not in self._under_way:
                self._under_way[key] = work()
            try:
                with evaluating(self.model):
                    share = next(self._under_way[key])
            except StopIteration as end:
                self._kept[key] = end.value
                del self._under_way[key]
            except Exception:
                del self._under_way[key]
                raise
            else:
                yield share
        answer: T = self.once(key, lambda: self._kept[key])
        return answer

    @cached_property
    def fit(self) -> Images:
        """What directions are fitted on where the run's own images are gone: read when it is asked for."""
        return self._fit()

    @cached_property
    def seen(self) -> Tensor:
        """[n, c, h, w]: some images of the data, the same always."""
        most = max(2, min(SEEN, BYTES // (4 * self.shown.pixels[:1].size)))
        rows = np.random.default_rng(0).permutation(len(self.shown))[:most]
        return self.shown.floats(np.sort(rows)).to(self.device)

    def over_seen(self, read: Callable[[Tensor], T]) -> Slices[list[T]]:
        """What is read of the images of ``seen``, by blocks."""
        blocks, found = self.seen.split(BLOCK), list[T]()
        for block in blocks:
            with evaluating(self.model):
                found.append(read(block))
            yield len(found) / len(blocks)
        return found

    def posterior(self) -> Slices[Blocks]:
        """Of the images of ``seen``."""

        def read() -> Slices[Blocks]:
            return Blocks((yield from self.over_seen(need(self.model, Encodes).encode)))

        return self.shared("posterior", read)

    def found(self) -> Slices[Found]:
        """Where attributes lie in the code: as learned, or fitted now, which takes seconds. Raises Refusal."""
        return self.shared("found", lambda: edit_basis.finding(self.run, self._where, lambda: self.fit))


def chosen(opened: OpenedRun, question: Question, name: str = "image") -> str:
    """The id of the image that is asked for, or of the data's first. Raises as ``OpenedRun.pixels`` does."""
    image_id = question.text(name, "d0")
    opened.pixels(image_id)
    return image_id


def _at_once(slices: Iterator[None]) -> None:
    deque(slices, maxlen=0)


def drawn(image: Tensor) -> list[str]:
    """Images [n, c, h, w] as PNG files in data addresses, each in its own size."""
    return [address(one) for one in pixels(image)]


def address(image: np.ndarray) -> str:
    """uint8 [h, w, c] as a PNG file in a data address."""
    return "data:image/png;base64," + b64encode(png(image, QUICK)).decode()
