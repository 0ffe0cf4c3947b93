"""What a model says it can do, it does as the contract says: shapes, ranges, the same answer to the same question."""

from collections.abc import Callable

import pytest
import torch
from every import CLASSES, SIZE, Case, assert_same, batches_of, every
from torch import Generator, Tensor

from latelier.core import (
    AttributeDirections,
    Capability,
    Captions,
    Classifies,
    Clusters,
    Decides,
    Decodes,
    DrawsClasses,
    Encodes,
    Features,
    Fits,
    HasFilters,
    HasLevels,
    HasParts,
    HasStages,
    Imputes,
    Judges,
    Model,
    Quantises,
    Samples,
    Unpools,
    Weighs,
    has,
    need,
)
from latelier.core.looks import Looks
from latelier.errors import Refusal


def check_code(model: Model, code: dict[str, Tensor], n: int = SIZE) -> None:
    assert list(code) == list(model.latents)
    for name, value in code.items():
        assert value.shape == (n, *model.latents[name].shape)
        assert value.dtype == torch.float32
        assert value.isfinite().all()


def check_encodes(model: Model, image: Tensor) -> None:
    posterior = need(model, Encodes).encode(image)
    check_code(model, posterior.mode())
    assert_same(posterior.mode(), need(model, Encodes).encode(image).mode())
    check_code(model, posterior.sample(Generator().manual_seed(0)))
    assert_same(posterior.sample(Generator().manual_seed(0)), posterior.sample(Generator().manual_seed(0)))
    drawn = posterior.alike(Generator().manual_seed(0))
    assert drawn is not None or not model.moves()  # what heads may average
    if drawn is not None:
        check_code(model, drawn)
        alone = need(model, Encodes).encode(image[2:3]).alike(Generator().manual_seed(0))
        assert alone is not None
        for name, value in alone.items():
            torch.testing.assert_close(drawn[name][2:3], value, rtol=1e-3, atol=1e-4)
        own = need(model, Encodes).encode(image[:1]).sample(Generator().manual_seed(0))
        for name, value in own.items():
            torch.testing.assert_close(drawn[name][:1], value, rtol=1e-3, atol=1e-4)
    if rate := posterior.rate():
        check_code(model, rate)
    assert not model.players or need(model, Encodes).coder in model.players


def check_decodes(model: Model, image: Tensor) -> None:
    generator = Generator().manual_seed(0)
    code = {name: torch.randn(5, *latent.shape, generator=generator) for name, latent in model.latents.items()}
    if has(model, Samples):
        code |= need(model, Samples).sample_prior(5, generator)
    drawn = need(model, Decodes).decode(code)
    assert drawn.shape == (5, *model.image)
    assert drawn.dtype == torch.float32
    assert 0 <= drawn.min() <= drawn.max() <= 1


def check_samples(model: Model, image: Tensor) -> None:
    prior = need(model, Samples)
    code = prior.sample_prior(5, Generator().manual_seed(0))
    check_code(model, code, 5)
    assert_same(code, prior.sample_prior(5, Generator().manual_seed(0)))
    assert any(
        not torch.equal(code[name], other) for name, other in prior.sample_prior(5, Generator().manual_seed(1)).items()
    )


def check_draws_classes(model: Model, image: Tensor) -> None:
    prior, label = need(model, DrawsClasses), torch.tensor([1, 0, 1])
    assert prior.classes == len(CLASSES)
    code = prior.sample_class(label, Generator().manual_seed(0))
    check_code(model, code, 3)
    assert_same(code, prior.sample_class(label, Generator().manual_seed(0)))


def check_features(model: Model, image: Tensor) -> None:
    trunk = need(model, Features)
    assert len(trunk.depths()) > 0
    for depth in trunk.depths():
        rows = trunk.features(image, depth)
        assert rows.ndim == 2
        assert len(rows) == SIZE
        assert rows.isfinite().all()
    with pytest.raises(Refusal, match="no such depth"):
        trunk.features(image, "no such depth")


