"""Progress for a person: a bar with images/s and time left on a terminal, plain lines elsewhere. Nothing on other
ranks."""

import math
import sys
import time
from contextlib import suppress
from typing import Any

from latelier.terminal.say import printable, say

EVERY = 10.0  # seconds between plain lines


class Progress:
    """Shows how far a long piece of work is. Use as a context manager."""

    def __init__(self, title: str, total: int, start: int = 0, quiet: bool = False, unit: str = "images"):
        self.title, self.total, self.quiet, self.unit = title, total, quiet, unit
        self._start, self._began, self._printed = start, time.perf_counter(), time.perf_counter()
        self._spoke = False  # whether a plain line was printed
        self._bar: Any = None
        self._task: Any = None
        if not quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, ProgressColumn, Task, TextColumn
            from rich.progress import Progress as Bar
            from rich.text import Text

            class Left(ProgressColumn):
                def render(self, task: Task) -> Text:
                    left = task.fields["end"] - time.perf_counter()
                    return Text("" if math.isnan(left) else f"{max(0, left):,.0f} s left")

            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.fields[note]}", markup=False),
                Left(),
            )
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(printable(title), total=total, completed=start, note="", end=math.nan)

    def __enter__(self) -> "Progress":
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            with suppress(OSError):  # of a terminal that was closed
                self._bar.stop()

    def at(
        self,
        done: int,
        total: int | None = None,
        *,
        speed: float | None = None,
        left: float | None = None,
        note: str = "",
    ) -> None:
        """Work stands at ``done``, going at ``speed`` a second (by default the mean so far), and ends in ``left``
        seconds (by default at the mean speed; nan: not known yet). ``note`` is shown beside it."""
        self.total = total or self.total
        now = time.perf_counter()
        mean = (done - self._start) / max(now - self._began, 1e-9)
        speed = speed or mean
        pace = f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}"
        said = "; ".join(text for text in (f"{pace} {self.unit}/s", note) if text)
        if left is None:
            left = max(0, self.total - done) / max(mean, 1e-9)
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=self.total, note=printable(said), end=now + left)
            return
        last = done >= self.total and (note or self._spoke)  # a short piece of work needs no line at its end
        if self.quiet or not (last or now - self._printed >= EVERY):
            return
        self._printed, self._spoke = now, True
        ahead = "" if math.isnan(left) else f"{left:,.0f} s left, "
        say(f"{self.title}: {done:,} of {self.total:,}, {ahead}{said}", error=True)


def step(line: str) -> None:
    """Says on stderr which step of a longer piece of work begins."""
    say(line, error=True)
