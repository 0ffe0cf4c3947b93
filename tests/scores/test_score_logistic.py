from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Generator

from latelier.codes.rows import codes
from latelier.core import Fits, need
from latelier.data.sources.open import open_images
from latelier.errors import Refusal
from latelier.runs.building import build
from latelier.scores import logistic
from latelier.scores.common import Splits
from latelier.scores.record import run_scores

DATA = Splits(open_images("digits", split="train"), open_images("digits", split="test"))


def pca(latent: int = 16):
    model = build("pca", image=(1, 8, 8), latent=latent)
    need(model, Fits).fit(DATA.fit.blocks, Generator().manual_seed(0))
    return model


def test_error_is_scikit_learns_at_the_chosen_strength() -> None:
    model = pca()
    found = logistic.score(model, DATA, Generator())
    fit, test = codes(model, DATA.fit), codes(model, DATA.test)
    scale = float(np.sqrt(fit.var(0).mean()))
    theirs = LogisticRegression(C=found["chosen C"], max_iter=10_000, tol=1e-8).fit(
        (fit - fit.mean(0)) / scale, DATA.fit.label
    )
    error = 100 * (theirs.predict((test - fit.mean(0)) / scale) != DATA.test.label).mean()
    assert found["error %"] == pytest.approx(error, abs=0.21)  # one image of 500: float32 against float64 steps
    assert found["chosen C"] in logistic.GRID
    assert found["held-out error %"] < 15


def test_test_images_choose_nothing() -> None:
    model = pca()
    found = logistic.score(model, DATA, Generator())
    wrong = replace(DATA.test, label=(DATA.test.label + 1) % 10)
    other = logistic.score(model, DATA._replace(test=wrong), Generator())
    assert other["error %"] > 90
    assert {**other, "error %": 0} == {**found, "error %": 0}


def test_the_mean_over_classes_stands_beside_the_error_of_uneven_ones() -> None:
    model = pca(2)
    rows = np.flatnonzero((DATA.test.label > 0) | (np.arange(len(DATA.test)) < 100))  # few of the easiest class
    uneven = logistic.score(model, DATA._replace(test=DATA.test.take(rows)), Generator())
    each = [DATA.test.take(rows[DATA.test.label[rows] == number]) for number in range(10)]
    errors = [logistic.score(model, DATA._replace(test=one), Generator())["error %"] for one in each]
    assert uneven["balanced error %"] == pytest.approx(np.mean(errors))
    assert uneven["error %"] != pytest.approx(uneven["balanced error %"])
    assert "balanced error %" not in logistic.score(model, DATA, Generator())


def test_unlabelled_images_are_left_out_and_pixels_are_a_depth() -> None:
    model = pca(2)
    half = replace(DATA.fit, label=np.where(np.arange(len(DATA.fit)) % 2, DATA.fit.label, -1))
    few = DATA.fit.take(np.flatnonzero(half.label >= 0))
    known = [logistic.score(model, DATA._replace(fit=fit), Generator()) for fit in (half, few)]
    assert known[0] == known[1]
    assert logistic.score(model, DATA, Generator(), depth="pixels")["error %"] < known[0]["error %"]
    with pytest.raises(Refusal, match="has no features, so no depth 'layer1'"):
        logistic.score(model, DATA, Generator(), depth="layer1")


def test_features_of_a_depth_are_read() -> None:
    torch.manual_seed(0)
    model = build("ksparse", image=(1, 8, 8), widths=(50,), k=(5,), alpha=4.0)
    frozen = [logistic.score(model, DATA, Generator(), depth=depth)["error %"] for depth in (None, "layer1")]
    assert frozen[1] < frozen[0]  # 20 numbers of a random code tell more than 5


@pytest.mark.slow
def test_it_is_made_on_request_alone() -> None:
    model = pca(2)
    names = [record["name"] for record in run_scores(model, DATA, limit=50)]
    assert "logistic" not in names
    assert "probe" in names
    assert run_scores(model, DATA, ["logistic"])[0]["n"] == 500
    unlabelled = replace(DATA.fit, label=np.full(len(DATA.fit), -1))
    with pytest.raises(Refusal, match="labels"):
        run_scores(model, DATA._replace(fit=unlabelled), ["logistic"])
