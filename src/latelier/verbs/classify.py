"""latelier classify: write the class of every image as a table."""

from pathlib import Path
from typing import TYPE_CHECKING

from latelier.terminal.say import say
from latelier.verbs.options import As, Asked, Place

if TYPE_CHECKING:
    from torch import Tensor

    from latelier.core import Decides


def classify(
    run: Place,
    source: Place,
    *,
    out: Asked = "",
    confusion: Place | None = None,
    as_: As = None,
    data_root: Place | None = None,
    download: bool = False,
) -> Path:
    """Write the class of every image into a CSV file: file, class, probability, and one column per class.

    For a model with a label head, more columns follow: for each class, the mean and the spread (sd) of its score over
    50 samples of the code, or over changed views of the image if the head predicts from those (head.views).

    If classes are known, it prints the accuracy beside that of the largest class, which classes are confused, and
    whether the probabilities can be trusted. Probabilities are calibrated by a temperature if the run held out enough
    labels to fit one, and a line says so.

    Returns the path. Raises Refusal (exit 2) for a run without a classifier.

    Parameters
    ----------
    run
        A run folder, trained with --labels, --labels-file or --set head=softmax, or as a classifier.
    source
        Images, as for train's --data.
    out
        The CSV file.
    confusion
        A CSV file for the whole confusion table: one row per true class, one column per predicted class.
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    """
    from functools import partial

    import numpy as np

    from latelier.codes.rows import rows_of
    from latelier.core import Classifies, Decides, has, need
    from latelier.errors import Refusal
    from latelier.runs.calibration import probabilities, temperature_of
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.scores.calibration import tempered
    from latelier.terminal.tables import counted
    from latelier.verbs.writing import given, new_file, write_table
    from latelier.verdict import classification

    opened, where = open_run(run), Where.of(data_root, download, as_)
    if not has(opened.model, Classifies):
        raise Refusal(
            f"{run} cannot classify: train it with labels and --set head=softmax or head=bayesian_svm, or a classifier"
        )
    out = new_file(given(out, "classify"), "--out", "file,class,probability")
    beside = None if confusion is None else new_file(confusion, "--confusion", "true class,")
    if beside is not None and beside.resolve() == out.resolve():
        raise Refusal(f"--out and --confusion are both {out}; name two files")
    images = opened.images(source, where)
    known = classification.judged(opened, images)
    if beside is not None and not len(known.rows):
        raise Refusal(f"--confusion takes images of known classes, but no class of {source} is known; leave it out")
    raw = probability = probabilities(opened, images)
    mended = None
    try:
        temperature = temperature_of(opened, where)
    except (Refusal, OSError) as reason:
        told = f"as the model gives them, not calibrated: {reason}"
    else:
        probability = mended = tempered(raw, temperature.value)
        here = ", these images among them" if temperature.fingerprint == images.fingerprint else ""
        told = (
            f"calibrated by temperature {temperature.value:.3g}, fitted on {temperature.labels:,} labels that the run "
            f"held out{here}"
        )
    answer, classes, spread = raw.argmax(1), opened.card.classes, []
    table = [probability]
    if has(opened.model, Decides):
        spread = [f"{name} {what}" for what in ("score", "spread") for name in classes]
        table.append(rows_of(opened.model, images, partial(_spread, need(opened.model, Decides))))
    rows = (
        [name, classes[best], f"{row[best]:.4f}", *(f"{value:.4f}" for value in row)]
        for name, best, row in zip(images.names, answer, np.concatenate(table, 1), strict=True)
    )
    write_table(out, ["file", "class", "probability", *classes, *spread], rows)
    figures = classification.report(known, images, raw, mended, classes)
    say(f"{out}: {counted(len(images), 'image')}{figures}")
    say(f"probabilities in {out} are {told}")
    if beside is not None:
        found = classification.confusion_rows(images.label[known.rows], answer[known.rows], classes)
        write_table(beside, ["true class", *classes], found)
        say(f"{beside}: the whole confusion table, a row a true class, a column an answer")
    return out


def _spread(model: "Decides", image: "Tensor") -> "Tensor":
    """[b, 2 classes]: means and standard deviations over samples of the code."""
    import torch

    from latelier.runs.calibration import DRAWS

    scores = model.decide(image, DRAWS, torch.Generator(image.device).manual_seed(0))
    return torch.cat([scores.mean(0), scores.std(0)], 1)
