"""IntroVAC with attributes known of few images: edits and samples by the number of labels.

    latelier reproduce introvac/few-labels --data DIR/smiles --size 32

Nothing is published for this. Images whose attribute is not known train all but the classifier; of 11,153 faces 550
on each side are a tenth.
"""

from typing import Any

from latelier.bench import Bench, Job, Result, find_recipe, spread

DATA = "scenes"
HOURS = "~4"
STATE = "measured in part; nothing published"
SEEDS = 1
FACES = find_recipe("introvac/faces")
LABELS: dict[str, dict[str, Any]] = {
    "all": {},
    "550 with and 550 without": {"labels": 550},
    "100 with and 100 without": {"labels": 100},
}
SCORES = {name: FACES.SCORES[name] for name in ("edit", "conditional")}
SHOWN = (
    ("edit", "changed at 5 %", 1),
    ("edit", "changed at 6 %", 1),
    ("edit", "identity at 6", 2),
    ("conditional", "carries %", 1),
)


def reproduce(bench: Bench) -> Result:
    """A training and two scores for each number of labels and seed."""
    jobs = [
        Job(f"{row}: {score}", "introvac", score, seed, FACES.EPOCHS, FACES.NETS, FACES.TRAINING | more, options)
        for seed in range(bench.seeds)
        for row, more in LABELS.items()
        for score, options in SCORES.items()
    ]
    found = bench.measure(jobs)
    rows = [
        [row, *(spread([one[name] for one in found[f"{row}: {score}"]], digits) for score, name, digits in SHOWN)]
        for row in LABELS
    ]
    note = "The scores' judge learns from all labels, whatever labels the model had."
    return Result("Attributes of few images", ("labels", *(name for _, name, _ in SHOWN)), rows, note=note)
