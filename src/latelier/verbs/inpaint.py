"""latelier inpaint: what a model fills in where a mask hides pixels, as files."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from latelier.verbs.options import As, Asked, Place, Seed

if TYPE_CHECKING:
    from torch import Tensor


def inpaint(
    run: Place,
    source: Place,
    *,
    mask: Asked = "",
    out: Asked = "",
    seed: Seed = 0,
    rounds: bool = False,
    as_: As = None,
    data_root: Place | None = None,
    download: bool = False,
) -> Path:
    """Write every image with what the mask hides filled in, as a PNG of the same name, and inpainted.csv.

    Known pixels stay as they are, bit for bit. The table has each image's PSNR of what is filled in, against what the
    given image has there. Returns the folder. Raises Refusal (exit 2) for a model that cannot fill in, a
    mask that hides all or nothing, and a folder that is not empty.

    Parameters
    ----------
    run
        A run folder, of a model that fills in what is missing.
    source
        Images, as for train's --data.
    mask
        What is missing: centre (the middle half of each side), half (the right half), random (half of the pixels,
        others in each image), or a PNG, white where pixels are known and black where they are missing; a PNG of
        another size is resized.
    out
        A new or empty folder.
    seed
        Of random masks and of what the model draws.
    rounds
        Only reconstruct and paste again and again, as the sources do: faster, and less near. Otherwise, where codes
        have a prior, the code is sought that is the most likely given the known pixels.
    data_root
        Where torchvision's data sets are.
    download
        Let torchvision download the data set.
    """
    import torch

    from latelier.codes.rows import device_of
    from latelier.core import Imputes, need
    from latelier.data import masks
    from latelier.nets.eval_mode import evaluating
    from latelier.objectives import impute
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.verbs.writing import decibels, given, new_folder, write_pictures

    opened = open_run(run)
    need(opened.model, Imputes)
    device = device_of(opened.model)
    mask, out = given(mask, "inpaint", "--mask"), new_folder(given(out, "inpaint"))
    masks.make(str(mask), (1, *opened.model.image), torch.Generator())  # a bad one is refused before images are read
    images = opened.images(source, Where.of(data_root, download, as_))
    generator = torch.Generator(device).manual_seed(seed)

    def filled() -> Iterator[tuple["Tensor", list[tuple[str]]]]:
        for block in images.blocks():
            image = block.to(device)
            known = masks.make(str(mask), tuple(image.shape), generator).expand_as(image)
            with evaluating(opened.model):
                whole = impute.filled(opened.model, image, known.to(image), generator, rounds=rounds)
            error = (image - whole).square().flatten(1).sum(1)  # known pixels have none
            yield whole, decibels(error / (~known).flatten(1).sum(1))

    write_pictures(out, "inpainted.csv", images.names, ["psnr_missing_db"], filled())
    return out
