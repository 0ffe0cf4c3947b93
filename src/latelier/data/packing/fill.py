"""Fills pixels.npy: from images that many processes decode straight into it, or from an array in memory.

``done.jsonl`` beside it says which jobs are finished, so that a killed pack goes on where it was; a finished
job's rows are checked by their sums before they are believed. What other packs hold in
the same form is copied from there, with the same outcome.
"""

import io
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from PIL import Image

from latelier.data.images import Images
from latelier.data.packing.decode import Target, fit
from latelier.data.packing.depth import Span
from latelier.data.packing.journal import Journal
from latelier.data.packing.known import HEADER, ORIGIN, ORIGIN_BYTES, PIXELS
from latelier.data.packing.npy import FULL, allocate, close_gaps, disk_full
from latelier.data.packing.plan import Plan
from latelier.data.packing.pool import cores, crew
from latelier.data.packing.reuse import INDEX, made, reusable
from latelier.data.packing.target import SENTENCES, SIDE, aim, aim_deep, remarks
from latelier.data.packing.worker import Report, write_all
from latelier.errors import Refusal

SMALL = 500  # images up to which starting processes costs more than it saves
JOB_ROWS, JOB_BYTES = 64, 4 << 20  # at most so much in a job: what a process holds in memory, and what a kill loses
Progress = Callable[[int, int], None]  # images done, of how many


@dataclass(frozen=True)
class Filled:
    """What stands in pixels.npy."""

    kept: np.ndarray  # row numbers of the plan
    skipped: list[tuple[str, str]]  # name and reason
    remarks: list[str]
    digest: str
    made: list[Any] | None = None  # what decided about the pixels; None where nothing was decoded
    span: Span | None = None  # black and white of values of more than 8 bits; None: there are none


class OtherSizeError(Exception):
    """An image's size differs from the sample's."""


class OtherDepthError(Exception):
    """An image has values of more than 8 bits, and none of the sample had."""


def store(part: Path, images: Images, size: int | None, channels: int | None) -> Filled:
    """Writes pixels that are in memory already, scaled if another size is asked for."""
    c, h, w = images.shape
    target = Target(size or h, size or w, channels or c, crop=(size or h, size or w) != (h, w))
    shape = (target.height, target.width, target.channels)
    digest = sha256()
    with allocate(part / PIXELS, (len(images), *shape)) as file:
        for start in range(0, len(images), JOB_ROWS):
            rows = np.ascontiguousarray(images.pixels[start : start + JOB_ROWS])
            if rows.shape[1:] != shape:
                rows = np.stack([fit(Image.fromarray(row.squeeze(2) if c == 1 else row), target) for row in rows])
            digest.update(rows.data)
            write_all(file, rows)
    said = [f"{len(images)} of {len(images)} images: {SENTENCES['colour' if channels == 1 else 'grey']}"]
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
    """Decodes the images of a plan."""
    filling = _Filling(part, plan, lock, progress)
    aimed = aim(plan, size, channels, span)
    target, reports = filling.resume(aimed) or aimed, None
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
        raise Refusal(f"none of {len(plan)} images could be decoded; the first is {names[0]}: {failed[0]}")
    filling.journal.remove()  # from here on rows move: a pack killed now starts afresh
    (part / INDEX).unlink(missing_ok=True)
    runs = [(report["first"], report["good"]) for report in reports]
    close_gaps(filling.pixels, filling.shape(target), runs)
    close_gaps(filling.origin, (len(plan), ORIGIN_BYTES), runs)
    return Filled(
        kept=np.setdiff1d(np.arange(len(plan)), list(failed)),
        skipped=[(names[row], reason) for row, reason in failed.items()],
        remarks=remarks(plan, target, size, channels, reports),
        digest=sha256("".join(report["digest"] for report in reports).encode()).hexdigest(),
        made=made(target),
        span=target.span if any("deep" in report["found"] for report in reports) else None,
    )


class _Filling:
    """A plan on its way into pixels.npy."""

    def __init__(self, part: Path, plan: Plan, lock: int, progress: Progress | None):
        self.part, self.pixels, self.origin = part, part / PIXELS, part / ORIGIN
        self.journal = Journal(part / "done.jsonl")
        self.plan, self.lock, self.progress = plan, lock, progress
        self.done: dict[int, Report] = {}  # first row of a job -> its report

    def shape(self, target: Target) -> tuple[int, int, int, int]:
        return (len(self.plan), target.height, target.width, target.channels)

    def resume(self, aimed: Target) -> Target | None:
        """Takes over what a killed pack has left: its target, and its finished jobs whose rows stand on the disk."""
        if (left := self.journal.read(aimed)) is None:
            return None
        target, reports = left
        jobs = {rows.start: rows for rows in self.jobs(target)}
        try:
            with open(self.pixels, "rb") as pixels, open(self.origin, "rb") as origin:
                for report in reports:
                    rows = jobs.get(report["first"], range(0))
                    whole = report["good"] + len(report["failed"]) == len(rows) > 0
                    if whole and self._stands(pixels, origin, target, report):
                        self.done[rows.start] = report
        except OSError:
            return None
        return target

    def _stands(self, pixels: io.BufferedReader, origin: io.BufferedReader, target: Target, report: Report) -> bool:
        row = prod(self.shape(target)[1:])
        pixels.seek(HEADER + report["first"] * row)
        origin.seek(HEADER + report["first"] * ORIGIN_BYTES)
        return (
            sha256(pixels.read(report["good"] * row)).hexdigest() == report["digest"]
            and crc32(origin.read(report["good"] * ORIGIN_BYTES)) == report["origin"]
        )

    def jobs(self, target: Target) -> list[range]:
        """The rows of each job."""
        n, *shape = self.shape(target)
        step = max(1, min(JOB_ROWS, JOB_BYTES // prod(shape)))
        return [range(start, min(start + step, n)) for start in range(0, n, step)]

    def decode(self, target: Target) -> list[Report]:
        """Decodes what is not done yet. All reports, in the order of the rows."""
        n, *shape = self.shape(target)
        jobs = self.jobs(target)
        if not self.done:
            allocate(self.pixels, self.shape(target)).close()
            allocate(self.origin, (n, ORIGIN_BYTES)).close()
            self.journal.begin(target)
        todo = [(target, rows) for rows in jobs if rows.start not in self.done]
        finished = n - sum(len(rows) for _, rows in todo)
        processes = 1 if n < SMALL else min(cores(), len(todo))
        known = reusable(self.part, made(target), prod(shape), n) if todo else None
        with crew(self.plan, self.part, processes, self.lock, known) as run, closing(run(todo)) as reports:
            for report in reports:
                self._check(report, target)
                self.journal.add(report)
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
