"""LatentFeatures as scikit-learn sees it: its rules, pipelines, grid search, processes; and the numbers themselves."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from latelier.data.images import to_float
from latelier.engine import checkpoint
from latelier.errors import Refusal
from latelier.runs.building import assemble
from latelier.sklearn import LatentFeatures


def saved(folder: Path, name: str, image: tuple[int, int, int], **settings: Any) -> Path:
    """A run folder with one checkpoint; pca is fitted on digits."""
    torch.manual_seed(0)
    model, card = assemble(name, image, (), settings)
    if name == "pca":
        pixels = torch.from_numpy(load_digits().images / 16).float()[:, None]
        model.fit(lambda: iter([pixels]), torch.Generator().manual_seed(0))
    checkpoint.save(folder, 128, model.state_dict(), card.json(), {}, {})
    return folder


@pytest.fixture(scope="module")
def grey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("grey"), "vae", (1, 8, 8), latent=4, net="mlp", **{"net.widths": (16,)})


@pytest.fixture(scope="module")
def colour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("colour"), "autoencoder", (3, 8, 16), latent=4)


@pytest.fixture(scope="module")
def pca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("pca"), "pca", (1, 8, 8), latent=16)


class AnyTable(LatentFeatures):
    """scikit-learn's checks bring tables of any width: values are brought below 1 and columns repeated up to 64."""

    def _images(self, rows: np.ndarray) -> np.ndarray:
        rows = rows / (1 + abs(rows))
        return super()._images(np.resize(rows.T, (64, len(rows))).T)


@pytest.mark.slow
def test_keeps_scikit_learns_rules(grey: Path) -> None:
    results = check_estimator(AnyTable(grey), on_fail=None, on_skip=None)
    assert len(results) > 40
    failed = {result["check_name"]: result["exception"] for result in results if result["status"] != "passed"}
    # Skipped by scikit-learn itself unless SCIPY_ARRAY_API is set: arrays of other libraries are not claimed.
    assert set(failed) <= {"check_array_api_input"}, failed


