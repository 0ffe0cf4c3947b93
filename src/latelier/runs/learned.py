"""What a run has learned from, by its config.json: which images, and which of their labels."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from latelier.core import Classifies, Model, has, innermost
from latelier.data.attributes import hide_attributes, with_attributes
from latelier.data.images import Images
from latelier.data.subsets import among, fewer, hide_labels, hold_out


def kept_back(config: Mapping[str, Any]) -> dict[str, Any]:
    """Share and seed of the images that a run held out, from its config.json; nothing for one that held out none.
    Earlier versions wrote down no more than what was asked for."""
    request = config.get("request", {})
    requested = {"share": request.get("validation"), "seed": int(request.get("seed", 0))}
    found = dict(config.get("data", {}).get("held_out", requested))
    return found if found.get("share") else {}


def parted(config: Mapping[str, Any], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a run's ``count`` images, from its config.json: those that it did not hold out, and those that it did."""
    held = kept_back(config)
    return hold_out(count, held.get("share", 0.0), held.get("seed", 0))


def learned_rows(config: Mapping[str, Any], images: Images) -> np.ndarray:
    """Which of the images a run learned from, from its config.json: neither held out, nor left out by --where or
    --images."""
    rows, request = parted(config, len(images))[0], config.get("request", {})
    if (where := request.get("where")) is not None:
        rows = among(images, rows, where)
    requested = request.get("images")
    return rows if requested is None else fewer(rows, requested, int(request.get("seed", 0)))


def learned_labels(model: Model) -> bool:
    """Whether the model has learned from labels: by a head, as a classifier, or as attributes that classes may be."""
    return has(model, Classifies) or hasattr(getattr(innermost(model), "config", None), "attributes")


def labels_learned(model: Model, config: Mapping[str, Any], images: Images) -> np.ndarray:
    """Of which of the images, all that the run was given, it learned the class: bool [n], from its config.json. None
    for a model that learns none."""
    found, request = np.zeros(len(images), bool), config.get("request", {})
    if not learned_labels(model):
        return found
    seed, count = int(request.get("seed", 0)), request.get("labels")
    rows = learned_rows(config, images)
    names = tuple(getattr(getattr(innermost(model), "config", None), "attributes", ()))
    if names:
        images = with_attributes(images, names)
        known = images if count is None else hide_attributes(images, count, seed, among=rows)
        classes = [column for column, name in enumerate(names) if name in images.classes]
        found[rows] = (known.attribute[rows][:, classes] >= 0).any(1)
    if not names or has(model, Classifies):
        label = images.label if count is None else hide_labels(images, count, seed, among=rows).label
        found[rows] |= label[rows] >= 0
    return found
