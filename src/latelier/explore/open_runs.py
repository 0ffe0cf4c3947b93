"""From a command's runs to the places of a page."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from latelier.data.sources.matching import source_parts
from latelier.errors import Refusal
from latelier.explore.opened_run import OpenedRun
from latelier.explore.uploads import Uploads
from latelier.runs.run import Run, open_run
from latelier.runs.splits import measured
from latelier.runs.where import Where


def open_runs(
    runs: Sequence[str | Path],
    data: str | Path | None,
    where: Where,
    uploads: Uploads,
    notify: Callable[[str], None] = lambda said: None,
) -> list[OpenedRun]:
    """Each run with its images: those of ``data``, or of what it was trained on; ``notify`` hears what is being done.
    Raises Refusal as opening does."""
    if not runs:
        raise Refusal("explore takes a run folder or several; train one: latelier train vae --data digits --out RUN")
    opened_runs: dict[str, OpenedRun] = {}
    for folder in runs:
        run = open_run(folder)
        name, source = _name(run.name, opened_runs), str(data or run.source)
        notify(f"{run.name}: reading images of {source}")
        opened_runs[name] = _opened(name, run, source, where, uploads)
    return list(opened_runs.values())


def open_beside(folder: Path, beside: str, others: Mapping[str, OpenedRun], uploads: Uploads) -> OpenedRun:
    """A run that was trained from the page of the one called ``beside``, with its images. Raises Refusal as opening
    does."""
    run, older = open_run(folder), others[beside]
    return _opened(_name(run.name, others), run, older.shown.source, older.where, uploads)


def open_split(older: OpenedRun, split: str, others: Mapping[str, OpenedRun], uploads: Uploads) -> OpenedRun:
    """The same run, with another split of its images. Raises Refusal as opening does."""
    base = source_parts(older.shown.source)[0]
    shown = older.run.images(f"{base}:{split}", older.where)
    name = _name(f"{older.run.name}-{split}", others)
    found = OpenedRun(name, older.run, shown, lambda: older.fit, uploads, older.where, older.splits)
    found.title = f"{older.run.name}, {split} images"
    return found


def _opened(name: str, run: Run, source: str, where: Where, uploads: Uploads) -> OpenedRun:
    """Shown is the test split or, of a source without splits, everything. A training split that lies in files of its
    own is read when a panel needs it."""
    names = run.splits_of(source, where)
    if not names:
        whole = run.images(source, where, sample=True)
        return OpenedRun(name, run, whole, lambda: whole, uploads, where)
    if (shown := measured(run, source, where)) is not None:
        return OpenedRun(name, run, shown, lambda: run.splits(source, where).fit, uploads, where, names)
    splits = run.splits(source, where)
    return OpenedRun(name, run, splits.test, lambda: splits.fit, uploads, where, names)


def _name(title: str, taken: Mapping[str, OpenedRun]) -> str:
    """An id fit for an address, which stays the same while the runs do."""
    plain = re.sub(r"[^\w-]+", "-", title).strip("-").lower() or "run"
    names = [plain, *(f"{plain}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)
