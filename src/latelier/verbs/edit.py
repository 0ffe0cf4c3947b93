"""latelier edit: pictures moved towards attributes in a model's code, as files."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from latelier.verbs.options import Names, Place

if TYPE_CHECKING:
    from torch import Tensor

FAR, FARTHEST = 3.0, 10.0


def edit(
    run: Place,
    source: Place,
    *,
    attribute: Names,
    by: float | None = None,
    until_classified: bool = False,
    out: Place,
    fit: Place | None = None,
    data_root: Place | None = None,
    download: bool = False,
) -> Path:
    """Write every picture with its code moved towards attributes, as a PNG of the same name, and edited.csv.

    Of every attribute named the table has the classifier's log-odds of the picture's code ("before"), of the moved code
    ("after") and of the picture drawn, encoded again ("drawn"); and identity: how far the picture drawn is from the
    reconstruction, for a trunk that nobody trained, as a share of the distance between two different pictures. A model
    that has learned no attributes is edited along linear classifiers fitted on its codes after the fact. Returns the
    folder. Raises Refusal (exit 2) for an unknown attribute and for a folder that is not empty.

    Parameters
    ----------
    run
        A run folder, of a model that encodes and decodes.
    source
        Pictures, as for train's --data.
    attribute
        NAME to add it, NAME=0 to take it away; several move along the normalised sum of their directions.
    by
        How far to move, in standard deviations of the code, 3 by default; below 0 the other way. With
        --until-classified the farthest, 10 by default.
    until_classified
        Move each picture until the classifier, reading the picture drawn, is sure (probability 0.95).
    out
        A new or empty folder.
    fit
        Pictures with attributes to fit directions on, for a model that has none; by default what it was trained on.
    data_root
        Where torchvision's data sets are.
    download
        Let torchvision download the data set.
    """
    from latelier import directions
    from latelier.core import AttributeDirections, Decodes, Encodes, Refusal, has, need
    from latelier.editing import Editor, wishes_of
    from latelier.objectives.directions import step_towards
    from latelier.runs import Where, open_run
    from latelier.scores.common import device_of
    from latelier.scores.identity import Eye, apart, strangers
    from latelier.verbs.writing import new_folder, write_pictures

    out, wishes = new_folder(out), wishes_of(tuple(attribute or ()))
    opened, where = open_run(run), Where.of(data_root, download)
    need(opened.model, Encodes), need(opened.model, Decodes)
    if until_classified and by is not None and by <= 0:
        raise Refusal(f"--until-classified moves at most --by steps, so it must be above 0, not {by:g}")
    own = has(opened.model, AttributeDirections)
    found = directions.found(opened.model, None if own else opened.splits(fit, where).fit)
    step_towards(found.directions, wishes)  # an unknown attribute is refused before pictures are read
    editor = Editor(opened.model, found.directions, wishes)
    images = opened.images(source, where)
    eye, device = Eye(device_of(opened.model)), device_of(opened.model)

    def edited() -> Iterator[tuple["Tensor", list[list[str]]]]:
        reference = float("nan")
        for block in images.blocks():
            image = block.to(device)
            if until_classified:
                done = editor.until_classified(image, FARTHEST if by is None else by)
            else:
                done = editor.by(image, FAR if by is None else by)
            seen = eye(done.again)
            reference = reference if reference == reference else strangers(seen)  # of the first block
            odds = zip(done.before.T, done.after.T, done.seen.T, strict=True)
            columns = [
                done.by,
                *(column for three in odds for column in three),
                apart(eye(done.image), seen) / reference,
            ]
            yield (
                done.image,
                [[f"{value:.3f}" for value in row] for row in zip(*(c.tolist() for c in columns), strict=True)],
            )

    names = [f"{name} {what}" for name in wishes for what in ("before", "after", "drawn")]
    write_pictures(out, "edited.csv", images.names, ["moved by", *names, "identity"], edited())
    print(f"along {found.said}")
    return out
