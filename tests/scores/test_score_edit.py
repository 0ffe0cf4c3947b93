"""Scores edit and conditional, on a model whose code is how bright the left and the upper half are."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scores.fakes import Fake, Point, lit
from torch import Generator, Tensor

from latelier.codes.directions import Found
from latelier.core import AttributeDirections, Code, Decodes, Directions, Encodes, Latent, Samples
from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.objectives.directions import moved, step_towards
from latelier.scores import conditional, edit, record
from latelier.scores.common import Splits
from latelier.scores.identity import Eye, apart, mean_distance

SHAPE, NAMES = (1, 16, 16), ("left", "above")
GROUND = torch.rand(*SHAPE, generator=Generator().manual_seed(5)) * 100 / 255  # the judge has seen no plain images
BRIGHT = 60 / 255  # what a half adds


DATA = Splits(lit(320, 0), lit(100, 1))


class Halves(Fake, Encodes, Decodes, Samples):
    """z = -1 where a half is dark and 1 where it is bright; what else is in the image is lost."""

    def __init__(self):
        super().__init__(SHAPE)
        self.latents = {"z": Latent((2,))}

    def encode(self, image: Tensor) -> Point:
        rows, columns = image.mean((1, 3)), image.mean((1, 2))
        halves = [half[:, :8].mean(1) - half[:, 8:].mean(1) for half in (columns, rows)]
        return Point({"z": torch.stack(halves, 1) / BRIGHT * 2 - 1})

    def decode(self, code: Code) -> Tensor:
        left, above = ((code["z"] + 1) / 2 * BRIGHT).T[:, :, None, None, None]
        image = GROUND.repeat(len(left), 1, 1, 1)
        image[..., :8] += left
        image[..., :8, :] += above
        return image.clamp(0, 1)

    def sample_prior(self, n: int, generator: Generator) -> Code:
        return {"z": torch.randn(n, 2, generator=generator)}


class Knowing(Halves, AttributeDirections):
    """It names them the other way round."""

    def directions(self) -> Directions:
        return Directions(NAMES[::-1], {"z": torch.tensor([[0.0, 4.0], [4.0, 0.0]])}, torch.zeros(2))


class Alike(Knowing):
    """Its reconstructions have lost nearly all that tells images apart."""

    def encode(self, image: Tensor) -> Point:
        return Point({"z": super().encode(image).mode()["z"] / 10})


def scored(module, model=None, seed: int = 0, **options) -> dict[str, float]:
    return module.score(model or Knowing(), DATA, Generator().manual_seed(seed), **{"epochs": 12, **options})


def test_edits_along_the_right_direction_change_that_attribute_and_no_other() -> None:
    values = scored(edit, deltas=(0.1, 2.5))
    assert values["changed at 0.1 %"] < 30
    for name in NAMES:
        assert values[f"changed {name} at 2.5 %"] > 95
    assert values["others kept at 2.5 %"] > 95
    assert 0 < values["identity at 0.1"] < 0.2 < values["identity at 2.5"]


def test_identity_is_a_share_of_the_distance_between_real_images() -> None:
    """Not between the model's own, which are nearly one image."""
    model, eye = Alike(), Eye(torch.device("cpu"))
    found = Found(Knowing().directions(), "known")
    values = edit.score(model, DATA._replace(found=found), Generator(), deltas=(2.5,), attributes=("left",), epochs=1)
    image = DATA.test.floats(slice(None))
    code, step = model.encode(image).mode(), step_towards(found.directions, {"left": 1})
    again = eye(model.decode(code))
    far = torch.stack([apart(eye(model.decode(moved(code, step, by))), again) for by in (2.5, -2.5)])
    real = mean_distance(eye(image))
    assert mean_distance(again) < 0.5 * real
    low, high = float(far.amin(0).mean()) / real, float(far.amax(0).mean()) / real
    assert low <= values["identity at 2.5"] <= high < float(far.amin(0).mean()) / mean_distance(again)


@pytest.mark.slow
def test_a_model_that_has_learned_none_is_edited_along_fitted_ones() -> None:
    # Fitted steps of 1 change a tenth of what tells two images apart, and a half that lights up changes all of it.
    values = scored(edit, Halves(), deltas=(10,), attributes=("above",))
    assert values["changed at 10 %"] > 95
    assert values["others kept at 10 %"] > 95


@pytest.mark.slow
def test_several_at_once_must_all_change() -> None:
    values = scored(edit, deltas=(2.5, 3.5), together=True)
    assert values["changed at 3.5 %"] > 90  # each is moved by 3.5 / sqrt(2) = 2.5
    assert values["changed at 2.5 %"] <= values["changed at 3.5 %"]
    assert not any(name.startswith("others kept") for name in values)


@pytest.mark.slow
def test_samples_carry_what_was_given_and_differ() -> None:
    values = scored(conditional, samples=60, step=0.02, steps=100)
    assert values["carries left=1 %"] > 85
    assert values["carries above=0 %"] > 85
    assert 50 < values["accepted %"] < 100  # chains at 4 z: few end on the wrong side
    assert values["diversity"] > 0.3
    assert values == scored(conditional, samples=60, step=0.02, steps=100)
    frozen = scored(conditional, samples=60, step=0.1, steps=200, temperature=0.0)
    assert frozen["diversity"] < 0.05  # all chains climb to the same code
    assert frozen["accepted %"] == 100


def test_what_model_and_images_do_not_share_is_refused() -> None:
    for module in (edit, conditional):
        with pytest.raises(Refusal, match="needs right, but model and images share left, above; name these"):
            scored(module, attributes=("right",))


def test_three_classes_are_attributes_too() -> None:
    def classed(images: Images) -> Images:
        kind = 2 * images.attribute[:, 0].astype(np.int64) + images.attribute[:, 1]
        return replace(
            images,
            label=np.minimum(kind, 2),
            classes=("dark", "above", "left"),
            attribute=images.attribute[:, :0],
            attributes=(),
        )

    data = Splits(classed(DATA.fit), classed(DATA.test))
    values = edit.score(Halves(), data, Generator().manual_seed(0), deltas=(3.0,), epochs=2)
    assert {f"changed {name} at 3 %" for name in data.fit.classes} < values.keys()
    assert record.NEEDS["NEEDS_ATTRIBUTES"][0](data)
