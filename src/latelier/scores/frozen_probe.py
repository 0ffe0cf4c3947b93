"""How well frozen features recognise: PatchVAE's Table 1, a new head of two layers on a trunk that is frozen up to a
stage."""

import copy
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Generator, Tensor, nn

from latelier.codes.rows import BLOCK, device_of, some
from latelier.core import Features, Model, Optimiser
from latelier.data.order import Order
from latelier.data.seeds import mix
from latelier.data.subsets import hold_out
from latelier.device import mixed
from latelier.engine.players import Player
from latelier.errors import Refusal
from latelier.nets.eval_mode import evaluating
from latelier.nets.guarded import guard
from latelier.objectives.labels import cross_entropy
from latelier.scores.common import Splits, majority, spread
from latelier.scores.pretrained import pretrained
from latelier.scores.trunk import (
    DROPOUT,
    FLOAT32_BYTES,
    HIDDEN,
    KEPT_BYTES,
    SD,
    Inputs,
    Learner,
    cut,
    ends,
    inputs,
    kept,
)
from latelier.storage.paths import place

needs = (Features,)
NEEDS_LABELS = True
ON_REQUEST = True
LIMIT = 10_000
MOMENTUM, DECAY = 0.9, 1e-4
TOP = 5  # of more classes than these it is also measured whether one is among these most probable ones
PROTOCOL = (
    f"On the features at one depth of a copy of the trunk (the top) a new head: dropout {DROPOUT}, linear to {HIDDEN}, "
    f"ReLU, linear to the classes; weights drawn from N(0, {SD}^2), biases 0. The trunk is frozen up to a depth, by "
    "default all of it; stages above learn with the head, from the labelled training images but those held out, "
    f"without augmentation: cross-entropy, SGD, momentum {MOMENTUM}, weight decay {DECAY}, batches of 128, a rate of "
    "0.01 that falls to a tenth after each third of 90 epochs, unless options say otherwise. Frozen batch norm keeps "
    "its running statistics; with the option moving, the authors' code's way, no batch norm's affine weights learn, "
    "and all, frozen ones too, use and move their batches' statistics. Frozen features are computed once, in float32, "
    f"and kept as float32, over {FLOAT32_BYTES >> 30} GiB as bfloat16; over {KEPT_BYTES >> 30} GiB, or where they "
    "move, they are computed at each step. With the option precision=bf16 steps are in bfloat16 where the processor "
    "has instructions for it, measurements never. The epoch is that of the highest accuracy on one in ten (option "
    "held) training images, held out by the seed, the later of equals; with best=False it is the last. Test images "
    "choose nothing: theirs is the accuracy of that epoch's weights. sd: over seeds, which draw the head, the held-out "
    "images, the order and the dropout. With the option weights, a file of torchvision's resnet18, the trunk is that "
    "one, and knows ImageNet's labels. "
    "Majority: the commonest class. Top-5: of the same weights, whether the class is among the five most probable ones."
)


@dataclass(frozen=True)
class Course:
    """How it is trained."""

    epochs: int
    rate: float  # of SGD, in the first third
    batch: int
    held: int  # one in this many training images is held out
    best: bool  # choose the epoch on those
    precision: Literal["fp32", "bf16"]


def score(
    model: Model,
    data: Splits,
    generator: Generator,
    *,
    frozen: str | None = None,
    top: str | None = None,
    epochs: int = 90,
    rate: float = 1e-2,
    batch: int = 128,
    held: int = 10,
    best: bool = True,
    moving: bool = False,
    precision: Literal["fp32", "bf16"] = "fp32",
    seeds: int = 1,
    weights: str | None = None,
) -> dict[str, float]:
    """Accuracies in percent, on test images (of more than five classes also "top-5": whether the class is among the
    five most probable) and on those held out, and the epoch chosen (counted from 1), means and sds over seeds; how
    many weights learned. ``frozen`` is the last frozen depth, ``top`` the one under the head; by
    default both are the last whose name begins with conv, else the last. ``weights``, a safetensors file of
    torchvision's resnet18, takes the place of what the trunk learned (``pretrained``). The model itself stays as it
    is. Raises Refusal for options out of range, unknown depths, weights that do not fit, and labels too few to hold
    some out or of fewer than two classes."""
    course = Course(epochs, rate, batch, held, best, precision)
    _check(course, seeds, data)
    if weights is not None:
        model = pretrained(model, place(weights, "frozen_probe.weights"), "frozen_probe")
    last, top = ends(model, frozen, top)
    splits = some(data.fit, len(data.fit), 0, labelled=True), data.test
    sets = [inputs(images, device_of(model)) for images in splits]
    features = None if moving else kept(cut(model, last, top)[0], sets)
    fit, test = features or sets
    found: dict[str, list[float]] = {}
    for number in range(seeds):
        seed = mix(generator.initial_seed(), 10, number)
        below, above = cut(model, last, top)
        learner = Learner(nn.Sequential() if features else below, above, fit, seed, moving)
        chosen, most = train(learner, fit, course, seed)
        whole = torch.arange(len(test.label))
        measured = {"accuracy %": accuracy(learner, test, whole), "held-out accuracy %": most, "epoch chosen": chosen}
        if int(fit.label.max()) >= TOP:
            measured["top-5 accuracy %"] = accuracy(learner, test, whole, TOP)
        for name, value in measured.items():
            found.setdefault(name, []).append(value)
    values = {key: value for name, drawn in found.items() for key, value in spread(name, drawn).items()}
    values |= {"majority %": majority(data.test.label)}
    return values | {"trainable weights": sum(weight.numel() for weight in learner.weights().values())}


