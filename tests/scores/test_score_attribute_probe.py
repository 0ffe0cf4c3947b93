from dataclasses import replace

import numpy as np
import pytest
import torch
from scores.fakes import Fake, Point, Reads, images_from
from torch import Generator, Tensor

from latelier.core import Code, Encodes, HasLevels, Posterior
from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.scores import attribute_probe
from latelier.scores.attribute_probe import learned, score
from latelier.scores.attributes import attributes_of, balanced
from latelier.scores.common import Splits
from latelier.scores.kept import Kept
from latelier.scores.record import run_scores

SHAPE = (1, 2, 3)


def marked(n: int, seed: int, noise: bool = False) -> Images:
    """Attribute 0 is the first pixel's brightness, a tenth of images have it; attribute 1 is nobody's business."""
    rng = np.random.default_rng(seed)
    attribute = (rng.random((n, 2)) < (0.1, 0.5)).astype(np.int8)
    pixels = rng.integers(100, 156, (n, 2, 3, 1))
    pixels[:, 0, 0, 0] += 0 if noise else 60 * attribute[:, 0]
    return replace(images_from(pixels), attribute=attribute, attributes=("bright", "lucky"))


DATA = Splits(marked(600, 0), marked(600, 1))
WHOLE = Reads(SHAPE, 6, lambda image: image.flatten(1))


def scored(model=WHOLE, data: Splits = DATA, **options) -> dict[str, float]:
    return score(model, data, Generator(), **options)


class Two(Fake, Encodes, HasLevels):
    """Its lower level is the image, its upper level all but the first pixel."""

    def __init__(self):
        super().__init__(SHAPE, z1=6, z2=5)

    def encode(self, image: Tensor) -> Posterior:
        return Point({"z1": image.flatten(1), "z2": image.flatten(1)[:, 1:]})

    def levels(self) -> tuple[str, ...]:
        return ("z1", "z2")

    def fill(self, code: Code, generator: Generator | None = None) -> Code:
        raise NotImplementedError


# ---- balanced accuracy (oracle 9)


@pytest.mark.parametrize("positives", [1, 50, 99])
@pytest.mark.parametrize("answer", [True, False])
def test_a_constant_answer_has_a_half_whatever_the_imbalance(positives, answer) -> None:
    assert balanced(np.full(100, answer), (np.arange(100) < positives).astype(int)) == 0.5


def test_of_balanced_truth_it_is_the_accuracy() -> None:
    truth = np.arange(100) % 2
    answer = np.random.default_rng(0).random(100) < 0.3 + 0.3 * truth
    assert balanced(answer, truth) == pytest.approx((answer == truth).mean())


def test_it_is_the_mean_of_both_rates_and_unknown_ones_do_not_count() -> None:
    truth = np.array([1, 1, 1, 1, 0, 0, -1, -1])
    answer = np.array([1, 1, 1, 0, 0, 1, 1, 0], bool)
    assert balanced(answer, truth) == (0.75 + 0.5) / 2
    assert balanced(answer == 0, truth) == (0.25 + 0.5) / 2


# ---- which attributes


def test_those_that_both_splits_show_enough_of() -> None:
    attribute = np.zeros((20, 4), np.int8)
    attribute[:6, 0] = attribute[:5, 1] = attribute[:6, 2] = 1
    attribute[:6, 3], attribute[6:, 3] = 1, -1
    fit = replace(images_from(np.zeros((20, 2, 3, 1))), attribute=attribute, attributes=tuple("abcd"))
    test = replace(fit, attribute=np.where(np.arange(4) == 2, 1, attribute).astype(np.int8))
    assert attributes_of(Splits(fit, fit)).names == ("a", "c")
    assert attributes_of(Splits(fit, test)).names == ("a",)


def test_of_two_classes_the_second_is_one() -> None:
    label = np.arange(24) % 3 - 1
    two = replace(images_from(np.zeros((24, 2, 3, 1)), label), classes=("calm", "smiling"))
    found = attributes_of(Splits(two, two))
    assert found.names == ("smiling",)
    assert (found.test[:, 0] == label).all()


def test_of_three_classes_each_is_one_against_the_others() -> None:
    label = np.arange(24) % 4 - 1
    three = replace(images_from(np.zeros((24, 2, 3, 1)), label), classes=("a", "b", "c"))
    found = attributes_of(Splits(three, three))
    assert found.names == ("a", "b", "c")
    assert found.fit[1].tolist() == [1, 0, 0]
    assert found.fit[0].tolist() == [-1, -1, -1]  # of no class that is known


