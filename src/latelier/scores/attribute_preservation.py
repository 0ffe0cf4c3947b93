"""Whether reconstructions keep attributes, as a classifier of real images sees them (HALI, tables 1 and 5)."""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from latelier.codes.rows import device_of, rows_of, some
from latelier.core import Decodes, Encodes, Model
from latelier.data.batches import Batches
from latelier.data.images import Images
from latelier.data.seeds import mix
from latelier.errors import Refusal
from latelier.nets.eval_mode import evaluating
from latelier.nets.pixel_range import Centred
from latelier.scores import vgg
from latelier.scores.attributes import RULE, Attributes, balanced, needed, values_of
from latelier.scores.common import Splits
from latelier.scores.kept import Kept, digest
from latelier.scores.levels import levels_of, reconstructed
from latelier.storage.paths import place

NAME = "attribute_preservation"
needs = (Encodes, Decodes)
NEEDS_ATTRIBUTES = True
ON_REQUEST = True  # it trains a classifier
LIMIT = 20_000
FIT_ROWS = 20_000
WIDTHS = (32, 64, 128)  # of convolutions that halve; then means over CELLS x CELLS parts of the map
CELLS, DROPOUT = 4, 0.5
PROTOCOL = (
    "A classifier of our own learns the attributes from at most "
    f"{FIT_ROWS:,} real images of the training split, drawn by the seed: 3x3 convolutions of stride 2 to "
    f"{', '.join(map(str, WIDTHS))} maps, each with batch norm and ReLU, means over {CELLS}x{CELLS} parts, dropout "
    f"{DROPOUT}, a linear layer; cross-entropy in which positives and negatives of each attribute weigh alike; Adam in "
    "batches of 128, a cosine from rate 0.002 to zero over 10 epochs unless options say otherwise. It judges test "
    "images (data) and their reconstructions, mean images of the most likely code of a level alone (code: of all of "
    "it): of each attribute the mean of the accuracies on positives and on negatives. Preserved: that of "
    "reconstructions by that of the images themselves, in percent; it may be over 100, and with images without "
    f"information it is 50 by the data's. {RULE} sd: over attributes. Compare at the same seed: it is the same judge. "
    "It is no VGG-16: values compare only with each other. With the option weights, a file of torchvision's vgg16, the "
    f"linear layer reads that net's last maps, of images of {vgg.SIDE} px, means over {vgg.CELLS}x{vgg.CELLS} parts, "
    "and the maps do not learn; HALI's whole net did."
)


@dataclass(frozen=True)
class Course:
    """How the classifier is trained."""

    epochs: int = 10
    rate: float = 2e-3  # of Adam, at its start
    batch: int = 128


COURSE = Course()
JUDGES = Kept["Judge"](4)  # for the next score, and the next run that is scored


def score(
    model: Model,
    data: Splits,
    generator: Generator,
    *,
    epochs: int = 10,
    rate: float = 2e-3,
    batch: int = 128,
    weights: str | None = None,
) -> dict[str, float]:
    """Percents: "data %" raw, and "preserved LEVEL %" as shares of it; means and sds over attributes, and of each.
    ``weights``, a safetensors file of torchvision's vgg16, makes it the judge. Raises Refusal for options out of range,
    for images without attributes and for weights that do not fit."""
    if min(epochs, batch) < 1 or rate <= 0:
        raise Refusal(f"{NAME}: epochs {epochs} and batch {batch} must be 1 or more, and rate {rate:g} above 0")
    seed, course = generator.initial_seed(), Course(epochs, rate, batch)
    maps = vgg.maps(place(weights, f"{NAME}.weights"), NAME) if weights is not None else None
    judge, (names, _, test) = judge_of(NAME, data, device_of(model), seed, course, maps)

    def judged(image: Tensor) -> Tensor:
        """[b, (1 + levels) * a] logits of images and of their reconstructions."""
        with evaluating(judge):
            return torch.cat([judge(one) for one in (image, *reconstructed(model, image).values())], 1)

    answers = (rows_of(model, data.test, judged) > 0).reshape(len(test), -1, len(names))
    found = [[balanced(answers[:, set_, a], test[:, a]) for a in range(len(names))] for set_ in range(answers.shape[1])]
    values = values_of("data", names, [100 * value for value in found[0]])
    for level, kept in zip(levels_of(model), found[1:], strict=True):
        shares = [100 * value / whole if whole else 0.0 for value, whole in zip(kept, found[0], strict=True)]
        values |= values_of(f"preserved {level}", names, shares)
    return values


