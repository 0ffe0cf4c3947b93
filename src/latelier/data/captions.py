"""Captions as token numbers, and which images keep theirs."""

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from latelier.core import PADDING
from latelier.data.images import Images
from latelier.data.rows import Absent
from latelier.data.seeds import mix
from latelier.data.words import Vocabulary, words_of
from latelier.errors import Refusal

FEWEST = 2  # tokens of a batch: a recurrent net of one step would have weights without a gradient


class Sentences:
    """All captions of a set, or the first ``most`` of each image, of ``longest`` words at most; one of its own is
    drawn for each image."""

    def __init__(self, images: Images, vocabulary: Vocabulary, longest: int, most: int | None = None):
        known = [[vocabulary.tokens(text, longest) for text in spoken(texts, most)] for texts in images.captions]
        rows = [row for texts in known for row in texts]
        width = max([FEWEST, *map(len, rows)])
        # The last row, of padding alone, is that of images without a caption.
        self.table = torch.full((len(rows) + 1, width), PADDING, dtype=torch.int32)
        for place, row in enumerate(rows):
            self.table[place, : len(row)] = torch.tensor(row, dtype=torch.int32)
        self.count = torch.tensor([len(texts) for texts in known], dtype=torch.int64)
        self.first = self.count.cumsum(0) - self.count

    def at(self, rows: Tensor, seed: int) -> Tensor:
        """[b, t] int64: one caption of each of these images, drawn by the seed; zeros for an image without."""
        drawn = torch.rand(len(rows), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        count = self.count[rows]
        place = torch.where(count > 0, self.first[rows] + (drawn * count).long(), len(self.table) - 1)
        found = self.table[place]
        longest = int((found != PADDING).sum(1).max()) if len(rows) else 0
        return found[:, : max(FEWEST, longest)].long()

    def take(self, rows: np.ndarray) -> "Sentences":
        """Of these images alone."""
        part = copy(self)
        part.count, part.first = self.count[rows], self.first[rows]
        return part

    def all(self, row: int) -> Tensor:
        """[k, t] int64: all captions of one image."""
        start = int(self.first[row])
        return self.table[start : start + int(self.count[row])].long()


def spoken(texts: Sequence[str], most: int | None = None) -> list[str]:
    """The captions with a word in them, the first ``most``."""
    return list(islice(filter(words_of, texts), most))


def has_caption(images: Images) -> np.ndarray:
    """bool [n]: whether an image has a caption with a word in it."""
    if isinstance(images.captions, Absent):
        return np.zeros(len(images), bool)
    return np.fromiter((any(map(words_of, texts)) for texts in images.captions), bool, len(images))


def hide_captions(images: Images, count: int, seed: int, among: np.ndarray) -> Images:
    """The same images with the captions of ``count`` of the rows ``among`` kept, and all others hidden. Raises
    Refusal where fewer have any."""
    found = among[has_caption(images)[among]]
    if count > len(found):
        raise Refusal(
            f"--captions {count} were asked for, but {len(found)} of the images to train on have captions; ask for "
            "fewer"
        )
    kept = set(np.random.default_rng([seed, 9]).permutation(found)[:count].tolist())
    return replace(images, captions=[texts if row in kept else () for row, texts in enumerate(images.captions)])


def drawn_seed(seed: int, position: int) -> int:
    """Of the captions of the batch at that position."""
    return mix(seed, 9, position)
