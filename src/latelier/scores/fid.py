"""How far reconstructions and samples are from the test images as a set: Frechet distances of features (FID)."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import interpolate

from latelier.core import Decodes, Encodes, Model, Refusal, Samples, has, need
from latelier.nets.modes import evaluating
from latelier.nets.resnet9 import trunk
from latelier.scores.common import BLOCK, Splits, device_of, reconstructions, some
from latelier.state import load_weights

needs = (Encodes, Decodes)
ON_REQUEST = True  # its own trunk alone reads 400 images of 64 px a second on one core
LIMIT = 10_000
CHUNK = 64  # images in the extractor at once
CELL, LEAST = 8, 32  # px: sides become multiples of the one, and no less than the other
SIDE = 299  # px that Inception takes
PROTOCOL = (
    "Frechet distance |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) between the means and covariances (over n - 1) of "
    "two sets' features, of the test images and of these: reconstructions, the mean image of the most likely code of "
    "each test image; samples, as many mean images of draws of the prior; training images, as many drawn by the seed "
    "(all if there are fewer), which is what a perfect sampler would reach; reconstructions, being of the test images "
    "themselves, may fall below. All are clipped to [0, 1] and rounded to 8 bits, grey ones repeated to three "
    "channels. Values named Frechet distance are in features of our own: mean and sd over places of every channel of "
    "each stage of a resnet9 trunk with random weights (seed 0), never trained, 512 numbers; sides are resized "
    f"(bilinear, antialiased) to the nearest multiple of {CELL} px, at least {LEAST}. They compare only with each "
    "other and are no FID. Values named FID, with the option weights, are in the 2,048 pooled features of "
    f"torchvision's inception_v3 with the weights given, images resized to {SIDE} x {SIDE} px (bilinear, "
    "antialiased); most published FIDs used another graph and other weights, and differ. Distances of few images are "
    "too large: compare at the same n, on the same test images."
)


def score(model: Model, data: Splits, generator: Generator, *, weights: str | None = None) -> dict[str, float]:
    """Frechet distances, at least 0, of reconstructions, of samples where the model has a prior, and of training
    images. ``weights`` is a safetensors file of torchvision's inception_v3 state dict. Raises Refusal for one that does
    not fit, for fewer than two images of a split, and for images that are not finite."""
    for images in (data.fit, data.test):
        if len(images) < 2:
            source = images.source or "a split"
            raise Refusal(f"fid: {source} has {len(images)} picture, but a covariance needs two at least; give more")
    name = "FID" if weights else "Frechet distance"
    extractor = (inception(Path(weights).expanduser()) if weights else RandomTrunk()).to(device_of(model))
    n, seed = len(data.test), generator.initial_seed() % 2**32
    truth = fitted(features(extractor, data.test.blocks()))
    sets: dict[str, Iterable[Tensor]] = {"reconstructions": (mean for _, mean in reconstructions(model, data.test))}
    if has(model, Samples):
        sets["samples"] = _drawn(model, n, generator)
    sets["training images"] = some(data.fit, n, seed).blocks()
    return {f"{name} of {kind}": _distance(extractor, truth, kind, blocks) for kind, blocks in sets.items()}


class Gaussian(NamedTuple):
    """Mean and covariance of a set of features."""

    mean: np.ndarray  # float64 [d]
    root: np.ndarray  # float64 [r, d]; root^T root is the covariance


def fitted(rows: np.ndarray) -> Gaussian:
    """To rows [n, d], n at least 2. The root comes from the rows themselves, by QR, so that it is as exact for a
    singular covariance (n <= d) as for any other: no square root is taken of a noisy eigenvalue near 0."""
    exact = rows.astype(np.float64)
    mean = exact.mean(0)
    root: np.ndarray = np.linalg.qr((exact - mean) / np.sqrt(len(rows) - 1), mode="r")  # type: ignore[assignment]
    return Gaussian(mean, root)


def frechet(one: Gaussian, other: Gaussian) -> float:
    """Squared Frechet distance (Dowson and Landau 1982; Heusel et al. 2017, arXiv 1706.08500, eq. 6).

    With S1 = A^T A and S2 = B^T B, the eigenvalues of S1 S2 other than 0 are the squares of the singular values of
    A B^T, so that tr (S1 S2)^(1/2) is their sum."""
    shift = np.square(one.mean - other.mean).sum()
    common = np.linalg.svd(one.root @ other.root.T, compute_uv=False).sum()
    return max(0.0, float(shift + np.square(one.root).sum() + np.square(other.root).sum() - 2 * common))


def features(extractor: nn.Module, blocks: Iterable[Tensor]) -> np.ndarray:
    """float32 [n, d] of blocks of images [b, c, h, w]: clipped, rounded to 8 bits, with three channels."""
    device, rows = device_of(extractor), []
    for block in blocks:
        for image in block.split(CHUNK):
            levels = (255 * image.to(device).clamp(0, 1)).round() / 255
            with evaluating(extractor):
                rows.append(extractor(levels.expand(-1, 3, -1, -1)).float().cpu().numpy())
    return np.concatenate(rows)


class RandomTrunk(nn.Module):
    """[b, 3, h, w] in [0, 1] -> [b, 512]: what a trunk that nobody trained sees, the same on every machine."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.stages = nn.ModuleList(trunk(3, "resnet9").values())
        self.to(memory_format=torch.channels_last)

    def forward(self, image: Tensor) -> Tensor:
        sides = [max(LEAST, (side + CELL // 2) // CELL * CELL) for side in image.shape[2:]]
        x, numbers = _resized(image, *sides), []
        for stage in self.stages:
            x = stage(x)
            numbers += [x.mean((2, 3)), x.std((2, 3), correction=0)]
        return torch.cat(numbers, 1)


class Inception(nn.Module):
    """[b, 3, h, w] in [0, 1] -> [b, 2048]. ``net`` is torchvision's without its last layer."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        answer: Tensor = self.net(2 * _resized(image, SIDE, SIDE) - 1)
        return answer


def inception(path: Path) -> Inception:
    """With the weights of a safetensors file. Raises Refusal where it does not fit, or torchvision is lacking."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        from torchvision.models import inception_v3
    except (ImportError, RuntimeError) as error:  # RuntimeError: it was built for another torch
        raise Refusal(f"fid: weights are read by torchvision ({error}): pip install 'latelier[vision]'") from error
    try:
        given = load_file(path)
    except (SafetensorError, OSError) as error:
        raise Refusal(f"fid: weights={path} cannot be read ({error}); give a safetensors file") from error
    with torch.random.fork_rng(devices=[]):
        net = inception_v3(weights=None, aux_logits=False, init_weights=False, transform_input=False)
    net.fc = nn.Identity()
    counts = {name: count for name, count in net.state_dict().items() if name.endswith("num_batches_tracked")}
    used = {name: tensor for name, tensor in given.items() if not name.startswith(("fc.", "AuxLogits."))}
    try:
        load_weights(net, counts | used, path)  # older files lack the counts, which nothing here reads
    except Refusal as error:
        raise Refusal(f"fid: the weights are not of torchvision's inception_v3: {error}") from error
    return Inception(net)


def _resized(image: Tensor, height: int, width: int) -> Tensor:
    if image.shape[2:] == (height, width):
        return image
    return interpolate(image, (height, width), mode="bilinear", antialias=True)


def _drawn(model: Model, n: int, generator: Generator) -> Iterator[Tensor]:
    prior, decoder = need(model, Samples), need(model, Decodes)
    for start in range(0, n, BLOCK):
        with evaluating(model):
            image = decoder.decode(prior.sample_prior(min(BLOCK, n - start), generator))
        yield image


def _distance(extractor: nn.Module, truth: Gaussian, kind: str, blocks: Iterable[Tensor]) -> float:
    rows = features(extractor, blocks)
    if not np.isfinite(rows).all():
        raise Refusal(f"fid: not all {kind} are finite numbers; train the model again, at a lower rate")
    return frechet(truth, fitted(rows))
