"""What distances between sets of images share: the sets themselves, and the features in which they are compared, of an
untrained trunk, of a judge that learned attributes of these images, or of Inception with the user's weights; or their
pixels."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import interpolate

from latelier.codes.rows import BLOCK, device_of, reconstructions, rows_of, some
from latelier.core import Decodes, Encodes, Model, Samples, has, need
from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.nets.eval_mode import evaluating
from latelier.nets.resnet9 import trunk
from latelier.scores.attribute_preservation import Judge, judge_of
from latelier.scores.attributes import balanced
from latelier.scores.common import Splits
from latelier.scores.given_weights import fill, nets, tensors
from latelier.storage.paths import place

CHUNK = 64  # images in the extractor at once
CELL, LEAST = 8, 32  # px: sides become multiples of the one, and no less than the other
SIDE = 299  # px that Inception takes
SMALL = 16  # size in px of images that are compared by their pixels, at most
SETS = (
    "reconstructions, the mean image of the most likely code of each test image; samples, as many mean images of draws "
    "of the prior; training images, as many drawn by the seed (all if there are fewer), which is what a perfect "
    "sampler would reach; reconstructions, being of the test images themselves, may fall below. All are clipped to "
    "[0, 1] and rounded to 8 bits, grey ones repeated to three channels."
)
OWN = (
    "features of our own: mean and sd over places of every channel of each stage of a resnet9 trunk with random "
    "weights (seed 0), never trained, 512 numbers; sides are resized (bilinear, antialiased) to the nearest multiple "
    f"of {CELL} px, at least {LEAST}."
)
OTHERS = (
    "with the option features=judge in those of the classifier of attribute_preservation, which learned the attributes "
    "or classes of these very training images: mean and sd over 4x4 parts of its last maps, 256 numbers (judge: its "
    "balanced accuracy on test images; at 50 % it knows nothing); with features=pixels in the pixels of the images, "
    f"shrunk to at most {SMALL} x {SMALL} px (bilinear, antialiased), which serve images that are aligned, and "
    "to which a Gaussian of the pixels is as near as images are"
)
INCEPTIONS = (
    "the 2,048 pooled features of torchvision's inception_v3 with the weights given, images resized to "
    f"{SIDE} x {SIDE} px (bilinear, antialiased)"
)


Features = Literal["random", "judge", "pixels"]


class Compared(NamedTuple):
    """Features [n, d] of the test images, and of the sets that are compared with them."""

    truth: np.ndarray
    sets: dict[str, np.ndarray]
    quality: dict[str, float]  # of a judge, how well it judges


def compared(
    score: str, model: Model, data: Splits, generator: Generator, weights: str | None, kind_of: Features = "random"
) -> Compared:
    """Of reconstructions where the model encodes, of samples where it has a prior, and of training images. ``weights``
    is a safetensors file of torchvision's inception_v3 state dict. Raises Refusal, in the name of ``score``, for one
    that does not fit, for fewer than two images of a split, for images that are not finite, and for a judge of images
    without attributes and classes."""
    if weights and kind_of != "random":
        wanted = {"judge": "a judge", "pixels": "pixels"}[kind_of]
        raise Refusal(
            f"{score}: weights are Inception's, and features={kind_of} asks for {wanted}; give one of the two"
        )
    for images in (data.fit, data.test):
        if len(images) < 2:
            source = images.source or "a split"
            raise Refusal(
                f"{score}: {source} has {len(images)} image, but the spread of a set needs two at least; give more"
            )
    n, seed = len(data.test), generator.initial_seed() % 2**32
    extractor: nn.Module
    quality: dict[str, float] = {}
    if weights:
        extractor = inception(place(weights, f"{score}.weights"), score)
    elif kind_of == "judge":
        judge, attributes = judge_of(score, data, device_of(model), seed)
        quality, extractor = judged(model, judge, data.test, attributes.test), JudgeFeatures(judge)
    elif kind_of == "pixels":
        extractor = Pixels()
    else:
        extractor = RandomTrunk()
    extractor.to(device_of(model))
    truth = features(extractor, data.test.blocks())
    images_of: dict[str, Iterable[Tensor]] = {}
    if has(model, Encodes):
        images_of["reconstructions"] = (mean for _, mean in reconstructions(model, data.test))
    if has(model, Samples):
        images_of["samples"] = _drawn(model, n, generator)
    images_of["training images"] = some(data.fit, n, seed).blocks()
    sets = {}
    for kind, blocks in images_of.items():
        sets[kind] = features(extractor, blocks)
        if not np.isfinite(sets[kind]).all():
            raise Refusal(f"{score}: not all {kind} are finite numbers; train the model again, at a lower rate")
    return Compared(truth, sets, quality)


def judged(model: Model, judge: Judge, images: Images, truth: np.ndarray) -> dict[str, float]:
    """Its balanced accuracy in percent on images whose attributes [n, a] are known, mean over attributes."""

    def logits(image: Tensor) -> Tensor:
        with evaluating(judge):
            found: Tensor = judge(image)
        return found

    answers = rows_of(model, images, logits) > 0
    return {"judge %": 100 * float(np.mean([balanced(*pair) for pair in zip(answers.T, truth.T, strict=True)]))}


def called(published: str, own: str, weights: str | None, kind_of: Features) -> str:
    """The distance's name: of Inception's features, of a judge's, of pixels, or of our own features."""
    return published if weights else own + {"random": "", "judge": " by a judge", "pixels": " in pixels"}[kind_of]


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
    """[b, 3, h, w] in [0, 1] -> [b, 512]: the features of an untrained trunk, the same on every machine."""

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


class JudgeFeatures(nn.Module):
    """[b, 3, h, w] in [0, 1] -> [b, 256]: mean and sd over places of a judge's last maps."""

    def __init__(self, judge: Judge):
        super().__init__()
        self.maps, self.channels = judge.maps[:-1], judge.channels

    def forward(self, image: Tensor) -> Tensor:
        x = self.maps(image[:, : self.channels])
        return torch.cat([x.mean((2, 3)), x.std((2, 3), correction=0)], 1)


class Pixels(nn.Module):
    """[b, 3, h, w] in [0, 1] -> [b, d]: those of the images, shrunk to at most ``SMALL`` x ``SMALL`` px."""

    def forward(self, image: Tensor) -> Tensor:
        return _resized(image, *(min(side, SMALL) for side in image.shape[2:])).flatten(1)


class Inception(nn.Module):
    """[b, 3, h, w] in [0, 1] -> [b, 2048]. ``net`` is torchvision's without its last layer."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        answer: Tensor = self.net(2 * _resized(image, SIDE, SIDE) - 1)
        return answer


def inception(path: Path, score: str) -> Inception:
    """With the weights of a safetensors file. Raises Refusal where it does not fit, or torchvision is lacking, in the
    name of ``score``."""
    made, given = nets(score).inception_v3, tensors(path, score)
    with torch.random.fork_rng(devices=[]):
        net: nn.Module = made(weights=None, aux_logits=False, init_weights=False, transform_input=False)
    net.fc = nn.Identity()
    counts = {name: count for name, count in net.state_dict().items() if name.endswith("num_batches_tracked")}
    used = {name: tensor for name, tensor in given.items() if not name.startswith(("fc.", "AuxLogits."))}
    fill(net, counts | used, path, score, "inception_v3")  # older files lack the counts, which nothing here reads
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
