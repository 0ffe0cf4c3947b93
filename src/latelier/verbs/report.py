"""latelier report: a run as one page."""

from pathlib import Path

from latelier.terminal.say import say
from latelier.verbs.options import As, Place


def report(
    run: Place,
    *,
    data: Place | None = None,
    out: Place | None = None,
    as_: As = None,
    data_root: Place | None = None,
    download: bool = False,
) -> Path:
    """Write a run as one self-contained HTML page with all its sheets and scores.

    First measures the default scores that the run lacks for these images. Returns the path of the page. Raises Refusal
    (exit 2) for bad input.

    Parameters
    ----------
    run
        A run folder.
    data
        Images to show; by default the test split of what the run was trained on.
    out
        The page; by default RUN/report.html.
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    """
    from latelier.page import page
    from latelier.page.contents import material
    from latelier.runs import edit_basis
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.storage import files
    from latelier.verbs.score import judge
    from latelier.verbs.writing import new_file
    from latelier.verdict.verdict import verdict

    opened = open_run(run)
    path = new_file(out, "--out", "page") if out else opened.home("--out FILE.html") / "report.html"
    where = Where.of(data_root, download, as_)
    splits = opened.splits(data, where)
    taken = {record["name"] for record in opened.scores if record["data"] == splits.test.source}
    if records := judge(opened, splits, but=taken):
        if out is None:  # a run that is reported elsewhere may be one that cannot be written to
            opened.keep(records)
        else:
            opened.scores = [*opened.scores, *records]
    said, numbers = verdict(opened, splits, opened.scores)
    edits = edit_basis.judge(opened, where, splits.fit)
    files.write(path, page(material(opened, splits.test, verdict=said, measured=numbers, judge=edits)))
    say(path)
    return path
