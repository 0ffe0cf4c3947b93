import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.datasets import make_moons
from sklearn.neighbors import NearestNeighbors

from latelier.errors import Refusal
from latelier.learners import propagation
from latelier.learners.propagation import blurred, cross_validated, extended, neighbours_graph, propagate


def known(truth: np.ndarray, per_class: int, seed: int = 0) -> np.ndarray:
    """The labels of a few rows of each class, -1 elsewhere."""
    label = np.full(len(truth), -1)
    for number in np.unique(truth):
        rows = np.random.default_rng([seed, int(number)]).choice(np.flatnonzero(truth == number), per_class, False)
        label[rows] = number
    return label


def blobs(sizes: list[int], d: int = 16, spread: float = 0.45) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    centres = generator.standard_normal((len(sizes), d))
    codes = centres[truth] + spread * generator.standard_normal((len(truth), d))
    return codes.astype(np.float32), truth


def error(shares: np.ndarray, truth: np.ndarray) -> float:
    return 100 * float((shares.argmax(1) != truth).mean())


@pytest.mark.parametrize("padded", [True, False])
def test_larger_images_are_blurred_by_means_of_nine_pixels(padded: bool) -> None:
    image = torch.rand(2, 3, 9, 12, generator=torch.Generator().manual_seed(0))
    assert blurred(image, 10, padded=padded) is image  # by the shorter side: below, every pixel counts
    found = blurred(image, 9, padded=padded)
    assert found.shape == (2, 3, 5, 6)
    torch.testing.assert_close(found[:, :, 2, 3], image[:, :, 3:6, 5:8].mean((2, 3)))
    corner = image[:, :, :2, :2]
    torch.testing.assert_close(found[:, :, 0, 0], corner.sum((2, 3)) / 9 if padded else corner.mean((2, 3)))


def test_edges_go_to_the_nearest_by_cosine_and_weigh_by_distance() -> None:
    codes, _ = blobs([30, 40])
    graph = neighbours_graph(codes, 5)
    centred = codes - codes.mean(0)
    finder = NearestNeighbors(n_neighbors=5, metric="cosine").fit(centred)
    distance, near = finder.kneighbors()
    weight = np.zeros((70, 70))
    np.put_along_axis(weight, near, np.exp(-4 * distance / distance[:, -1:]), 1)
    np.testing.assert_allclose(graph.toarray(), np.maximum(weight, weight.T), rtol=1e-4)
    assert graph.diagonal().max() == 0


def test_blocks_and_distances_from_the_mean_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, _ = blobs([50, 50])
    whole = neighbours_graph(codes)
    monkeypatch.setattr(propagation, "BLOCK", 7)
    np.testing.assert_allclose(neighbours_graph(codes + 2).toarray(), whole.toarray(), rtol=1e-3)
    assert abs(neighbours_graph(codes + 2, centre=False) - whole).max() > 0.1


def test_it_ends_where_the_equation_does() -> None:
    codes, truth = blobs([20, 30, 25])
    graph, label = neighbours_graph(codes), known(truth, 2)
    half = np.diag(np.asarray(graph.sum(1)).ravel() ** -0.5)
    begin = np.eye(3)[np.where(label >= 0, label, 0)] * (label >= 0)[:, None]
    solved = np.linalg.solve(np.eye(75) - 0.9 * half @ graph.toarray() @ half, begin)
    solved /= solved.sum(0)
    found = propagate(graph, label, 3, alpha=0.9)
    np.testing.assert_allclose(found, solved / solved.sum(1, keepdims=True), rtol=1e-3, atol=1e-5)
    assert found.dtype == np.float32


def test_one_label_a_class_tells_two_moons_apart() -> None:
    points, truth = make_moons(600, noise=0.05, random_state=0)
    on_sphere = np.column_stack([points, np.full(600, 4.0)])  # a far third coordinate makes cosines of distances
    label = known(truth, 1)
    assert error(propagate(neighbours_graph(on_sphere, centre=False), label, 2), truth) == 0
    nearest = np.linalg.norm(points[:, None] - points[label >= 0], axis=2).argmin(1)
    assert error(np.eye(2)[truth[label >= 0]][nearest], truth) > 10


def test_one_label_a_class_tells_ten_blobs_apart() -> None:
    codes, truth = blobs([100] * 10)
    assert error(propagate(neighbours_graph(codes), known(truth, 1), 10), truth) < 1


def test_a_prior_is_met_and_helps_where_blobs_of_unequal_sizes_overlap() -> None:
    sizes = np.array([20, 30, 40, 60, 80, 100, 120, 150, 300, 600])
    codes, truth = blobs(sizes.tolist(), d=8, spread=0.75)
    graph = neighbours_graph(codes)
    even, told = [], []
    for label in (known(truth, 5, seed) for seed in range(5)):
        even.append(error(propagate(graph, label, 10), truth))
        found = propagate(graph, label, 10, prior=sizes)
        told.append(error(found, truth))
        named = np.bincount(found.argmax(1), minlength=10) / len(truth)
        np.testing.assert_allclose(named, sizes / sizes.sum(), atol=0.03)
        classes = [(found.argmax(1) == truth)[truth == number].mean() for number in range(10)]
        assert np.mean(classes) > 0.7  # the small ones are named too: .38 if sums of columns alone are weighted
    assert np.mean(told) < np.mean(even) - 1.5


