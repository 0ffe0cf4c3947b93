import numpy as np
import pytest
import torch
from scores.fakes import Fake, Point, images_from
from torch import Generator, Tensor

from latelier.core import Code, Decodes, Encodes, Posterior, Samples
from latelier.data.drawn.mixture import REACH, SD, draw_mixture
from latelier.errors import Refusal
from latelier.scores.common import Splits
from latelier.scores.coverage import placed, score, spread
from latelier.scores.record import run_scores

SHAPE = (1, 1, 2)
DATA = Splits(draw_mixture(80, 0), draw_mixture(80, 1))
CENTRES = torch.from_numpy(np.unique(DATA.fit.truth["mode"], axis=0))


class Draws(Fake, Samples, Decodes):
    """Draws points around this many of the centres, ``sd`` in coordinates; the code is the image."""

    def __init__(self, modes: int = 25, sd: float = SD, share: float = 1.0):
        super().__init__(SHAPE, z=2)
        self.modes, self.sd, self.share = modes, sd / (2 * REACH), share

    def sample_prior(self, n: int, generator: Generator) -> Code:
        mode = torch.randint(self.modes, (n,), generator=generator)
        rare = torch.rand(n, generator=generator) > self.share
        mode[rare & (mode == 0)] = 1
        return {"z": CENTRES[mode] + self.sd * torch.randn(n, 2, generator=generator)}

    def decode(self, code: Code) -> Tensor:
        return code["z"].unflatten(1, SHAPE)


class Both(Draws, Encodes):
    """And its reconstruction is any function of the image."""

    def __init__(self, read):
        super().__init__()
        self.read = read

    def encode(self, image: Tensor) -> Posterior:
        return Point({"z": self.read(image.flatten(1))})


def scored(model, data: Splits = DATA) -> dict[str, float]:
    return score(model, data, Generator().manual_seed(0))


def test_the_law_itself_covers_all_modes_at_the_datas_quality() -> None:
    values = scored(Draws())
    assert values["modes covered"] == values["modes"] == 25
    # Within 3 sds in two directions are 1 - exp(-9 / 2) = 98.89 % of a normal; the data's sd has the rounding in it.
    # The share of 10,000 has an sd of 0.1, that of 2,000 0.24: five of them.
    assert 98.3 < values["samples of high quality %"] <= 99.7
    assert values["data of high quality %"] == pytest.approx(98.89, abs=1.2)


@pytest.mark.parametrize("modes", [1, 13, 24])
def test_lost_modes_are_counted(modes) -> None:
    assert scored(Draws(modes))["modes covered"] == modes


def test_a_mode_needs_a_twentieth_of_its_share() -> None:
    # 400 samples are due; 20 count. Of 10 expected 20 or more come in 0.3 % of seeds, of 40 fewer than 20 in 0.02 %.
    assert scored(Draws(share=0.025))["modes covered"] == 24
    assert scored(Draws(share=0.1))["modes covered"] == 25


def test_points_between_modes_are_of_no_quality() -> None:
    values = scored(Draws(sd=1.0))
    assert values["samples of high quality %"] < 5
    # Of radius 0.154 around centres 2 apart: wide normals cover 0.0745 / 4 of the plane, 7 samples a mode.
    assert values["modes covered"] < 25
    nan = Draws()
    nan.decode = lambda code: torch.full((len(code["z"]), *SHAPE), torch.nan)  # type: ignore[method-assign]
    assert scored(nan)["samples of high quality %"] == 0


def test_reconstructions_that_stay_and_that_stray() -> None:
    stay, within = "reconstructions that stay in their mode %", "reconstructions that stay within %"
    exact = scored(Both(lambda x: x))
    assert exact[stay] == 100
    assert exact[within] == exact["data of high quality %"]
    near = scored(Both(lambda x: x + 0.5 / (2 * REACH)))  # half a unit off: own mode, but far from it
    assert (near[stay], near[within]) == (100, 0)
    far = scored(Both(lambda x: x * torch.tensor([1.0, 0.0]) + torch.tensor([0.0, 0.5])))  # the middle row: a fifth
    assert far[stay] == 20
    assert stay not in scored(Draws())


def test_nearest_centre_and_reach() -> None:
    centres = np.array([[0.0, 0.0], [1.0, 0.0]])
    mode, good = placed(np.array([[0.1, 0.0], [0.8, 0.3], [0.4, 0.0], [np.nan, 0.0]]), centres, 0.3)
    assert mode.tolist()[:3] == [0, 1, 0]
    assert good.tolist() == [True, False, False, False]


def test_the_sd_is_that_of_rounded_pixels() -> None:
    step = 1 / 255
    expected = np.hypot(SD / (2 * REACH), step / 12**0.5)
    assert spread(DATA) == pytest.approx(expected, rel=0.06)  # of 4,000 numbers: an sd of 1.1 %


def test_data_without_modes_are_refused_and_left_out() -> None:
    bare = Splits(images_from(DATA.fit.pixels), images_from(DATA.test.pixels))
    with pytest.raises(Refusal, match="coverage: drawn have no known modes; give mixture"):
        scored(Draws(), bare)
    with pytest.raises(Refusal, match='score "coverage" needs images whose modes are known, but drawn has none'):
        run_scores(Draws(), bare, ["coverage"])
    assert run_scores(Draws(), bare) == []
    assert [record["name"] for record in run_scores(Draws(), DATA)] == ["coverage"]
