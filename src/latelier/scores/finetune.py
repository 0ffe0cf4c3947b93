"""How good a classifier the encoder becomes: a softmax layer on its code, all weights trained on the labels."""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Generator, Tensor, nn

from latelier.codes.rows import device_of, flat, rows_of
from latelier.core import Encodes, Features, Fits, Model, Wrapper, has, need
from latelier.data.batches import Batches
from latelier.data.images import Images
from latelier.data.seeds import mix
from latelier.errors import Refusal
from latelier.heads.reading import width
from latelier.nets.eval_mode import evaluating
from latelier.objectives.corruption import drop
from latelier.objectives.labels import cross_entropy
from latelier.scores.common import Splits, majority, spread

needs = (Encodes,)
NEEDS_LABELS = True
ON_REQUEST = True
LIMIT = 10_000
HELD = 6  # one in this many training images is held out to choose an epoch by
PROTOCOL = (
    "A copy of the encoder with a linear softmax layer on its most likely code, or with the option depth on its "
    "features there, which starts at zero; all weights that the cross-entropy reaches learn from every labelled image "
    "of the training split, by Adam with batches of 128 and a cosine from the rate to zero, without dropout, unless "
    "options say otherwise. Measured after the last epoch; with the "
    f"option best, after the last epoch of least error on one in {HELD} training images, which were not trained on. "
    "Test images choose nothing. sd: over seeds, which draw the order, the dropout, the held-out images and, with the "
    "option fresh, new first weights: the same encoder without its training. Majority: the error of naming the "
    "commonest class of the test images always."
)


@dataclass(frozen=True)
class Course:
    """How it is trained."""

    epochs: int
    rate: float  # of Adam, at its start
    batch: int
    dropout: float  # share of the code's numbers dropped
    best: bool  # choose the epoch on held-out training images


def score(
    model: Model,
    data: Splits,
    generator: Generator,
    *,
    epochs: int = 20,
    rate: float = 1e-3,
    batch: int = 128,
    dropout: float = 0.0,
    seeds: int = 1,
    best: bool = False,
    fresh: bool = False,
    depth: str | None = None,
) -> dict[str, float]:
    """Test errors in percent, mean and sd over seeds; ``fresh`` draws the encoder's weights anew, ``depth`` puts the
    layer on the features there instead of on the code. The model itself stays as it is. Raises Refusal for options out
    of range, an unknown depth, and for labels of fewer than two classes."""
    course = Course(epochs, rate, batch, dropout, best)
    _check(course, seeds, data)
    errors, held = [], []
    for number in range(seeds):
        seed = mix(generator.initial_seed(), 8, number)
        encoder = redrawn(model, seed) if fresh else copied(model)
        learner = Learner(encoder, int(data.fit.label.max()) + 1, depth)
        held.append(train(learner, data.fit, course, seed))
        errors.append(learner.error(data.test))
    name = "error from fresh weights %" if fresh else "finetuned error %"
    values = spread(name, errors) | (spread("held-out error %", held) if best else {})
    return values | {"majority error %": 100 - majority(data.test.label)}


class Learner(nn.Module):
    """An encoder under a linear layer, which reads its code, or its features at ``depth``."""

    def __init__(self, encoder: Model, classes: int, depth: str | None = None):
        super().__init__()
        if depth is not None and not has(encoder, Features):
            raise Refusal(f"finetune: this model has no features, so no depth '{depth}'; leave the depth out")
        self.encoder, self.depth = encoder, depth
        self.head = nn.Linear(self.width(), classes, device=device_of(encoder))
        nn.init.zeros_(self.head.weight)  # whatever the scale of the code, the encoder is not torn up at first
        nn.init.zeros_(self.head.bias)

    def code(self, image: Tensor) -> Tensor:
        """[b, k], with gradients."""
        if self.depth is not None:
            return need(self.encoder, Features).features(image, self.depth).float()
        return flat(need(self.encoder, Encodes).encode(image).mode(), self.encoder)

    def width(self) -> int:
        """How many numbers the layer reads."""
        if self.depth is None:
            return width(self.encoder)
        with evaluating(self.encoder):
            return self.code(torch.full((1, *self.encoder.image), 0.5, device=device_of(self.encoder))).shape[1]

    def error(self, images: Images) -> float:
        """In percent, of labelled images."""
        logits = rows_of(self.encoder, images, lambda image: self.head(self.code(image)))
        return 100 * float((logits.argmax(1) != images.label).mean())


