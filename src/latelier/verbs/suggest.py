"""latelier suggest: write which images to label next as a table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from latelier.terminal.say import say
from latelier.verbs.options import As, OptionalPlace, Place, Seed, Whole, check_whole

if TYPE_CHECKING:
    import numpy as np

    from latelier.data.images import Images

MOST = 1_000_000  # images asked for


def suggest(
    run: Place,
    source: Place,
    *,
    out: OptionalPlace = "",
    count: Annotated[Whole, Parameter(name=("--count", "-n"))] = 20,
    labels: Annotated[Place | None, Parameter(name=("--labels", "--labels-file"))] = None,
    kind: Literal["margin", "unlike", "random"] = "margin",
    seed: Seed = 0,
    as_: As = None,
    data_root: Place | None = None,
    download: bool = False,
) -> Path:
    """Write which images to label next into a CSV file: file, why, class, probability, margin.

    Logistic regression on the codes learns from the images whose class is known. Class and probability are its answer,
    margin is the lead of that probability over the next; all three are empty before two classes are known. Why is one
    of unsure (a small margin), unlike (far from all labelled images), typical (of a group, where nothing is labelled)
    and random: one image in five, by which the accuracy on all images is estimated. The same command gives the same
    images.

    Returns the path. Raises Refusal (exit 2) for bad input, and if no image is without a class.

    Parameters
    ----------
    run
        A run folder of a model that encodes.
    source
        Images, as for train's --data.
    out
        The CSV file.
    count
        How many images; fewer if fewer are without a class.
    labels
        A CSV file with the columns file,class, as for train's --labels-file: all other images count as unlabelled. By
        default, the classes that the source gives its images.
    kind
        margin: images that the classifier is least sure of, unlike each other. unlike: those farthest from all labelled
        ones. random: drawn at random.
    seed
        Seed of what is random.
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    """
    from collections import Counter

    from latelier.codes.rows import codes
    from latelier.core import Encodes, need
    from latelier.learners import suggestion
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.terminal.tables import counted
    from latelier.verbs.writing import given, new_file, write_table

    check_whole("--count", count, MOST)
    opened = open_run(run)
    need(opened.model, Encodes)
    out = new_file(given(out, "suggest"), "--out", "file,why,class,probability")
    images, drawn = _labelled(opened.images(source, Where.of(data_root, download, as_)), labels)
    rows = codes(opened.model, images)
    found = suggestion.suggest(rows, images.label, count, seed=seed, kind=kind)
    answers = _answers(rows, images, [row for row, _ in found])
    table = ([images.names[row], why, *cells] for (row, why), cells in zip(found, answers, strict=True))
    write_table(out, ("file", "why", "class", "probability", "margin"), table)
    unknown = int((images.label < 0).sum())
    whys = ", ".join(f"{many} {why}" for why, many in Counter(why for _, why in found).most_common())
    say(f"{out}: {counted(len(found), 'image')} to label next, of {unknown:,} without a class: {whys}")
    say(_judged(images, rows, drawn))
    return out


def _labelled(images: "Images", labels: Place | None) -> tuple["Images", list[int]]:
    """The images with the classes of that file alone, if one is given, and those that its column ``why`` calls random,
    as the verb's own tables do. What the file leaves out is said. Raises Refusal where no image is left to label."""
    from dataclasses import replace

    from latelier.data.notices import say_notices
    from latelier.data.sources.labels_file import beside, labelled
    from latelier.errors import Refusal
    from latelier.storage.paths import place
    from latelier.terminal.tables import counted

    path = None if labels is None else place(labels, "--labels")
    found = images if path is None else labelled(images, path, own=True)
    if not (found.label < 0).any():
        raise Refusal(
            f"all {counted(len(images), 'image')} of {images.source} have a class; give images without one, or with "
            "--labels a file that says which are labelled"
        )
    if path is None:
        return images, []
    say_notices(replace(found, remarks=found.remarks[len(images.remarks) :], skipped=()))
    return found, [row for row, why in enumerate(beside(images, path, "why")) if why == "random"]


def _answers(codes: "np.ndarray", images: "Images", rows: list[int]) -> list[list[str]]:
    """Class, probability and margin of those rows, as cells; empty ones as long as there is one class or none."""
    from latelier.learners.suggestion import light, margin

    if len(set(images.label.tolist()) - {-1}) < 2:
        return [["", "", ""]] * len(rows)
    probability = light(codes, images.label, len(images.classes))[rows]
    best, sure = probability.argmax(1), margin(probability)
    return [
        [images.classes[number], f"{chance[number]:.4f}", f"{lead:.4f}"]
        for number, chance, lead in zip(best, probability, sure, strict=True)
    ]


def _judged(images: "Images", codes: "np.ndarray", drawn: list[int]) -> str:
    """What the table's answers rest on, and how right they are: by the images ``drawn`` at random if that can be."""
    from latelier.learners.suggestion import cross_validated
    from latelier.terminal.tables import counted

    known = images.label[images.label >= 0]
    classes = len(set(known.tolist()))
    if classes < 2:
        said = f"{counted(len(known), 'image')} of one class" if classes else "no image"
        return f"{said} is labelled: class, probability and margin stay empty until two classes are known"
    said = f"learned from {len(known):,} labels of {classes} classes"
    drawn = [row for row in drawn if images.label[row] >= 0]
    if (right := cross_validated(codes, images.label, drawn)) is not None:
        return f"{said}; of the {len(drawn)} drawn at random {right * len(drawn):.0f} are named right unseen"
    if (right := cross_validated(codes, images.label, range(len(images)))) is not None:
        return f"{said}; {100 * right:.0f} % of them are named right unseen, which is too low if they were suggested"
    return said
