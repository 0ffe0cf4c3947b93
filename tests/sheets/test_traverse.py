import pytest
import torch
from sheets.fakes import Fake, Known, Stacked, view
from torch import Generator

from latelier.core import Latent
from latelier.errors import Refusal
from latelier.sheets.traverse import Axis, axes, captions_of, draw, moved, stops_of


def codes(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=Generator().manual_seed(0))


def test_axes_are_ordered_by_the_mean_kl_over_all_latents_and_numbers():
    rates = {"z": torch.tensor([0.5, 3.0, 0.0]), "map": torch.tensor([[[1.0, 0.25]], [[4.0, 2.0]]])}
    order, measure = axes(Known({"z": codes(6, 3), "map": codes(6, 2, 1, 2)}, rates))
    assert [(axis.latent, axis.number) for axis in order] == [
        ("map", 2),
        ("z", 1),
        ("map", 3),
        ("map", 0),
        ("z", 0),
        ("map", 1),
        ("z", 2),
    ]
    assert [axis.weight for axis in order] == [4.0, 3.0, 2.0, 1.0, 0.5, 0.25, 0.0]
    assert measure.format(order[0].weight) == "KL 4.00 nats"


def test_the_kl_is_averaged_over_the_images():
    posterior = Known({"z": codes(2, 2)}, {"z": torch.tensor([[4.0, 1.0], [0.0, 5.0]])})
    assert axes(posterior)[0] == [Axis("z", 1, 3.0), Axis("z", 0, 2.0)]


def test_without_rates_for_all_latents_the_variance_of_the_codes_decides():
    spread = {"a": codes(50, 2) * torch.tensor([1.0, 9.0]), "b": codes(50, 1) * 3}
    for rates in ({}, {"a": torch.tensor([100.0, 0.0])}):
        order, measure = axes(Known(spread, rates))
        assert [(axis.latent, axis.number) for axis in order] == [("a", 1), ("b", 0), ("a", 0)]
        assert measure.startswith("variance")
        assert order[1].weight == pytest.approx(spread["b"].var(correction=0).item(), rel=1e-5)


def test_a_variance_needs_two_images():
    with pytest.raises(Refusal, match="give at least two"):
        draw(view(Fake((1, 8, 8)), n=1))


def test_a_gaussian_number_goes_from_minus_3_to_3_and_a_point_by_its_own_spread():
    seen = torch.tensor([1.0, 3.0])  # mean 2, sd 1
    assert stops_of("gaussian", seen) == [-3, -2, -1, 0, 1, 2, 3]
    assert stops_of("point", seen) == [-1, 0, 1, 2, 3, 4, 5]
    assert stops_of("uniform", seen) == pytest.approx([1 + i / 3 for i in range(7)])
    assert stops_of("bernoulli", seen) == [0, 1]


@pytest.mark.parametrize("kind", ["gaussian", "uniform", "bernoulli", "categorical", "point"])
def test_every_stop_has_its_caption(kind):
    assert len(captions_of(kind)) == len(stops_of(kind, torch.tensor([1.0, 3.0])))


def test_a_move_changes_one_number_alone():
    code = {"z": codes(1, 3), "map": codes(1, 2, 2, 2), "scalar": codes(1)}
    moves = [(Axis("map", 5, 0.0), 7.0), (Axis("scalar", 0, 0.0), 8.0), (Axis("z", 2, 0.0), 9.0)]
    copies = moved(code, moves)
    for row, (axis, value) in enumerate(moves):
        for name in code:
            expected = code[name][0].clone()
            if name == axis.latent:
                expected.view(-1)[axis.number] = value
            assert torch.equal(copies[name][row], expected)


def test_the_sheet_moves_the_heaviest_numbers_around_the_first_image():
    model = Fake((1, 8, 8), {"z": Latent((20,))}, z=torch.arange(20.0).flip(0))
    shown = view(model)
    draw(shown)
    decoded = model.decoded[0]["z"].view(12, 7, 20)
    here = model.encode(shown.image).mode()["z"][0]
    for row in range(12):
        assert decoded[row, :, row].tolist() == [-3, -2, -1, 0, 1, 2, 3]
        others = torch.arange(20) != row
        assert torch.equal(decoded[row][:, others], here[others].expand(7, -1))


def test_of_a_hierarchy_the_top_level_alone_is_moved():
    model = Stacked((1, 8, 8))
    draw(view(model))
    assert [list(code) for code in model.decoded] == [["z2"], ["z2"]]  # so that what lies below follows
    assert len(model.decoded[0]["z2"]) == 3 * 7


def test_latents_of_several_kinds_and_shapes_share_a_sheet():
    latents = {
        "upper": Latent((2,)),
        "map": Latent((2, 2, 2), "point"),
        "bit": Latent((2,), "bernoulli"),
        "angle": Latent((), "uniform"),
    }
    one, all_four = Fake((3, 9, 6)), Fake((3, 9, 6), latents)
    assert draw(view(all_four)).shape[0] > draw(view(one)).shape[0]
    assert len(all_four.decoded[0]["bit"]) == sum(
        2 if axis.latent == "bit" else 7 for axis in axes(all_four.encode(view(all_four).image))[0][:12]
    )