def test_rows_that_no_label_reaches_have_the_prior() -> None:
    codes, truth = blobs([30, 30])
    graph = neighbours_graph(codes).toarray()
    apart = np.zeros((65, 65))
    apart[:60, :60] = graph
    apart[60:64, 60:64] = 1 - np.eye(4)  # a component of its own, and one row without any edge
    label = np.concatenate([known(truth, 3), np.full(5, -1)])
    found = propagate(csr_matrix(apart), label, 3, prior=np.array([1.0, 3.0, 4.0]))
    np.testing.assert_allclose(found[60:], np.tile([0.25, 0.75, 0], (5, 1)))  # nothing for a class without a label
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-6)
    assert error(found[:60], truth) < 5


@pytest.mark.parametrize("codes", [np.zeros((6, 2)), np.ones((40, 3)), np.eye(2)])
def test_equal_rows_and_few_of_them_give_shares(codes: np.ndarray) -> None:
    label = np.full(len(codes), -1)
    label[:2] = [0, 1]
    found = propagate(neighbours_graph(codes), label, 2)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-6)


def test_the_same_input_gives_the_same_bits() -> None:
    codes, truth = blobs([200] * 5)
    first, again = (propagate(neighbours_graph(codes), known(truth, 2), 5) for _ in range(2))
    assert first.tobytes() == again.tobytes()


@pytest.mark.parametrize("per_class", [2, 3, 12])
def test_hidden_labels_tell_the_error_of_all_others(per_class: int) -> None:
    """Over thirty draws the mean of so few labels is near the truth, and codes without classes are near chance."""
    codes, truth = blobs([100] * 5, d=4, spread=0.45)
    graph, noise = neighbours_graph(codes), neighbours_graph(np.random.default_rng(1).standard_normal((500, 4)))
    labels = [known(truth, per_class, seed) for seed in range(30)]
    said = np.mean([cross_validated(graph, label, 5) for label in labels])
    true = np.mean([error(propagate(graph, label, 5)[label < 0], truth[label < 0]) for label in labels])
    assert said == pytest.approx(true, abs=8 if per_class == 2 else 5)
    assert np.mean([cross_validated(noise, label, 5) for label in labels]) > 60


def test_rows_outside_of_the_graph_are_told_by_their_nearest_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, truth = blobs([60, 80, 70])
    inside = np.random.default_rng(0).permutation(210) < 120
    share = propagate(neighbours_graph(codes[inside]), known(truth[inside], 2), 3)
    monkeypatch.setattr(propagation, "BLOCK", 16)
    found = extended(share, codes[inside] + 3, codes[~inside] + 3)
    assert error(found, truth[~inside]) == 0
    centred = codes - codes[inside].mean(0)
    finder = NearestNeighbors(n_neighbors=10, metric="cosine").fit(centred[inside])
    distance, near = finder.kneighbors(centred[~inside])
    weight = np.exp(-4 * distance / distance[:, -1:])
    expected = (weight[..., None] * share[near]).sum(1) / weight.sum(1, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_each_label_is_hidden_once_and_none_that_is_alone() -> None:
    label = np.array([0, 0, 1, -1, 2, 2, 2, 2, 2, 2, 2])
    fold = propagation._dealt(label, 3)
    assert (fold < 0).tolist() == [i in (2, 3) for i in range(11)]
    assert sorted(fold[:2]) == [0, 1]
    assert np.bincount(fold[4:]).tolist() == [3, 2, 2]
    for number in range(3):  # of each class a label stays
        assert set(label[(fold != number) & (label >= 0)]) == {0, 1, 2}


def test_what_cannot_be_is_refused() -> None:
    codes, truth = blobs([20, 20])
    graph = neighbours_graph(codes)
    for bad, message in ((codes[:1], "1 images with 10"), (codes * np.nan, "not finite")):
        with pytest.raises(Refusal, match=message):
            neighbours_graph(bad)
    for label, prior, message in (
        (np.full(40, -1), None, "0 labels"),
        (truth + 1, None, "all below 2"),
        (truth, np.ones(3), "each of 2 classes"),
        (truth, np.array([1.0, -1]), "0 or more"),
        (np.where(truth == 0, 0, -1), np.array([0.0, 1]), "is 0 for each class that has a label"),
    ):
        with pytest.raises(Refusal, match=message):
            propagate(graph, label, 2, prior=prior)
    for label, folds in ((known(truth, 1), 5), (truth, 1)):
        with pytest.raises(Refusal, match="two labels or more"):
            cross_validated(graph, label, 2, folds)
