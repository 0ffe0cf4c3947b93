"""The method of a training that names none: one that recognises what labels say, where there are some."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import torch

from latelier.config.settings import words
from latelier.data.images import Images
from latelier.data.packing.target import SIDE
from latelier.engine import parallel
from latelier.terminal.progress import step
from latelier.terminal.tables import counted
from latelier.training.held_out import opened
from latelier.training.unlabelled import SMALL

OTHERS = "latelier models lists others"
SOME, HARDLY = 256, 0.02  # images looked at, and how far apart the channels of one in colour are on the mean


class Choice(NamedTuple):
    """A method and its settings, and why in words."""

    model: str
    settings: dict[str, Any]
    why: str


def choose(labelled: int, count: int, classes: int, coloured: bool = False) -> Choice:
    """For ``count`` images, of which ``labelled`` have one of ``classes``; ``coloured`` ones are taken for photographs.

    An encoder whose head also learns from images without a label has the fewest errors with few labels, in less time
    than a model that redraws images as well: on handwriting by what it is itself sure of, on photographs, of which it
    is sure of little, by what words of patches say (docs/few-labels.md). Where most images are labelled there is little
    that others could add, and a ``classifier`` of labels alone has the most right (docs/defaults.md).
    Without labels, or with those of one class, nothing says what to recognise: a ``vae`` has features,
    reconstructions and samples."""
    if not labelled:
        return Choice("vae", {}, "since no labels say what to recognise; for classes give --labels-file")
    if classes < 2:
        why = f"without a label head, since there is one class alone ({counted(labelled, 'label')}) and it takes two"
        return Choice("vae", {"head": "none"}, f"{why} to tell apart; label images of another as well")
    others = count - labelled
    if others > labelled:
        kind = "words" if coloured else "consistent"
        why = f"whose label head learns from {labelled:,} labels and from the {others:,} images without one"
        return Choice("classifier", {"head.unlabelled": kind}, f"{why} (head.unlabelled={kind})")
    return Choice("classifier", {}, f"since {labelled:,} of {count:,} images have one of {classes} classes")


def opened_for(request: SimpleNamespace) -> Images:
    """The images that the arguments of ``latelier train`` ask for. Where they name no method, they do afterwards, with
    settings under those given, and with a size where the images are larger than is learned well in minutes; a line says
    so. Raises Refusal as ``opened`` does."""
    images = opened(request, str(request.data), request.size, request.channels, request.range)
    if request.range is not None and images.range is None and not (request.resume or request.quiet or parallel.rank()):
        step("--range {:g},{:g} has no effect: all images have 8 bits".format(*request.range))
    if request.model is not None:
        return images
    known = images.label[images.label >= 0]
    classes = len(np.unique(known))
    if request.labels is None:
        labelled, count = len(known), len(images)
    else:
        labelled, count = request.labels * classes, request.images or len(images)
    choice = choose(labelled, count, classes, classes > 1 and coloured(images))
    request.model, request.settings = choice.model, _under(choice.settings, request.settings)
    smaller = ""
    if request.size is None and min(images.shape[1:]) > SIDE:
        request.size, smaller = SIDE, f"; images are scaled to {SIDE} px, --size N chooses another"
        images = opened(request, str(request.data), request.size, request.channels, request.range)
    if not request.quiet and parallel.rank() == 0:
        step(f"no method was named: {choice.model}, {choice.why}{smaller}; {OTHERS}")
    return images


def coloured(images: Images) -> bool:
    """Whether most of some images are in colour, and large enough to have words."""
    if images.shape[0] != 3 or min(images.shape[1:]) <= SMALL:
        return False
    rows = np.sort(np.random.default_rng(0).permutation(len(images))[:SOME])
    apart = [(block.amax(1) - block.amin(1)).mean((1, 2)) for block in images.take(rows).blocks(16)]
    return bool((torch.cat(apart) > HARDLY).float().mean() > 0.5)


def _under(chosen: dict[str, Any], given: Any) -> Any:
    """The settings with those that were given over them, in the form of these."""
    return {**chosen, **given} if isinstance(given, Mapping) else [*words(chosen), *(given or [])]
