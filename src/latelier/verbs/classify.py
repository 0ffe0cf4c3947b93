"""latelier classify: write the class of every image as a table."""

from collections.abc import Iterator, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latelier.terminal.say import say
from latelier.verbs.options import As, OptionalPlace, Place, Precision
from latelier.verbs.streaming import in_processes

if TYPE_CHECKING:
    from numpy import ndarray
    from torch import Tensor

    from latelier.codes.rows import Reads
    from latelier.core import Model
    from latelier.data.images import Images
    from latelier.runs.run import Run
    from latelier.verbs.streaming import Block


@in_processes
def classify(
    run: Place,
    source: Place,
    *,
    out: OptionalPlace = "",
    confusion: Place | None = None,
    precision: Precision = "fp32",
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

    Rows are written as they come: memory does not grow with them, and the same command goes on where it was
    interrupted. Returns the path. Raises Refusal (exit 2) for a run without a classifier.

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
    precision
        fp32, or mixed precision in bf16: quicker, with two digits right; fp32 where the processor has no bfloat16.
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    """
    from latelier.core import Classifies, Decides, has
    from latelier.engine import parallel
    from latelier.errors import Refusal
    from latelier.runs.calibration import temperature_of
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.storage.files import parts_cells
    from latelier.terminal.tables import counted
    from latelier.verbs.streaming import Csv, stream, task_of
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
    images = opened.images(source, where, quiet=parallel.rank() > 0)
    known = classification.judged(opened, images)
    if beside is not None and not len(known.rows):
        raise Refusal(f"--confusion takes images of known classes, but no class of {source} is known; leave it out")
    temperature = None
    try:
        temperature = temperature_of(opened, where)
    except (Refusal, OSError) as reason:
        note = f"as the model gives them, not calibrated: {reason}"
    else:
        here = ", these images among them" if temperature.fingerprint == images.fingerprint else ""
        note = (
            f"calibrated by temperature {temperature.value:.3g}, fitted on {temperature.labels:,} labels that the run "
            f"held out{here}"
        )
    classes, spread = opened.card.classes, list[str]()
    if has(opened.model, Decides):
        spread = [f"{name} {what}" for what in ("score", "spread") for name in classes]
    columns = ["file", "class", "probability", *classes, *spread]
    value = None if temperature is None else temperature.value
    truth = images.label[known.rows].tobytes(), known.rows.tobytes()
    options = (opened.card.json(), precision, value, [sha256(part).hexdigest() for part in truth])
    task = task_of("classify", opened.model, images, *options)
    table = Csv(columns, any(map(parts_cells, (*columns, *map(str, images.names)))))
    blocks = partial(_blocks, opened, images, known.rows, value, precision)
    last = stream(table, out, task, len(images), blocks, partial(classification.merged, len(classes)))
    if last is None:  # process 0 says what was written
        return out
    answers = classification.Answers.of(len(classes), last)
    figures = classification.report(known, answers, temperature is not None, classes)
    say(f"{out}: {counted(len(images), 'image')}{figures}")
    say(f"probabilities in {out} are {note}")
    if beside is not None:
        write_table(beside, ["true class", *classes], classification.confusion_rows(answers.counts, classes))
        say(f"{beside}: the whole confusion table, a row a true class, a column an answer")
    return out


def _blocks(
    opened: "Run",
    images: "Images",
    known: "ndarray",
    temperature: float | None,
    precision: str,
    start: int,
    stop: int,
    state: Mapping[str, Any],
) -> Iterator["Block"]:
    """Rows of the images [start, stop). The state: the answers of those ``known`` (int64 [k], sorted)."""
    from latelier.codes.rows import blocks_of, gathered, in_precision
    from latelier.runs.calibration import numbers
    from latelier.scores.calibration import tempered
    from latelier.verbs.streaming import Block
    from latelier.verdict.classification import Answers

    classes = opened.card.classes
    answers, read = Answers.of(len(classes), state), in_precision(opened.model, _read(opened.model), precision)
    for block in gathered(blocks_of(opened.model, images, read, start=start, stop=stop)):
        done, raw = start + len(block), numbers(opened, block[:, : len(classes)])
        probability = raw if temperature is None else tempered(raw, temperature)
        here = known[known.searchsorted(start) : known.searchsorted(done)]
        answers.add(images.label[here], raw[here - start], probability[here - start])
        cells = (probability, block[:, len(classes) :])
        rows = [
            [
                str(name),
                classes[best],
                *(f"{value:.4f}" for values in (row[best : best + 1], row, more) for value in values),
            ]
            for name, best, row, more in zip(images.names[start:done], raw.argmax(1), *cells, strict=True)
        ]
        yield Block(rows, done, answers.state())
        start = done


def _read(model: "Model") -> "Reads":
    """Images to probabilities, and where scores have a spread, these side by side: [b, classes or 3 classes]."""
    import torch

    from latelier.core import Classifies, Decides, has, need
    from latelier.runs.calibration import DRAWS

    classifier = need(model, Classifies)
    if not has(model, Decides):
        return classifier.classify
    decider = need(model, Decides)

    def read(image: "Tensor") -> "Tensor":
        scores = decider.decide(image, DRAWS, torch.Generator(image.device).manual_seed(0))
        parts = classifier.classify(image), scores.mean(0), scores.std(0)
        return torch.cat([part.float() for part in parts], 1)

    return read