def train(learner: Learner, inputs: Inputs, course: Course, seed: int) -> tuple[int, float]:
    """Trains the learner on the inputs but those held out by ``seed``, and leaves it as it was after the epoch chosen.
    Returns that epoch and its accuracy on those held out, in percent.

    Raises Refusal when the loss is no longer finite.
    """
    rows, held = map(torch.from_numpy, hold_out(len(inputs.label), 1 / course.held, seed))
    sgd = Optimiser("sgd", course.rate, betas=(MOMENTUM, 0.0), weight_decay=DECAY)
    player, order = Player("learner", learner.weights(), sgd), Order(rows, mix(seed, 1))
    generator = Generator(inputs.label.device).manual_seed(mix(seed, 2))
    steps = math.ceil(len(rows) / course.batch)
    if course.precision == "bf16":
        guard(learner)
    chosen, most, weights = 0, -1.0, learner.state_dict()
    for epoch in range(course.epochs):
        learner.train()
        for step in range(epoch * steps, (epoch + 1) * steps):
            at = order.at(step * course.batch, course.batch)
            loss = _step(learner, player, inputs, at, generator, 0.1 ** (3 * epoch // course.epochs), course.precision)
        if not loss.isfinite():
            raise Refusal(f"frozen_probe: the loss is no longer finite at rate {course.rate:g}; give a lower rate")
        if (course.best or epoch + 1 == course.epochs) and (value := accuracy(learner, inputs, held)) >= most:
            chosen, most, weights = epoch + 1, value, copy.deepcopy(learner.state_dict())
    learner.load_state_dict(weights)
    return chosen, most


def _step(
    learner: Learner, player: Player, inputs: Inputs, rows: Tensor, generator: Generator, factor: float, precision: str
) -> Tensor:
    """One step on these rows, at ``factor`` times the rate. Returns its loss."""
    device = inputs.label.device
    image, label = inputs.read(rows), inputs.label.index_select(0, rows.to(device))
    with mixed(precision, device):
        logits = learner(image, generator)
    loss = cross_entropy(logits, label).mean()
    player.step(torch.autograd.grad(loss, player.weights), factor)
    return loss.detach()


def accuracy(learner: Learner, inputs: Inputs, rows: Tensor, among: int = 1) -> float:
    """On these rows of the inputs, in percent: how many of their classes are among this many most probable ones."""
    right = 0
    for some_rows in rows.split(BLOCK):
        with evaluating(learner):
            answer = learner(inputs.read(some_rows)).topk(among).indices
        truth = inputs.label.index_select(0, some_rows.to(answer.device))
        right += int((answer == truth[:, None]).any(1).sum())
    return 100 * right / len(rows)


def _check(course: Course, seeds: int, data: Splits) -> None:
    if min(course.epochs, course.batch, seeds) < 1 or not course.rate > 0 or course.held < 2:
        raise Refusal(
            f"frozen_probe: epochs {course.epochs}, batch {course.batch} and seeds {seeds} must be 1 or more, held "
            f"{course.held} 2 or more, and rate {course.rate:g} above 0"
        )
    if course.precision not in ("fp32", "bf16"):
        raise Refusal(f'frozen_probe: precision is fp32 or bf16, not "{course.precision}"')
    known = data.fit.label[data.fit.label >= 0]
    if len(np.unique(known)) < 2 or len(known) < course.held:
        source = data.fit.source or "these images"
        raise Refusal(
            f"frozen_probe: {source} must have {course.held} labels or more, of two or more classes, to train on; add "
            "them"
        )
