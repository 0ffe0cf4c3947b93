"""Sheets of one run, one under the other: the figures of a source by one command."""

from collections.abc import Sequence

import numpy as np

from latelier.bench.jobs import Bench, Job, Result
from latelier.errors import Refusal
from latelier.sheets import draw_sheet, find, wanted
from latelier.sheets.figures import stacked
from latelier.sheets.view import SheetOptions


def drawn(bench: Bench, title: str, job: Job, sheets: Sequence[str | tuple[str, SheetOptions]]) -> Result:
    """The job's run, trained now or before, and these sheets of its test images, some of them with what is asked. A
    sheet that this run cannot have (no part occurs yet, say) is named in the note with the reason. Raises Refusal
    where it can have none."""
    run = bench.train(job)
    test = bench.splits(run).test
    pages: list[np.ndarray] = []
    lacking = []
    for sheet in sheets:
        name, options = (sheet, SheetOptions()) if isinstance(sheet, str) else sheet
        try:
            view = run.view(test, f"{job.row} on {test.source}", most=wanted(find(name)))
            pages.append(draw_sheet(name, view._replace(options=options)))
        except Refusal as why:
            lacking.append(f"Not drawn: {name}; {why}.")
    if not pages:
        raise Refusal(" ".join(lacking))
    return Result(title, sheet=stacked(pages), note="\n".join(lacking))
