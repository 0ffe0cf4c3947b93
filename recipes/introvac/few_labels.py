"""IntroVAC with attributes known of few pictures: edits and samples by the number of labels.

    latelier reproduce introvac/few-labels --data DIR/smiles --size 32

Nothing is published for this. Pictures whose attribute is not known teach all but the classifier; of 11,153 faces 550
on each side are a tenth.
"""

from typing import Any

from latelier.bench import Bench, Job, Result, find_recipe, spread

DATA = "scenes"
SEEDS = 1
FACES = find_recipe("introvac/faces")
LABELS: dict[str, dict[str, Any]] = {
    "all": {},
    "550 with and 550 without": {"labels": 550},
    "100 with and 100 without": {"labels": 100},
    "20 with and 20 without": {"labels": 20},
}
SHOWN = (("edit", "changed at 5 %", 1), ("edit", "identity at 5", 2), ("conditional", "carries %", 1))


def reproduce(bench: Bench) -> Result:
    """A training and two scores for each number of labels and seed."""
    jobs = [
        Job(f"{row}: {score}", "introvac", score, seed, FACES.EPOCHS, FACES.NETS, {**FACES.TRAINING, **labels})
        for seed in range(bench.seeds)
        for row, labels in LABELS.items()
        for score in ("edit", "conditional")
    ]
    found = bench.measure(jobs)
    rows = [
        [row, *(spread([one[name] for one in found[f"{row}: {score}"]], digits) for score, name, digits in SHOWN)]
        for row in LABELS
    ]
    note = "The scores' judge learns from all labels, whatever the model was told."
    return Result("Attributes of few pictures", ("labels", *(name for _, name, _ in SHOWN)), rows, note=note)
