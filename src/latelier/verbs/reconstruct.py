"""latelier reconstruct: write the reconstruction of each image as a file."""

from pathlib import Path

from latelier.verbs.options import As, OptionalPlace, Place


def reconstruct(
    run: Place,
    source: Place,
    *,
    out: OptionalPlace = "",
    as_: As = None,
    data_root: Place | None = None,
    download: bool = False,
) -> Path:
    """Write the reconstruction of every image as a PNG named after the image, and reconstructions.csv with each PSNR.

    Returns the folder. Raises Refusal (exit 2) for bad input and for a folder that is not empty.

    Parameters
    ----------
    run
        A run folder.
    source
        Images, as for train's --data.
    out
        A new or empty folder.
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    """
    from latelier.codes.rows import reconstructions
    from latelier.core import Decodes, Encodes, need
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.scores.reconstruction import squared_error
    from latelier.verbs.writing import decibels, given, new_folder, write_images

    opened = open_run(run)
    need(opened.model, Encodes), need(opened.model, Decodes)
    out = new_folder(given(out, "reconstruct"))
    images = opened.images(source, Where.of(data_root, download, as_))
    blocks = ((mean, decibels(squared_error(image, mean))) for image, mean in reconstructions(opened.model, images))
    write_images(out, "reconstructions.csv", images.names, ["psnr_db"], blocks)
    return out
