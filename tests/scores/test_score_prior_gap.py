import pytest
import torch
from scores.fakes import Bell, Reads, noise
from torch import Generator

from latelier.core import Samples
from latelier.errors import Refusal
from latelier.scores import prior_gap
from latelier.scores.common import Splits

SHAPE = (1, 2, 3)
IMAGES = noise(400, SHAPE)
A = [0.9, 0.0, 0.5, 0.99, 0.05]  # the last: variance 0.0025, under the threshold


def scored(model, images=IMAGES):
    return prior_gap.score(model, Splits(images, images), Generator().manual_seed(0))


def test_codes_that_are_the_prior_stand_at_the_null_level() -> None:
    values = scored(Bell(SHAPE, A))
    # In sd over ten pairs, skewed as MMD is: over 250 seeds the largest was 5.5. One false alarm in 300 seeds or fewer.
    assert abs(values["MMD^2"] - values["MMD^2 null"]) < 7 * values["MMD^2 null sd"]
    # Unbiased, the null is zero on average: over 250 seeds its mean was at most 6.6 standard errors off. The same rate.
    assert abs(values["MMD^2 null"]) < 8 * values["MMD^2 null sd"] / 10**0.5


def test_shifted_codes_stand_far_above_it() -> None:
    near, far = scored(Bell(SHAPE, A, shift=0.3)), scored(Bell(SHAPE, A, shift=1.0))
    assert near["MMD^2"] > near["MMD^2 null"] + 20 * near["MMD^2 null sd"]
    assert far["MMD^2"] > 3 * near["MMD^2"]


def test_dead_units_are_counted_and_kl_is_ranked() -> None:
    model = Bell(SHAPE, A)
    values = scored(model)
    kl = model.encode(IMAGES.floats(slice(None))).rate()["z"].mean(0)
    assert (values["active units"], values["units"]) == (3, 5)
    assert values["KL nats/image"] == pytest.approx(float(kl.sum()), rel=1e-5)
    assert values["units with KL over 0.1 nats"] == 3
    for rank, unit in enumerate((3, 0, 2, 4, 1), 1):
        assert values[f"KL of unit ranked {rank} nats"] == pytest.approx(float(kl[unit]), abs=1e-6)


def test_a_shift_alone_makes_no_unit_active() -> None:
    assert scored(Bell(SHAPE, [0.0, 0.0], shift=5.0))["active units"] == 0


def test_mmd_compares_a_bounded_number_of_codes(monkeypatch) -> None:
    monkeypatch.setattr(prior_gap, "ROWS", 40)
    asked = []

    class Watched(Bell):
        def sample_prior(self, n, generator):
            asked.append(n)
            return super().sample_prior(n, generator)

    assert scored(Watched(SHAPE, A))["active units"] == 3
    assert set(asked) == {40}


def test_a_posterior_without_a_density_has_no_kl() -> None:
    class Bare(Reads, Samples):
        def sample_prior(self, n, generator):
            return {"z": torch.randn(n, 6, generator=generator)}

    assert set(scored(Bare(SHAPE, 6, lambda image: image.flatten(1)))) == {
        "MMD^2", "MMD^2 null", "MMD^2 null sd", "active units", "units",
    }  # fmt: skip


def test_one_image_has_no_spread() -> None:
    with pytest.raises(Refusal, match="needs two"):
        scored(Bell(SHAPE, A), noise(1, SHAPE))