def test_gives_the_models_codes_whatever_the_form_of_the_images(colour: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 8, 16, 3), np.uint8)
    features = LatentFeatures(colour, batch=3).fit(pixels)
    codes = features.transform(pixels)
    with torch.no_grad():
        expected = features._opened().encode(to_float(torch.from_numpy(pixels))).mode()["z"].numpy()
    assert codes.dtype == np.float32
    np.testing.assert_allclose(codes, expected, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(features.transform(pixels.reshape(7, -1)), codes)
    np.testing.assert_allclose(features.transform(pixels / 255), codes, rtol=0, atol=1e-6)
    assert features.n_features_in_ == 8 * 16 * 3


def test_grey_images_need_no_axis_for_channels(grey: Path) -> None:
    given = load_digits().images[:5] / 16
    features = LatentFeatures(grey)  # nothing to fit
    np.testing.assert_array_equal(features.transform(given), features.transform(given.reshape(5, 64)))
    np.testing.assert_array_equal(features.transform(given), features.transform(given[..., None]))


def test_gives_the_activations_at_a_depth(grey: Path) -> None:
    given = load_digits().data[:5] / 16
    features = LatentFeatures(grey, depth="hidden1").fit(given)
    with torch.no_grad():
        image = torch.from_numpy(given).float().view(5, 1, 8, 8)
        expected = features._opened().features(image, "hidden1").numpy()
    np.testing.assert_allclose(features.transform(given), expected, rtol=0, atol=1e-6)
    assert list(features.get_feature_names_out()) == [f"hidden1[{i}]" for i in range(16)]
    assert list(features.set_params(depth=None).get_feature_names_out()) == [f"z[{i}]" for i in range(4)]


def test_recognises_digits_in_a_pipeline(pca: Path) -> None:
    x, y = load_digits(return_X_y=True)
    pipeline = make_pipeline(LatentFeatures(pca), LogisticRegression(max_iter=300))
    assert cross_val_score(pipeline, x / 16, y, cv=3).min() > 0.85  # chance is 0.1; these folds reach 0.88 and more


def test_grid_search_reaches_its_parameters(grey: Path) -> None:
    x, y = load_digits(return_X_y=True)
    pipeline = make_pipeline(LatentFeatures(grey), LogisticRegression(max_iter=100))
    grid = {"latentfeatures__depth": [None, "pixels"], "logisticregression__C": [0.1, 1.0]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(x[:300] / 16, y[:300])
    # Pixels tell digits; four numbers of a net that has not learned do not.
    assert search.best_params_["latentfeatures__depth"] == "pixels"


@pytest.mark.slow
def test_works_in_two_processes(pca: Path) -> None:
    x, y = load_digits(return_X_y=True)
    pipeline = make_pipeline(LatentFeatures(pca).fit(x / 16), LogisticRegression(max_iter=300))
    alone = cross_val_score(pipeline, x / 16, y, cv=3, n_jobs=1)
    np.testing.assert_allclose(cross_val_score(pipeline, x / 16, y, cv=3, n_jobs=2), alone)
    grid = {"logisticregression__C": [0.1, 1.0]}
    assert GridSearchCV(pipeline, grid, cv=3, n_jobs=2).fit(x / 16, y).best_score_ > 0.85


def test_is_pickled_without_the_model(pca: Path) -> None:
    given = load_digits().data[:5] / 16
    features = LatentFeatures(pca).fit(given)
    codes = features.transform(given)
    content = pickle.dumps(features)
    assert len(content) < 1000  # the model alone has 16 * 64 numbers
    np.testing.assert_array_equal(pickle.loads(content).transform(given), codes)
    np.testing.assert_array_equal(clone(features).transform(given), codes)


def test_another_run_is_opened_as_soon_as_it_is_set(grey: Path, pca: Path) -> None:
    given = load_digits().data[:5] / 16
    features = LatentFeatures(grey).fit(given)
    assert features.transform(given).shape == (5, 4)
    assert features.set_params(run=pca).transform(given).shape == (5, 16)


def test_fitting_again_opens_the_run_again(tmp_path: Path) -> None:
    given = load_digits().data[:5] / 16
    features = LatentFeatures(saved(tmp_path, "autoencoder", (1, 8, 8), latent=4)).fit(given)
    assert features.transform(given).shape == (5, 4)
    for file in tmp_path.iterdir():
        file.unlink()
    saved(tmp_path, "autoencoder", (1, 8, 8), latent=3)
    assert features.fit(given).transform(given).shape == (5, 3)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (load_digits().data[:5], "from 0 to 16: scale it .*X / 16"),
        (load_digits().data[:5] / 16 - 0.5, "Negative values in data: .*from -0.5 to 0.5"),
        (np.zeros((5, 63)), "8 x 8 x 1 = 64 values, but X has 63 columns"),
        (np.zeros((5, 9, 9)), r"\[n, 8, 8, 1\], but X is \[5, 9, 9\]"),
        (np.zeros((5, 8, 8, 3), np.uint8), r"X is \[5, 8, 8, 3\]"),
    ],
)
def test_refuses_other_images(grey: Path, given: np.ndarray, sentence: str) -> None:
    with pytest.raises(Refusal, match=sentence):
        LatentFeatures(grey).fit(given)
    with pytest.raises(Refusal, match=sentence):
        LatentFeatures(grey).transform(given)


def test_refuses_what_the_run_does_not_have(grey: Path, pca: Path, tmp_path: Path) -> None:
    given = np.zeros((2, 8, 8))
    with pytest.raises(Refusal, match="no depth 'hidden9'"):
        LatentFeatures(grey, depth="hidden9").fit(given)
    with pytest.raises(Refusal, match="gives the activations of its trunk, and pca does not; methods that do: aae"):
        LatentFeatures(pca, depth="hidden1").fit(given)
    with pytest.raises(Refusal, match="no run at"):
        LatentFeatures(tmp_path / "none").fit(given)
