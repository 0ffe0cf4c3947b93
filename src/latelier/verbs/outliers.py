"""latelier outliers: write how unlike the training images every image is, as a table."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from latelier.terminal.say import say
from latelier.verbs.options import As, OptionalPlace, Place, Seed

if TYPE_CHECKING:
    from latelier.codes.outlying import Known
    from latelier.data.images import Images
    from latelier.runs.run import Run
    from latelier.runs.where import Where

FEWEST, MOST = 2, 200_000  # training images that others are compared with


def outliers(
    run: Place,
    source: Place,
    *,
    out: OptionalPlace = "",
    by: Literal["distance", "error", "bound", "ratio"] = "distance",
    seed: Seed = 0,
    as_: As = None,
    data_root: Place | None = None,
    download: bool = False,
) -> Path:
    """Write how unlike the training images every image is into a CSV file, the most unlike first.

    Columns: file; distance in codes, to the 10th nearest training image's; reconstruction error, the mean square;
    negative bound, minus the ELBO in nats; likelihood ratio, that in nats of 8-bit values minus the nats of the image's
    PNG (Serra et al. 2020). A column that the model cannot give stays empty. A model may find simple images of another
    kind likelier than its own, so the negative bound alone can miss all of them. Returns the path. Raises Refusal
    (exit 2) for bad input, and where the images that the run was trained on are gone.

    Parameters
    ----------
    run
        A run folder of a model that encodes.
    source
        Images, as for train's --data.
    out
        The CSV file.
    by
        The column that the rows are ordered by.
    seed
        Seed of the draws of the bound.
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    """
    import numpy as np
    import torch

    from latelier.codes.outlying import MEASURES, measured, outlying
    from latelier.codes.rows import device_of
    from latelier.core import Encodes, need
    from latelier.errors import Refusal
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.terminal.tables import counted
    from latelier.verbs.writing import given, new_file, write_table

    opened, where = open_run(run), Where.of(data_root, download, as_)
    need(opened.model, Encodes)
    if by not in (able := measured(opened.model)):
        raise Refusal(f"--by {by}: {opened.card.model} has no {MEASURES[by]}; order by one of {', '.join(able)}")
    out = new_file(given(out, "outliers"), "--out", "file,distance in codes,reconstruction error")
    images = opened.images(source, where)
    known = _known(opened, images, where)
    generator = torch.Generator(device_of(opened.model)).manual_seed(seed)
    values = outlying(opened.model, images, known, generator)
    order = np.argsort(-np.nan_to_num(values[by], nan=np.inf), kind="stable").tolist()
    columns = [
        [f"{value:.6g}" for value in values[name]] if name in values else [""] * len(images) for name in MEASURES
    ]
    table = ([str(images.names[row]), *(column[row] for column in columns)] for row in order)
    write_table(out, ("file", *MEASURES.values()), table)
    say(f"{out}: {counted(len(images), 'image')}, the largest {MEASURES[by]} first")
    return out


def _known(run: "Run", images: "Images", where: "Where") -> "Known":
    """The codes of the images that the run was trained on. Raises Refusal where they are gone or too few."""
    from latelier.codes.outlying import Known
    from latelier.codes.rows import codes
    from latelier.errors import Refusal
    from latelier.runs.trained_on import trained_on

    own = trained_on(run, where, MOST)
    if len(own) < FEWEST:
        raise Refusal(f"outliers: distances need {FEWEST} training images at least, and {own.source} has {len(own)}")
    names = [str(name) for name in own.names] if own.fingerprint == images.fingerprint else []
    return Known(codes(run.model, own), names)
