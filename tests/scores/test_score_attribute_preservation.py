from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from scores.fakes import Layered, Repaints, images_from, lit
from torch import Generator

from latelier.errors import Refusal
from latelier.scores import attribute_preservation, edit, vgg
from latelier.scores.attribute_preservation import JUDGES, Judge, balance, score
from latelier.scores.common import Splits
from latelier.scores.record import run_scores

SHAPE = (1, 16, 16)
COURSE = {"epochs": 3, "batch": 32}


DATA = Splits(lit(320, 0), lit(200, 1))


def scored(model, seed: int = 0, **options) -> dict[str, float]:
    return score(model, DATA, Generator().manual_seed(seed), **(COURSE | options))


def test_each_level_preserves_what_it_shows() -> None:
    values = scored(Layered(SHAPE))
    assert values["data left %"] > 95  # the attributes are plain to see
    assert values["data above %"] > 95
    assert values["preserved z1 left %"] == values["preserved z1 above %"] == 100  # the same images
    assert values["preserved z2 above %"] > 95
    assert values["preserved z2 left %"] < 60  # bright on the right is nothing that the judge has seen on the left
    assert values["preserved z1 %"] == 100
    assert values["preserved z1 % sd"] == 0
    assert list(values)[:2] == ["data %", "data % sd"]


def test_images_without_information_keep_half_of_the_datas_score() -> None:
    values = scored(Repaints(SHAPE, torch.zeros_like), epochs=1)
    for name in ("left", "above"):
        expected = 100 * 50 / values[f"data {name} %"]
        assert values[f"preserved code {name} %"] == pytest.approx(expected)


def test_it_is_a_function_of_the_seed_and_leaves_the_worlds_randomness_alone() -> None:
    state, model = torch.get_rng_state(), Repaints(SHAPE, lambda image: image.clamp(max=0.4))
    first, other = scored(model), scored(model, seed=1)
    JUDGES.clear()  # or the same judge would be asked again
    assert scored(model) == first
    assert first != other
    assert torch.equal(torch.get_rng_state(), state)


def test_a_judge_of_the_same_images_is_trained_once(monkeypatch) -> None:
    """For two models and both of its users; other images, another seed and another course have judges of their own."""
    trainings = []
    monkeypatch.setattr(attribute_preservation, "_trained", lambda *asked: trainings.append(asked) or Judge(1, 2))
    JUDGES.clear()
    scored(Repaints(SHAPE, torch.zeros_like))
    scored(Repaints(SHAPE, torch.ones_like))
    edit.judge_of(DATA, COURSE["epochs"], torch.device("cpu"), 0)
    assert len(trainings) == 2  # edit's course has batches of 128
    scored(Repaints(SHAPE, torch.zeros_like), seed=1)
    scored(Repaints(SHAPE, torch.zeros_like), epochs=1)
    edit.judge_of(Splits(lit(320, 2), DATA.test), COURSE["epochs"], torch.device("cpu"), 0)
    assert len(trainings) == 5
    edit.judge_of(DATA, COURSE["epochs"], torch.device("cpu"), 0)
    assert len(trainings) == 5
    JUDGES.clear()  # none of these has learned anything


def test_positives_and_negatives_weigh_alike_and_unknown_ones_nothing() -> None:
    answer = torch.tensor([[1, 1], [0, 1], [0, 0], [0, -1], [-1, -1]])
    found = balance(answer)
    assert found[answer == -1].sum() == 0
    for column, truth in zip(found.T, answer.T, strict=True):
        assert column[truth == 1].sum() == pytest.approx(float(column[truth == 0].sum()))
        assert column.sum() == pytest.approx(float((truth >= 0).sum()))


def test_bad_input_is_refused_and_it_is_on_request() -> None:
    model = Repaints(SHAPE, lambda image: image)
    with pytest.raises(Refusal, match="attribute_preservation: epochs 0 and batch 32 must be 1 or more"):
        scored(model, epochs=0)
    with pytest.raises(Refusal, match=r"the loss is no longer finite at rate 1e\+30"):
        scored(model, rate=1e30)
    bare = Splits(images_from(DATA.fit.pixels), images_from(DATA.test.pixels))
    with pytest.raises(Refusal, match='score "attribute_preservation" needs attributes or classes, but drawn has none'):
        run_scores(model, bare, ["attribute_preservation"])


@pytest.mark.slow
def test_vgg_16_judges_by_maps_that_do_not_learn(monkeypatch, tmp_path: Path) -> None:
    """Of torchvision's net with nobody's weights, on 32 px."""
    from torchvision.models import vgg16

    monkeypatch.setattr(vgg, "SIDE", 32)
    torch.manual_seed(0)
    net, file = vgg16(weights=None).eval(), tmp_path / "vgg16.safetensors"
    save_file(net.state_dict(), file)
    image = torch.rand(2, 3, 32, 32, generator=Generator().manual_seed(0))
    mean, sd = (torch.tensor(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        torch.testing.assert_close(
            vgg.maps(file, "attribute_preservation")(image),
            net.features((image - mean) / sd).expand(-1, -1, 2, 2).flatten(1),
        )
    values = scored(Layered(SHAPE), weights=str(file), epochs=20)
    assert values["data above %"] > 80
    assert values["preserved z1 %"] == 100
    assert values == scored(Layered(SHAPE), weights=str(file), epochs=20)


def test_weights_of_another_net_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "some.safetensors"
    with pytest.raises(Refusal, match=r"^attribute_preservation: weights=\S*some.safetensors cannot be read"):
        scored(Layered(SHAPE), weights=str(file))
    save_file({"weight": torch.zeros(2)}, file)
    with pytest.raises(Refusal, match=r"not of torchvision's vgg16: .* has no tensor 'features.0.weight'"):
        scored(Layered(SHAPE), weights=str(file))
