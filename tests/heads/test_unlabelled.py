"""What label heads learn from images without a label."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import latelier
from latelier.core import Batch, Progress
from latelier.data.augment import Augment
from latelier.engine import checkpoint
from latelier.heads.joint import Joint
from latelier.heads.unlabelled import Consistent, remarks
from latelier.nets.eval_mode import evaluating
from latelier.runs.run import open_run
from latelier.storage.schemas import CardNote, Standing
from tests.engine.test_parallel import launched

IMAGE, CLASSES = (1, 8, 8), 3
UNKNOWN = torch.full((4,), -1)
SETTINGS = ["net.channels=8", "latent=4", "head=softmax", "head.unlabelled=consistent", "head.rounds=0,0.3,0.6"]
SMALL: dict[str, Any] = {"data": "digits", "labels": 3, "batch": 32, "seed": 3, "steps": 20, "precision": "fp32"}


def heads(threshold: float = 0.6, prior: tuple[float, ...] = ()) -> Consistent:
    return Consistent(IMAGE, CLASSES, threshold, prior)


def said(*rows: tuple[float, ...]) -> torch.Tensor:
    return torch.tensor(rows)


def test_only_what_the_head_is_sure_of_is_taught() -> None:
    rows = said((0.9, 0.05, 0.05), (0.05, 0.9, 0.05), (0.05, 0.05, 0.9), (0.4, 0.3, 0.3))
    guess = heads().guess(rows, UNKNOWN, torch.arange(4), torch.tensor([0, 1, 1, 2]))
    assert guess.label.tolist() == [0, 1, 2, -1]
    assert guess.report["pseudo kept"].tolist() == [0.75] * 4
    assert guess.report["pseudo right"].tolist() == pytest.approx([2 / 3] * 4)


def test_labelled_images_are_taught_their_own_label_and_no_guess() -> None:
    rows = said((0.9, 0.05, 0.05), (0.05, 0.9, 0.05), (0.05, 0.05, 0.9), (0.9, 0.05, 0.05))
    label = torch.tensor([1, -1, -1, -1])
    guess = heads().guess(rows, label, torch.arange(4), torch.zeros(0, dtype=torch.int64))
    assert guess.label.tolist() == [-1, 1, 2, 0]
    assert "pseudo right" not in guess.report


def test_what_is_said_too_often_is_held_back() -> None:
    lopsided = heads(0.5)
    rows = said(*[(0.6, 0.3, 0.1)] * 4)
    for _ in range(400):
        lopsided.guess(rows, UNKNOWN, torch.arange(4), torch.zeros(0, dtype=torch.int64))
    guess = lopsided.guess(rows, UNKNOWN, torch.arange(4), torch.zeros(0, dtype=torch.int64))
    assert guess.label.tolist() == [-1] * 4  # three classes as often as one another: of none is it sure
    known = heads(0.5, prior=(6.0, 3.0, 1.0))
    assert known.guess(rows, UNKNOWN, torch.arange(4), torch.zeros(0, dtype=torch.int64)).label.tolist() == [0] * 4


def taught(prior: tuple[float, ...], *classes: int) -> Consistent:
    """A head that has been sure of images of these classes, in equal numbers, for long."""
    others, rows = heads(0.5, prior), torch.eye(3)[torch.tensor(classes)]
    unknown, nobody = torch.full((len(classes),), -1), torch.zeros(0, dtype=torch.int64)
    for _ in range(600):
        others.guess(rows, unknown, torch.arange(len(classes)), nobody)
    return others


def test_imbalance_is_chi_squared_of_the_classes_that_are_taught() -> None:
    assert float(heads().imbalance()) == pytest.approx(0, abs=1e-6)
    assert float(taught((), 0, 1, 2).imbalance()) == pytest.approx(0, abs=1e-4)
    assert float(taught((), 1).imbalance()) == pytest.approx(2, abs=1e-3)  # one of three classes: 3 / 1 - 1
    assert float(taught((), 0, 1).imbalance()) == pytest.approx(0.5, abs=1e-3)
    skewed = [0] * 6 + [1] * 3 + [2]
    assert float(taught((), *skewed).imbalance()) == pytest.approx(3 * 0.46 - 1, abs=1e-3)
    assert float(taught((6, 3, 1), *skewed).imbalance()) == pytest.approx(0, abs=1e-4)


def test_where_nothing_is_taught_the_shares_stay() -> None:
    others = heads()
    others.taught.copy_(before := torch.tensor([0.5, 0.3, 0.2]))
    others.guess(said(*[(0.34, 0.33, 0.33)] * 4), UNKNOWN, torch.arange(4), torch.zeros(0, dtype=torch.int64))
    assert torch.equal(others.taught, before)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with all its checkpoints."""
    out = tmp_path_factory.mktemp("unlabelled") / "run"
    return latelier.train("vae", out=out, settings=SETTINGS, quiet=True, keep=99, **SMALL)


