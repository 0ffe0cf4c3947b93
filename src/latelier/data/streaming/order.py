"""Which images a part of the batches sees, and in which order: a pure function of (seed, part, parts, position).

In each epoch the shards are permuted, and part p of P takes those at p, p + P, p + 2P, ... Of four shards at a time,
a group, runs of 64 images are permuted, and then the images within each window of these. So every image comes once in
each epoch of one part, whatever the number of processes that share the parts; parts whose shards hold fewer images
begin their next epoch sooner. Fewer shards than parts are cut, so that each part has a piece.
"""

from typing import NamedTuple

import numpy as np

from latelier.data.seeds import mix

GROUP, RUN = 4, 64  # shards that are mixed, and images in one piece of a shard that are read at once
WINDOW, WINDOW_BYTES = 2048, 64 << 20  # images that are mixed while they are in memory, and bytes of their pixels


class Window(NamedTuple):
    """Images that are in memory together, of one part."""

    epoch: int
    group: int
    number: int  # in the group


def window_size(image_bytes: int) -> int:
    """Images in a window, by the bytes of one."""
    return max(RUN, min(WINDOW, WINDOW_BYTES // image_bytes))


class Order:
    """The endless walk of one part over shards with ``counts`` images, int64 [s], of which one at least is above 0."""

    def __init__(self, counts: np.ndarray, part: int, parts: int, seed: int, window: int = WINDOW):
        self.part, self.parts, self.seed, self.window = part, parts, seed, window
        cuts = -(-parts // len(counts))
        edges = counts[:, None] * np.arange(cuts + 1) // cuts
        shard = np.repeat(np.arange(len(counts)), cuts)
        # [p, 3]: shard, first and last + 1 of the images in it
        self.pieces = np.stack([shard, edges[:, :-1].ravel(), edges[:, 1:].ravel()], 1)
        self._starts = [0]  # of epochs, in images of this part
        self._of_epoch: tuple[int, np.ndarray] = (-1, self.pieces)
        self._of_group: tuple[int, int, np.ndarray] = (-1, -1, self.pieces)

    def find(self, position: int) -> tuple[Window, int]:
        """The window that holds the image at a position, counted in images of this part, and its place there."""
        while self._starts[-1] <= position:
            pieces = self.epoch(len(self._starts) - 1)
            self._starts.append(self._starts[-1] + int((pieces[:, 2] - pieces[:, 1]).sum()))
        epoch = int(np.searchsorted(self._starts, position, "right")) - 1
        ends = np.cumsum(self._lengths(epoch))
        left = position - self._starts[epoch]
        group = int(np.searchsorted(ends, left, "right"))
        left -= int(ends[group - 1]) if group else 0
        return Window(epoch, group, left // self.window), left % self.window

    def after(self, window: Window) -> Window:
        """The next window."""
        lengths = self._lengths(window.epoch)
        epoch, group, number = window.epoch, window.group, window.number + 1
        while number * self.window >= lengths[group]:
            group, number = group + 1, 0
            while group == len(lengths):
                epoch, group = epoch + 1, 0
                lengths = self._lengths(epoch)
        return Window(epoch, group, number)

    def rows(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """int64 [n, 2], shard and image in it, in the order of reading; and int64 [n], the order in which they are
        seen."""
        found = self._sequence(window.epoch, window.group)
        found = found[window.number * self.window :][: self.window]
        return found, self._rng(13, *window).permutation(len(found))

    def shards(self, epoch: int, group: int) -> list[int]:
        """Those of a group; of the group after the last, the first of the next epoch."""
        if group >= len(self._lengths(epoch)):
            epoch, group = epoch + 1, 0
        return [int(shard) for shard in self.epoch(epoch)[group * GROUP :][:GROUP, 0]]

    def epoch(self, number: int) -> np.ndarray:
        """The pieces of an epoch, int64 [p, 3], in their order."""
        if self._of_epoch[0] != number:
            order = np.random.default_rng(mix(self.seed, 11, number)).permutation(len(self.pieces))
            self._of_epoch = number, self.pieces[order[self.part :: self.parts]]
        return self._of_epoch[1]

    def _lengths(self, epoch: int) -> np.ndarray:
        """Images of each group."""
        pieces = self.epoch(epoch)
        return np.add.reduceat(pieces[:, 2] - pieces[:, 1], np.arange(0, len(pieces), GROUP))

    def _sequence(self, epoch: int, group: int) -> np.ndarray:
        """int64 [n, 2], shard and image in it: the runs of a group, permuted."""
        if self._of_group[:2] != (epoch, group):
            runs = [
                np.stack(np.broadcast_arrays(shard, np.arange(start, min(start + RUN, stop))), 1)
                for shard, first, stop in self.epoch(epoch)[group * GROUP :][:GROUP].tolist()
                for start in range(first, stop, RUN)
            ]
            order = self._rng(12, epoch, group).permutation(len(runs))
            self._of_group = epoch, group, np.concatenate([self.pieces[:0, :2], *(runs[i] for i in order)])
        return self._of_group[2]

    def _rng(self, *what: int) -> np.random.Generator:
        return np.random.default_rng(mix(self.seed, self.part, *what))
