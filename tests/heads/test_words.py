"""A label head whose images without a label are taught by words of patches."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made import folder
from torch import Tensor

import latelier
from latelier.core.looks import Shares
from latelier.errors import Refusal
from latelier.heads import bayesian_svm, softmax
from latelier.heads.label import LabelHead
from latelier.heads.words import Words
from latelier.runs.run import open_run

IMAGE, CLASSES = (3, 16, 16), 3
NONE = torch.zeros(0, dtype=torch.int64)


def stripes(n: int) -> tuple[Tensor, np.ndarray]:
    """Images of stripes, each at a place of its own: lying, standing and slanting."""
    rng = np.random.default_rng(0)
    down, right = np.mgrid[:16, :16]
    label = np.arange(n) % CLASSES
    waves = [np.stack([down, right, down + right])[one] * 1.5 + rng.uniform(0, 9) for one in label]
    grey = 0.5 + 0.3 * np.sin(np.stack(waves)) + 0.05 * rng.standard_normal((n, 16, 16))
    return torch.from_numpy(grey.astype(np.float32)).clamp(0, 1)[:, None].expand(-1, 3, -1, -1), label


class Data:
    """Of 60 images the first nine are labelled."""

    def __init__(self, known: int = 9, mirrored: bool = False):
        self.image, self.truth = stripes(60)
        self.label = np.where(np.arange(60) < known, self.truth, -1)
        self.images, self.mirrored = range(60), mirrored

    def labels(self, rows: Tensor) -> np.ndarray:
        return self.label[rows]

    def rows(self, rows: Tensor) -> Any:
        return type("Batch", (), {"image": self.image[rows]})


def told(known: int = 9, prior: tuple[float, ...] = ()) -> tuple[Words, dict[str, float], Data]:
    others, data = Words(IMAGE, CLASSES, prior), Data(known)
    rows, rest = torch.arange(40), torch.arange(40, 60).split(15)
    return others, others.follow(data, rows, rest, lambda rows: np.empty(0)), data  # type: ignore[arg-type]


def test_words_tell_the_images_without_a_label_and_no_others() -> None:
    others, found, data = told()
    assert found["pseudo labels"] == 51
    share = others.said.of(torch.arange(60))
    assert not share[:9].any()
    assert share[9:].sum(1).tolist() == pytest.approx([1] * 51)
    assert (share[9:].argmax(1).numpy() == data.truth[9:]).mean() > 0.9
    assert found["pseudo confidence"] == pytest.approx(float(share[9:].amax(1).mean()), abs=0.01)


def test_shares_are_on_the_mean_those_of_the_prior() -> None:
    even, _, _ = told()
    other, _, _ = told(prior=(8, 1, 1))
    before, after = (others.said.of(torch.arange(9, 60)).mean(0) for others in (even, other))
    assert after[0] > before[0] + 0.1


def test_a_class_without_a_label_is_told_to_nobody() -> None:
    others, _, _ = told(known=2)
    assert not others.said.of(torch.arange(60))[:, 2].any()


def test_where_training_mirrors_the_labelled_images_are_learned_mirrored_too() -> None:
    others = [Words(IMAGE, CLASSES, ()) for _ in range(3)]
    for one, data in zip(others, (Data(), Data(mirrored=True), Data(mirrored=True)), strict=True):
        one.follow(data, torch.arange(60), [], lambda rows: np.empty(0))  # type: ignore[arg-type]
    plain, once, again = (one.said.value for one in others)
    assert torch.equal(once, again)
    assert not torch.equal(plain, once)


def test_where_all_are_labelled_nobody_is_told() -> None:
    others, found, _ = told(known=60)
    assert found == {"pseudo labels": 0}
    assert not others.said.of(torch.arange(60)).any()


def test_labels_of_one_class_tell_nothing() -> None:
    with pytest.raises(Refusal, match="needs labels of two or more"):
        told(known=1)


def test_a_guess_is_what_words_said_of_images_without_a_label() -> None:
    others = Words(IMAGE, CLASSES, ())
    label = torch.tensor([-1, 1, -1])
    before = others.guess(torch.empty(0), label, torch.arange(3), NONE)
    assert before.share is not None
    assert not before.share.any()
    assert others.taught.tolist() == pytest.approx([1 / 3] * 3)
    others.said.begin(3)
    others.said.keep(torch.arange(3), torch.tensor([[0.6, 0.4, 0.0], [0.0, 0.0, 1.0], [0.2, 0.2, 0.6]]))
    guess = others.guess(torch.empty(0), label, torch.arange(3), torch.tensor([0, 1, 0]))
    assert guess.share is not None
    assert torch.allclose(guess.share, torch.tensor([[0.6, 0.4, 0.0], [0.0, 0.0, 0.0], [0.2, 0.2, 0.6]]), atol=0.003)
    assert guess.label.tolist() == [-1] * 3
    assert guess.report["pseudo kept"].tolist() == [1.0] * 3
    assert guess.report["pseudo right"].tolist() == [0.5] * 3
    assert others.taught.tolist() == pytest.approx([0.3347, 0.3327, 0.3327], abs=1e-3)


@pytest.mark.parametrize(
    "head",
    [
        softmax.Head(softmax.Config(weight=2.0), 4, CLASSES, IMAGE),
        bayesian_svm.Head(bayesian_svm.Config(weight=2.0), 4, CLASSES, IMAGE),
    ],
)
def test_the_loss_of_shares_is_the_mean_of_that_of_classes(head: LabelHead) -> None:
    code, share = {"z": torch.randn(5, 4)}, torch.rand(5, CLASSES)
    losses = [head.loss(code, torch.full((5,), number)) for number in range(CLASSES)]
    mean = (torch.stack(losses, 1) * share).sum(1)
    assert torch.allclose(head.softly(code, share), mean, rtol=1e-4)


def test_shares_are_kept_in_half_precision() -> None:
    memory, share = Shares(4), torch.rand(6, 4).softmax(1)
    memory.begin(9)
    memory.keep(torch.arange(6), share)
    assert torch.allclose(memory.of(torch.arange(6)), share, atol=1e-3)
    assert memory.of(torch.arange(9)).sum(1).tolist() == pytest.approx([1] * 6 + [0] * 3)
    assert memory.takes(memory.value, 9)
    assert not memory.takes(memory.value, 8)
    assert not memory.takes(memory.value.long(), 9)
    assert not memory.takes(memory.value + 2, 9)
    many = Shares(1_000)
    many.begin(1)
    many.keep(torch.tensor([0]), torch.full((1, 1_000), 1e-3))
    assert many.of(torch.tensor([0]))[0].tolist() == pytest.approx([1e-3] * 1_000)


@pytest.mark.parametrize("model", ["vae", "classifier", "bigan"])
def test_every_encoder_learns_from_what_words_say(tmp_path: Path, model: str) -> None:
    few: dict[str, Any] = {"data": "digits", "labels": 3, "batch": 16, "steps": 2, "images": 200, "quiet": True}
    run = latelier.train(model, out=tmp_path / "run", settings=["head=softmax", "head.unlabelled=words"], **few)
    log = open_run(run).log
    assert [record["look"]["pseudo labels"] for record in log if "look" in record] == [170]
    terms = [record["terms"] for record in log if "terms" in record]
    assert all(term["pseudo kept"] == 1 and term["view loss"] > 0 for term in terms)


def test_labels_of_one_class_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    labels = "".join(f"{i:03}.png,{'dog' if i < 4 else ''}\n" for i in range(12))
    folder(tmp_path / "pets", 12, "RGB", (20, 20))
    (tmp_path / "labels.csv").write_text(f"file,label\n{labels}")
    given: dict[str, Any] = {"data": tmp_path / "pets", "labels_file": tmp_path / "labels.csv", "quiet": True}
    with pytest.raises(Refusal, match="separates two classes or more"):
        latelier.train("vae", out=tmp_path / "run", settings=["head.unlabelled=words"], **given)
    assert not (tmp_path / "run").exists()


def test_a_training_on_labelled_images_alone_goes_its_way(tmp_path: Path) -> None:
    few: dict[str, Any] = {"data": "digits", "batch": 16, "steps": 2, "images": 64, "quiet": True}
    run = latelier.train("classifier", out=tmp_path / "run", settings=["head=softmax", "head.unlabelled=words"], **few)
    assert [record["look"] for record in open_run(run).log if "look" in record] == [{"pseudo labels": 0.0}]
