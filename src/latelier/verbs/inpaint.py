"""latelier inpaint: fill in the masked pixels of images, as files."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from latelier.verbs.options import As, OptionalPlace, Place, Seed

if TYPE_CHECKING:
    from torch import Tensor


def inpaint(
    run: Place,
    source: Place,
    *,
    mask: OptionalPlace = "",
    out: OptionalPlace = "",
    seed: Seed = 0,
    rounds: bool = False,
    as_: As = None,
    data_root: Place | None = None,
    download: bool = False,
) -> Path:
    """Fill in the masked pixels of every image; write a PNG named after each image, and inpainted.csv.

    Known pixels do not change, bit for bit. The table has each image's PSNR over the filled-in pixels, against the
    given image. Returns the folder. Raises Refusal (exit 2) for a model that cannot fill in, a mask that hides all or
    nothing, and a folder that is not empty.

    Parameters
    ----------
    run
        A run folder of a model that fills in missing pixels.
    source
        Images, as for train's --data.
    mask
        The missing pixels: centre (the middle half of each side), half (the right half), random (half of the pixels,
        different ones in each image), or a PNG, white where pixels are known and black where they are missing. A PNG of
        another size is resized.
    out
        A new or empty folder.
    seed
        Seed of random masks and of the model's samples.
    rounds
        Only reconstruct and paste repeatedly, as the published methods do: faster, but less close. Without --rounds,
        where codes have a prior, latelier searches for the most likely code given the known pixels.
    data_root
        Folder of torchvision's data sets.
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
    from latelier.verbs.writing import decibels, given, new_folder, write_images

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

    write_images(out, "inpainted.csv", images.names, ["psnr_missing_db"], filled())
    return out
