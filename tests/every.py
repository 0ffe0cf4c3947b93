"""What the tests over all methods share: the methods found, small drawn images, and all that a model gives for them.

Each method is tried on grey and on colour images and, where it encodes and learns by moves, with a label head on grey
ones.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from latelier.config.lookup import find_module, module_names
from latelier.core import Captions, Classifies, Decodes, Encodes, Features, Fits, Model, has, need
from latelier.data.batches import Batches
from latelier.data.captions import Sentences
from latelier.data.drawn.scenes import ATTRIBUTES, draw_scenes
from latelier.data.drawn.sprites import draw_sprites
from latelier.data.images import Images
from latelier.data.words import Vocabulary
from latelier.runs import building
from latelier.runs.building import Card, assemble

GREY, COLOUR = (1, 16, 8), (3, 16, 16)
CLASSES = tuple("0123456789")
WORDS = Vocabulary.of(text for texts in draw_scenes(48).captions for text in texts)
SIZE = 16  # images a batch
CPU = torch.device("cpu")
DRAWN = {"pooling": "drawn", "estimator": "score", "estimator.hidden": 8}  # of dgdn, whose codes then hang on draws
SMALL: dict[str, dict[str, Any]] = {  # settings of methods whose nets are too large to be tried so often
    "ali": {"latent": 16, "net.channels": 8, "net.hidden": 32, "paired": False},  # pairs cancel a verdict's bias
    "bigan": {"latent": 16, "net.widths": (64, 64), "paired": False},
    "dcgan": {"latent": 16, "net.channels": 8},
    "dgdn": {"maps": (8, 10), "kernels": (5, 2), "pools": (2,)},
    "dgdn_sampled": {
        "maps": (3, 4),
        "kernels": (5, 2),
        "pools": (3,),
        "inference.sweeps": 4,
        "inference.burn": 1,
        "inference.kept": 2,
    },
    "hali": {"levels": (8, 16), "net.channels": 4, "net.hidden": 16, "paired": False},
    "cvae": {"latent": 8, "features": 32},
    "m1m2": {"latent": 8, "above": 4, "features": 32, "top.widths": (32,)},
    "m2": {"latent": 8, "features": 32},
    "introvac": {"width": 0.125, "latent": 8, "attributes": ATTRIBUTES},
    "introvae": {"width": 0.125, "latent": 8, "margin": 10.0},
    "patchvae": {"beta_occurrence": 10.0},  # else its parts have not begun to pay after so few steps
    "rbm": {"epochs": 20},
    "vq": {"codes": 16, "net.width": 16, "net.blocks": 1},
    "vac": {"width": 0.125, "latent": 8, "attributes": ATTRIBUTES},
}
ALONE = ("cvae", "m1m2", "m2")  # methods that no label head learns beside: they tell classes themselves
VARIANTS: dict[str, dict[str, dict[str, Any]]] = {  # of methods, by name: settings that change what a move does
    "autoencoder": {penalty: {"penalty": penalty} for penalty in ("l2", "gradient")},
    "dgdn": {"cells": {"top": "cells"}},
    "vae": {
        "iwae": {"objective": "iwae", "objective.draws": 3},
        **{penalty: {"penalty": penalty} for penalty in ("tc", "dip", "factor")},
        "vamp": {"prior": "vamp", "prior.components": 10},
    },
}


@dataclass(frozen=True)
class Case:
    """A method, for images of one shape, with a head or none, by its defaults or in one of its variants."""

    method: str
    image: tuple[int, int, int]
    head: str = "none"
    caption: str = "none"
    variant: str = ""

    def __str__(self) -> str:
        heads = [head for head in (self.head, self.caption) if head != "none"]
        variant = [self.variant] if self.variant else []
        return "-".join([self.method, *variant, "x".join(map(str, self.image)), *heads])

    @property
    def one_factor(self) -> bool:
        """Whether the method learns from batches that vary one known factor."""
        return getattr(find_module("latelier.models", self.method, "model", "Model").Model, "one_factor", False)

    def build(self, seed: int = 0) -> tuple[Model, Card]:
        """Laid out in memory as training has it. Whether there is room is not asked: engine/test_memory.py does."""
        with torch.random.fork_rng(devices=[]), pytest.MonkeyPatch.context() as patched:
            patched.setattr(building, "check_room", lambda name, make: None)
            torch.manual_seed(seed)
            settings = {"head": self.head, "caption": self.caption, **SMALL.get(self.method, {})}
            settings |= VARIANTS[self.method][self.variant] if self.variant else {}
            if self.method == "dgdn" and (self.head, self.caption) != ("none", "none"):
                settings |= DRAWN
            if (self.method, self.head, self.caption) == ("vae", "softmax", "gru"):
                settings |= {"net": "maps", "latent": 2, "caption.look": "cells", "caption.uncaptioned": "consistent"}
            if self.caption != "none":
                settings |= {"caption.hidden": 16, "caption.embedding": 8, "caption.captioned": 0.25}
            model, card = assemble(self.method, self.image, CLASSES, settings, words=WORDS.words)
        return model.to(memory_format=torch.channels_last), card


def cases(closed: bool) -> list[Case]:
    """All that learn by moves, or all that are fitted in closed form."""
    found = []
    for method in module_names("latelier.models", "Model"):
        model = find_module("latelier.models", method, "model", "Model").Model
        headed = issubclass(model, Encodes) and not closed and method not in ALONE
        heads = ["none", "softmax"] if headed else ["none"]
        if issubclass(model, Fits) == closed:  # a head does not see how many channels there are
            found += [*(Case(method, GREY, head) for head in heads), Case(method, COLOUR)]
    if not closed:
        found.append(Case("dgdn", GREY, "bayesian_svm"))  # its draws pass no gradient, and the head averages draws
        found += [Case("vae", GREY, caption="gru"), Case("dgdn", GREY, "softmax", "lstm")]
        found.append(Case("vae", GREY, "softmax", "gru"))  # whose captions look at cells, and teach other images
        found += [Case(method, GREY, variant=name) for method, variants in VARIANTS.items() for name in variants]
    return found


LEARNING, CLOSED = cases(closed=False), cases(closed=True)
FULLY = ("vae",)  # tried on colour and with a head always, others in the slow tests
# A sweep of dgdn_sampled costs what an epoch costs others, and its laws are tested always; introvac, hali, dcgan,
# ksparse and vae stand for their kin.
SLOW = (
    "aae",
    "ali",
    "autoencoder",
    "bigan",
    "cvae",
    "dcign",
    "dgdn_sampled",
    "infogan",
    "introvae",
    "m1m2",
    "m2",
    "vac",
    "vq",
)


def over(cases: list[Case]) -> pytest.MarkDecorator:
    """Parametrises a test by these cases."""
    slow = [
        case.method in SLOW
        or case.caption != "none"
        or case.variant
        or ((case.image == COLOUR or case.head != "none") and case.method not in FULLY)
        for case in cases
    ]
    return pytest.mark.parametrize(
        "case",
        [pytest.param(one, marks=pytest.mark.slow) if late else one for one, late in zip(cases, slow, strict=True)],
        ids=str,
    )


learning, closed, every = over(LEARNING), over(CLOSED), over(LEARNING + CLOSED)


@cache
def drawn(image: tuple[int, int, int]) -> Images:
    """48 drawn scenes, shrunk; every third has no label."""
    return replace(shrunk(draw_scenes(48), image), truth={})


@cache
def sprites() -> Images:
    """48 drawn sprites: three large shapes at sixteen places."""
    whole = draw_sprites(size=32)
    scale, turn, x, y = whole.truth["levels"][:, 1:].T
    return whole.take(np.flatnonzero((scale == 5) & (turn == 0) & (x % 3 == 1) & (y % 3 == 1)))


def shrunk(images: Images, image: tuple[int, int, int]) -> Images:
    small = functional.interpolate(images.floats(slice(None)), image[1:], mode="area")
    small = small.mean(1, keepdim=True) if image[0] == 1 else small.expand(-1, *image)
    pixels = small.mul(255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
    return replace(images, pixels=pixels, label=np.where(np.arange(len(images)) % 3, images.label, -1))


def images_of(case: Case) -> Images:
    return shrunk(sprites(), case.image) if case.one_factor else drawn(case.image)


def batches_of(case: Case, size: int = SIZE) -> Batches:
    images, captioned = images_of(case), case.caption != "none"
    told: dict[str, Any] = {"captioned": 0.25, "sentences": Sentences(images, WORDS, 20)} if captioned else {}
    return Batches(images, size, seed=0, device=CPU, labelled=0.5, one_factor=case.one_factor, **told)


def copied(model: Model) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    """Bit for bit."""
    assert list(one) == list(other)
    for name in one:
        assert torch.equal(one[name], other[name]), name


def outputs(model: Model, image: Tensor) -> dict[str, Tensor]:
    """All that a user gets for images without a generator."""
    model.eval()
    found: dict[str, Tensor] = {}
    with torch.no_grad():
        if has(model, Encodes):
            posterior = need(model, Encodes).encode(image)
            found |= {f"code {name}": value for name, value in posterior.mode().items()}
            found |= {f"rate {name}": value for name, value in posterior.rate().items()}
            if has(model, Decodes):
                found["reconstruction"] = need(model, Decodes).decode(posterior.mode())
        if has(model, Features):
            trunk = need(model, Features)
            found |= {f"features {depth}": trunk.features(image, depth) for depth in trunk.depths()}
        if has(model, Captions):
            written = need(model, Captions).describe([need(model, Encodes).encode(image).mode()], 2, 6)
            found["caption"] = functional.pad(written.token, (0, 7 - written.token.shape[1])).float()
            found["caption log-probability"] = written.log_probability
        if has(model, Classifies):
            found["probabilities"] = need(model, Classifies).classify(image)
    return found
