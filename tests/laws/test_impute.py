"""Filling in by the most likely code of what is known."""

import pytest
import torch
from scores.fakes import LinearGaussian
from torch import Generator, Tensor

from latelier.core import Code, Latent
from latelier.models.shared import Refills
from latelier.objectives import impute
from latelier.objectives.impute import filled


class Fills(LinearGaussian, Refills):
    """Its likeliest code has a closed form."""

    def likeliest(self, image: Tensor, known: Tensor) -> Tensor:
        found = []
        for x, kept in zip((image - self.m).flatten(1), known.flatten(1), strict=True):
            w = self.w * kept[:, None]
            precision = 4 / impute.VARIANCE * w.T @ w + torch.eye(2)
            found.append(torch.linalg.solve(precision, 4 / impute.VARIANCE * w.T @ (kept * x)))
        return torch.stack(found)


IMAGE = torch.rand(3, 1, 2, 3, generator=Generator().manual_seed(0))
KNOWN = torch.tensor([1.0, 1, 0, 1, 0, 1]).view(1, 1, 2, 3).expand(3, -1, -1, -1)


def fill(model: Fills, **options: bool) -> Tensor:
    with torch.no_grad():
        return filled(model, IMAGE, KNOWN, Generator().manual_seed(0), **options)


def test_it_is_what_the_likeliest_code_draws_and_known_pixels_stay() -> None:
    model = Fills()
    found = fill(model)
    want = model.decode({"z": model.likeliest(IMAGE, KNOWN)}).clamp(0, 1)
    torch.testing.assert_close(found, torch.where(KNOWN.bool(), IMAGE, want), atol=0.015, rtol=0)  # so far Adam comes
    assert torch.equal(found[KNOWN.bool()], IMAGE[KNOWN.bool()])
    assert not found.requires_grad


def test_by_rounds_alone_it_is_the_models_own_way() -> None:
    model = Fills()
    assert torch.equal(fill(model, rounds=True), model.impute(IMAGE, KNOWN, Generator().manual_seed(0)))
    assert not torch.equal(fill(model, rounds=True), fill(model))


def test_codes_without_a_prior_stay_as_they_are() -> None:
    model = Fills()
    model.latents = {"z": Latent((2,), "point")}
    assert torch.equal(fill(model), fill(model, rounds=True))


def test_uniform_codes_stay_in_their_range() -> None:
    class Loud(Fills):
        def decode(self, code: Code) -> Tensor:
            seen.append(float(code["z"].detach().abs().max()))
            return super().decode(code)

    seen: list[float] = []
    model = Loud()
    model.latents = {"z": Latent((2,), "uniform")}
    with torch.no_grad():
        filled(model, IMAGE * 5, KNOWN, Generator().manual_seed(0))
    assert max(seen[-impute.STEPS :]) == pytest.approx(1)


def test_a_picture_is_filled_alike_alone_and_among_others() -> None:
    model = Fills()
    with torch.no_grad():
        alone = filled(model, IMAGE[1:2], KNOWN[1:2], Generator().manual_seed(0))
    torch.testing.assert_close(alone, fill(model)[1:2])