def check_stages(model: Model, image: Tensor) -> None:
    trunk, below = need(model, HasStages), image
    assert tuple(trunk.stages()) == trunk.depths()
    for depth, stage in trunk.stages().items():
        below = stage(below)
        assert torch.equal(below.flatten(1), trunk.features(image, depth))


def check_parts(model: Model, image: Tensor) -> None:
    parts, mode = need(model, HasParts).parts(image), need(model, Encodes).encode(image).mode()
    of_code = mode["occurrence"].shape
    assert parts.occurrence.shape[:2] == parts.appearance.shape[:2] == of_code[:2]
    assert all(fine % cells == 0 for fine, cells in zip(parts.occurrence.shape[2:], of_code[2:], strict=True))
    assert 0 <= parts.occurrence.min() <= parts.occurrence.max() <= 1
    again = need(model, HasParts).repainted(mode, mode, 0, 0)
    assert {name: value.shape for name, value in again.items()} == {name: mode[name].shape for name in mode}
    assert torch.equal(again["occurrence"], mode["occurrence"])


def check_clusters(model: Model, image: Tensor) -> None:
    found = need(model, Clusters).clusters(image)
    assert found.shape[0] == SIZE
    if found.shape[1]:  # of none there are none
        torch.testing.assert_close(found.sum(1), torch.ones(SIZE))


def check_filters(model: Model, image: Tensor) -> None:
    filters = need(model, HasFilters).filters()
    assert filters.ndim == 4
    assert filters.shape[1] == model.image[0]
    assert filters.shape[2] <= model.image[1]
    assert filters.shape[3] <= model.image[2]
    assert filters.isfinite().all()


def check_unpools(model: Model, image: Tensor) -> None:
    map = need(model, Unpools).unpooled(image)
    assert len(map) == SIZE
    assert map.any()
    assert map.count_nonzero() < map.numel() / 2  # of every block at most one value


def check_weighs(model: Model, image: Tensor) -> None:
    weights = need(model, Weighs).log_weight(image, 3, Generator().manual_seed(0))
    assert weights.shape == (3, SIZE)
    assert weights.dtype == torch.float32
    assert weights.isfinite().all()
    assert torch.equal(weights, need(model, Weighs).log_weight(image, 3, Generator().manual_seed(0)))


def check_classifies(model: Model, image: Tensor) -> None:
    probabilities = need(model, Classifies).classify(image)
    assert probabilities.shape == (SIZE, len(CLASSES))
    torch.testing.assert_close(probabilities.sum(1), torch.ones(SIZE))
    assert probabilities.min() >= 0


