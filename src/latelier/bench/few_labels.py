"""How well few labels serve: the same encoder with and without unlabelled images, beside logistic regression.

Every method sees the same label draws and is measured on the same test images, which none of them saw."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latelier.core import Classifies, Model, need
from latelier.data.images import Images
from latelier.data.sources.open import open_images
from latelier.data.subsets import hide_labels, labelled_rows


@dataclass(frozen=True)
class Trial:
    """One training and its test accuracy."""

    row: str  # of the table
    method: str
    settings: Mapping[str, Any]
    labels: int  # a class
    draw: int  # seed of the label draw, of the first weights and of the order
    images: int  # shown in training
    data: str
    batch: int = 64
    shift: int = 0
    affine: float = 0.0
    cutout: float = 0.0
    colour: float = 0.0
    flip: bool = False
    plan: Mapping[str, Any] = field(default_factory=dict)  # more of loop.Plan


def accuracy(trial: Trial) -> float:
    """Trains as the trial says, on one thread; share of the test images classified right."""
    import torch

    from latelier.codes.rows import rows_of

    torch.set_num_threads(1)
    images = hide_labels(open_images(trial.data, split="train"), trial.labels, trial.draw)
    test = open_images(trial.data, split="test")
    probabilities = rows_of(model := trained(trial, images), test, need(model, Classifies).classify)
    return float((probabilities.argmax(1) == test.label).mean())


def trained(trial: Trial, images: Images) -> Model:
    """What the trial's method has learned of these images, whose labels are those that it may know; in eval mode, with
    averaged weights if the plan has some."""
    import torch

    from latelier.data.augment import changes_of
    from latelier.data.batches import Batches
    from latelier.data.seeds import mix
    from latelier.engine.loop import train
    from latelier.engine.plan import Plan
    from latelier.runs.building import assemble, open_model
    from latelier.training.supervision import shares

    torch.manual_seed(mix(trial.draw, 0))
    model, card = assemble(trial.method, images.shape, images.classes, dict(trial.settings))
    model, device = model.to(memory_format=torch.channels_last), torch.device("cpu")
    changes = changes_of(vars(trial))
    batches = Batches(images, trial.batch, seed=trial.draw, device=device, **shares(model), augment=changes)
    total = trial.images // trial.batch * trial.batch
    plan = Plan(total=total, batch=trial.batch, seed=trial.draw, log_every=total, save_every=total, **trial.plan)
    with tempfile.TemporaryDirectory() as folder:
        outcome = train(model, batches, plan, Path(folder), card.json())
        if outcome.why == "stopped":  # half a training is no figure
            raise SystemExit(128 + outcome.signal)
        return open_model(folder, trial.method)[0]


def baselines(
    train: Images, test: Images, budgets: Sequence[int], draw: int, components: int
) -> dict[str, dict[int, float]]:
    """Row -> labels a class -> accuracy of logistic regression on pixels, and on a PCA fitted to all training images
    without their labels, and of label propagation on a graph of all pixels, those of the test images too."""
    import numpy as np

    from latelier.learners import regression
    from latelier.learners.propagation import propagate
    from latelier.learners.space import principal
    from latelier.scores.propagation import known_among, pixel_graph

    seen, unseen = (images.floats(slice(None)).flatten(1).numpy() for images in (train, test))
    pca = principal(seen, components)
    spaces = {
        "logistic regression on pixels": (seen, unseen),
        "logistic regression on PCA": (pca.transform(seen), pca.transform(unseen)),
    }
    spread = "label propagation on pixels"
    found: dict[str, dict[int, float]] = {name: {} for name in (*spaces, spread)}
    everything = np.arange(len(train))
    graph, classes = pixel_graph(train, everything, test), int(train.label.max()) + 1
    for labels in budgets:
        rows = labelled_rows(train.label, labels, draw)
        for name, (fit, measured) in spaces.items():
            right = regression.fit(fit[rows], train.label[rows]).predict(measured) == test.label
            found[name][labels] = float(right.mean())
        known = known_among(everything, rows, train.label, len(test))
        right = propagate(graph, known, classes)[len(train) :].argmax(1) == test.label
        found[spread][labels] = float(right.mean())
    return found
