"""What training says of itself: means of the report's terms, images a second; and how it hears that it shall stop."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from torch import Tensor


class Meter:
    """Means of the report's terms and images a second since the last reading. Adds nothing to a step but a list
    entry."""

    def __init__(self, seen: int):
        self._seen, self._terms = seen, dict[str, list[Tensor]]()
        self.restart()

    def add(self, report: dict[str, Tensor]) -> None:
        for name, value in report.items():
            self._terms.setdefault(name, []).append(value)

    def read(self, seen: int) -> dict[str, Any]:
        terms = {name: float(torch.cat(values).float().mean()) for name, values in self._terms.items()}
        speed = (seen - self._seen) / max(time.perf_counter() - self._clock, 1e-9)
        self._seen, self._terms = seen, {}
        self.restart()
        return {"seen": seen, "images_per_second": round(speed, 1), "terms": terms}

    def restart(self) -> None:
        """Leaves what happened since the last reading, a save for instance, out of the speed."""
        self._clock = time.perf_counter()


@contextmanager
def signals() -> Iterator[list[int]]:
    """Collects Ctrl-C, SIGTERM and SIGUSR1 instead of dying of them, so that the step is finished and saved first."""
    caught: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        caught.append(number)
        if len(caught) > 1:  # asked twice: at once
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # only the main thread may set handlers
        yield caught
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
