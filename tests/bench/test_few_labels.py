import signal

import numpy as np
import pytest

from latelier.bench.few_labels import Trial, accuracy, baselines
from latelier.data.sources.open import open_images
from latelier.data.subsets import labelled_rows
from latelier.engine import loop
from latelier.engine.loop import Outcome
from latelier.learners import regression
from latelier.learners.propagation import neighbours_graph, propagate


def test_simple_rivals_learn_from_the_same_labels() -> None:
    train, test = open_images("digits", split="train"), open_images("digits", split="test")
    found = baselines(train, test, (1, 5), 2, 16)
    assert list(found) == [
        "logistic regression on pixels",
        "logistic regression on PCA",
        "label propagation on pixels",
    ]
    seen, unseen = (images.floats(slice(None)).flatten(1).numpy() for images in (train, test))
    rows, label = labelled_rows(train.label, 5, 2), np.full(len(train) + len(test), -1)
    label[rows] = train.label[rows]
    linear = regression.fit(seen[rows], train.label[rows]).predict(unseen)
    assert found["logistic regression on pixels"][5] == (linear == test.label).mean()
    spread = propagate(neighbours_graph(np.concatenate([seen, unseen]), centre=False), label, 10)[len(train) :]
    assert found["label propagation on pixels"][5] == pytest.approx((spread.argmax(1) == test.label).mean())
    assert found["label propagation on pixels"][5] > found["logistic regression on pixels"][5]
    assert found["label propagation on pixels"][5] > found["label propagation on pixels"][1]


def test_a_training_that_was_stopped_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*arguments: object, **options: object) -> Outcome:
        return Outcome(64, "stopped", signal.SIGTERM)

    monkeypatch.setattr(loop, "train", stopped)
    settings = {"latent": 2, "net.channels": (4,)}
    with pytest.raises(SystemExit) as ended:
        accuracy(Trial("row", "classifier", settings, labels=1, draw=0, images=640, data="digits"))
    assert ended.value.code == 128 + signal.SIGTERM
