"""latelier classify: the class of every picture, as a table."""

from pathlib import Path

from latelier.verbs.options import Place


def classify(run: Place, source: Place, *, out: Place, data_root: Place | None = None, download: bool = False) -> Path:
    """Write the class of every picture into a CSV file: file, class, probability, and one column a class.

    Returns the path. Raises Refusal (exit 2) for a run without a classifier.

    Parameters
    ----------
    run
        A run folder, trained with --set head=softmax or as a classifier.
    source
        Pictures, as for train's --data.
    out
        The CSV file.
    data_root
        Where torchvision's data sets are.
    download
        Let torchvision download the data set.
    """
    import csv
    import io

    from latelier import files
    from latelier.core import Classifies, Refusal, has, need
    from latelier.runs import Where, open_run
    from latelier.scores.common import rows_of

    out = Path(out)
    opened = open_run(run)
    if not has(opened.model, Classifies):
        raise Refusal(f"{run} cannot classify: train it with labels and --set head=softmax")
    images = opened.images(source, Where.of(data_root, download))
    probabilities = rows_of(opened.model, images, need(opened.model, Classifies).classify)
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(["file", "class", "probability", *opened.card.classes])
    for name, row in zip(images.names, probabilities, strict=True):
        best = int(row.argmax())
        writer.writerow([name, opened.card.classes[best], f"{row[best]:.4f}", *(f"{p:.4f}" for p in row)])
    files.write(out, lines.getvalue())
    known = images.label >= 0
    line = f"{out}: {len(images):,} pictures"
    if known.any():
        right = (probabilities.argmax(1) == images.label)[known].mean()
        line += f"; {right:.1%} of the {int(known.sum()):,} with a known class are right"
    print(line)
    return out
