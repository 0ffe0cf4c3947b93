"""Fills pixels.npy: from pictures that many processes decode straight into it, or from an array in memory.

``done.jsonl`` beside it says which jobs are finished, so that a killed pack goes on where it was; a finished job's rows
are checked by their sum before they are believed.
"""

import io
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from math import prod
from pathlib import Path

import numpy as np
from PIL import Image

from latelier.core import Refusal
from latelier.data.aim import SENTENCES, SIDE, aim, aim_deep, remarks
from latelier.data.crew import cores, crew
from latelier.data.decode import Target, fit
from latelier.data.depth import Span
from latelier.data.images import Images
from latelier.data.npy import FULL, allocate, close_gaps, disk_full
from latelier.data.plan import Plan
from latelier.data.worker import HEADER, Report, write_all

SMALL = 500  # pictures up to which starting processes costs more than it saves
JOB_ROWS, JOB_BYTES = 64, 4 << 20  # at most so much in a job: what a process holds in memory, and what a kill loses
Progress = Callable[[int, int], None]  # pictures done, of how many


@dataclass(frozen=True)
class Filled:
    """What stands in pixels.npy."""

    kept: np.ndarray  # row numbers of the plan
    skipped: list[tuple[str, str]]  # name and reason
    remarks: list[str]
    digest: str
    span: Span | None = None  # black and white of values of more than 8 bits; None: there are none


class OtherSizeError(Exception):
    """A picture's size differs from the sample's."""


class OtherDepthError(Exception):
    """A picture has values of more than 8 bits, and none of the sample had."""


def store(part: Path, images: Images, size: int | None, channels: int | None) -> Filled:
    """Writes pixels that are in memory already, scaled if another size is asked for."""
    c, h, w = images.shape
    target = Target(size or h, size or w, channels or c, crop=(size or h, size or w) != (h, w))
    shape = (target.height, target.width, target.channels)
    digest = sha256()
    with allocate(part / "pixels.npy", (len(images), *shape)) as file:
        for start in range(0, len(images), JOB_ROWS):
            rows = np.ascontiguousarray(images.pixels[start : start + JOB_ROWS])
            if rows.shape[1:] != shape:
                rows = np.stack([fit(Image.fromarray(row.squeeze(2) if c == 1 else row), target) for row in rows])
            digest.update(rows.data)
            write_all(file, rows)
    said = [f"{len(images)} of {len(images)} pictures: {SENTENCES['colour' if channels == 1 else 'grey']}"]
    return Filled(np.arange(len(images)), [], said if channels not in (None, c) else [], digest.hexdigest())


def fill(
    part: Path,
    plan: Plan,
    size: int | None,
    channels: int | None,
    span: Span | None,
    lock: int,
    progress: Progress | None,
) -> Filled:
    """Decodes the pictures of a plan."""
    filling = _Filling(part, plan, lock, progress)
    target, reports = filling.resume() or aim(plan, size, channels, span), None
    while reports is None:  # twice at most again, since what surprised does so once
        try:
            reports = filling.decode(target)
        except OtherSizeError:
            target, filling.done = target._replace(height=SIDE, width=SIDE, crop=True), {}
        except OtherDepthError:
            target, filling.done = target._replace(span=aim_deep(plan)), {}
    failed = dict(line for report in reports for line in report["failed"])
    names = plan.facts.names
    if len(failed) == len(plan):
        raise Refusal(f"none of {len(plan)} pictures could be decoded; the first is {names[0]}: {failed[0]}")
    filling.journal.unlink()  # from here on rows move: a pack killed now starts afresh
    close_gaps(filling.pixels, filling.shape(target), [(report["first"], report["good"]) for report in reports])
    return Filled(
        kept=np.setdiff1d(np.arange(len(plan)), list(failed)),
        skipped=[(names[row], reason) for row, reason in failed.items()],
        remarks=remarks(plan, target, size, channels, reports),
        digest=sha256("".join(report["digest"] for report in reports).encode()).hexdigest(),
        span=target.span if any("deep" in report["found"] for report in reports) else None,
    )


class _Filling:
    """A plan on its way into pixels.npy."""

    def __init__(self, part: Path, plan: Plan, lock: int, progress: Progress | None):
        self.pixels, self.journal = part / "pixels.npy", part / "done.jsonl"
        self.plan, self.lock, self.progress = plan, lock, progress
        self.done: dict[int, Report] = {}  # first row of a job -> its report

    def shape(self, target: Target) -> tuple[int, int, int, int]:
        return (len(self.plan), target.height, target.width, target.channels)

    def resume(self) -> Target | None:
        """Takes over what a killed pack has left: its target, and its finished jobs whose rows stand on the disk."""
        try:
            lines = self.journal.read_text(encoding="utf-8").split("\n")[
                :-1
            ]  # a line without its end was being written
            target = Target(*json.loads(lines[0]))
            reports: list[Report] = [json.loads(line) for line in lines[1:]]
            with open(self.pixels, "rb") as file:
                self.done = {report["first"]: report for report in reports if self._stands(file, target, report)}
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return target

    def _stands(self, file: io.BufferedReader, target: Target, report: Report) -> bool:
        row = prod(self.shape(target)[1:])
        file.seek(HEADER + report["first"] * row)
        return sha256(file.read(report["good"] * row)).hexdigest() == report["digest"]

    def decode(self, target: Target) -> list[Report]:
        """Decodes what is not done yet. All reports, in the order of the rows."""
        n, *shape = self.shape(target)
        step = max(1, min(JOB_ROWS, JOB_BYTES // prod(shape)))
        jobs = [range(start, min(start + step, n)) for start in range(0, n, step)]
        if not self.done:
            allocate(self.pixels, self.shape(target)).close()
            self.journal.write_text(json.dumps(target) + "\n", encoding="utf-8")
        todo = [(target, rows) for rows in jobs if rows.start not in self.done]
        finished = n - sum(len(rows) for _, rows in todo)
        processes = 1 if n < SMALL else min(cores(), len(todo))
        with (
            open(self.journal, "a", encoding="utf-8") as file,
            crew(self.plan, self.pixels, processes, self.lock) as run,
            closing(run(todo)) as reports,
        ):
            for report in reports:
                self._check(report, target)
                print(json.dumps(report), file=file, flush=True)
                self.done[report["first"]] = report
                finished += report["good"] + len(report["failed"])
                if self.progress:
                    self.progress(finished, n)
        return [self.done[rows.start] for rows in jobs]

    def _check(self, report: Report, target: Target) -> None:
        """Raises what a report says that stops the work."""
        if report["error"]:
            code, text = report["error"]
            raise disk_full(self.pixels, prod(self.shape(target))) if code in FULL else OSError(code, text, self.pixels)
        if report["surprise"]:
            kind, text = report["surprise"]
            if kind == "size":
                raise OtherSizeError
            if kind == "span":
                raise OtherDepthError
            raise Refusal(f"{text}: damaged, get it again")
