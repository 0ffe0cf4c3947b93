"""What any filling has to beat: colours and mean images in the place of what a mask hides.

    python benchmarks/inpainting.py SRC --size 32 --channels 1 --mask centre half

SRC has a train split, whose mean image it is, and a test split, which is filled. The mean PSNR over missing pixels:
that of a model is the mean of psnr_missing_db in the inpainted.csv of `latelier inpaint RUN SRC:test`.
"""

import argparse
from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from latelier.data import masks
from latelier.data.images import Images
from latelier.data.sources.open import open_images
from latelier.scores.reconstruction import psnr_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("--size", type=int)
    parser.add_argument("--channels", type=int)
    parser.add_argument("--mask", nargs="+", default=["centre", "half", "random"])
    options = parser.parse_args()
    train, test = (
        open_images(options.source, split=split, size=options.size, channels=options.channels)
        for split in ("train", "test")
    )
    mean = whole(train).mean(0, keepdim=True)
    image = whole(test)
    for mask in options.mask:
        known = masks.make(mask, tuple(image.shape), Generator().manual_seed(0)).expand_as(image)
        told = ", ".join(f"{name} {psnr(image, fill, known):.1f} dB" for name, fill in fillings(image, mean, known))
        print(f"{mask}: {told}")


def whole(images: Images) -> Tensor:
    """[n, c, h, w] in [0, 1]."""
    return torch.cat(list(images.blocks()))


def fillings(image: Tensor, mean: Tensor, known: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Names, and what is set where nothing is known: of each channel."""
    share = known.sum((2, 3), keepdim=True)
    colour, of_mean = (((one * known).sum((2, 3), keepdim=True) / share) for one in (image, mean))
    yield "mean known colour", colour.expand_as(image)
    yield "mean image", mean.expand_as(image)
    yield "mean image at the known pixels' brightness", mean + colour - of_mean


def psnr(image: Tensor, fill: Tensor, known: Tensor) -> float:
    """Mean over images, in dB, of missing pixels alone."""
    error = ((image - fill).square() * ~known).flatten(1).sum(1) / (~known).flatten(1).sum(1)
    return float(psnr_of(error).mean())


if __name__ == "__main__":
    main()
