"""Codes in the plane: by principal components at once, by t-SNE after a while. Each way is found once, beside the
worker, kept as the codes are, and its progress told."""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from subprocess import PIPE
from typing import NamedTuple

import numpy as np

from latelier.errors import Refusal
from latelier.explore import kept_rows, tsne
from latelier.explore.codes import Codes, WaitingError
from latelier.sheets.codes import plane

SOON = 0.1  # s that a request waits, before it is answered to come again
TITLES = {"pca": "Principal components", "tsne": "t-SNE"}
SLEEPS = {"OMP_WAIT_POLICY": "passive"}  # threads that wait for each other leave the processor to the page
INSTALL = 't-SNE needs openTSNE, which is not installed: pip install "latelier[explore]"'


class Placed(NamedTuple):
    """Every code's place."""

    place: np.ndarray  # float32 [n, 2], the larger side from -1 to 1
    said: str  # what across and down are, in words


class Embedding:
    """The ways in which the codes of a set are placed in the plane."""

    def __init__(self, codes: Codes):
        self._codes = codes
        self._jobs: dict[str, _Job] = {}

    def ways(self) -> list[dict[str, str]]:
        """Name, title, and why it cannot be had here, or ""."""
        missing = {"tsne": "" if find_spec("openTSNE") else INSTALL}
        return [{"name": name, "title": title, "missing": missing.get(name, "")} for name, title in TITLES.items()]

    def placed(self, way: str) -> Placed:
        """Every code's place. Raises WaitingError until it is found, beginning if need be, and Refusal for a way that
        is not known, or cannot be had."""
        if way not in TITLES:
            raise Refusal(f'there is no way "{way[:40]}" to place codes: {" or ".join(TITLES)}')
        rows = self._codes.rows()
        if way not in self._jobs:
            work = _components if way == "pca" else _neighbourhoods
            self._jobs[way] = _Job(lambda job: work(job, rows, self._codes))
        job = self._jobs[way]
        job.thread.join(SOON)
        if job.failed:
            raise Refusal(f"the codes could not be placed in the plane: {job.failed}")
        if job.found is None:
            raise WaitingError(job.share)
        return job.found

    def stop(self, way: str) -> None:
        """Ends what is under way; who asks again begins anew."""
        job = self._jobs.get(way)
        if job is not None and job.found is None:
            del self._jobs[way]
            job.stop()

    def close(self) -> None:
        """Ends all that is under way."""
        for way in [*self._jobs]:
            self.stop(way)


class _Job:
    """Work in a thread, which ends with the program."""

    def __init__(self, work: Callable[["_Job"], Placed]):
        self.share, self.failed = 0.0, ""
        self.found: Placed | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.stopped = False
        self._work = work
        self.thread = threading.Thread(target=self._run, name="embedding", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.stopped = True
        if self.process is not None:
            self.process.kill()

    def _run(self) -> None:
        try:
            self.found = self._work(self)
        except (Refusal, RuntimeError, ValueError, OSError, EOFError, ImportError, MemoryError) as error:
            self.failed = str(error) or type(error).__name__


def _components(job: _Job, rows: np.ndarray, codes: Codes) -> Placed:
    """Two principal components, or the code itself where it has two numbers."""
    if rows.shape[1] == 2:
        return Placed(_framed(rows), "the code's two numbers")
    found, share = plane(rows)
    return Placed(_framed(found), f"two principal components of {rows.shape[1]}{share}")


def _neighbourhoods(job: _Job, rows: np.ndarray, codes: Codes) -> Placed:
    """t-SNE, as it is kept or by a process of its own."""
    if not find_spec("openTSNE"):
        raise Refusal(INSTALL)
    if len(rows) < tsne.FEWEST:
        raise Refusal(f"t-SNE takes {tsne.FEWEST} images at least, and there are {len(rows)}")
    path = codes.file("tsne")
    found = _read(path, len(rows)) if path else None
    if found is None:
        found = _process(job, rows)
        if path:
            _kept(path, found)
    first = f" (of the first {tsne.LONG} principal components)" if rows.shape[1] > tsne.LONG else ""
    said = f"t-SNE{first} keeps neighbours together; distances between groups, and axes, say nothing"
    return Placed(_framed(found), said)


def _process(job: _Job, rows: np.ndarray) -> np.ndarray:
    """float32 [n, 2] of ``tsne`` in another process. Raises RuntimeError where it fails or is ended."""
    command = [sys.executable, "-m", "latelier.explore.tsne", *map(str, rows.shape)]
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=said, env=os.environ | SLEEPS) as process:
            job.process = process
            if job.stopped:
                process.kill()
            assert process.stdin is not None
            assert process.stdout is not None
            with suppress(BrokenPipeError):  # it has said why
                process.stdin.write(np.ascontiguousarray(rows, "<f4").data)
                process.stdin.flush()
            for line in iter(process.stdout.readline, b""):
                if line == tsne.DONE:
                    break
                job.share = float(line)
            content = process.stdout.read(8 * len(rows))
            process.kill()
        if len(content) < 8 * len(rows):
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines()
            raise RuntimeError(lines[-1] if lines else "its process was ended")
    found: np.ndarray = np.frombuffer(content, "<f4").reshape(-1, 2).astype(np.float32)
    return found


def _kept(path: Path, found: np.ndarray) -> None:
    """What cannot be kept is found again the next time."""
    with suppress(Refusal, OSError):
        for _ in kept_rows.keep(path, found):
            pass


def _read(path: Path, rows: int) -> np.ndarray | None:
    steps = kept_rows.found(path, (rows, 2))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: np.ndarray | None = end.value
            return found


def _framed(place: np.ndarray) -> np.ndarray:
    """In the middle, the larger side from -1 to 1."""
    place = place - (place.max(0) + place.min(0)) / 2
    return (place / (np.abs(place).max() or 1)).astype(np.float32)
