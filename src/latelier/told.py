"""What a training is told of its pictures: their labels or attributes, of which some may be hidden, and the settings
that follow from them."""

from collections.abc import Mapping
from dataclasses import fields
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from latelier.building import config_of, takes_head
from latelier.data.attributes import hide_attributes, with_attributes
from latelier.data.choice import hide_labels
from latelier.data.images import Images
from latelier.settings import parse_assignments


class Told(NamedTuple):
    """The pictures as they are learned from and as validation may judge by them, and the model's settings."""

    images: Images
    whole: Images  # with nothing hidden
    settings: dict[str, Any]


def told(request: SimpleNamespace, images: Images, rows: np.ndarray) -> Told:
    """By the arguments of ``latelier train``; of ``rows`` --labels are kept. Raises Refusal for labels or attributes
    that the pictures do not have."""
    given = request.settings if isinstance(request.settings, Mapping) else parse_assignments(request.settings or [])
    settings: dict[str, Any] = dict(given)
    whole, count = images, request.labels
    own = learns_attributes(request.model)
    if own:
        whole = images = with_attributes(images, _names(settings.get("attributes", ())))
        settings["attributes"] = images.attributes
        if count is not None:
            images = hide_attributes(images, count, request.seed, among=rows)
    if count is not None and (not own or "head" in settings):
        images = hide_labels(images, count, request.seed, among=rows)
    if count is not None and not own and takes_head(request.model):
        settings.setdefault("head", "softmax")
    return Told(images, whole, settings)


def learns_attributes(model: str) -> bool:
    """Whether the method has to be told names of attributes."""
    return "attributes" in {field.name for field in fields(config_of(model))}


def _names(given: Any) -> tuple[str, ...]:
    return tuple(part.strip() for part in given.split(",") if part.strip()) if isinstance(given, str) else tuple(given)
