"""What training says of itself: means of the report's terms, images a second; and how it learns that it has to stop."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from latelier.engine import parallel

STOPS = ("SIGINT", "SIGTERM", "SIGUSR1", "SIGHUP")  # of which Windows has the first two
HANGUP = getattr(signal, "SIGHUP", None)
HELD = 256  # steps after which the values are added up, so that memory stays flat


class Meter:
    """Means of the report's terms over all processes, and images a second, since the last reading. Adds nothing to most
    steps but a list entry."""

    def __init__(self, seen: int):
        self.start(seen)

    def start(self, seen: int) -> None:
        """Forgets what was added."""
        self._seen, self._clock = seen, time.perf_counter()
        self._terms = dict[str, list[Tensor]]()
        self._sums = dict[str, tuple[Tensor, int]]()  # total and number of those that were added up

    def add(self, report: dict[str, Tensor]) -> None:
        for name, value in report.items():
            values = self._terms.setdefault(name, [])
            values.append(value)
            if len(values) == HELD:
                self._add_up(name)

    def read(self, seen: int) -> dict[str, Any]:
        """The record of the log. All processes must read at the same moment."""
        for name in self._terms:
            self._add_up(name)
        means = [total / count for total, count in self._sums.values()]
        parallel.average(means)  # every process has seen as many images
        values = torch.stack(means).tolist() if means else []  # read from the device at once
        terms = dict(zip(self._sums, values, strict=True))
        speed = (seen - self._seen) / max(time.perf_counter() - self._clock, 1e-9)
        self.start(seen)
        return {"seen": seen, "images_per_second": round(speed, 1), "terms": terms}

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Leaves what happens inside, a save for instance, out of the speed."""
        began = time.perf_counter()
        yield
        self._clock += time.perf_counter() - began

    def _add_up(self, name: str) -> None:
        if self._terms[name]:
            values = torch.cat(self._terms[name]).float()
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = values.sum() + total, len(values) + count
            self._terms[name].clear()


@contextmanager
def signals() -> Iterator[list[int]]:
    """Collects Ctrl-C, SIGTERM, SIGUSR1 and SIGHUP (a closed terminal) instead of dying of them, so that the step is
    finished and saved first. What is ignored, as SIGHUP is under nohup, stays so."""
    caught: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        caught.append(number)
        if len(caught) > 1 and number != HANGUP:  # asked twice: at once; a shell and the kernel both say that they go
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # only the main thread may set handlers
        yield caught
        return
    known = [getattr(signal, name) for name in STOPS if hasattr(signal, name)]
    handled = [number for number in known if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, note) for number in handled}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
