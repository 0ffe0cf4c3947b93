"""What is known of each image: the model's own answers, unknown where nothing is known."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from explore.able import Able
from explore.opened import noise_images, place, places_of
from sheets.fakes import Fake, Parted

from latelier.codes.outlying import complexity
from latelier.core import Weighs
from latelier.errors import Refusal
from latelier.explore import codes as codes_module
from latelier.explore import passes
from latelier.explore.codes import WaitingError
from latelier.explore.filters import filters_of
from latelier.explore.opened_run import OpenedRun
from latelier.explore.uploads import Uploads

IMAGE = (1, 8, 6)


@pytest.fixture
def opened() -> OpenedRun:
    return places_of(Able(IMAGE))[0][0]


def test_predictions_are_the_models(opened: OpenedRun) -> None:
    columns, label = opened.columns, opened.shown.label
    probability = opened.model.classify(opened.shown.floats(slice(None))).numpy()  # type: ignore[operator]
    assert columns.values("prediction").tolist() == probability.argmax(1).tolist()
    assert np.allclose(columns.values("confidence"), probability.max(1), atol=1e-5)
    wrong = columns.values("wrong")
    assert wrong.tolist() == [*(probability.argmax(1) != label)[:-1].astype(int), -1]


def test_errors_are_of_reconstructions(opened: OpenedRun) -> None:
    image = opened.shown.floats(slice(None))
    model = Able(IMAGE).eval()
    with torch.no_grad():
        expected = (model.decode(model.encode(image).mode()) - image).square().mean((1, 2, 3))
    assert np.allclose(opened.columns.values("error"), expected, atol=1e-6)


class Weighing(Able, Weighs):
    """Finds an image the less likely the lighter it is."""

    def log_weight(self, image: torch.Tensor, samples: int, generator: torch.Generator) -> torch.Tensor:
        return -image.flatten(1).sum(1).expand(samples, -1)


def test_bounds_and_likelihood_ratios_are_of_models_with_a_density(opened: OpenedRun) -> None:
    assert not {"bound", "ratio"} & {one.name for one in opened.columns.names()}
    weighing = places_of(Weighing(IMAGE))[0][0]
    pixels, bound = weighing.shown.pixels, weighing.columns.values("bound")
    assert np.allclose(bound, pixels.reshape(len(pixels), -1).sum(1) / 255, atol=1e-3)
    nats = bound + 48 * math.log(256) - [complexity(one) for one in pixels]
    assert np.allclose(weighing.columns.values("ratio"), nats, atol=1e-3)
    assert filters_of(weighing)["orders"] == ["error", "outlier", "bound", "ratio", "unsure"]


def test_outliers_are_far_from_their_neighbours(opened: OpenedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "NEIGHBOUR", 3)
    monkeypatch.setattr(passes, "PAIRS", 60)  # five codes a slice
    rows = opened.codes.rows()
    away = np.linalg.norm(rows[:, None] - rows, axis=2)
    assert np.allclose(opened.columns.values("outlier"), np.sort(away, 1)[:, 3], atol=1e-4)


def test_of_many_codes_outliers_are_far_from_some_of_them(opened: OpenedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "NEIGHBOUR", 2)
    monkeypatch.setattr(passes, "COMPARED", 7)
    rows, some = opened.codes.rows(), passes._some(12).numpy()
    away = np.linalg.norm(rows[:, None] - rows[some], axis=2)
    away[some, np.arange(7)] = np.inf
    assert np.allclose(opened.columns.values("outlier"), np.sort(away, 1)[:, 1], atol=1e-4)


def test_clusters_are_the_groups_of_codes_the_largest_first(opened: OpenedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).normal(size=(3000, 4)).astype(np.float32)
    rows[:1800] += 30
    rows[2600:] -= 30
    monkeypatch.setattr(passes, "CLUSTERS", 3)
    monkeypatch.setattr(opened.codes, "_rows", rows)
    steps = passes.clustered(opened)
    shares = []
    while True:
        try:
            shares.append(next(steps))
        except StopIteration as end:
            found = end.value["cluster"]
            break
    assert found.tolist() == [0] * 1800 + [1] * 800 + [2] * 400
    assert all(one <= other for one, other in pairwise(shares))


def test_a_latent_is_a_number_of_the_code(opened: OpenedRun) -> None:
    assert np.array_equal(opened.columns.values("latent:z:3"), opened.codes.rows()[:, 3])
    parted = place(Parted((1, 8, 12)), "one", Uploads())
    list(parted.codes.slices())
    assert np.array_equal(parted.columns.values("latent:appearance:1"), parted.codes.rows()[:, 19])
    for name in ("latent:z:5", "latent:z:²", "latent:z:" + "9" * 6000, "latent:y:0", "latent:z:-1", "attribute:no", ""):
        with pytest.raises(Refusal, match="no column"):
            opened.columns.values(name)


def test_an_attribute_is_yes_no_or_unknown(opened: OpenedRun) -> None:
    attribute = np.resize(np.array([1, 0, -1], np.int8), (12, 1))
    opened.shown = replace(opened.shown, attribute=attribute, attributes=("smile: wide",))
    assert opened.columns.column("attribute:smile: wide").kind == "yesno"
    assert opened.columns.values("attribute:smile: wide").tolist() == [1, 0, -1] * 4


def test_where_nothing_is_known_nothing_is_offered() -> None:
    opened = place(Fake(IMAGE), "one", Uploads(), replace(noise_images(image=IMAGE), label=np.full(12, -1)))
    assert [one.name for one in opened.columns.names()][:3] == ["cluster", "error", "outlier"]


def test_without_a_code_a_value_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes_module, "IMAGES", 5)
    opened = place(Able(IMAGE), "one", Uploads())
    list(opened.codes.slices())
    for name in ("outlier", "latent:z:0"):
        assert np.flatnonzero(np.isfinite(opened.columns.values(name))).tolist() == opened.codes.picked.tolist()
    assert np.flatnonzero(opened.columns.values("cluster") >= 0).tolist() == opened.codes.picked.tolist()
    assert np.isfinite(opened.columns.values("error")).all()


def test_what_takes_long_comes_slice_by_slice(opened: OpenedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "BLOCK", 6)
    begun = []
    opened.between = begun.append
    shares = []
    for _ in range(2):
        with pytest.raises(WaitingError) as waiting:
            opened.columns.values("error")
        shares.append(waiting.value.share)
        next(begun[0])
    assert (shares, len(begun)) == ([0, 0.5], 1)
    assert list(begun[0]) == []
    assert opened.columns.values("error").shape == (12,)


def test_a_failure_is_said(opened: OpenedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Able, "classify", broken)
    with pytest.raises(Refusal, match="Confidence of the prediction could not be computed: out of memory"):
        opened.columns.values("confidence")