def judge_of(
    score: str,
    data: Splits,
    device: torch.device,
    seed: int,
    course: Course = COURSE,
    maps: nn.Sequential | None = None,
) -> tuple["Judge", Attributes]:
    """One that learned the attributes of at most ``FIT_ROWS`` training images, on the maps given if there are any, and
    what it learned. Raises Refusal, in the name of ``score``, for images without attributes and classes."""
    fit = some(data.fit, FIT_ROWS, seed % 2**32)
    attributes = needed(score, data._replace(fit=fit))
    return trained(fit, torch.from_numpy(attributes.fit), course, device, seed, maps), attributes


class Judge(nn.Module):
    """Images [b, c, h, w] in [0, 1] -> logits [b, a]. ``given`` maps stay as they are."""

    def __init__(self, channels: int, attributes: int, given: nn.Sequential | None = None):
        super().__init__()
        self.channels, self.maps = channels, given or self.own(channels)
        width = vgg.DEPTH if given else WIDTHS[-1] * CELLS**2
        self.head = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(width, attributes))

    def own(self, channels: int) -> nn.Sequential:
        layers, below = list[nn.Module](), channels
        for width in WIDTHS:
            layers += [nn.Conv2d(below, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            below = width
        return nn.Sequential(Centred(), *layers, nn.AdaptiveAvgPool2d(CELLS), nn.Flatten())

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.head(self.maps(image))
        return logits


def trained(
    images: Images, answer: Tensor, course: Course, device: torch.device, seed: int, maps: nn.Sequential | None = None
) -> Judge:
    """A judge that learned ``answer`` [n, a] (1, 0, or -1: unknown) from the images; a function of the seed. Of the
    ``maps``, if there are any, it learned a linear layer. The last judges that learned all of theirs are kept.

    Raises Refusal when the loss is no longer finite."""
    if maps is not None:
        return _trained(images, answer, course, device, seed, maps)
    key = (digest(images), answer.numpy().tobytes(), course, device, seed)
    return JUDGES.get(key, lambda: _trained(images, answer, course, device, seed))


def _trained(
    images: Images, answer: Tensor, course: Course, device: torch.device, seed: int, maps: nn.Sequential | None = None
) -> Judge:
    answer = answer.to(device)
    weight = balance(answer)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(mix(seed, 12))
        judge = Judge(images.shape[0], answer.shape[1], maps).to(device)
        judge.to(memory_format=torch.channels_last)
        batches = Batches(images, course.batch, seed=mix(seed, 13), device=device)
        read = None if maps is None else read_by(judge.maps, images, device)
        adam = torch.optim.Adam([w for w in judge.parameters() if w.requires_grad], course.rate)
        steps = course.epochs * math.ceil(len(images) / course.batch)
        for step in range(steps):
            for group in adam.param_groups:
                group["lr"] = course.rate * (1 + math.cos(math.pi * step / steps)) / 2
            batch = batches.at(step * course.batch)
            truth = answer[batch.index]
            logits = judge(batch.image) if read is None else judge.head(read[batch.index])
            loss = functional.binary_cross_entropy_with_logits(logits, (truth == 1).float(), weight[batch.index])
            adam.zero_grad()
            loss.backward()
            adam.step()
    if not loss.isfinite():
        raise Refusal(f"{NAME}: the loss is no longer finite at rate {course.rate:g}; give a lower rate")
    return judge


@torch.no_grad()
def read_by(maps: nn.Module, images: Images, device: torch.device) -> Tensor:
    """[n, d]: of maps that do not learn, each image's once."""
    parts = (part for block in images.blocks() for part in block.split(64))
    return torch.cat([maps(part.to(device)) for part in parts])


def balance(answer: Tensor) -> Tensor:
    """[n, a] of answers [n, a]: 0 where unknown, and such that positives and negatives have half of the sum each,
    which is the number of known ones."""
    yes, no = (answer == 1).float(), (answer == 0).float()
    known = yes.sum(0) + no.sum(0)
    return known / 2 * (yes / yes.sum(0) + no / no.sum(0))
