"""Whoever reads a code whose most likely value is not typical averages over draws of it, the same for every image."""

from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from latelier.core import Captions, Classifies, Code, Encodes, Model, Posterior, need
from latelier.heads.reading import draws_alike, one_by_one, typical
from latelier.runs.building import build
from latelier.scores.retrieval import DRAWS
from latelier.uses.imagining import HEARD, _heard, read_back

DRAWN: dict[str, Any] = {"maps": (6, 8), "kernels": (3, 2), "pools": (2,), "pooling": "drawn", "estimator": "score"}
WORDS = ("<padding>", "<end>", "<unknown>", "a", "dog")


def made(**settings: Any) -> Model:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build("dgdn", (1, 8, 8), classes=3, words=WORDS, **{**DRAWN, **settings}).eval()


def images(n: int = 4) -> Tensor:
    return torch.rand(n, 1, 8, 8, generator=Generator().manual_seed(0))


def test_a_model_says_how_many_draws_its_readers_average() -> None:
    drawn, largest = made(), made(pooling="largest")
    assert [need(model, Encodes).averaged for model in (drawn, largest, made(head="softmax"))] == [50, 0, 50]
    assert need(made(unpool="deterministic"), Encodes).averaged == 0
    assert [len(typical(drawn, images(), most)) for most in (None, DRAWS, 100)] == [50, 10, 50]
    (likely,) = typical(largest, images())
    assert torch.equal(likely["s"], need(largest, Encodes).encode(images()).mode()["s"])


@pytest.mark.parametrize("head", ["softmax", "bayesian_svm"])
def test_an_answer_is_the_mean_over_draws_and_does_not_hang_on_batch_mates(head: str) -> None:
    model, image = made(head=head), images()
    with torch.no_grad():
        found = need(model, Classifies).classify(image)
        each = [model.head.scores({"s": code["s"]}) for code in draws_alike(model.inner, image, 50)]  # type: ignore[operator, union-attr, arg-type]
        alone = need(model, Classifies).classify(image[2:3])
    assert torch.stack(each).std(0).min() > 0
    torch.testing.assert_close(found, model.head.probabilities(torch.stack(each).mean(0)))  # type: ignore[operator, union-attr]
    torch.testing.assert_close(found[2:3], alone)


class Without(Posterior):
    """As a user's own posterior may be: it draws for each image anew, and knows no other way."""

    def __init__(self, image: Tensor):
        self.image = image

    def mode(self) -> Code:
        return {"z": self.image.flatten(1)}

    def sample(self, generator: Generator) -> Code:
        return {"z": self.image.flatten(1) + torch.randn(len(self.image), 64, generator=generator)}


class Plain(Encodes):
    """Encodes by such a posterior."""

    def encode(self, image: Tensor) -> Posterior:
        return Without(image)


def test_posteriors_that_share_no_noise_are_drawn_from_one_image_at_a_time() -> None:
    image, generator = images(), Generator().manual_seed(0)
    first = one_by_one(Plain(), image, generator)["z"] - image.flatten(1)
    then = one_by_one(Plain(), image, generator)["z"] - image.flatten(1)
    torch.testing.assert_close(first, first[:1].expand(4, 64))
    assert not torch.allclose(first, then)


def test_imagined_images_are_heard_by_several_draws_of_their_code() -> None:
    model = made(caption="gru", **{"caption.hidden": 8, "caption.embedding": 4})
    caption = torch.tensor([[3, 4, 1]])
    code = {"s": torch.randn(3, *model.latents["s"].shape, generator=Generator().manual_seed(0))}
    with torch.no_grad():
        decoded = model.inner.decode(code)  # type: ignore[operator, union-attr]
        drawn = typical(model, decoded, HEARD)
        each = [need(model, Captions).log_caption(one, caption.expand(3, -1)) for one in drawn]
        found = _heard(model, caption, "image")(code)
    assert len(each) == HEARD
    torch.testing.assert_close(found, torch.stack(each).exp().mean(0).log())
    said, right = read_back(model, decoded, caption)
    assert len(said) == len(right) == 3
