from statistics import NormalDist

import pytest
import torch
from sheets.fakes import Fake, Stacked, view
from torch import Generator

from latelier.core import Decodes, Latent, Model, Samples
from latelier.errors import Refusal
from latelier.sheets.manifold import draw, stops_of

SHARES = [(i + 0.5) / 20 for i in range(20)]
NORMAL = [NormalDist().inv_cdf(share) for share in SHARES]


class Unseeing(Model, Decodes, Samples):
    """Draws images from a prior and encodes none."""

    moves = decode = None

    def __init__(self):
        super().__init__()
        self.latents, self.image = {"z": Latent((3,))}, (1, 8, 8)

    def sample_prior(self, n: int, generator: Generator):
        return {"z": torch.randn(n, 3, generator=generator)}


def drawn_codes(model: Fake, **changes):
    """name -> [row, column, *shape] of what was decoded, rows from the top."""
    draw(view(model, **changes))
    codes = {name: torch.cat([code[name] for code in model.decoded]) for name in model.latents}
    return {name: code.view(20, 20, *code.shape[1:]) for name, code in codes.items()}


def test_the_plane_is_the_unit_square_through_the_inverse_cdf():
    plane = drawn_codes(Fake((1, 8, 8), {"z": Latent((2,))}))["z"]
    for i in range(20):
        assert plane[i, :, 0].tolist() == pytest.approx(NORMAL, abs=1e-6)
        assert plane[:, i, 1].flip(0).tolist() == pytest.approx(NORMAL, abs=1e-6)


def test_of_a_longer_code_the_two_numbers_of_most_kl_are_drawn_and_the_others_are_0():
    plane = drawn_codes(Fake((1, 8, 8), z=torch.tensor([0.5, 1.0, 0.1, 7.0, 0.2])))["z"]
    assert plane[0, :, 3].tolist() == pytest.approx(NORMAL, abs=1e-6)
    assert plane[:, 0, 1].flip(0).tolist() == pytest.approx(NORMAL, abs=1e-6)
    assert (plane[..., [0, 2, 4]] == 0).all()


def test_of_a_hierarchy_the_plane_lies_in_the_top_level():
    model = Stacked((1, 8, 8))
    draw(view(model))
    assert {tuple(code) for code in model.decoded} == {("z2",)}


def test_latents_of_any_shape_span_the_plane():
    latents = {"map": Latent((1, 2, 1)), "top": Latent((2,))}
    rates = {"map": torch.tensor([[[0.0], [2.0]]]), "top": torch.tensor([1.0, 0.0])}
    plane = drawn_codes(Fake((3, 9, 6), latents, **rates))
    assert plane["map"][3, :, 0, 1, 0].tolist() == pytest.approx(NORMAL, abs=1e-6)
    assert plane["top"][:, 3, 0].flip(0).tolist() == pytest.approx(NORMAL, abs=1e-6)
    assert (plane["map"][..., 0, :] == 0).all()


def test_a_uniform_prior_has_even_steps_and_a_wide_gaussian_wide_ones():
    generator = Generator().manual_seed(0)
    even = stops_of("uniform", 2 * torch.rand(4096, generator=generator) - 1)
    assert even.tolist() == pytest.approx(torch.linspace(-1, 1, 20).tolist(), abs=0.005)  # false alarm < 1e-4
    wide = stops_of("gaussian", 7 * torch.randn(4096, generator=generator))
    assert (wide / 7).tolist() == pytest.approx(NORMAL, rel=0.05)  # sd to 1.1 %: false alarm < 1e-5


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Fake((1, 8, 8), {"z": Latent((1,))}), "this model's code is one number"),
        (Fake((1, 8, 8), {"z": Latent((2,), "categorical")}), "z is categorical"),
        (Unseeing(), "encodes no images"),
    ],
)
def test_what_has_no_plane_is_refused(model, said):
    with pytest.raises(Refusal, match=said):
        draw(view(model))
