import numpy as np
import pytest
import torch
from sheets.fakes import Fake, view

from latelier.core import Latent
from latelier.errors import Refusal
from latelier.sheets.codes import draw, knn_accuracy, plane


def points(n: int, d: int = 2) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, d))


def brute(points: np.ndarray, label: list[str], k: int) -> float:
    right = 0
    for i, own in enumerate(label):
        others = sorted((np.sum((points[i] - points[j]) ** 2), j) for j in range(len(label)) if j != i)[:k]
        names = [label[j] for _, j in others]
        right += max(names, key=lambda name: (names.count(name), -names.index(name))) == own
    return right / len(label)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_the_accuracy_is_that_of_leaving_each_out(k):
    label = [str(number) for number in np.random.default_rng(1).integers(0, 4, 60)]
    assert knn_accuracy(points(60), label, k) == pytest.approx(brute(points(60), label, k))


def test_a_copy_of_an_image_counts_and_the_image_itself_does_not():
    assert knn_accuracy(np.array([[0.0], [0.0], [9.0], [9.0]]), ["a", "b", "c", "d"], 1) == 0
    assert knn_accuracy(np.array([[0.0], [0.0], [9.0], [9.0]]), ["a", "a", "c", "c"], 1) == 1


def test_unknown_classes_are_left_out_of_the_accuracy():
    known = knn_accuracy(points(30), ["a", "b", "c"] * 10)
    more = np.concatenate([points(30), points(30) + 1e-9])
    assert knn_accuracy(more, ["a", "b", "c"] * 10 + [""] * 30) == known


@pytest.mark.parametrize("label", [[""] * 9, ["a"] * 9, ["a", "b"] + [""] * 7])
def test_too_little_known_has_no_accuracy(label):
    assert knn_accuracy(points(9), label) is None


def test_principal_components_keep_the_most_of_all_planes():
    rows = points(50, 6) * [1, 5, 1, 9, 1, 1]
    found, words = plane(rows)
    values = np.linalg.svd(rows - rows.mean(0), compute_uv=False) ** 2
    assert found.var(0).sum() == pytest.approx(values[:2].sum() / 50)
    assert words == f", {100 * values[:2].sum() / values.sum():.0f} % of variance"


@pytest.mark.parametrize("size", [1, 2, 5])
def test_codes_of_any_length_are_drawn(size):
    sheet = draw(view(Fake((1, 8, 8), {"z": Latent((size,))}), n=20))
    assert ((sheet.astype(int).max(2) - sheet.min(2)) > 60).sum() > 100  # coloured points


@pytest.mark.parametrize("classes", [0, 1, 10, 15, 40])
def test_any_number_of_classes_is_drawn(classes):
    label = [f"class {i % classes}" if classes else "" for i in range(80)]
    draw(view(Fake((1, 8, 8)), n=80, label=label))


def test_equal_images_and_equal_codes_are_drawn():
    draw(view(Fake((1, 8, 8)), n=6, image=torch.zeros(6, 1, 8, 8)))


def test_two_images_are_refused():
    with pytest.raises(Refusal, match="needs three images at least and was given 2"):
        draw(view(Fake((1, 8, 8)), n=2))