def train(learner: Learner, images: Images, course: Course, seed: int) -> float:
    """Trains the learner on the labelled images. Returns its error in percent on those held out; inf without any.

    Raises Refusal when the loss is no longer finite.
    """
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(images.label >= 0))
    count = len(rows) // HELD if course.best else 0
    held, rows = images.take(np.sort(rows[:count])), np.sort(rows[count:])
    batches = Batches(images, course.batch, seed=seed, device=device_of(learner), among=rows)
    least, kept = math.inf, None
    for loss in _epochs(learner, batches, course, math.ceil(len(rows) / course.batch), seed):
        if not math.isfinite(loss):
            raise Refusal(f"finetune: the loss is no longer finite at rate {course.rate:g}; give a lower rate")
        if course.best and (error := learner.error(held)) <= least:
            least, kept = error, copy.deepcopy(learner.state_dict())
    if kept is not None:
        learner.load_state_dict(kept)
    return least


def _epochs(learner: Learner, batches: Batches, course: Course, steps: int, seed: int) -> Iterator[float]:
    """Trains, and gives the loss of the last batch of each epoch of this many steps."""
    optimiser = torch.optim.Adam(learner.parameters(), course.rate)
    generator = Generator(batches.device)
    for step in range(steps * course.epochs):
        for group in optimiser.param_groups:
            group["lr"] = course.rate * (1 + math.cos(math.pi * step / (steps * course.epochs))) / 2
        batch = batches.at(step * course.batch)
        generator.manual_seed(mix(seed, 9, step))
        learner.train()
        code = drop(learner.code(batch.image), course.dropout, generator)
        loss = cross_entropy(learner.head(code), batch.label).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if (step + 1) % steps == 0:
            yield float(loss.detach())


def copied(model: Model) -> Model:
    """The part of the model that encodes, its weights free to learn; what a model of closed form keeps in buffers (the
    components of pca, the weights of rbm) is a weight like any other here."""
    part = copy.deepcopy(cast(Model, need(model, Encodes)))
    if isinstance(part, Fits):
        for name, value in list(part.named_buffers(recurse=False)):
            delattr(part, name)
            part.register_parameter(name, nn.Parameter(value))
    return part.requires_grad_(True)


def redrawn(model: Model, seed: int) -> Model:
    """The same encoder as it was before training, with first weights drawn by ``seed``. Raises Refusal for a model that
    has none."""
    part = cast(Model, need(model, Encodes))
    config = getattr(part, "config", None)
    if config is None or isinstance(part, Fits | Wrapper):
        raise Refusal(
            "finetune: fresh weights were asked for, but this model is not built with random ones; leave it out"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh: Model = type(part)(config, part.image)
    return fresh.to(device_of(part))


def _check(course: Course, seeds: int, data: Splits) -> None:
    if min(course.epochs, course.batch, seeds) < 1 or course.rate <= 0 or not 0 <= course.dropout < 1:
        raise Refusal(
            f"finetune: epochs {course.epochs}, batch {course.batch}, seeds {seeds} must be 1 or more, rate "
            f"{course.rate:g} above 0, and dropout {course.dropout:g} a share from 0 to below 1"
        )
    known = data.fit.label[data.fit.label >= 0]
    if len(np.unique(known)) < 2 or len(known) < HELD:
        source = data.fit.source or "these images"
        raise Refusal(
            f"finetune: {source} must have {HELD} labels or more, of two or more classes, to train on; add them"
        )