def test_a_run_from_before_these_shares_opens_and_goes_on(trained: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    for found in checkpoint.checkpoints(run):
        weights, note = checkpoint.read(found.weights, CardNote)
        state, standing = checkpoint.read(found.state, Standing)
        assert weights.pop("head.unlabelled.taught").sum() == pytest.approx(1)
        checkpoint.save(run, found.seen, weights, note, state, standing, None)
    assert open_run(run).model.state_dict()["head.unlabelled.taught"].tolist() == pytest.approx([0.1] * 10)
    latelier.train(out=run, resume=True, steps=22, quiet=True)
    assert checkpoint.checkpoints(run)[-1].seen == 22 * 32


FINE = {"pseudo kept": 0.8, "pseudo imbalance": 0.05}


def test_few_taught_images_are_a_remark_from_half_time_on() -> None:
    assert remarks(FINE, 10, prior=False) == []
    assert remarks({**FINE, "pseudo kept": 0.3}, 10, prior=False) == []
    assert remarks({"pseudo kept": 0.1}, 10, prior=False) == []  # before half time it is always so
    (said,) = remarks({**FINE, "pseudo kept": 0.29}, 10, prior=False)
    assert "fewer than 30 % of images without a label have a pseudo-label" in said
    assert said.endswith(": lower head.threshold, label more, or train longer")


def test_where_words_teach_nothing_is_said_of_a_threshold() -> None:
    terms = {"pseudo kept": 0.1, "pseudo imbalance": 0.0}
    assert "lower head.threshold" in remarks(terms, 3, False)[0]
    assert remarks(terms, 3, False, asks=False) == []


def test_a_batch_without_unlabelled_images_leaves_none_untaught() -> None:
    guess = heads().guess(said(*[(0.9, 0.05, 0.05)] * 4), torch.zeros(4).long(), torch.arange(4), torch.arange(4))
    assert guess.report["pseudo kept"].tolist() == [1.0] * 4


def test_taught_classes_far_from_the_prior_are_a_remark() -> None:
    lopsided = {**FINE, "pseudo imbalance": 0.31}
    (said,) = remarks(lopsided, 10, prior=False)
    assert said.endswith("far from equally common: if they are so, say how common by --prior; if not, label more")
    (said,) = remarks(lopsided, 10, prior=True)
    assert said.endswith("as head.prior says: correct the shares, or label more")
    assert remarks({**FINE, "pseudo imbalance": 0.3}, 10, prior=True) == []
    assert remarks(lopsided, 200, prior=False) == []  # as far as chance goes with this many classes


@pytest.mark.parametrize("classes", [2, 10, 100, 500])
def test_chance_brings_no_remark_on_taught_classes(classes: int) -> None:
    torch.manual_seed(0)
    others = Consistent(IMAGE, classes, 0.5, ())
    for _ in range(400):
        rows = torch.eye(classes)[torch.randint(classes, (8,))]
        others.guess(rows, torch.full((8,), -1), torch.arange(8), torch.zeros(0, dtype=torch.int64))
        assert remarks({**FINE, "pseudo imbalance": float(others.imbalance())}, classes, prior=False) == []


def test_a_run_of_which_images_without_a_label_learn_nothing_says_so_once_it_is_half_over(tmp_path: Path) -> None:
    settings = [*SETTINGS[:-1], "head.threshold=0.999", "head.rounds=0.9"]
    run = latelier.train("vae", out=tmp_path / "run", settings=settings, quiet=True, **SMALL)
    log = open_run(run).log
    (said,) = [record for record in log if "fewer than 30 %" in record.get("remark", "")]
    assert said["seen"] == 11 * 32  # the eleventh of twenty steps is the first that begins in the second half
    reported = [record["seen"] for record in log if "pseudo imbalance" in record.get("terms", {})]
    assert reported == [step * 32 for step in range(11, 21)]


def test_labels_reach_the_images_whose_codes_are_near() -> None:
    others = heads()

    class Data:
        images = range(90)

        @staticmethod
        def labels(rows: torch.Tensor) -> np.ndarray:
            label = np.full(90, -1)
            label[[0, 30, 60]] = 0, 1, 2
            return label[rows]

    codes = np.eye(3).repeat(30, 0) + 0.05 * np.random.default_rng(0).standard_normal((90, 3))
    graph, rest = torch.arange(72), torch.arange(72, 90).split(10)  # the last are told from the graph, not in it
    found = others.follow(Data(), graph, rest, lambda rows: codes.astype(np.float32)[rows])  # type: ignore[arg-type]
    assert found == {"propagated to": 87.0, "propagated kept": 1.0}
    index = torch.tensor([1, 40, 80, 2])
    guess = others.guess(said(*[(0.34, 0.33, 0.33)] * 4), UNKNOWN, index, torch.zeros(0, dtype=torch.int64))
    assert guess.label.tolist() == [0, 1, 2, 0]
    assert others.propagated.value[[0, 30, 60]].tolist() == [-1, -1, -1]  # what is known is not guessed


def test_unlabelled_images_reach_the_encoder_through_their_strong_view_alone() -> None:
    torch.manual_seed(0)
    model = latelier.build("vae", (1, 8, 8), classes=3, latent=4, head={"kind": "softmax", "unlabelled": "consistent"})
    batch = Batch(torch.rand(6, 1, 8, 8), torch.arange(6), torch.full((6,), -1), *[torch.zeros(6, 0).long()] * 2)
    head = model.head
    assert isinstance(head.unlabelled, Consistent)
    progress = Progress(0, 100, torch.Generator().manual_seed(0), {})
    (move,) = model.moves()
    assert float(move(batch, progress).report["view loss"].detach().abs().max()) == 0  # unsure of all
    head.unlabelled.propagated.begin(6)
    head.unlabelled.propagated.value[2] = 1
    losses = move(batch, Progress(0, 100, torch.Generator().manual_seed(0), {}))
    assert (losses.report["view loss"] > 0).tolist() == [False, False, True, False, False, False]
    assert float(losses.report["label loss"].detach().abs().max()) == 0


@pytest.mark.parametrize(
    ("model", "settings", "memory"),
    [
        ("vae", SETTINGS, "propagated"),
        pytest.param("classifier", SETTINGS, "propagated", marks=pytest.mark.slow),
        ("classifier", [*SETTINGS[:3], "head.unlabelled=words"], "said"),
    ],
)
def test_a_run_in_two_halves_equals_one_run_bit_for_bit_with_what_was_told(
    model: str, settings: list[str], memory: str, tmp_path: Path
) -> None:
    whole = latelier.train(model, out=tmp_path / "whole", settings=settings, quiet=True, keep=99, **SMALL)
    half = Path(shutil.copytree(whole, tmp_path / "half"))
    for found in checkpoint.checkpoints(half):
        if found.seen > 13 * 32:
            found.weights.unlink()
            found.state.unlink()
    latelier.train(out=half, resume=True, quiet=True)
    ends = [checkpoint.checkpoints(run)[-1] for run in (whole, half)]
    assert ends[0].seen == ends[1].seen == 20 * 32
    one, other = ({**load_file(end.weights), **load_file(end.state)} for end in ends)
    assert (one[f"memory/head.unlabelled.{memory}"] > 0).any()
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_prediction_is_the_geometric_mean_over_changed_views_whoever_is_in_the_batch() -> None:
    head = {"kind": "softmax", "unlabelled": "consistent", "views": 3}
    model = latelier.build("classifier", (1, 8, 8), classes=3, latent=4, head=head)
    assert isinstance(model, Joint)
    image, turn = torch.rand(5, 1, 8, 8), Augment(affine=0.75)
    with evaluating(model):
        answer = model.classify(image)
        generator = torch.Generator().manual_seed(0)
        views = [model.likeliest(turn(image, generator, alike=True)) for _ in range(3)]
        mean = torch.stack(views).prod(0) ** (1 / 3)
        assert torch.allclose(answer, mean / mean.sum(1, keepdim=True))
        assert torch.allclose(model.classify(image[2:3]), answer[2:3], atol=1e-6)
        assert not torch.allclose(answer, model.likeliest(image), atol=1e-4)
        scores = model.decide(image, 3, generator.manual_seed(0))
        assert torch.allclose(scores.softmax(2), torch.stack(views), atol=1e-6)


def test_what_was_propagated_is_no_part_of_the_model(trained: Path) -> None:
    assert not [name for name in open_run(trained).model.state_dict() if "propagated" in name]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["vae", "classifier"])
