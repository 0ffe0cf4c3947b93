"""What a sheet is drawn from."""

from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor

from latelier.codes.directions import Found
from latelier.core import UNKNOWN_FACTORS, Code, Encodes, HasLevels, Model, Posterior, has, need
from latelier.data.augment import Augment
from latelier.errors import Refusal
from latelier.objectives.langevin import Chain
from latelier.uses.imagining import Through

if TYPE_CHECKING:
    from latelier.uses.judging import Witness

BLOCK = 512  # images that are encoded at once


Judging = Callable[[Sequence[str]], "Witness | None"]


class SheetOptions(NamedTuple):
    """Options of sheets of attributes and of captions."""

    attribute: tuple[str, ...] = ()  # NAME, or NAME=0 for without; by default the sheet chooses
    by: float | None = None  # steps to move
    given: tuple[str, ...] = ()  # NAME or NAME=1, NAME=0
    chain: Chain = Chain()
    caption: str = ""  # what is to be seen
    through: Through = "image"  # what finds codes for the caption, or the "code"


class View(NamedTuple):
    """A model, in eval mode, beside images of some data and the log of its training."""

    model: Model
    image: Tensor  # [n, c, h, w] floats in [0, 1], images of the data, on the model's device
    names: list[str]  # n file names or row numbers
    label: list[str]  # n class names, "" = unknown
    log: list[
        dict[str, Any]
    ]  # records of log.jsonl: "seen", "terms": {name: value}, perhaps "validation": {name: value}
    title: str  # what is shown, e.g. "vae on digits:test"
    generator: Generator  # on the model's device
    factors: tuple[str, ...] = ()  # names of the known factors of drawn data
    levels: Tensor = UNKNOWN_FACTORS  # [n, f] int64 on the CPU, the level of each factor from 0 up
    options: SheetOptions = SheetOptions()
    found: Found | None = None  # where attributes lie in the code, if it is known
    judge: "Judging | None" = None  # learns to tell attributes of these names in drawn images, if asked
    captions: Sequence[Sequence[str]] = ()  # n lists, or none at all
    augment: Augment = Augment()  # the changes that training images were shown with

    @property
    def asked(self) -> SheetOptions:
        """``options`` by its former name, for one more version: a sheet of one's own may read it."""
        return self.options

    def caption(self, row: int) -> str:
        """The class of that image, or the last part of its name where the class is unknown."""
        return self.label[row] or PurePath(self.names[row]).name


def directions_of(view: View, sheet: str) -> Found:
    """Raises Refusal where nothing is known of attributes."""
    if view.found is None:
        raise Refusal(
            f"{sheet} goes along attributes, and this model has learned none: latelier draw RUN {sheet} fits "
            "directions where images have attributes or classes"
        )
    return view.found


def pixels(image: Tensor) -> np.ndarray:
    """Floats [n, c, h, w] in [0, 1] on any device -> uint8 [n, h, w, c], rounded; what lies outside is clipped."""
    return image.detach().float().clamp(0, 1).mul(255).round().byte().permute(0, 2, 3, 1).cpu().numpy()


class Blocks(Posterior):
    """The posteriors of blocks of images as one."""

    def __init__(self, blocks: list[Posterior]):
        self._blocks = blocks

    def mode(self) -> Code:
        return _joined([block.mode() for block in self._blocks])

    def sample(self, generator: Generator) -> Code:
        return _joined([block.sample(generator) for block in self._blocks])

    def rate(self) -> Code:
        return _joined([block.rate() for block in self._blocks])


def encoded(view: View) -> Posterior:
    """The posterior of all images of the view, however many, encoded a block at a time."""
    encoder = need(view.model, Encodes)
    return Blocks([encoder.encode(image) for image in view.image.split(BLOCK)])


class Free(Posterior):
    """A posterior without the latents that follow from others."""

    def __init__(self, whole: Posterior, model: Model):
        self._whole, self._model = whole, model

    def mode(self) -> Code:
        return free(self._model, self._whole.mode())

    def sample(self, generator: Generator) -> Code:
        return free(self._model, self._whole.sample(generator))

    def rate(self) -> Code:
        return free(self._model, self._whole.rate())


def free(model: Model, code: Code) -> Code:
    """The latents that can be moved by themselves: of a hierarchy its top level, which draws all others; else those
    that the model names, or all."""
    top = need(model, HasLevels).levels()[-1:] if has(model, HasLevels) else ()
    names = top or (need(model, Encodes).read if has(model, Encodes) else ()) or tuple(code)
    return {name: value for name, value in code.items() if name in names}


def _joined(codes: list[Code]) -> Code:
    return {name: torch.cat([code[name] for code in codes]) for name in codes[0]}
