"""latelier report: a run as one page."""

from pathlib import Path


def report(run: str, *, data: str | None = None, data_root: Path | None = None, download: bool = False) -> Path:
    """Write the run as one self-contained HTML page, RUN/report.html, with every sheet and score that it has.

    Scores the run first where that was not done. Returns the page's path. Raises Refusal (exit 2) for bad input.

    Parameters
    ----------
    run
        A run folder.
    data
        Pictures to show; by default the test split of what the run was trained on.
    data_root
        Where torchvision's data sets are.
    download
        Let torchvision download the data set.
    """
    from latelier import files
    from latelier.page import page
    from latelier.reporting import material
    from latelier.runs import Where, open_run
    from latelier.verbs.score import score

    opened = open_run(run)
    test = opened.splits(data, Where(data_root, download)).test
    if not any(record["data"] == test.source for record in opened.scores):
        score(run, data=data, data_root=data_root, download=download, quiet=True)
    path = opened.folder / "report.html"
    files.write(path, page(material(opened, test)))
    print(path)
    return path
