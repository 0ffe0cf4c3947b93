"""Progress for a person: a bar with images/s and time left on a terminal, plain lines elsewhere. Nothing on other
ranks."""

import sys
import time
from typing import Any

EVERY = 10.0  # seconds between plain lines


class Progress:
    """Shows how far a long piece of work is. Use as a context manager."""

    def __init__(self, title: str, total: int, start: int = 0, quiet: bool = False):
        self.title, self.total, self.quiet = title, total, quiet
        self._start, self._began, self._printed = start, time.perf_counter(), time.perf_counter()
        self._bar: Any = None
        self._task: Any = None
        if not quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[note]}"),
                TimeRemainingColumn(),
            )
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(title, total=total, completed=start, note="")

    def __enter__(self) -> "Progress":
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def at(self, done: int, total: int | None = None, note: str = "") -> None:
        """Work stands at ``done``; ``note`` goes beside the bar."""
        self.total = total or self.total
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=self.total, note=note)
            return
        now = time.perf_counter()
        if self.quiet or (now - self._printed < EVERY and done < self.total):
            return
        self._printed = now
        speed = (done - self._start) / max(now - self._began, 1e-9)
        left = max(0, self.total - done) / max(speed, 1e-9)
        line = f"{self.title}: {done:,} of {self.total:,}, {speed:,.0f} images/s, {left:,.0f} s left"
        print(f"{line}; {note}" if note else line, file=sys.stderr, flush=True)
