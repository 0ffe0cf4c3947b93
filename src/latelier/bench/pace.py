"""How long jobs in several processes still take, estimated from those of the same kind that are done."""

import math
from collections.abc import Hashable, Sequence
from statistics import fmean

from latelier.data.packing.pool import cores
from latelier.terminal.progress import Progress


class Pace:
    """Reports jobs to a progress bar as they end. ``kinds`` has one entry a job, in the order of the jobs; jobs of one
    kind are taken to last equally long. ``processes`` is how many jobs run at once."""

    def __init__(self, bar: Progress, kinds: Sequence[Hashable], processes: int | None = None):
        self.bar, self.kinds = bar, kinds
        self.processes = min(processes or cores(), len(kinds))
        self._taken: dict[int, float] = {}  # place of a job -> its seconds

    def done(self, place: int, seconds: float) -> None:
        """The job at that place has ended; it took this many seconds."""
        self._taken[place] = seconds
        self.bar.at(len(self._taken), left=self.left())

    def left(self) -> float:
        """Seconds until all are done; nan while no job of some remaining kind is done. Of the jobs that run now one has
        just begun and the others count as half done."""
        by_kind: dict[Hashable, list[float]] = {}
        for place, seconds in self._taken.items():
            by_kind.setdefault(self.kinds[place], []).append(seconds)
        ahead = [kind for place, kind in enumerate(self.kinds) if place not in self._taken]
        if not by_kind.keys() >= set(ahead):
            return math.nan
        lasts = [fmean(by_kind[kind]) for kind in ahead]
        half = sum(lasts[: self.processes - 1]) / 2
        return (sum(lasts) - half) / min(self.processes, max(1, len(lasts)))
