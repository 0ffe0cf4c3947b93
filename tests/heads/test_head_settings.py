"""Which settings of a label head are refused."""

from pathlib import Path
from typing import Any

import pytest

import latelier
from latelier.errors import Refusal

SETTINGS = ["net.channels=8", "latent=4", "head=softmax", "head.unlabelled=consistent", "head.rounds=0,0.3,0.6"]
PRECISIONS = [("bf16", "none"), ("bf16", "consistent"), ("fp32", "consistent")]
FEW: dict[str, Any] = {"data": "digits", "labels": 3, "batch": 32, "steps": 20}


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("head.threshold=2", "head.threshold is a probability between 0 and 1, not 2"),
        ("head.rounds=0.6,0.3", "head.rounds are rising shares of the run, from 0 to below 1, not 0.6, 0.3"),
        ("head.pool=0", "head.pool is a number of images, at least 1, not 0"),
        ("head.prior=1,0,1", "head.prior gives every class a share above 0, not 1, 0, 1"),
        ("head.prior=1,1", "head.prior has 2 shares, but the images have 10 classes"),
        ("head.unlabelled=none", "head.rounds go with head.unlabelled=consistent; set that as well"),
        ("head.unlabelled=words", "head.rounds go with head.unlabelled=consistent; set that as well"),
        (
            "head.rounds= head.unlabelled=words head.threshold=0.5",
            "head.threshold goes with head.unlabelled=consistent",
        ),
        ("head.rounds= head.unlabelled=none head.views=2", "head.views go with head.unlabelled=consistent or words"),
        (
            "head=bayesian_svm head.rounds= head.unlabelled=words head.learning=em",
            "head.learning=em counts classes, not",
        ),
        ("head.views=-1", "head.views is a number of changed views, from 0 to 256, not -1"),
        ("head.views=100000", "head.views is a number of changed views, from 0 to 256, not 100000"),
        ("head.weight=-1", "head.weight is what a label counts beside an image, at least 0, not -1"),
        ("head=bayesian_svm head.draws=1000000", "head: gamma .* must be above 0, draws 1000000 from 1 to 1,000"),
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path: Path, setting: str, words: str) -> None:
    with pytest.raises(Refusal, match=words):
        latelier.train("vae", out=tmp_path / "run", settings=[*SETTINGS, *setting.split()], quiet=True, **FEW)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("model", ["pca", "rbm"])
def test_a_method_that_takes_no_head_says_so_whatever_of_a_head_is_set(tmp_path: Path, model: str) -> None:
    with pytest.raises(Refusal, match="is fitted in closed form, so no label head"):
        latelier.train(model, out=tmp_path / "run", settings=["head.unlabelled=words"], quiet=True, **FEW)


@pytest.mark.usefixtures("bf16")
@pytest.mark.parametrize(
    ("precision", "unlabelled"), [("bf16", "none"), ("bf16", "consistent"), ("fp32", "consistent")]
)
@pytest.mark.parametrize("model", ["vae", "classifier"])
def test_machines_in_closed_form_learn_at_any_precision(
    tmp_path: Path, model: str, precision: str, unlabelled: str
) -> None:
    settings = ["head=bayesian_svm", "head.learning=em", f"head.unlabelled={unlabelled}"]
    given: dict[str, Any] = {**FEW, "steps": 3, "precision": precision}
    assert latelier.train(model, out=tmp_path / "run", settings=settings, quiet=True, **given).exists()
