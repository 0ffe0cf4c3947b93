"""The images of one part of the batches, decoded ahead of where training stands: two windows at most, in threads.

(Pillow lets go of Python's lock while it decodes and scales, so that threads decode side by side.)"""

from collections.abc import Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from latelier.data.streaming.order import RUN, Order, Window
from latelier.data.streaming.shards import Shards

AHEAD = 1  # windows that are decoded beyond the one that is read


class Block(NamedTuple):
    """Some images, in the order in which they are seen."""

    pixels: np.ndarray  # uint8 [n, h, w, c]
    row: np.ndarray  # int64 [n], their numbers among all images
    label: np.ndarray  # int64 [n]
    attribute: np.ndarray  # int8 [n, a]
    captions: Sequence[Sequence[str]]

    def part(self, start: int, stop: int) -> "Block":
        """Those from ``start`` to before ``stop``."""
        return Block(
            self.pixels[start:stop],
            self.row[start:stop],
            self.label[start:stop],
            self.attribute[start:stop],
            self.captions[start:stop],
        )


class Stream:
    """One part's images. ``decoders`` run what decodes runs of images."""

    def __init__(self, order: Order, shards: Shards, decoders: Executor):
        self.order, self.shards = order, shards
        self._decoders = decoders
        self._reader = ThreadPoolExecutor(1)  # opens shards and puts windows together, one after another
        self._fetcher = ThreadPoolExecutor(2)
        self._windows: dict[Window, Future[Block]] = {}
        self._fetched: tuple[int, int] | None = None

    def read(self, position: int, count: int) -> list[Block]:
        """The images at [position, position + count), counted in images of this part, in blocks. Raises Refusal for a
        shard that cannot be read."""
        blocks = []
        while count:
            window, place = self.order.find(position)
            found = self._window(window).part(place, place + count)
            blocks.append(found)
            position, count = position + len(found.row), count - len(found.row)
        return blocks

    def close(self) -> None:
        """Ends what is decoded ahead."""
        for executor in (self._reader, self._fetcher):
            executor.shutdown(wait=False, cancel_futures=True)

    def _window(self, window: Window) -> Block:
        wanted = [window]
        for _ in range(AHEAD):
            wanted.append(self.order.after(wanted[-1]))
        for old in [old for old in self._windows if old not in wanted]:
            self._windows.pop(old).cancel()
        for one in wanted:
            if one not in self._windows:
                self._windows[one] = self._reader.submit(self._decoded, *self.order.rows(one))
                self._fetch_next(one)
        return self._windows[window].result()

    def _decoded(self, rows: np.ndarray, seen: np.ndarray) -> Block:
        ends = np.flatnonzero((np.diff(rows[:, 0]) != 0) | (np.diff(rows[:, 1]) != 1)) + 1
        runs = [part for run in np.split(rows, ends) for part in np.split(run, range(RUN, len(run), RUN))]
        for shard in dict.fromkeys(rows[:, 0].tolist()):
            self.shards.open(shard)
        jobs = [self._decoders.submit(self.shards.decode, int(run[0, 0]), run[:, 1]) for run in runs]
        pixels, index, label, attribute, captions = [], [], [], [], list[Sequence[str]]()
        for run, job in zip(runs, jobs, strict=True):
            shard, (found, rows_in) = int(run[0, 0]), job.result()
            facts = self.shards.open(shard).plan.facts
            pixels.append(found)
            index.append(self.shards.starts[shard] + rows_in)
            label.append(facts.label[rows_in])
            attribute.append(facts.attribute[rows_in])
            captions += [facts.captions[row] for row in rows_in]
        whole = [np.concatenate(field)[seen] for field in (pixels, index, label, attribute)]
        return Block(whole[0], whole[1], whole[2], whole[3], [captions[i] for i in seen])

    def _fetch_next(self, window: Window) -> None:
        """Begins to fetch the shards of the group after the one that a window is of. What goes wrong is said when one
        of them is opened."""
        group = window.epoch, window.group
        if self._fetched != group:
            self._fetched = group
            for shard in self.order.shards(window.epoch, window.group + 1):
                self._fetcher.submit(self.shards.fetch, shard)
