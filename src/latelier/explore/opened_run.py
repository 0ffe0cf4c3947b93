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
from latelier.explore.requests import Question
from latelier.explore.uploads import Uploads
from latelier.nets.eval_mode import evaluating
from latelier.runs import edit_basis
from latelier.runs.run import Run
from latelier.runs.where import Where
from latelier.sheets.sheet import png
from latelier.sheets.view import Blocks, pixels

ID = re.compile(r"d\d{1,9}|u[0-9a-f]{12}")  # a row of the data, or an upload
SEEN = 256  # images of the data that ranges and orders are read off, of large ones as many as fit into
BYTES = 64 << 20  # of floats
KEPT = 64  # answers that are kept
QUICK = 1  # level of compression
T = TypeVar("T")


class Unknown(LookupError):
    """No such run, panel, action or image."""


class OpenedRun:
    """One opened run with the images that it is looked at with."""

    def __init__(self, name: str, run: Run, shown: Images, fit: Images, uploads: Uploads, where: Where):
        self.name, self.run, self.shown, self.fit = name, run, shown, fit
        self._uploads, self._where = uploads, where
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self.codes = Codes(run.model, shown, cache_folder(None))
        self.columns, self.embedding = Columns(self), Embedding(self.codes)
        self.between: Callable[[Iterator[None]], None] = _at_once  # who does long work, in slices

    @property
    def model(self) -> Model:
        return self.run.model

    @property
    def device(self) -> torch.device:
        return device_of(self.model)

    def generator(self, seed: int) -> Generator:
        """On the model's device."""
        return Generator(self.device).manual_seed(seed)

    def pixels(self, picture: str) -> np.ndarray:
        """uint8 [h, w, c]. Raises Unknown for what is no id of an image, and Refusal for one that is gone."""
        if not ID.fullmatch(picture):
            raise Unknown(f'"{picture[:40]}" is no image of this page')
        if picture.startswith("u"):
            return self._uploads.pixels(picture, self.model.image)
        if int(picture[1:]) >= len(self.shown):
            raise Unknown(f"there is no image {picture[1:]}: {self.shown.source} has {len(self.shown):,}")
        return np.asarray(self.shown.pixels[int(picture[1:])])

    def image(self, picture: str) -> Tensor:
        """[1, c, h, w] on the model's device."""
        return to_float(torch.from_numpy(np.array(self.pixels(picture)[None]))).to(self.device)

    def label(self, picture: str) -> str:
        """The class of an image of the data, or ""."""
        row = int(picture[1:]) if picture.startswith("d") else -1
        known = row >= 0 and self.shown.label[row] >= 0 and len(self.shown.classes) > 0
        return self.shown.classes[self.shown.label[row]] if known else ""

    def caption(self, picture: str) -> str:
        """What people call it."""
        if picture.startswith("u"):
            return "your image"
        name = PurePath(str(self.shown.names[int(picture[1:])])).name
        label = self.label(picture)
        return f"{label} ({name})" if label else name

    def code(self, picture: str) -> Code:
        """Its most likely code, [1, ...]. Raises Refusal for a model that does not encode."""
        encoder = need(self.model, Encodes)
        return self.once(("code", picture), lambda: encoder.encode(self.image(picture)).mode())

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

    @cached_property
    def seen(self) -> Tensor:
        """[n, c, h, w]: some images of the data, the same always."""
        most = max(2, min(SEEN, BYTES // (4 * self.shown.pixels[:1].size)))
        rows = np.random.default_rng(0).permutation(len(self.shown))[:most]
        return self.shown.floats(np.sort(rows)).to(self.device)

    @cached_property
    def posterior(self) -> Blocks:
        """Of the images of ``seen``."""
        encoder = need(self.model, Encodes)
        with evaluating(self.model):
            return Blocks([encoder.encode(block) for block in self.seen.split(64)])

    @cached_property
    def found(self) -> Found:
        """Where attributes lie in the code: as learned, or fitted now, which takes seconds. Raises Refusal."""
        return edit_basis.directions(self.run, self._where, self.fit)


def chosen(opened: OpenedRun, question: Question, name: str = "picture") -> str:
    """The id of the image that is asked for, or of the data's first. Raises as ``OpenedRun.pixels`` does."""
    picture = question.text(name, "d0")
    opened.pixels(picture)
    return picture


def _at_once(slices: Iterator[None]) -> None:
    deque(slices, maxlen=0)


def drawn(image: Tensor) -> list[str]:
    """Images [n, c, h, w] as PNG files in data addresses, each in its own size."""
    return [address(one) for one in pixels(image)]


def address(picture: np.ndarray) -> str:
    """uint8 [h, w, c] as a PNG file in a data address."""
    return "data:image/png;base64," + b64encode(png(picture, QUICK)).decode()
