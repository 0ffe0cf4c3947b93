"""latelier score: judge a run and keep the record."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from latelier.verbs.options import Names, Place, Seed, Whole

if TYPE_CHECKING:
    from latelier.runs import Run
    from latelier.scores.common import Splits


def score(
    run: Place,
    *,
    data: Place | None = None,
    only: Names = None,
    seed: Seed = 0,
    limit: Whole | None = None,
    data_root: Place | None = None,
    download: bool = False,
    quiet: bool = False,
) -> list[dict[str, Any]]:
    """Judge a run: reconstruction, likelihood, probes, the gap to the prior, disentanglement, fine-tuning.

    Prints a table and adds to the run's scores.json; every value stands with its protocol, n and seconds. Test images
    are the source's own test split, or every other picture where it has none. Raises Refusal (exit 2) for bad input.

    Parameters
    ----------
    run
        A run folder.
    data
        Pictures to measure on; by default what the run was trained on.
    only
        Names of scores; by default all that model and data allow, but for finetune and logistic, which take minutes.
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
    from latelier.runs import Where, open_run
    from latelier.scores import find
    from latelier.tables import score_table

    only = [only] if isinstance(only, str) else only
    for name in only or ():
        find(name)  # an unknown score is refused before any picture is read
    opened = open_run(run)
    splits = opened.splits(data, Where.of(data_root, download))
    records = judge(opened, splits, only, seed, limit)
    if not quiet:  # first: a run that cannot be written to can still be judged
        print(score_table(records, f"{opened.name} on {splits.test.source}"))
    opened.keep(records)
    return records


def judge(
    run: "Run", splits: "Splits", only: Sequence[str] | None = None, seed: int = 0, limit: int | None = None
) -> list[dict[str, Any]]:
    """The scores' records, stamped with what they were measured on and how long the run had trained."""
    from latelier.scores.record import run_scores

    stamp = {"data": splits.test.source, "fingerprint": splits.test.fingerprint, "seen": run.seen}
    return [record | stamp for record in run_scores(run.model, splits, only, seed=seed, limit=limit)]
