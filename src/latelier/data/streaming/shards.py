"""Shards as a stream reads them: fetched, with what they tell, and some of their images decoded."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np

from latelier.data.images import Images, with_classes
from latelier.data.packing.decode import SurpriseError, Target, decode, no_bombs
from latelier.data.packing.plan import Plan
from latelier.data.packing.worker import READERS, reason
from latelier.data.sources.listed import ShardSet
from latelier.data.sources.sampled import miscounted, names_of
from latelier.data.streaming.order import GROUP
from latelier.errors import Refusal
from latelier.terminal.say import say

NAMED = 5  # images that could not be decoded, in lines


class Opened(NamedTuple):
    """A shard that lies here."""

    path: Path
    plan: Plan
    rows: np.ndarray  # int64 [n], of the plan: those that are trained on


class Shards:
    """The shards of a split. ``like``: a sample of them, whose classes and attributes theirs are turned into by
    ``alike``; ``held``: shard -> rows that are held out. What the last ``keep`` shards tell is kept in memory."""

    def __init__(
        self,
        of: ShardSet,
        counts: np.ndarray,
        like: Images,
        target: Target,
        alike: Callable[[Images], Images],
        held: Mapping[int, np.ndarray],
        keep: int = 2 * GROUP,
    ):
        self.of, self.counts, self.like, self.target = of, counts, like, target
        self.starts = np.concatenate([[0], np.cumsum(counts)])
        self._alike, self._held, self._names, self._keep = alike, held, names_of(of), keep
        self._opened = OrderedDict[int, Opened]()
        self._lock = Lock()
        self._bad = set[str]()
        self._odd = False

    def left(self) -> np.ndarray:
        """Images of each shard that are trained on, int64 [s]."""
        return self.counts - np.array([len(self._held.get(i, ())) for i in range(len(self.counts))], np.int64)

    def name(self, row: int) -> str:
        """What an image is called, by its number among all images."""
        shard = int(np.searchsorted(self.starts, row, "right")) - 1
        return f"{self._names[shard]}:{row - int(self.starts[shard])}"

    def fetch(self, shard: int) -> Path:
        """Its file, in the cache."""
        return self.of.cache.local(self.of.shards[shard])

    def open(self, shard: int) -> Opened:
        """What a shard tells of its images. Raises Refusal where it cannot be had, or is not what was counted."""
        with self._lock:
            if found := self._opened.get(shard):
                self._opened.move_to_end(shard)
                return found
        path = self.fetch(shard)
        plan = self.of.plan([path], [path])
        if len(plan) != self.counts[shard]:
            raise miscounted(self.of, [shard], len(plan), int(self.counts[shard]))
        rows = np.setdiff1d(np.arange(len(plan)), self._held.get(shard, ()))
        found = Opened(path, replace(plan, facts=self._labelled(plan.facts)), rows)
        with self._lock:
            self._opened[shard] = found
            while len(self._opened) > self._keep:
                self._opened.popitem(last=False)
        return found

    def decode(self, shard: int, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of images at these places among those that are trained on, int64 [n]: their pixels, uint8 [n, h, w, c], and
        their rows in the shard. In the place of one that cannot be decoded stands the one before it, or else the next,
        and a line says so. Raises Refusal where all are of that kind."""
        opened = self.open(shard)
        rows = opened.rows[places]
        items = [opened.plan.items[row].tolist() for row in rows]
        for again in (False, True):
            try:
                return self._decode(shard, opened, rows, items)
            except SurpriseError as error:
                if again:
                    raise Refusal(self.of.cache.by_address(f"{error.args[1]}: damaged, get it again")) from error
                self.fetch(shard)  # it was removed for others meanwhile
        raise AssertionError

    def _decode(
        self, shard: int, opened: Opened, rows: np.ndarray, items: list[object]
    ) -> tuple[np.ndarray, np.ndarray]:
        t = self.target
        pixels = np.empty((len(rows), t.height, t.width, t.channels), np.uint8)
        good, why = np.zeros(len(rows), bool), ""
        with no_bombs():
            for i, file in enumerate(READERS[opened.plan.reader]([str(opened.path)])(items)):
                try:
                    assert not isinstance(file, str)
                    pixels[i] = decode(BytesIO(file.read()), t)[0]
                    good[i] = True
                except Exception as error:  # Pillow lets any kind escape
                    surprise = isinstance(error, SurpriseError)
                    why = f"its {error.args[0]} is another" if surprise else reason(error)
                    self._report(f"{self._names[shard]}:{rows[i]}", why)
        if not good.any():
            which = f"{self._names[shard]}: none of {len(rows)} images from number {rows[0]} on can be decoded ({why})"
            raise Refusal(f"{which}; write that shard again, or leave it out of the pattern")
        if not good.all():
            last = np.maximum.accumulate(np.where(good, np.arange(len(rows)), -1))
            place = np.where(last < 0, int(good.argmax()), last)
            return pixels[place], rows[place]
        return pixels, rows

    def _labelled(self, facts: Images) -> Images:
        """With the classes and attributes of the sample."""
        found = with_classes(facts, self.like.classes) if self.like.classes else facts
        if len(found.remarks) > len(facts.remarks) and not self._odd:
            self._odd = True
            say(f"{found.remarks[-1]}; a names.json beside the shards names all classes", error=True)
        return self._alike(found)

    def _report(self, name: str, why: str) -> None:
        if name not in self._bad:
            self._bad.add(name)
            if len(self._bad) <= NAMED:
                rest = "; of others like it nothing more is said" if len(self._bad) == NAMED else ""
                say(f"{name} could not be decoded, another stands in its place: {why}{rest}", error=True)
