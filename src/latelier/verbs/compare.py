"""latelier compare: several runs in one table and on one sheet."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from latelier.terminal.say import say
from latelier.verbs.options import As, Place

if TYPE_CHECKING:
    from latelier.runs.run import Run
    from latelier.runs.where import Where


def compare(
    *runs: Place,
    data: Place | None = None,
    out: Place = "compare.png",
    seeds: bool = False,
    as_: As = None,
    data_root: Place | None = None,
    download: bool = False,
) -> str:
    """Compare the scores of several runs in one table, and their reconstructions of the same images on one sheet.

    With --seeds, runs that differ in their seed alone are one column: mean and sd, and paired tests between columns.

    A run without scores is scored first. Prints and returns the table. Scores measured on other data stand in a table
    of their own, and a line says which runs were measured on what. Raises Refusal (exit 2) for bad input.

    Parameters
    ----------
    runs
        Two or more run folders.
    data
        Images for the sheet, and for scoring runs without scores; by default what the first run was trained on.
    out
        The sheet, a PNG.
    seeds
        Group runs by everything but their seed. The table has mean ± sd over seeds; a second has the differences by
        seed between the first method and each other, and p of Wilcoxon's signed-rank test where six seeds or more
        allow one. The sheet shows the first seed of each.
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    """
    from latelier.core import Decodes, Encodes, missing
    from latelier.errors import Refusal
    from latelier.runs.over_seeds import grouped, tables
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.sheets.sheet import save
    from latelier.sheets.together import draw_together
    from latelier.verbs.writing import given, new_file

    if len(runs) < 2:
        raise Refusal(f"compare takes two runs or more, but got {len(runs)}")
    out = new_file(given(out, "compare"), "--out", "sheet")
    opened = [open_run(run) for run in runs]
    names, where = _names(opened), Where.of(data_root, download, as_)
    groups = grouped(opened) if seeds else []  # refused before anything is scored
    for run in opened:
        _scored(run, data or opened[0].source, where)
    text = tables(groups) if seeds else _table(opened, names)
    if seeds:
        opened, names = [next(iter(group.runs.values())) for group in groups], [group.name for group in groups]
    able = [(run, name) for run, name in zip(opened, names, strict=True) if not missing(run.model, (Encodes, Decodes))]
    if not text and not able:
        raise Refusal("no score can be taken of these runs and images, and there are no reconstructions to show")
    if text:
        say(text)
    if able:
        source = data or opened[0].source
        views = [run.view(run.splits(source, where).test, name, most=10) for run, name in able]
        save(draw_together(views), out)
        say(f"\n{out}")
    return text


def _table(opened: Sequence["Run"], names: Sequence[str]) -> str:
    """A table a set of images, a column a run, and why cells are empty where some are."""
    from latelier.terminal.tables import table, with_spread

    values: dict[tuple[str, str], dict[int, str]] = {}
    for place, run in enumerate(opened):
        for record in run.scores:
            for name, value in with_spread(record.get("values", {}), record.get("n", 0)).items():
                values.setdefault((record["data"], f"{record['name']}: {name}"), {})[place] = value
    blocks, ran = [], dict[str, list[str]]()
    for measured in dict.fromkeys(source for source, _ in values):
        scores = {name: cells for (source, name), cells in values.items() if source == measured}
        rows = [[name, *(cells.get(place, "-") for place in range(len(opened)))] for name, cells in scores.items()]
        blocks.append(table(f"on {measured}", ("score", *names), rows))
        ran[measured] = [name for place, name in enumerate(names) if any(place in cells for cells in scores.values())]
    if apart := _apart(ran):
        blocks.append(apart)
    taken = {name.partition(": ")[0] for _, name in values}
    blocks += [
        f'"-": no {record["name"]} of {name}: {record["reason"]}'
        for run, name in zip(opened, names, strict=True)
        for record in run.scores
        if "reason" in record and record["name"] in taken
    ]
    return "\n\n".join(blocks)


def _scored(run: "Run", source: "str | Path", where: "Where") -> None:
    """Scores a run that has no scores, and keeps them if its folder is writable."""
    from latelier.terminal.progress import step
    from latelier.verbs.score import judge

    if run.scores:
        return
    step(f"{run.folder} has no scores of its checkpoint yet: scoring it on {source}")
    records = judge(run, run.splits(source, where))
    try:
        run.keep(records)
    except OSError:
        run.scores = records


def _apart(ran: Mapping[str, Sequence[str]]) -> str:
    """Why a table has empty cells when its runs were measured on different images, and what to do; "" if it has none.
    ``ran`` has the names of the runs measured on each source."""
    everyone = {name for names in ran.values() for name in names}
    if all(set(names) == everyone for names in ran.values()):
        return ""
    said = "; ".join(f"{', '.join(names)} on {measured}" for measured, names in ran.items())
    return (
        f'"-": the runs were not all measured on the same images ({said}). Measure each on one and the same SRC, '
        "which has a test split or which none was trained on: latelier score RUN --data SRC"
    )


def _names(runs: Sequence["Run"]) -> list[str]:
    """The names of the columns: the folders' names, or their paths if two folders have the same name."""
    names = [run.name for run in runs]
    return names if len(set(names)) == len(names) else [str(run.folder) for run in runs]
