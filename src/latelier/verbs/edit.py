"""latelier edit: move the codes of images towards attributes, and write the images as files."""

from pathlib import Path
from typing import TYPE_CHECKING

from latelier.terminal.say import say
from latelier.verbs.options import As, Names, OptionalPlace, Place

if TYPE_CHECKING:
    from latelier.data.images import Images
    from latelier.runs.run import Run
    from latelier.runs.where import Where

FAR, FARTHEST = 3.0, 10.0


def edit(
    run: Place,
    source: Place,
    *,
    attribute: Names = None,
    by: float | None = None,
    until_classified: bool = False,
    out: OptionalPlace = "",
    fit: Place | None = None,
    as_: As = None,
    data_root: Place | None = None,
    download: bool = False,
) -> Path:
    """Move the code of every image towards attributes; write a PNG named after each image, and edited.csv.

    The table begins with what the edited image shows. For every named attribute, a judge gives the probability that the
    reconstruction and the edited image show it. The judge is a classifier that was trained on real images and knows
    nothing of the model. The column identity is how far the edited image is from the reconstruction, in features of an
    untrained trunk, as a share of the distance between two different real images. The next columns are log-odds of the
    model's own classifier: for the image's code, the moved code, and the code of the edited image. A line warns if
    edits hardly show.

    A model that was not trained on attributes is edited along directions that are fitted on its codes after training,
    the same for every verb. Returns the folder. Raises Refusal (exit 2) for an unknown attribute and for a folder that
    is not empty.

    Parameters
    ----------
    run
        A run folder of a model that encodes and decodes.
    source
        Images, as for train's --data.
    attribute
        NAME to add it, NAME=0 to remove it; several move along the normalised sum of their directions.
    by
        How far to move, 3 steps by default; a value below 0 moves the other way. With --until-classified the largest
        move, 10 by default. Along directions that the model has learned, a step is a standard deviation of the code.
        Along fitted directions, a step changes a drawn image by a tenth of the distance between two images.
    until_classified
        Move each image until the model's classifier, reading the drawn image, is sure (probability 0.95).
    out
        A new or empty folder.
    fit
        Images with attributes, by default what the run was trained on. The judge is trained on them. For a model
        without learned directions, directions are fitted on them too.
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    """
    from latelier.codes import directions
    from latelier.codes.rows import device_of
    from latelier.core import AttributeDirections, Decodes, Encodes, has, need
    from latelier.data.attributes import with_attributes
    from latelier.errors import Refusal
    from latelier.objectives.directions import step_towards
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.uses.editing import Editor, edited_blocks, wishes_of
    from latelier.uses.judging import Tally, witness
    from latelier.verbs.writing import far, given, new_folder, write_images

    opened, where = open_run(run), Where.of(data_root, download, as_)
    need(opened.model, Encodes), need(opened.model, Decodes)
    given(attribute[0] if attribute else "", "edit", "--attribute")
    out, wishes = new_folder(given(out, "edit")), wishes_of(tuple(attribute or ()))
    far(by)
    if until_classified and by is not None and by <= 0:
        raise Refusal(f"--until-classified moves at most --by steps, so it must be above 0, not {by:g}")
    known = _known(opened, fit, where)
    found = directions.found(opened.model, None if has(opened.model, AttributeDirections) else known)
    step_towards(found.directions, wishes)  # an unknown attribute is refused before images are read
    images = opened.images(source, where)
    most = by if by is not None else FARTHEST if until_classified else FAR
    editor = Editor(opened.model, found.directions, wishes)
    judge = witness(with_attributes(known), list(wishes), device_of(opened.model)) if known is not None else None
    tally = Tally({name: wishes[name] for name in judge.names} if judge else {})
    way = editor.until_classified if until_classified else editor.by
    real = images if known is None else known
    blocks = edited_blocks(images, real, editor, lambda image: way(image, most), judge, tally)
    columns = [
        *(f"{name} judged {when}" for name in (judge.names if judge else ()) for when in ("before", "after")),
        "identity",
        "moved by",
        *(f"{name} code {what}" for name in wishes for what in ("before", "moved", "drawn")),
    ]
    write_images(out, "edited.csv", images.names, columns, blocks)
    say(f"along {found.said}; in {found.unit}")
    if judge:
        say(f"{tally.said}; {judge.said}")
        learned = has(opened.model, AttributeDirections)
        if most > 0 and (warning := tally.warning(None if until_classified else 2 * most, learned)):
            say(warning, error=True)
    else:
        unseen = (
            "no labelled images with the attribute and without it are at hand to learn from, so nothing judges what "
            "the edits show; give some by --fit"
        )
        say(unseen, error=True)
    return out


def _known(opened: "Run", fit: Place | None, where: "Where") -> "Images | None":
    """Images with attributes to train and fit on: those named, or what the run was trained on. A model that has learned
    attributes does without the latter. Raises Refusal if there are none."""
    from latelier.core import AttributeDirections, has
    from latelier.data.attributes import with_attributes
    from latelier.errors import Refusal

    try:
        splits = opened.splits(fit, where)
        known = splits.own if fit is None else splits.fit
        with_attributes(known)
        return known
    except Refusal:
        if fit is None and has(opened.model, AttributeDirections):
            return None
        raise
