"""A judge of edits that knows neither the model nor its directions: a small classifier of real images."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from latelier.codes.directions import FEWEST
from latelier.codes.rows import some
from latelier.data.images import Images
from latelier.nets.eval_mode import evaluating
from latelier.scores.attribute_preservation import Course, Judge, trained
from latelier.scores.attributes import balanced
from latelier.terminal.tables import percent

ROWS, SIDE = 5_000, 32  # images at most, and their longest side; larger ones are averaged down
HELD = 10  # one image in this many is held out, to see how often the judge is right
ENOUGH = 60  # images from which on some are kept back
STEPS, BATCH, RATE = 300, 128, 2e-3
HARDLY = 0.25  # share of the images that lacked what was wished for: an edit that changes fewer hardly shows
SOME = 5  # images that show what is wished for, from which on they say whether a model draws it
FAR = 0.4  # identity from which on a longer way is no advice
PROTOCOL = (
    f"The judge is the one of the score attribute_preservation, learned in {STEPS} batches of at most {BATCH} from at "
    f"most {ROWS:,} real images of at most {SIDE} x {SIDE} px."
)


@dataclass(frozen=True)
class Witness:
    """A judge, what it predicts and how well."""

    names: tuple[str, ...]
    judge: Judge
    images: int  # that it learned from
    right: float  # balanced accuracy on others, a mean over the attributes, in [0, 1]; NaN where none were kept back

    def __call__(self, image: Tensor) -> Tensor:
        """Probabilities [b, a] of images [b, c, h, w]."""
        with evaluating(self.judge):
            probability: Tensor = self.judge(_small(image)).sigmoid()
        return probability

    @property
    def said(self) -> str:
        """In words."""
        right = "" if math.isnan(self.right) else f", right on {100 * self.right:.0f} % of others (balanced)"
        return f"judged by a classifier that learned from {self.images:,} real images{right}"


def witness(images: Images, names: Sequence[str], device: torch.device, steps: int | None = None) -> Witness | None:
    """A judge of those of the attributes that the images show both ways, the same for the same images and ``steps``
    (``STEPS`` if none are given); none where that is none of them."""
    images = some(images, ROWS, 0)
    order = np.random.default_rng(0).permutation(len(images))
    held = order[::HELD] if len(images) >= ENOUGH else order[:0]
    learned = np.setdiff1d(order, held)
    columns = [images.attributes.index(name) for name in names if name in images.attributes]
    shown = [c for c in columns if min((images.attribute[learned, c] == side).sum() for side in (0, 1)) >= FEWEST]
    if not shown:
        return None
    small = [(255 * _small(block)).round().byte().permute(0, 2, 3, 1).numpy() for block in images.blocks()]
    images = replace(images, pixels=np.concatenate(small))
    truth = images.attribute[:, shown].astype(np.int64)
    batch = min(BATCH, len(learned))
    course = Course(math.ceil((STEPS if steps is None else steps) / math.ceil(len(learned) / batch)), RATE, batch)
    judge = trained(images.take(learned), torch.from_numpy(truth[learned]), course, device, 0)
    found = Witness(tuple(images.attributes[c] for c in shown), judge, len(learned), math.nan)
    if not len(held):
        return found
    answer = found(images.floats(held).to(device)).cpu().numpy() > 0.5
    pairs = [(answer[:, column], truth[held, column]) for column in range(len(shown))]
    rates = [balanced(*pair) for pair in pairs if {0, 1} <= set(pair[1].tolist())]
    return replace(found, right=float(np.mean(rates)) if rates else math.nan)


def _small(image: Tensor) -> Tensor:
    return adaptive_avg_pool2d(image.clamp(0, 1), (min(SIDE, image.shape[2]), min(SIDE, image.shape[3])))


class Tally:
    """What a judge saw of edited images, counted."""

    def __init__(self, wishes: Mapping[str, int]):
        self._value = torch.tensor(list(wishes.values())) == 1
        self._words = ", ".join(name if wish else f"no {name}" for name, wish in wishes.items())
        self.images = self.before = self.after = self.lacked = self.changed = self.real = self.kept = 0
        self._identity = 0.0

    def add(self, real: Tensor, before: Tensor, after: Tensor, identity: Tensor) -> None:
        """Probabilities [b, w] of the wished attributes in images, in reconstructions and in edited images, and
        [b]."""
        had, has, got = (((one.cpu() > 0.5) == self._value).all(1) for one in (real, before, after))
        self.real += int(had.sum())
        self.kept += int((had & has).sum())
        self.images += len(has)
        self.before += int(has.sum())
        self.after += int(got.sum())
        self.lacked += int((~has).sum())
        self.changed += int((~has & got).sum())
        self._identity += float(identity.sum())

    @property
    def said(self) -> str:
        """In words."""
        shares = (100 * count / self.images for count in (self.before, self.after))
        before, after = (percent(share, self.images) for share in shares)
        return f"{self._words}: seen in {before} of the reconstructions and in {after} of the edited images"

    def warning(self, farther: float | None, learned: bool = False) -> str:
        """One line where the edit hardly shows, else nothing; ``farther`` is a number of steps to try, if there is
        one; ``learned``: the model has learned the attribute."""
        if not self.lacked:
            return f"warning: every reconstruction is seen as {self._words} already, so no edit can show"
        if self.changed >= HARDLY * self.lacked:
            return ""
        way = "train longer" if learned else "train longer, or learn the attribute (latelier train introvac)"
        if self.real >= SOME and self.kept < HARDLY * self.real:
            way = (
                f"the model hardly draws it: of {self.real:,} images that show it {self.kept:,} do so when "
                f"reconstructed; give it a larger code, {way}"
            )
        elif farther is not None and not self._identity / self.images > FAR:
            way = f"move farther (--by {farther:g}); if that does not help, {way}"
        return (
            f"warning: the edit hardly shows: of {self.lacked:,} images whose reconstruction is not seen as "
            f"{self._words}, {self.changed:,} are when edited; {way}"
        )