# ---- the score


def test_what_is_in_the_codes_is_found_and_what_is_not_is_not() -> None:
    values = scored()
    assert values["codes bright %"] > 97
    # Of 600 images an answer that knows nothing has an sd of about 2 percent: 5 of them, once in a million.
    assert abs(values["codes lucky %"] - 50) < 10
    pair = [values["codes bright %"], values["codes lucky %"]]
    assert values["codes %"] == pytest.approx(np.mean(pair))
    assert values["codes % sd"] == pytest.approx(np.std(pair, ddof=1))
    assert [values[f"pixels {name} %"] for name in ("bright", "lucky")] == pytest.approx(pair, abs=3)


def test_codes_that_say_nothing_have_a_half_at_any_imbalance() -> None:
    blind = Reads(SHAPE, 2, lambda image: torch.zeros(len(image), 2))
    assert scored(blind)["codes bright %"] == 50


def test_scale_and_offset_of_the_codes_do_not_matter() -> None:
    other = Reads(SHAPE, 6, lambda image: 1000 * image.flatten(1) - 300)
    assert scored(other)["codes bright %"] == pytest.approx(scored()["codes bright %"], abs=1)


def test_levels_are_spaces_of_their_own_and_all_together() -> None:
    values = scored(Two())
    assert [name for name in values if name.endswith(" bright %")] == [
        f"{space} bright %" for space in ("z1", "z2", "all", "pixels")
    ]
    assert values["z1 bright %"] > 97
    assert values["all bright %"] > 97
    assert abs(values["z2 bright %"] - 50) < 12
    only = scored(Two(), level="z2")
    assert only == {name: value for name, value in values.items() if name.startswith(("z2", "pixels"))}
    with pytest.raises(Refusal, match='no level "z3"; this model has z1, z2, all'):
        scored(Two(), level="z3")
    with pytest.raises(Refusal, match='level="z1" was asked for, but this model has no levels'):
        scored(level="z1")


def test_pixels_are_learned_from_once_for_runs_that_are_compared(monkeypatch) -> None:
    monkeypatch.setattr(attribute_probe, "PIXELS", Kept(10))
    widths: list[int] = []
    learn = attribute_probe.learned
    monkeypatch.setattr(attribute_probe, "learned", lambda x, *rest: (widths.append(x.shape[1]), learn(x, *rest))[1])
    blind = Reads(SHAPE, 2, lambda image: torch.zeros(len(image), 2))
    first, second = scored(blind), scored(blind)
    assert widths == [2, 2, 6, 6, 2, 2]  # two attributes in each space
    assert first == second


def test_c_is_chosen_on_held_out_rows(monkeypatch) -> None:
    calls = []

    def machine(x, y, c, measured):
        calls.append((c, len(x), len(measured)))
        return measured[:, 0] > (0 if c in (0.1, 1.0) else np.inf)

    monkeypatch.setattr(attribute_probe, "_machine", machine)
    x = np.linspace(-1, 1, 60, dtype=np.float32)[:, None]
    y = (x[:, 0] > 0).astype(int)
    assert (learned(x, y, x) == y).all()
    assert calls == [(c, 50, 10) for c in attribute_probe.GRID] + [(0.1, 60, 60)]  # the least of equals


def test_unknown_answers_are_not_learned_from() -> None:
    attribute = DATA.fit.attribute.copy()
    attribute[300:, 0] = -1
    pixels = DATA.fit.pixels.copy()
    pixels[300:, 0, 0, 0] = np.where(DATA.fit.attribute[300:, 0] == 1, 0, 255)  # they would teach the contrary
    fit = replace(DATA.fit, pixels=pixels, attribute=attribute)
    assert scored(data=DATA._replace(fit=fit))["codes bright %"] > 90


def test_without_attributes_it_is_refused_and_left_out() -> None:
    bare = Splits(images_from(DATA.fit.pixels), images_from(DATA.test.pixels))
    with pytest.raises(
        Refusal, match="attribute_probe: drawn: a classifier of an attribute learns from at least 6 images with it"
    ):
        scored(data=bare)
    with pytest.raises(Refusal, match='score "attribute_probe" needs attributes or classes, but drawn has none'):
        run_scores(WHOLE, bare, ["attribute_probe"])
    record = run_scores(WHOLE, DATA, ["attribute_probe"], options={"attribute_probe": {"level": "all"}})[0]
    assert record["values"]["codes bright %"] > 97
