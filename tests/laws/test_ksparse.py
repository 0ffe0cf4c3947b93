"""The k-sparse autoencoder (Makhzani & Frey 2013): what its algebra promises."""

from itertools import pairwise

import pytest
import torch
from torch import Generator, Tensor

from latelier.core import Batch, Progress
from latelier.engine.players import differentiate, players_of
from latelier.errors import Refusal
from latelier.models import ksparse
from latelier.models.ksparse import largest
from latelier.runs.building import build

IMAGE = (1, 6, 6)


def model_of(**settings: object) -> ksparse.Model:
    torch.manual_seed(0)
    model = build("ksparse", image=IMAGE, **{"widths": (20,), "k": (4,), **settings})
    assert isinstance(model, ksparse.Model)
    return model


def batch_of(image: Tensor) -> Batch:
    n = len(image)
    none = torch.full((n,), -1)
    return Batch(image, torch.arange(n), none, none[:, None], none[:, None])


def progress(done: float = 1.0) -> Progress:
    return Progress(int(1000 * done), 1001, Generator().manual_seed(0))


def orthonormal(model: ksparse.Model, units: int) -> Tensor:
    """W with orthonormal columns, no biases."""
    columns = torch.linalg.qr(torch.randn(36, units, dtype=torch.float64, generator=Generator().manual_seed(1)))[0]
    with torch.no_grad():
        model.layers[0].weight.copy_(columns)
    return columns.float()


@pytest.mark.parametrize("k", [1, 7, 20, 50])
def test_exactly_k_numbers_are_kept_and_they_are_the_largest(k: int) -> None:
    z = torch.randn(64, 20, generator=Generator().manual_seed(0))
    kept = largest(z, k)
    assert ((kept != 0).sum(1) == min(k, 20)).all()
    assert torch.equal(kept[kept != 0], z[kept != 0])
    assert (torch.where(kept != 0, z, torch.inf).amin(1) >= torch.where(kept == 0, z, -torch.inf).amax(1)).all()


def test_the_largest_are_not_the_largest_in_magnitude_and_ties_keep_k() -> None:
    assert largest(torch.tensor([[-5.0, 1.0, 2.0]]), 2).tolist() == [[0, 1, 2]]
    tied = largest(torch.ones(3, 10), 4)
    assert ((tied != 0).sum(1) == 4).all()
    assert torch.equal(tied, largest(torch.ones(3, 10), 4))


def test_all_units_make_the_tied_linear_autoencoder() -> None:
    model, image = model_of(k=(20,)), torch.rand(5, *IMAGE)
    layer, x = model.layers[0], image.flatten(1)
    z = x @ layer.weight + layer.bias
    assert torch.allclose(model.encode(image).mode()["z"], z)
    error = (x - z @ layer.weight.T - layer.bias_down).square().sum(1)
    assert torch.allclose(model.learn(batch_of(image), progress()).report["error"], error, rtol=1e-5)


def test_permuted_units_permute_the_code() -> None:
    model, image = model_of(), torch.rand(9, *IMAGE)
    before, order = model.encode(image).mode()["z"], torch.randperm(20)
    with torch.no_grad():
        model.layers[0].weight.copy_(model.layers[0].weight[:, order].clone())
    assert torch.allclose(model.encode(image).mode()["z"], before[:, order], atol=1e-6)


def test_columns_that_are_not_kept_get_no_gradient() -> None:
    model, image = model_of(k=(2,)), torch.rand(3, *IMAGE)
    losses = model.learn(batch_of(image), progress())
    weight = differentiate(losses, players_of(model, model.optimisers()))["layer1"][0]
    used = (model.encode(image).mode()["z"] != 0).any(0)
    assert 0 < int(used.sum()) < 20
    assert (weight[:, ~used] == 0).all()
    assert (weight[:, used].abs().sum(0) > 0).all()


def test_sparse_codes_under_orthonormal_weights_are_recovered() -> None:
    model = model_of()
    columns = orthonormal(model, 20)
    z = torch.rand(30, 20, generator=Generator().manual_seed(2))
    z = largest(z, 4)
    image = (z @ columns.T).view(-1, *IMAGE)
    assert torch.allclose(model.encode(image).mode()["z"], z, atol=1e-5)
    assert model.learn(batch_of(image), progress()).report["error"].max() < 1e-9


def test_the_error_falls_with_k() -> None:
    """For orthonormal W and nonnegative codes."""
    errors = []
    for k in range(1, 21):
        model = model_of(k=(k,))
        columns = orthonormal(model, 20)
        image = (torch.rand(30, 20, generator=Generator().manual_seed(3)) @ columns.T).view(-1, *IMAGE)
        errors.append(model.learn(batch_of(image), progress()).report["error"])
    assert all((b <= a + 1e-6).all() for a, b in pairwise(errors))
    assert errors[-1].max() < 1e-9


def test_a_constant_added_to_the_bias_leaves_the_support() -> None:
    model, image = model_of(), torch.rand(9, *IMAGE)
    before = model.encode(image).mode()["z"] != 0
    with torch.no_grad():
        model.layers[0].bias += 3.0
    assert torch.equal(model.encode(image).mode()["z"] != 0, before)


def test_features_keep_alpha_k_and_with_alpha_1_the_code() -> None:
    model, image = model_of(alpha=2.0), torch.rand(9, *IMAGE)
    assert ((model.features(image, "layer1") != 0).sum(1) == 8).all()
    model = model_of(alpha=1.0)
    assert torch.equal(model.features(image, "layer1"), model.encode(image).mode()["z"])
    with pytest.raises(Refusal, match="no depth 'conv1'"):
        model.features(image, "conv1")


def test_k_falls_over_the_first_part_of_training() -> None:
    model = model_of(start=12, fall=0.5)
    assert [model.k_at(0, done) for done in (0, 0.25, 0.5, 0.9)] == [12, 8, 4, 4]
    assert model_of(start=2).k_at(0, 0) == 4  # never below k


def test_layers_learn_one_after_the_other_each_from_the_code_below() -> None:
    model, image = model_of(widths=(20, 10), k=(4, 3)), torch.rand(5, *IMAGE)
    first, second = (model.learn(batch_of(image), progress(done)) for done in (0.2, 0.7))
    assert list(first.minimise) == ["layer1"]
    assert list(second.minimise) == ["layer2"]
    below = largest(model.layers[0].up(image.flatten(1)), 4)
    again = model.layers[1].down(largest(model.layers[1].up(below), model.k_at(1, 0.4)))
    assert torch.allclose(second.report["error"], (below - again).square().sum(1), rtol=1e-4)
    assert (model.encode(image).mode()["z"] != 0).sum(1).tolist() == [3] * 5


def test_unused_units_learn_what_is_left_over() -> None:
    model, image = model_of(k=(2,), revive=0.5, start=2), torch.rand(3, *IMAGE)
    losses = model.learn(batch_of(image), progress())
    assert torch.allclose(losses.minimise["layer1"], (losses.report["error"] + 0.5 * losses.report["left over"]).mean())
    weight = differentiate(losses, players_of(model, model.optimisers()))["layer1"][0]
    idle = (model.encode(image).mode()["z"] == 0).all(0)
    assert (weight[:, idle].abs().sum(0) > 0).any()


@pytest.mark.parametrize("settings", [{"widths": ()}, {"k": (0,)}, {"k": (1, 2, 3)}, {"alpha": 0.5}, {"fall": 2.0}])
def test_settings_that_cannot_be_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(Refusal, match="ksparse: "):
        model_of(**settings)
