"""The method of a training that names none: one that recognises what labels say, where there are some."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from latelier import parallel
from latelier.data.aim import SIDE
from latelier.data.images import Images
from latelier.held_out import opened
from latelier.progress import step
from latelier.stated import words
from latelier.tables import counted

OTHERS = "latelier models lists others"


class Choice(NamedTuple):
    """A method and its settings, and why in words."""

    model: str
    settings: dict[str, Any]
    why: str


def choose(labelled: int, count: int, classes: int) -> Choice:
    """For ``count`` images, of which ``labelled`` have one of ``classes``.

    An encoder whose head also learns from images without a label has the fewest errors on handwriting with few labels,
    in less time than a model that redraws images as well; on photographs of many kinds it gains less than a point on
    labels alone, at nine times the cost (docs/few-labels.md). Where most images are labelled there is little that
    others could add, and a ``classifier`` of labels alone has the most right (docs/defaults.md).
    Without labels, or with those of one class, nothing says what to recognise: a ``vae`` has features,
    reconstructions and samples."""
    if not labelled:
        return Choice("vae", {}, "since no labels say what to recognise; for classes give --labels-file")
    if classes < 2:
        why = f"without a label head, since there is one class alone ({counted(labelled, 'label')}) and it takes two"
        return Choice("vae", {"head": "none"}, f"{why} to tell apart; label pictures of another as well")
    others = count - labelled
    if others > labelled:
        why = f"whose label head learns from {labelled:,} labels and from the {others:,} pictures without one"
        return Choice("classifier", {"head.unlabelled": "consistent"}, why)
    return Choice("classifier", {}, f"since {labelled:,} of {count:,} pictures have one of {classes} classes")


def opened_for(request: SimpleNamespace) -> Images:
    """The images that the arguments of ``latelier train`` ask for. Where they name no method, they do afterwards, with
    settings under those given, and with a size where the images are larger than is learned well in minutes; a line says
    so. Raises Refusal as ``opened`` does."""
    images = opened(request, str(request.data), request.size, request.channels, request.range)
    if request.range is not None and images.range is None and not (request.resume or request.quiet or parallel.rank()):
        step("--range {:g},{:g} has no effect: all pictures have 8 bits".format(*request.range))
    if request.model is not None:
        return images
    known = images.label[images.label >= 0]
    classes = len(np.unique(known))
    if request.labels is None:
        choice = choose(len(known), len(images), classes)
    else:
        choice = choose(request.labels * classes, request.images or len(images), classes)
    request.model, request.settings = choice.model, _under(choice.settings, request.settings)
    smaller = ""
    if request.size is None and min(images.shape[1:]) > SIDE:
        request.size, smaller = SIDE, f"; pictures are scaled to {SIDE} px, --size N chooses another"
        images = opened(request, str(request.data), request.size, request.channels, request.range)
    if not request.quiet and parallel.rank() == 0:
        step(f"no method was named: {choice.model}, {choice.why}{smaller}; {OTHERS}")
    return images


def _under(chosen: dict[str, Any], given: Any) -> Any:
    """The settings with those that were given over them, in the form of these."""
    return {**chosen, **given} if isinstance(given, Mapping) else [*words(chosen), *(given or [])]