def test_two_processes_equal_one(model: str, tmp_path: Path) -> None:
    options = {**SMALL, "parts": 2}
    one = latelier.train(model, out=tmp_path / "one", settings=SETTINGS, quiet=True, **options)
    said = launched(model, tmp_path / "two", "--set", *SETTINGS, **options)
    assert said.returncode == 0, said.stderr
    ends = [checkpoint.checkpoints(run)[-1] for run in (one, tmp_path / "two")]
    first, second = (load_file(end.weights) for end in ends)
    assert max(float((first[name] - second[name]).abs().max()) for name in first) < 1e-5


ENCODERS = ["vae", "aae", "classifier", "dgdn", "patchvae", "bigan", "ali", "hali", "vac", "introvac", "ksparse"]
MACHINES = ["vae", "dgdn"]  # the others' run alike beside the other head, and in the slow tests


@pytest.mark.parametrize(
    ("model", "head"),
    [
        *((model, "softmax") for model in ENCODERS),
        *(
            pytest.param(model, "bayesian_svm", marks=() if model in MACHINES else pytest.mark.slow)
            for model in ENCODERS
        ),
    ],
)
def test_every_encoder_learns_from_unlabelled_images(tmp_path: Path, model: str, head: str) -> None:
    kind = [f"head={head}", "head.unlabelled=consistent", "head.rounds=0,0.5", "head.threshold=0.11"]
    small = {**SMALL, "steps": 2, "batch": 16, "images": 200}
    run = latelier.train(model, out=tmp_path / "run", settings=kind, quiet=True, **small)
    terms = [record["terms"] for record in open_run(run).log if "terms" in record]
    assert any(term["pseudo kept"] > 0 for term in terms)
