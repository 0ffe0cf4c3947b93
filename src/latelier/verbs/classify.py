"""latelier classify: the class of every picture, as a table."""

from pathlib import Path
from typing import TYPE_CHECKING

from latelier.verbs.options import Place

if TYPE_CHECKING:
    from torch import Tensor

    from latelier.core import Decides

DRAWS = 50


def classify(run: Place, source: Place, *, out: Place, data_root: Place | None = None, download: bool = False) -> Path:
    """Write the class of every picture into a CSV file: file, class, probability, and one column a class. Of a model
    with a label head follow, for each class, the mean and the spread (sd) of its score over 50 draws of the code.

    Returns the path. Raises Refusal (exit 2) for a run without a classifier.

    Parameters
    ----------
    run
        A run folder, trained with --set head=softmax or head=bayesian_svm, or as a classifier.
    source
        Pictures, as for train's --data.
    out
        The CSV file.
    data_root
        Where torchvision's data sets are.
    download
        Let torchvision download the data set.
    """
    from functools import partial

    import numpy as np

    from latelier.core import Classifies, Decides, Refusal, has, need
    from latelier.runs import Where, open_run
    from latelier.scores.common import rows_of
    from latelier.verbs.writing import write_table

    out = Path(out)
    opened = open_run(run)
    if not has(opened.model, Classifies):
        raise Refusal(f"{run} cannot classify: train it with labels and --set head=softmax or head=bayesian_svm")
    images = opened.images(source, Where.of(data_root, download))
    probabilities = rows_of(opened.model, images, need(opened.model, Classifies).classify)
    classes, spread = opened.card.classes, []
    table = [probabilities]
    if has(opened.model, Decides):
        spread = [f"{name} {what}" for what in ("score", "spread") for name in classes]
        table.append(rows_of(opened.model, images, partial(_spread, need(opened.model, Decides))))
    rows = (
        [name, classes[best], f"{row[best]:.4f}", *(f"{value:.4f}" for value in row)]
        for name, best, row in zip(images.names, probabilities.argmax(1), np.concatenate(table, 1), strict=True)
    )
    write_table(out, ["file", "class", "probability", *classes, *spread], rows)
    known = images.label >= 0
    line = f"{out}: {len(images):,} pictures"
    if known.any():
        right = (probabilities.argmax(1) == images.label)[known].mean()
        line += f"; {right:.1%} of the {int(known.sum()):,} with a known class are right"
    print(line)
    return out


def _spread(model: "Decides", image: "Tensor") -> "Tensor":
    """[b, 2 classes]: means and standard deviations over draws of the code."""
    import torch

    scores = model.decide(image, DRAWS, torch.Generator(image.device).manual_seed(0))
    return torch.cat([scores.mean(0), scores.std(0)], 1)
