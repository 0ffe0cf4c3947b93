"""latelier compare: several runs in one table and on one sheet."""

from pathlib import Path


def compare(
    *runs: str,
    data: str | None = None,
    out: Path = Path("compare.png"),
    data_root: Path | None = None,
    download: bool = False,
) -> str:
    """Put the scores of several runs into one table, and their reconstructions of the same pictures on one sheet.

    Prints and returns the table; what was measured on other data stands in rows of its own. Score the runs first.
    Raises Refusal (exit 2) for bad input.

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
    opened = [open_run(run) for run in runs]
    values: dict[tuple[str, str], dict[int, str]] = {}
    for place, run in enumerate(opened):
        for record in run.scores:
            for name, value in with_spread(record["values"]).items():
                values.setdefault((record["data"], f"{record['name']}: {name}"), {})[place] = value
    if not values:
        raise Refusal(f"none of these runs has scores yet; run: latelier score {runs[0]}")
    blocks = []
    for source in dict.fromkeys(source for source, _ in values):
        rows = [
            [name, *(cells.get(place, "-") for place in range(len(opened)))]
            for (where, name), cells in values.items()
            if where == source
        ]
        blocks.append(table(f"on {source}", ("score", *(run.name for run in opened)), rows))
    text = "\n\n".join(blocks)
    print(text)
    able = [run for run in opened if not missing(run.model, (Encodes, Decodes))]
    if able:
        where = Where(data_root, download)
        views = [run.view(run.splits(data or opened[0].source, where).test, run.name, most=10) for run in able]
        save(draw_together(views), out)
        print(f"\n{out}")
    return text
