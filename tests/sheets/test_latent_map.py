import numpy as np
import pytest
import torch
from sheets.fakes import FACTORS, Fake, Known, view

from latelier.core import Latent
from latelier.errors import Refusal
from latelier.sheets import latent_map, maps
from latelier.sheets.latent_map import _places, draw, mean_by, ranking
from latelier.sheets.sheet import CELL, MARGIN


class Wide(Known):
    """Draws stand away from the mode by a known width."""

    def __init__(self, code, widths):
        super().__init__(code, {})
        self.widths = widths

    def sample(self, generator):
        return {
            name: value + self.widths * torch.randn(value.shape, generator=generator)
            for name, value in self.code.items()
        }


def test_means_are_those_of_the_groups():
    generator = np.random.default_rng(0)
    values, first, second = (
        generator.normal(size=(200, 3)),
        generator.integers(0, 4, 200),
        generator.integers(0, 9, 200),
    )
    found = mean_by(values, first, second, least=5)
    assert found.shape == (4, 9, 3)
    empty = 0
    for a in range(4):
        for b in range(9):
            rows = [values[i] for i in range(200) if first[i] == a and second[i] == b]
            if len(rows) < 5:
                empty += 1
                assert np.isnan(found[a, b]).all()
            else:
                assert found[a, b] == pytest.approx(np.mean(rows, 0))
    assert 0 < empty < 36


def test_numbers_are_ordered_by_the_width_of_the_posterior():
    code = {"z": torch.randn(4000, 3, generator=torch.Generator().manual_seed(0))}
    posterior = Wide(code, torch.tensor([0.9, 0.1, 0.5]))
    ranked = ranking(posterior, code, view(Fake((1, 8, 8), {"z": Latent((3,))})))
    assert [axis.number for axis in ranked.axes] == [1, 2, 0]
    # relative sd of a variance from 4000 draws is 2.2 %: false alarm < 1e-5
    assert [axis.weight for axis in ranked.axes] == pytest.approx([0.01, 0.25, 0.81], rel=0.11)


def test_without_a_width_the_kl_or_the_variance_of_the_codes_orders():
    code = {"z": torch.tensor([[0.0, 9.0], [1.0, -9.0]])}
    shown = view(Fake((1, 8, 8), {"z": Latent((2,))}))
    assert ranking(Known(code, {}), code, shown).by == "variance of the codes"
    ranked = ranking(Known(code, {"z": torch.tensor([3.0, 1.0])}), code, shown)
    assert [axis.number for axis in ranked.axes] == [0, 1]
    assert ranked.by.startswith("KL")


def test_the_map_finds_the_number_that_holds_the_place(monkeypatch):
    """A code whose first number is x and whose second is -y, exactly."""
    shown = view(Fake((1, 8, 8), {"z": Latent((3,))}, z=torch.tensor([3.0, 2.0, 1.0])), n=4000)
    x, y = (shown.levels[:, FACTORS.index(name)].float() for name in ("x", "y"))
    model = shown.model
    blocks = iter(torch.stack([x, -y, 0 * x], 1).split(512))  # as they are encoded
    monkeypatch.setattr(model, "encode", lambda image: Known({"z": next(blocks)}, model.rates))
    maps_drawn, curves_drawn = [], []
    monkeypatch.setattr(latent_map, "heat", lambda means, span: maps_drawn.append(means) or maps.heat(means, span))
    monkeypatch.setattr(latent_map, "curves", lambda m, s, c: curves_drawn.append((m, c)) or maps.curves(m, s, c))
    sheet = draw(shown)
    for found, expected in zip(maps_drawn, (np.arange(6)[None], -np.arange(6)[:, None], np.zeros((1, 1))), strict=True):
        level = np.broadcast_to(expected, (6, 6))
        assert np.ptp(found - level) == pytest.approx(0, abs=1e-5)  # rows are y, downwards; columns x
    assert [means.shape for means, _ in curves_drawn] == [(3, 4)] * 3 + [(3, 5)] * 3  # a curve a shape
    assert (sheet[:, -MARGIN:] == 255).all()


def test_places_are_joined_where_images_are_few():
    known = {role: np.arange(32).repeat(32) if role == "x" else np.tile(np.arange(32), 32) for role in ("x", "y")}
    x, y, places = _places(known)
    assert places == (8, 8)  # 16 images each; 16 x 16 would leave 4
    assert np.array_equal(np.bincount(8 * y + x), [16] * 64)
    many = {role: np.tile(values, 10) for role, values in known.items()}
    assert _places(many)[2] == (32, 32)


@pytest.mark.parametrize(("factors", "lacking"), [((), "x, y, scale, rotation, shape"), (FACTORS[1:], "shape")])
def test_images_without_known_factors_are_refused(factors, lacking):
    with pytest.raises(Refusal, match=f"whose {lacking} are known: give --data sprites"):
        draw(view(Fake((1, 8, 8)), factors=factors))


def test_scenes_have_what_the_map_needs():
    from latelier.data.drawn.scenes import KNOWN

    draw(view(Fake((1, 8, 8)), n=300, factors=KNOWN, levels=torch.randint(10, (300, len(KNOWN)))))


def test_colours_of_a_map():
    drawn = maps.heat(np.array([[-2.0, 0.0], [2.0, np.nan]]), 2.0)
    assert drawn[0, 1].tolist() == [255, 255, 255]
    assert drawn[0, 0, 2] > drawn[0, 0, 0] + 100  # blue
    assert drawn[1, 0, 0] > drawn[1, 0, 2] + 100  # red
    assert drawn[1, 1].tolist() == list(maps.NOWHERE)


def test_curves_rise_to_the_right_in_their_colours():
    drawn = maps.curves(np.array([[-1.0, 0.0, 1.0], [0.5, np.nan, 0.5]]), 1.0, maps.colours_of(2)).astype(int)
    assert drawn.shape == (CELL, CELL, 3)
    y, x = np.nonzero((drawn[..., 0] > 150) & (drawn[..., 1] < 120))
    assert np.corrcoef(x, y)[0, 1] < -0.99  # up is less y
    assert not ((drawn[..., 1] > 120) & (drawn[..., 0] < 100)).any()  # a gap on either side leaves no line
