"""Filling in by the most likely code of what is known."""

import pytest
import torch
from scores.fakes import Fake, LinearGaussian, Point
from torch import Generator, Tensor

from latelier.core import Code, HasLevels, Latent, Samples
from latelier.models.shared import Refills
from latelier.objectives import impute
from latelier.objectives.impute import begun, filled, filling
from latelier.slices import done


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


def test_in_slices_it_is_the_same_and_says_how_far_it_is() -> None:
    asked = Fills(), IMAGE, KNOWN
    shares = list(filling(*asked, Generator().manual_seed(0)))
    assert shares == [0.0, *(step / impute.STEPS for step in range(impute.STEPS))]
    assert torch.equal(done(filling(*asked, Generator().manual_seed(0))), fill(Fills()))


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


def test_an_image_is_filled_alike_alone_and_among_others() -> None:
    model = Fills()
    with torch.no_grad():
        alone = filled(model, IMAGE[1:2], KNOWN[1:2], Generator().manual_seed(0))
    torch.testing.assert_close(alone, fill(model)[1:2])


@pytest.mark.parametrize(("kind", "prior"), [("gaussian", 0.5), ("uniform", 0.0)])
def test_the_likeliest_code_is_sought_by_adam_at_a_rate_that_falls_to_nothing(kind: str, prior: float) -> None:
    """Step for step as torch's own; what it draws may leave [0, 1], and is cut off there."""
    model, image = Fills(), IMAGE * 3 - 1
    model.latents = {"z": Latent((2,), kind)}  # type: ignore[arg-type]
    with torch.no_grad():
        found = filled(model, image, KNOWN, Generator().manual_seed(0))
        z = model.encode(model.impute(image, KNOWN, Generator())).mode()["z"].clone().requires_grad_()
    adam = torch.optim.Adam([z])
    for step in range(impute.STEPS):
        adam.param_groups[0]["lr"] = impute.RATE * (1 - step / impute.STEPS)
        adam.zero_grad()
        error = (KNOWN * (model.decode({"z": z}) - image)).square().sum()
        (2 * error / impute.VARIANCE + prior * z.square().sum()).backward()
        adam.step()
        if kind == "uniform":
            z.data.clamp_(-1, 1)
    drawn = model.decode({"z": z.detach()})[KNOWN == 0]
    assert drawn.max() > 1
    assert drawn.min() < 0 or kind == "uniform"  # whose codes stay too near
    torch.testing.assert_close(found[KNOWN == 0], drawn.clamp(0, 1))


class Plain(Fake, Refills):
    """Draws from its code times two, and has nothing to draw codes from."""

    def __init__(self) -> None:
        super().__init__((1, 2, 3), z=6)
        self.heard: list[Generator] = []

    def impute(self, image: Tensor, known: Tensor, generator: Generator) -> Tensor:
        self.heard.append(generator)
        return super().impute(image, known, generator)

    def encode(self, image: Tensor) -> Point:
        return Point({"z": image.flatten(1) / 2})

    def decode(self, code: Code) -> Tensor:
        return 2 * code["z"].unflatten(1, self.image)


def test_a_model_without_draws_of_codes_fills_in_by_its_own_way_alone() -> None:
    model, generator = Plain(), Generator()
    found = filled(model, IMAGE, KNOWN, generator)
    assert torch.equal(found, Plain().impute(IMAGE, KNOWN, generator))
    assert model.heard == [generator]


class Levels(Plain, HasLevels, Samples):
    """Draws from the top alone, unless it is shown what lies below."""

    def __init__(self) -> None:
        super().__init__()
        self.latents = {"top": Latent((6,)), "low": Latent((6,)), "middle": Latent((6,))}
        self.shown: list[list[str]] = []

    def levels(self) -> tuple[str, ...]:
        return ("low", "middle", "top")

    def fill(self, code: Code, generator: Generator | None = None) -> Code:
        return code

    def sample_prior(self, n: int, generator: Generator) -> Code:
        return {"top": torch.zeros(n, 6)}

    def encode(self, image: Tensor) -> Point:
        return Point({name: image.flatten(1) for name in self.levels()})

    def decode(self, code: Code) -> Tensor:
        self.shown.append(sorted(code))
        return code["top"].unflatten(1, self.image)


def test_of_a_hierarchy_the_top_is_sought() -> None:
    model = Levels()
    found = filled(model, IMAGE, KNOWN, Generator())
    assert model.shown[-impute.STEPS - 1 :] == [["top"]] * (impute.STEPS + 1)
    assert found[KNOWN == 0].abs().max() < 0.1  # of what nothing is known the prior's mode is 0


def test_rounds_begin_at_each_images_mean_known_colour_and_at_grey_where_there_is_none() -> None:
    image = torch.tensor([[0.2, 0.4, 0.9], [0.8, 0.1, 0.3], [0.7, 0.7, 0.7]])[:, None, None]
    known = torch.tensor([[1.0, 1, 0], [1, 0, 0], [0, 0, 0]])[:, None, None]
    wanted = torch.tensor([[0.2, 0.4, 0.3], [0.8, 0.8, 0.8], [0.5, 0.5, 0.5]])[:, None, None]
    torch.testing.assert_close(begun(torch.cat([image, 1 - image], 1), known)[:, :1], wanted)
