"""What a recipe stands on: trainings and scores under one folder, each made once, so that a stopped recipe goes on.

A recipe is a file below ``latelier/recipes/`` with ``PUBLISHED``, the source's figures by row, and ``reproduce(bench)
-> Result``. Its docstring's first line is its title. What it does not say of a training, ``latelier.bench.values``
says: a recipe follows no default.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from latelier.errors import Refusal
from latelier.runs.run import Run, open_run
from latelier.runs.where import Where
from latelier.storage import files, json_records
from latelier.storage.folders import UNSAVED
from latelier.storage.schemas import Measured
from latelier.terminal.say import say
from latelier.terminal.tables import over_finite, with_sd
from latelier.training.request import BEGUN, TORN

if TYPE_CHECKING:
    from latelier.scores.common import Splits

T = TypeVar("T")


@dataclass(frozen=True)
class Result:
    """A table, a sheet or both."""

    title: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    sheet: np.ndarray | None = None  # uint8 [H, W, 3]
    note: str = ""


@dataclass(frozen=True)
class Job:
    """One training, and one score of it: a cell of a table, for one seed."""

    row: str
    model: str
    score: str = ""
    seed: int = 0
    epochs: float = 20
    settings: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)  # more arguments of latelier.train
    options: Mapping[str, Any] = field(default_factory=dict)  # of the score

    @property
    def folder(self) -> str:
        """Of its run: recipes that work in one place share what they train alike."""
        what = json.dumps([self.model, self.settings, self.training, self.epochs, self.seed], sort_keys=True)
        return f"{self.model}-{sha256(what.encode()).hexdigest()[:10]}"


@dataclass(frozen=True)
class Bench:
    """Where a recipe works and how much of it is done."""

    out: Path
    data: str  # what is trained on
    where: Where
    share: float = 1.0  # of the epochs; below 1 it is a rehearsal
    seeds: int = 1
    size: int | None = None  # the images' side, in place of the recipe's
    rehearsed: str = ""  # what the recipe would be trained on, where this is a rehearsal (``bench.rehearsal``)

    def train(self, job: Job) -> Run:
        """The finished run of the job, trained now or before."""
        from latelier.engine.checkpoint import checkpoints
        from latelier.runs.options import Options
        from latelier.training.run import start

        folder = self.out / job.folder
        if not (folder / "done").exists():
            if checkpoints(folder):
                start(Options(out=str(folder), resume=True, quiet=True))
            else:
                _emptied(folder)
                start(Options(job.model, out=str(folder), quiet=True, **self.arguments(job)))
            files.write(folder / "done", "")
        return open_run(folder)

    def arguments(self, job: Job) -> dict[str, Any]:
        """Of ``latelier.train``, with everything that a default could change."""
        from latelier.bench.stated import stated
        from latelier.bench.values import TRAINING

        settings = stated(job.model, job.settings, labels=job.training.get("labels") is not None)
        where = {"data": self.data, **asdict(self.where)}
        size = {} if self.size is None else {"size": self.size}
        length = {"epochs": job.epochs * self.share, "seed": job.seed}
        whole = {**TRAINING, **where, **length, **job.training, **size, "settings": settings}
        if self.rehearsed:
            from latelier.bench.rehearsal import shortened

            return shortened(whole, self.data, self.rehearsed)
        return whole

    def splits(self, run: Run) -> "Splits":
        """Images to fit on and images to measure on, of what the recipe is trained on."""
        whole = run.splits(self.data, self.where)
        if self.rehearsed:
            from latelier.bench.rehearsal import few

            return few(whole)
        return whole

    def quick(self, score: str) -> dict[str, Any]:
        """Options of a score in a rehearsal, where it would take long."""
        if self.rehearsed:
            from latelier.bench.rehearsal import OPTIONS

            return OPTIONS.get(score, {})
        return {}

    def some(self, values: Sequence[T]) -> Sequence[T]:
        """The values that a row or a column each belongs to; in a rehearsal the first alone."""
        return values[:1] if self.rehearsed else values

    def measure(self, jobs: Sequence[Job]) -> dict[str, list[dict[str, float]]]:
        """Row -> what its score gave, a dict a seed. As many jobs run at once as there are cores, of one thread each;
        results are kept in measured.jsonl, and what stands there is not done again."""
        from latelier.bench.pace import Pace
        from latelier.bench.processes import run_all
        from latelier.terminal.progress import Progress

        self.out.mkdir(parents=True, exist_ok=True)
        known = self._known()
        todo = [job for job in jobs if _key(job) not in known]
        if todo:
            by_run: dict[str, list[Job]] = {}
            for job in todo:
                by_run.setdefault(job.folder, []).append(job)
            with Progress("measuring", len(by_run), unit="trainings") as bar:
                pace = Pace(bar, [(group[0].model, group[0].epochs) for group in by_run.values()])
                run_all([(perform, (self, group)) for group in by_run.values()], pace.done)
            known = self._known(fresh=True)
        found: dict[str, list[dict[str, float]]] = {}
        for job in jobs:
            found.setdefault(job.row, []).append(known[_key(job)])
        return found

    def _known(self, fresh: bool = False) -> dict[str, dict[str, float]]:
        """What was measured. Damaged lines are named on stderr, unless it is ``fresh``: they were named before. So are
        values that are not finite left out, to be measured anew, unless they come of just that."""
        records, faults = json_records.read_lines(self.out / "measured.jsonl", Measured)
        for fault in faults if not fresh else ():
            say(f"{fault}, and measured anew", error=True)
        sound = (record for record in records if fresh or all(map(math.isfinite, record["values"].values())))
        return {record["key"]: record["values"] for record in sound}


def perform(task: tuple[Bench, Sequence[Job]]) -> None:
    """Trains the run that these jobs share, and scores it for each."""
    from latelier.scores.record import run_scores

    bench, jobs = task
    run = bench.train(jobs[0])
    splits = bench.splits(run)
    for job in jobs:
        options = {job.score: {**job.options, **bench.quick(job.score)}}
        record = run_scores(run.model, splits, [job.score], seed=job.seed, limit=len(splits.test), options=options)[0]
        line = {"key": _key(job)} | {name: record[name] for name in ("values", "n", "seconds", "protocol")}
        json_records.append(bench.out / "measured.jsonl", line)


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Mean ± sd over seeds, rounded to the sd, or the one value there is with this many ``digits``; of finite values,
    and how many they are where some are not."""

    def said(finite: list[float]) -> str:
        sd = float(np.std(finite, ddof=1)) if len(finite) > 1 else 0.0
        return with_sd(float(np.mean(finite)), sd) if sd else f"{np.mean(finite):.{digits}f}"

    return over_finite(values, said)


def beside(title: str, published: Mapping[str, float], found: Mapping[str, Sequence[float]], note: str) -> Result:
    """A table of what was published and what was measured, a row each; rows of ours come last."""
    rows = [
        [row, f"{published[row]:.2f}" if row in published else "", spread(found[row])] for row in {**published, **found}
    ]
    return Result(title, ("", "published", "measured"), rows, note=note)


def _emptied(folder: Path) -> None:
    """Removes what a training left that was stopped before its first checkpoint. Raises Refusal while it goes on, and
    where anything else is there."""
    if folder.exists():
        with files.only_writer(folder):
            left = [file for file in folder.iterdir() if file.name not in UNSAVED]
            for file in left:
                if file.name not in BEGUN and not re.fullmatch(TORN, file.name):
                    raise Refusal(f"{file} is nothing that a training leaves; move it, or name another --out")
            for file in left:
                file.unlink()


def _key(job: Job) -> str:
    return json.dumps([job.folder, job.score, job.options], sort_keys=True)
