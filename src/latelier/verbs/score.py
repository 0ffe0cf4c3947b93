"""latelier score: judge a run and keep the record."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter


def score(
    run: str,
    *,
    data: str | None = None,
    only: Annotated[Sequence[str] | None, Parameter(consume_multiple=True)] = None,
    seed: int = 0,
    limit: int | None = None,
    data_root: Path | None = None,
    download: bool = False,
    quiet: bool = False,
) -> list[dict[str, Any]]:
    """Judge a run: reconstruction, likelihood, probes, the gap to the prior.

    Prints a table and adds to the run's scores.json; every value stands with its protocol, n and seconds. Test images
    are the source's own test split, or every other picture where it has none. Raises Refusal (exit 2) for bad input.

    Parameters
    ----------
    run
        A run folder.
    data
        Pictures to measure on; by default what the run was trained on.
    only
        Names of scores; by default all that model and data allow.
    seed
        Of label draws, codes and subsets.
    limit
        Measure at most so many test pictures.
    data_root
        Where torchvision's data sets are.
    download
        Let torchvision download the data set.
    quiet
        Print no table.
    """
    from latelier import files
    from latelier.runs import Where, open_run
    from latelier.scores.record import run_scores
    from latelier.tables import score_table

    opened = open_run(run)
    splits = opened.splits(data, Where(data_root, download))
    records = run_scores(opened.model, splits, only, seed=seed, limit=limit)
    stamp = {"data": splits.test.source, "fingerprint": splits.test.fingerprint, "seen": opened.seen}
    records = [record | stamp for record in records]
    if opened.folder.is_dir():
        fresh = {(record["name"], record["data"]) for record in records}
        kept = [record for record in opened.scores if (record["name"], record["data"]) not in fresh]
        files.write_json(opened.folder / "scores.json", kept + records)
    if not quiet:
        print(score_table(records, f"{opened.name} on {splits.test.source}"))
    return records
