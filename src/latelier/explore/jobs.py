"""Trainings that the page starts: latelier's own command in a process of its own, one at a time."""

import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from latelier.errors import Refusal
from latelier.storage import locks

LINES = 40  # of its output that are kept
PROGRESS = re.compile(r"([\d,]+) of ([\d,]+)")
GRACE = 20  # s that a training has to save itself after Ctrl-C


class Job:
    """One process and what it has said."""

    def __init__(self, words: Sequence[str], out: Path, beside: str, ended: Callable[["Job"], None]):
        self.command, self.out = shlex.join(["latelier", *words]), out
        self.beside = beside  # the run that it was started from
        self.state, self.share, self.lines = "running", 0.0, deque[str](maxlen=LINES)
        self.opened = ""  # the name under which the page has the run, once it has
        self._ended = ended
        self._process = subprocess.Popen(
            [sys.executable, "-m", "latelier", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._thread = threading.Thread(target=self._follow, name="job", daemon=True)
        self._thread.start()

    def json(self) -> dict[str, Any]:
        """What the page shows of it."""
        return {
            "state": self.state,
            "share": self.share,
            "lines": list(self.lines),
            "command": self.command,
            "out": str(self.out),
            "opened": self.opened,
            "kept": (self.out / "config.json").exists(),
        }

    def cancel(self) -> None:
        """Ends it as Ctrl-C does: what it has learned is saved, and ``--resume`` goes on."""
        if self.state == "running":
            self.state = "cancelled"
            self._process.send_signal(signal.SIGINT if sys.platform != "win32" else signal.SIGTERM)

    def fail(self, reason: str) -> None:
        """Says that what it has made cannot be shown."""
        self.lines.append(reason)
        self.state = "failed"

    def close(self) -> None:
        """Ends it and waits."""
        self.cancel()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._thread.join()

    def _follow(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self.lines.append(line.rstrip())
                if (found := PROGRESS.search(line)) and line.startswith("training "):
                    done, total = (int(number.replace(",", "")) for number in found.groups())
                    self.share = min(1.0, done / max(total, 1))
        code = self._process.wait()
        if code:
            self.lines.append(f"it ended with {f'signal {-code}' if code < 0 else f'exit code {code}'}")
        self._clear()
        if self.state == "running":
            self.state = "done" if code == 0 else "failed"
        self._ended(self)

    def _clear(self) -> None:
        """Removes a folder in which nothing but the lock was made."""
        if self.out.is_dir() and not {path.name for path in self.out.iterdir()} - {locks.NAME}:
            shutil.rmtree(self.out, ignore_errors=True)


class Jobs:
    """At most one job that runs."""

    def __init__(self, ended: Callable[[Job], None] = lambda job: None):
        self.ended = ended  # hears of each job when it is over, in a thread of the job's
        self._lock = threading.Lock()
        self.last: Job | None = None

    def start(self, words: Sequence[str], out: Path, beside: str) -> Job:
        """Begins ``latelier WORDS``, which writes a run at ``out``, from the page of the run ``beside``. Raises Refusal
        while another runs."""
        with self._lock:
            if self.last is not None and self.last.state == "running":
                raise Refusal(f"a training runs already, into {self.last.out}: wait for it, or cancel it")
            self.last = Job(words, out, beside, self.ended)
            return self.last

    def close(self) -> None:
        """Ends what runs."""
        if self.last is not None:
            self.last.close()
