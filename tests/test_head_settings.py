"""Which settings of a label head are refused."""

from pathlib import Path
from typing import Any

import pytest

import latelier
from latelier.core import Refusal

SETTINGS = ["net.channels=8", "latent=4", "head=softmax", "head.unlabelled=consistent", "head.rounds=0,0.3,0.6"]
FEW: dict[str, Any] = {"data": "digits", "labels": 3, "batch": 32, "steps": 20}


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("head.threshold=2", "head.threshold is a probability between 0 and 1, not 2"),
        ("head.rounds=0.6,0.3", "head.rounds are rising shares of the run, from 0 to below 1, not 0.6, 0.3"),
        ("head.pool=0", "head.pool is a number of images, at least 1, not 0"),
        ("head.prior=1,0,1", "head.prior gives every class a share above 0, not 1, 0, 1"),
        ("head.prior=1,1", "head.prior has 2 shares, but the pictures have 10 classes"),
        ("head.unlabelled=none", "head.rounds go with head.unlabelled=consistent; set that as well"),
        ("head.unlabelled=words", "head.rounds go with head.unlabelled=consistent; set that as well"),
        ("head.rounds= head.unlabelled=none head.views=2", "head.views go with head.unlabelled=consistent or words"),
        (
            "head=bayesian_svm head.rounds= head.unlabelled=words head.learning=em",
            "head.learning=em counts classes, not",
        ),
        ("head.views=-1", "head=softmax: views takes a whole number, 0 or more, but got '-1'"),
        ("head.views=100000", "head.views is a number of changed views, from 0 to 256, not 100000"),
        ("head.weight=-1", "head.weight is what a label counts beside an image, at least 0, not -1"),
        ("head=bayesian_svm head.draws=1000000", "head: gamma .* must be above 0, draws 1000000 from 1 to 1,000"),
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path: Path, setting: str, words: str) -> None:
    with pytest.raises(Refusal, match=words):
        latelier.train("vae", out=tmp_path / "run", settings=[*SETTINGS, *setting.split()], quiet=True, **FEW)
    assert not (tmp_path / "run").exists()