def check_decides(model: Model, image: Tensor) -> None:
    scores = [need(model, Decides).decide(image, 3, Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert scores[0].shape == (3, SIZE, len(CLASSES))
    assert scores[0].isfinite().all()
    assert torch.equal(scores[0], scores[1])


def check_imputes(model: Model, image: Tensor) -> None:
    def filled(image: Tensor, known: Tensor, seed: int = 0) -> Tensor:
        return need(model, Imputes).impute(image, known, Generator().manual_seed(seed))

    known = (torch.rand(image.shape, generator=Generator().manual_seed(0)) > 0.5).float()
    found = filled(image, known)
    assert found.shape == image.shape
    assert 0 <= found.min() <= found.max() <= 1
    assert torch.equal(found[known == 1], image[known == 1])
    assert not torch.equal(found[known == 0], image[known == 0])
    assert torch.equal(found, filled(image, known))
    assert torch.equal(found, filled(image.where(known == 1, 1 - image), known))  # what is missing is not looked at
    assert torch.equal(image, filled(image, torch.ones_like(image)))
    assert filled(image, torch.zeros_like(image)).isfinite().all()


def check_levels(model: Model, image: Tensor) -> None:
    hierarchy, decoder = need(model, HasLevels), need(model, Decodes)
    names, code = hierarchy.levels(), need(model, Encodes).encode(image).mode()
    assert names == tuple(model.latents)
    assert_same(hierarchy.fill(code), code)  # nothing is missing
    for number, name in enumerate(names):
        whole = hierarchy.fill({name: code[name]})
        assert list(whole) == list(names[: number + 1])
        assert torch.equal(whole[name], code[name])
        assert torch.equal(decoder.decode({name: code[name]}), decoder.decode({names[0]: whole[names[0]]}))
        assert torch.equal(decoder.decode({n: code[n] for n in names[number:]}), decoder.decode({name: code[name]}))
        drawn = [hierarchy.fill({name: code[name]}, Generator().manual_seed(seed)) for seed in (0, 0, 1)]
        assert_same(drawn[0], drawn[1])
        assert number == 0 or not torch.equal(drawn[0][names[0]], drawn[2][names[0]])


def check_judges(model: Model, image: Tensor) -> None:
    code = need(model, Encodes).encode(image).mode()
    hidden = need(model, Judges).embed(image, code)
    assert hidden.ndim == 2
    assert len(hidden) == SIZE
    assert hidden.isfinite().all()
    assert torch.equal(hidden, need(model, Judges).embed(image, code))
    assert not torch.equal(hidden, need(model, Judges).embed(image.roll(1, 0), code))


def check_directions(model: Model, image: Tensor) -> None:
    found = need(model, AttributeDirections).directions()
    assert found.names
    assert found.bias.shape == (len(found.names),)
    assert found.unit > 0
    for name, weight in found.weight.items():
        assert weight.shape == (len(found.names), *model.latents[name].shape)
        assert weight.isfinite().all()
        assert not weight.requires_grad


def check_captions(model: Model, image: Tensor) -> None:
    writer, code = need(model, Captions), need(model, Encodes).encode(image).mode()
    written = writer.describe([code, code], 3, 4)
    assert written.token.shape[0] == SIZE
    assert written.token.shape[1] <= 5
    assert 0 <= written.token.min() <= written.token.max() < len(writer.words())
    again = writer.log_caption(code, written.token)
    torch.testing.assert_close(written.log_probability, again, rtol=1e-4, atol=1e-4)
    assert (writer.log_caption(code, torch.zeros_like(written.token)) == 0).all()


def check_quantises(model: Model, image: Tensor) -> None:
    book, code = need(model, Quantises), need(model, Encodes).encode(image).mode()
    symbols = book.symbols(code)
    assert symbols.dtype == torch.int64
    assert len(symbols) == SIZE
    assert 0 <= symbols.min() <= symbols.max() < book.entries()
    again = book.of_symbols(symbols)
    assert all(torch.equal(again[name], code[name]) for name in model.latents)


CHECKS: dict[type, Callable[[Model, Tensor], None]] = {
    Encodes: check_encodes,
    Decodes: check_decodes,
    Samples: check_samples,
    DrawsClasses: check_draws_classes,
    Features: check_features,
    HasStages: check_stages,
    HasParts: check_parts,
    Clusters: check_clusters,
    HasFilters: check_filters,
    Quantises: check_quantises,
    Unpools: check_unpools,
    Weighs: check_weighs,
    Classifies: check_classifies,
    Captions: check_captions,
    Decides: check_decides,
    Imputes: check_imputes,
    HasLevels: check_levels,
    Judges: check_judges,
    AttributeDirections: check_directions,
}


def test_every_capability_has_a_check() -> None:
    assert set(CHECKS) | {Fits, Looks} == {*Capability.__subclasses__(), HasStages, DrawsClasses}


@every
def test_capabilities_give_what_the_contract_says(case: Case) -> None:
    model, _ = case.build()
    image = batches_of(case).at(0).image
    able = [capability for capability in CHECKS if has(model, capability)]
    assert able
    with torch.no_grad():
        for capability in able:
            CHECKS[capability](model.eval(), image)
