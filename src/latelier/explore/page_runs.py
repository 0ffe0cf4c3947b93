"""The runs of a page: those that the explorer was started with, and what is opened beside them and closed again."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from latelier.errors import Refusal
from latelier.explore.answers import error_answer
from latelier.explore.jobs import Job, Jobs
from latelier.explore.open_runs import open_beside, open_split
from latelier.explore.opened_run import OpenedRun
from latelier.explore.panels import find, possible
from latelier.explore.sameness import mark
from latelier.explore.uploads import Uploads
from latelier.explore.workbench import Workbench, label_file, same_images
from latelier.explore.worker import Worker
from latelier.slices import Slices, aside


class PageRuns:
    """Runs by name, with the labels and selections that those over the same images share."""

    def __init__(self, opened_runs: Sequence[OpenedRun], uploads: Uploads, worker: Worker, labels: Path | None):
        """Labels are kept at ``labels``, or in the first run over the same images. Raises Refusal for a file of labels
        that is none."""
        self.by_name = dict[str, OpenedRun]()
        self.marks = dict[str, str]()  # which of the runs show the same images
        self.jobs = Jobs(self._trained)
        self._uploads, self._worker = uploads, worker
        self._labels, self._benches = labels, dict[str, Workbench]()
        for opened in opened_runs:
            self._add(opened)

    def all(self) -> list[OpenedRun]:
        """As they are now: the worker may change them while somebody goes through."""
        return [*self.by_name.values()]

    def _add(self, opened: OpenedRun) -> None:
        key = same_images(opened.shown)
        if key not in self._benches:
            labels = self._labels or label_file(opened.run.folder)
            self._benches[key] = Workbench(opened.shown, labels, self.jobs)
        opened.use(self._benches[key])
        opened.between = lambda slices: self._worker.between(_while_open(opened, slices))
        opened.open_split = partial(self._split, opened)
        self.marks[opened.name] = mark(opened.shown)
        self.by_name[opened.name] = opened
        if "look" in possible(opened) and find("look").searches(opened):
            opened.between(opened.codes.slices())

    def _add_beside(self, opened: OpenedRun) -> None:
        """The same, of one that a person may close again."""
        self._add(opened)
        opened.close = partial(self._close, opened)

    def _close(self, opened: OpenedRun) -> str:
        """Takes the run off the page, with what is being computed for it; the name of one to show instead. Raises
        Refusal while a training of its page runs."""
        last = self.jobs.last
        going_on = last is not None and (last.state == "running" or (last.state == "done" and not last.opened))
        if last is not None and going_on and last.beside == opened.name:
            raise Refusal(f"a training that was begun here runs, into {last.out}: wait for it, or cancel it")
        if last is not None and last.opened == opened.name:
            self.jobs.last = None
        self.by_name.pop(opened.name, None)
        opened.end()
        left = self.all()
        self._benches = {key: one for key, one in self._benches.items() if any(of.bench is one for of in left)}
        same = (one.name for one in left if one.run is opened.run)
        return next(same, left[0].name)

    def _trained(self, job: Job) -> None:
        """Opens what a job has trained, when the worker has time."""
        if job.state == "done":
            self._worker.between(self._opening(job))

    def _opening(self, job: Job) -> Iterator[float]:
        try:
            opened = yield from aside(lambda: open_beside(job.out, job.beside, self.by_name, self._uploads))
            self._add_beside(opened)
        except Exception as error:
            job.fail(error_answer(error)[1]["error"])
        else:
            job.opened = opened.name

    def _split(self, opened: OpenedRun, split: str) -> Slices[str]:
        """The name of the same run with another split, which is opened once."""
        older = dict(self.by_name)
        found = yield from aside(lambda: open_split(opened, split, older, self._uploads))
        same = (one for one in self.all() if one.run is opened.run)
        there = next((one.name for one in same if one.shown.source == found.shown.source), None)
        if there is None:
            self._add_beside(found)
        return there or found.name


def _while_open(opened: OpenedRun, slices: Iterator[Any]) -> Iterator[Any]:
    """The slices, as long as the run is on the page."""
    for share in slices:
        if opened.closed:
            return
        yield share
