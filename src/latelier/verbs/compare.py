"""latelier compare: several runs in one table and on one sheet."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from latelier.verbs.options import Place

if TYPE_CHECKING:
    from latelier.runs import Run


def compare(
    *runs: Place,
    data: Place | None = None,
    out: Place = "compare.png",
    data_root: Place | None = None,
    download: bool = False,
) -> str:
    """Put the scores of several runs into one table, and their reconstructions of the same pictures on one sheet.

    Prints and returns the table; what was measured on other data stands in rows of its own. Of runs without scores
    there is the sheet alone. Raises Refusal (exit 2) for bad input.

    Parameters
    ----------
    runs
        Two or more run folders.
    data
        Pictures for the sheet; by default what the first run was trained on.
    out
        The sheet, a PNG.
    data_root
        Where torchvision's data sets are.
    download
        Let torchvision download the data set.
    """
    from latelier.core import Decodes, Encodes, Refusal, missing
    from latelier.pictures.sheet import save
    from latelier.pictures.together import draw_together
    from latelier.runs import Where, open_run
    from latelier.tables import table, with_spread

    if len(runs) < 2:
        raise Refusal(f"compare takes two runs or more, but got {len(runs)}")
    out = Path(out)
    opened = [open_run(run) for run in runs]
    names = _names(opened)
    values: dict[tuple[str, str], dict[int, str]] = {}
    for place, run in enumerate(opened):
        for record in run.scores:
            for name, value in with_spread(record["values"]).items():
                values.setdefault((record["data"], f"{record['name']}: {name}"), {})[place] = value
    able = [(run, name) for run, name in zip(opened, names, strict=True) if not missing(run.model, (Encodes, Decodes))]
    if not values and not able:
        raise Refusal(f"none of these runs has scores yet, nor pictures to show; score them: latelier score {runs[0]}")
    blocks = []
    for measured in dict.fromkeys(source for source, _ in values):
        rows = [
            [name, *(cells.get(place, "-") for place in range(len(opened)))]
            for (where, name), cells in values.items()
            if where == measured
        ]
        blocks.append(table(f"on {measured}", ("score", *names), rows))
    text = "\n\n".join(blocks)
    if text:
        print(text)
    for run in opened:
        if not run.scores:
            old = f"but of another checkpoint, after {run.stale[-1]:,} images" if run.stale else "yet"
            print(f"{run.folder} has no scores {old}; score it: latelier score {run.folder}")
    if able:
        where = Where.of(data_root, download)
        source = data or opened[0].source
        views = [run.view(run.splits(source, where).test, name, most=10) for run, name in able]
        save(draw_together(views), out)
        print(f"\n{out}")
    return text


def _names(runs: Sequence["Run"]) -> list[str]:
    """What the columns are called: the folders' names, or their paths where two folders have one name."""
    names = [run.name for run in runs]
    return names if len(set(names)) == len(names) else [str(run.folder) for run in runs]
