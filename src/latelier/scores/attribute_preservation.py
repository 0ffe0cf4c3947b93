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
from latelier.scores.attributes import RULE, Attributes, balanced, needed, told
from latelier.scores.common import Splits
from latelier.scores.levels import levels_of, reconstructed

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
    "It is no VGG-16: values compare only with each other."
)


@dataclass(frozen=True)
class Course:
    """How the classifier is trained."""

    epochs: int = 10
    rate: float = 2e-3  # of Adam, at its start
    batch: int = 128


COURSE = Course()


def score(
    model: Model, data: Splits, generator: Generator, *, epochs: int = 10, rate: float = 2e-3, batch: int = 128
) -> dict[str, float]:
    """Percents: "data %" raw, and "preserved LEVEL %" as shares of it; means and sds over attributes, and of each.
    Raises Refusal for options out of range and for images without attributes."""
    if min(epochs, batch) < 1 or rate <= 0:
        raise Refusal(
            f"attribute_preservation: epochs {epochs} and batch {batch} must be 1 or more, and rate {rate:g} above 0"
        )
    seed, course = generator.initial_seed(), Course(epochs, rate, batch)
    judge, (names, _, test) = judge_of("attribute_preservation", data, device_of(model), seed, course)

    def judged(image: Tensor) -> Tensor:
        """[b, (1 + levels) * a] logits of images and of their reconstructions."""
        with evaluating(judge):
            return torch.cat([judge(one) for one in (image, *reconstructed(model, image).values())], 1)

    answers = (rows_of(model, data.test, judged) > 0).reshape(len(test), -1, len(names))
    found = [[balanced(answers[:, set_, a], test[:, a]) for a in range(len(names))] for set_ in range(answers.shape[1])]
    values = told("data", names, [100 * value for value in found[0]])
    for level, kept in zip(levels_of(model), found[1:], strict=True):
        shares = [100 * value / whole if whole else 0.0 for value, whole in zip(kept, found[0], strict=True)]
        values |= told(f"preserved {level}", names, shares)
    return values


def judge_of(
    score: str, data: Splits, device: torch.device, seed: int, course: Course = COURSE
) -> tuple["Judge", Attributes]:
    """One that learned the attributes of at most ``FIT_ROWS`` training images, and what it learned. Raises Refusal, in
    the name of ``score``, for images without attributes and classes."""
    fit = some(data.fit, FIT_ROWS, seed % 2**32)
    attributes = needed(score, data._replace(fit=fit))
    return trained(fit, torch.from_numpy(attributes.fit), course, device, seed), attributes


class Judge(nn.Module):
    """Images [b, c, h, w] in [0, 1] -> logits [b, a]."""

    def __init__(self, channels: int, attributes: int):
        super().__init__()
        self.channels = channels
        layers, below = list[nn.Module](), channels
        for width in WIDTHS:
            layers += [nn.Conv2d(below, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            below = width
        self.maps = nn.Sequential(Centred(), *layers, nn.AdaptiveAvgPool2d(CELLS), nn.Flatten())
        self.head = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(below * CELLS**2, attributes))

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.head(self.maps(image))
        return logits


def trained(images: Images, answer: Tensor, course: Course, device: torch.device, seed: int) -> Judge:
    """A judge that learned ``answer`` [n, a] (1, 0, or -1: unknown) from the images; a function of the seed.

    Raises Refusal when the loss is no longer finite."""
    answer = answer.to(device)
    weight = weights(answer)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(mix(seed, 12))
        judge = Judge(images.shape[0], answer.shape[1]).to(device)
        judge.to(memory_format=torch.channels_last)
        batches = Batches(images, course.batch, seed=mix(seed, 13), device=device)
        adam = torch.optim.Adam(judge.parameters(), course.rate)
        steps = course.epochs * math.ceil(len(images) / course.batch)
        for step in range(steps):
            for group in adam.param_groups:
                group["lr"] = course.rate * (1 + math.cos(math.pi * step / steps)) / 2
            batch = batches.at(step * course.batch)
            truth = answer[batch.index]
            loss = functional.binary_cross_entropy_with_logits(
                judge(batch.image), (truth == 1).float(), weight[batch.index]
            )
            adam.zero_grad()
            loss.backward()
            adam.step()
    if not loss.isfinite():
        raise Refusal(
            f"attribute_preservation: the loss is no longer finite at rate {course.rate:g}; give a lower rate"
        )
    return judge


def weights(answer: Tensor) -> Tensor:
    """[n, a] of answers [n, a]: 0 where unknown, and such that positives and negatives have half of the sum each,
    which is the number of known ones."""
    yes, no = (answer == 1).float(), (answer == 0).float()
    known = yes.sum(0) + no.sum(0)
    return known / 2 * (yes / yes.sum(0) + no / no.sum(0))
