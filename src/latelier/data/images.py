"""A set of images as rows: what every source becomes, and what batches, scores and images read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from latelier.data.classes import composed
from latelier.data.rows import chosen

if TYPE_CHECKING:  # lists and surveys of data need no torch, which takes longer to import than they take
    from torch import Tensor

NAMED = 5  # classes that a sentence names


@dataclass(frozen=True)
class Images:
    """n images of one size with whatever is known of each. Arrays may be memory maps; nothing here writes to them."""

    pixels: np.ndarray  # uint8 [n, h, w, c], c is 1 or 3
    label: np.ndarray  # int64 [n], -1 = unknown
    attribute: np.ndarray  # int8 [n, a], 1 or 0, -1 = unknown
    captions: Sequence[Sequence[str]]  # n lists, empty = none
    names: Sequence[str]  # n file names, or row numbers where there are no files; of a pack read as they are asked for
    classes: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    factors: tuple[str, ...] = ()  # names of the columns of truth["levels"], int64 [n, f]
    truth: dict[str, np.ndarray] = field(default_factory=dict)  # exact knowledge of drawn data: "parts", "factors", ...
    source: str = ""  # what the user gave, with its split
    fingerprint: str = ""  # of pixels; of labels and words too once it is ``sealed``
    known: str = ""  # in a pack: the fingerprint of pixels, labels and words as they stand there
    skipped: tuple[str, ...] = ()  # files that could not be decoded
    remarks: tuple[str, ...] = ()  # what was converted on the way, one sentence each
    range: tuple[float, float] | None = None  # black and white of values of more than 8 bits; None: there were none

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(c, h, w) of one image."""
        h, w, c = self.pixels.shape[1:]
        return int(c), int(h), int(w)

    def floats(self, rows: Sequence[int] | np.ndarray | slice) -> "Tensor":
        """Those images as float32 [b, c, h, w] in [0, 1] on the CPU."""
        import torch

        return to_float(torch.from_numpy(np.array(self.pixels[rows])))

    def blocks(self, size: int = 512, start: int = 0) -> "Iterator[Tensor]":
        """All images from ``start`` on in order, ``size`` at a time, as floats."""
        for first in range(start, len(self), size):
            yield self.floats(slice(first, first + size))

    def take(self, rows: np.ndarray) -> "Images":
        """These rows alone, as a set of its own (their pixels are copied)."""
        return replace(
            self,
            pixels=self.pixels[rows],
            label=self.label[rows],
            attribute=self.attribute[rows],
            captions=chosen(self.captions, rows),
            names=chosen(self.names, rows),
            truth={name: values[rows] for name, values in self.truth.items()},
        )


def to_float(pixels: "Tensor") -> "Tensor":
    """uint8 [b, h, w, c] -> float32 [b, c, h, w] in [0, 1]; the result is channels-last in memory, as convolutions
    like it."""
    return pixels.permute(0, 3, 1, 2).float().mul_(1 / 255)


def with_classes(data: Images, classes: tuple[str, ...]) -> Images:
    """The same images with labels renumbered to ``classes`` by name; a class that is not among them becomes
    unknown, which a remark says."""
    if not classes or data.classes == classes or not data.classes:
        return data
    known = {composed(name): place for place, name in reversed(list(enumerate(classes)))}
    number = np.array([known.get(composed(name), -1) for name in data.classes], np.int64)
    label = np.where(data.label >= 0, number[data.label], -1)
    lost = data.label[(data.label >= 0) & (label < 0)]
    remarks = data.remarks
    if len(lost):
        names = [data.classes[i] for i in np.unique(lost)]
        others = ", ..." if len(names) > NAMED else ""
        said = f"{len(lost)} of {len(data)} images are of classes that the run does not know"
        remarks = (*remarks, f"{said} ({', '.join(names[:NAMED])}{others}): they count as unlabelled")
    return replace(data, label=label, classes=classes, remarks=remarks)
