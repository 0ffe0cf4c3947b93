from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scores.fakes import Deep, Names, Reads, images_from, marked, noise
from torch import Generator
from torch.nn.functional import one_hot

from latelier.data.sources.open import open_images
from latelier.data.subsets import labelled_rows
from latelier.errors import Refusal
from latelier.learners.propagation import neighbours_graph, propagate
from latelier.scores import propagation
from latelier.scores.common import Splits, accuracies
from latelier.scores.kept import Kept
from latelier.terminal.tables import curves, with_spread

SHAPE = (1, 4, 4)
CLASSES = 4


DATA = Splits(marked(400, 1), marked(300, 2))
KNOWS = Reads(SHAPE, CLASSES, lambda image: one_hot((image[:, 0, 0, 0] * 255 / 64).round().long(), CLASSES).float())
PIXELS = Reads(SHAPE, 16, lambda image: image.flatten(1))
DIGITS = Splits(open_images("digits", split="train"), open_images("digits", split="test"))


def scored(model, data=DATA, **options):
    return propagation.score(model, data, Generator(), **options)


def test_labels_spread_without_error_among_perfect_codes() -> None:
    values = scored(KNOWS)
    for budget in ("1/class", "5/class", "10/class", "100/class"):
        assert values[f"propagation codes {budget} %"] == 100
        assert 20 < values[f"propagation pixels {budget} %"] < 75
    assert values["majority %"] == 25
    said = propagation.verdict(values, 10_000)
    assert said.startswith("Labels spread better over neighbours among the codes than over those of pixels at every")
    assert "1/class: codes 100.0, pixels " in said


def test_on_digits_a_value_is_what_the_function_gives_and_beats_a_linear_probe() -> None:
    model = Reads((1, 8, 8), 64, lambda image: image.flatten(1))
    values = scored(model, DIGITS)
    fit, test = (images.floats(slice(None)).flatten(1).numpy() for images in DIGITS[:2])
    graph, right = neighbours_graph(np.concatenate([fit, test]), centre=False), []
    for seed in range(5):
        rows = labelled_rows(DIGITS.fit.label, 5, seed)
        label = np.full(len(fit) + len(test), -1)
        label[rows] = DIGITS.fit.label[rows]
        right.append((propagate(graph, label, 10)[len(fit) :].argmax(1) == DIGITS.test.label).mean())
    assert values["propagation pixels 5/class %"] == pytest.approx(100 * np.mean(right))
    assert values["propagation pixels 5/class % sd"] == pytest.approx(100 * np.std(right, ddof=1))
    assert values["propagation pixels 5/class %"] > 92  # logistic regression: 87
    assert "no better over neighbours among the codes" in propagation.verdict(values, 10_000)
    table = curves(with_spread(values, 10_000))[1]
    assert list(table["propagation codes %"]) == ["1/class", "5/class", "10/class", "100/class"]


def test_labels_of_test_images_are_not_read() -> None:
    """Nor does an image's own label help one that is in both splits."""
    twins = DATA._replace(test=DATA.fit)
    wrong = twins._replace(test=replace(DATA.fit, label=(DATA.fit.label + 1) % CLASSES))
    right = scored(PIXELS, twins, labels=5, draws=1)["propagation codes 5/class %"]
    assert scored(PIXELS, wrong, labels=5, draws=1)["propagation codes 5/class %"] < 100 - right + 1e-9


def test_a_sample_of_the_others_is_all_that_is_joined() -> None:
    joined = propagation.joined(1_000, [np.array([5, 900]), np.array([3, 5])], 50)
    assert len(joined) == len(set(joined)) == 50
    assert {3, 5, 900} <= set(joined)
    assert (np.diff(joined) > 0).all()
    assert propagation.joined(10, [np.arange(9)], 4).tolist() == list(range(9))


def test_depth_is_a_space_of_its_own_and_pixels_leave_out_the_codes() -> None:
    values = scored(Deep(SHAPE, CLASSES, KNOWS.reader), depth="trunk", labels=2)
    assert {"propagation codes 2/class %", "propagation features trunk 2/class %"} <= values.keys()
    alone = scored(KNOWS, depth="pixels", labels=2)
    assert not [name for name in alone if " codes " in name]
    assert alone["propagation pixels 2/class %"] == values["propagation pixels 2/class %"]
    assert propagation.verdict(alone, 10_000).startswith("Codes and pixels were not compared")
    with pytest.raises(Refusal, match="propagation: this model has no features"):
        scored(KNOWS, depth="trunk")


def test_seeds_begin_where_they_are_told_to() -> None:
    both = scored(PIXELS, labels=1, draws=2, first=3)["propagation pixels 1/class %"]
    each = [scored(PIXELS, labels=1, draws=1, first=seed)["propagation pixels 1/class %"] for seed in (3, 4)]
    assert both == pytest.approx(np.mean(each))
    assert each[0] != each[1]


def test_a_run_that_learned_from_labels_is_compared_from_exactly_those() -> None:
    """Eleven labels, more of one class than of another: no budget has as few, so that pixels alone have 1 a class."""
    taught = np.sort(np.concatenate([labelled_rows(DATA.fit.label, 2, 9), [396, 397, 398]]))
    data = DATA._replace(labels_learned=len(taught), labelled_rows=taught)
    values = scored(Names(SHAPE, CLASSES, KNOWS.reader), data)
    assert values["propagation codes own labels %"] == 100
    assert "propagation codes own labels % sd" not in values
    assert not [name for name in values if " 1/class" in name]
    assert values["labels learned from"] == 11
    said = propagation.verdict(values, 10_000)
    pixels, head = values["propagation pixels own labels %"], values["head %"]
    assert head == 25  # it names one class always
    assert "From the same 11 labels the run's own classifier is less right than label propagation on pixels: " in said
    assert f"25.0 and {pixels:.1f} %" in said
    assert "more right than" in propagation.verdict({**values, "head %": pixels + 2}, 10_000)
    assert "about as right as" in propagation.verdict({**values, "head %": pixels + 2}, 60)
    few = scored(KNOWS, data, labels=1)
    assert "propagation pixels 1/class %" in few
    assert "propagation codes 1/class %" not in few  # these codes know more
    other = scored(KNOWS, DATA._replace(labels_learned=4))
    assert "its codes prove nothing here" in propagation.verdict(other, 10_000)


def test_pixels_are_joined_once_for_runs_that_are_compared(monkeypatch) -> None:
    monkeypatch.setattr(propagation, "GRAPHS", Kept(4))
    made: list[int] = []
    monkeypatch.setattr(
        propagation, "neighbours_graph", lambda x, *rest, **named: (made.append(x.shape[1]), neighbours_graph(x))[1]
    )
    scored(KNOWS, labels=1)
    scored(PIXELS, labels=1)
    assert made == [4, 16, 16]  # codes, pixels, and of the second run its codes alone
    scored(KNOWS, DATA._replace(test=marked(300, 3)), labels=1)
    assert made[3:] == [4, 16]


def test_small_images_stay_and_larger_ones_are_averaged() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 3))
    assert propagation.pixels_of(images_from(pixels[:, :8, :8])).shape == (2, 192)
    images = images_from(pixels)
    small = propagation.pixels_of(images).reshape(2, 3, 14, 14)
    exact = images.floats(slice(None))
    np.testing.assert_allclose(small[:, :, 3, 5], exact[:, :, 5:8, 9:12].mean((2, 3)), atol=1e-6)
    np.testing.assert_allclose(small[:, :, 0, 0], exact[:, :, :2, :2].mean((2, 3)), atol=1e-6)


def test_a_prior_is_even_that_of_all_labels_or_a_files(tmp_path: Path) -> None:
    """Classes of 12, 60 and 228: where the sizes are known, as many are named of each."""
    label = np.repeat([0, 1, 2], [12, 60, 228])
    images = noise(300, SHAPE, 5, label)
    images.pixels[:, 0, 0, 0] = 100 * label
    data = Splits(replace(images, classes=("a", "b", "c")), replace(images, classes=("a", "b", "c")))
    (tmp_path / "shares.csv").write_text("class,share\nc,228\na,12\nb,60\n")
    found = {
        prior: scored(PIXELS, data, labels=5, prior=prior) for prior in ("even", "labels", str(tmp_path / "shares.csv"))
    }
    even, labels, file = found.values()
    assert labels == file
    assert labels["propagation codes 5/class %"] > even["propagation codes 5/class %"] + 5
    balanced = labels["balanced propagation codes 5/class %"]
    assert f"(balanced {balanced:.1f})" in propagation.verdict(labels, 10_000)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": 0}, "labels 0, draws 5"),
        ({"first": -1}, "first -1"),
        ({"prior": "evn"}, "expected even, labels or a CSV file"),
        ({"labels": 101}, "has only 100"),
    ],
)
def test_what_cannot_be_is_refused(options, message) -> None:
    with pytest.raises(Refusal, match=message):
        scored(KNOWS, **options)


@pytest.mark.parametrize("label", [-np.ones(20), np.zeros(20)])
def test_labels_of_fewer_than_two_classes_are_refused(label) -> None:
    with pytest.raises(Refusal, match="two or more classes"):
        scored(KNOWS, Splits(noise(20, SHAPE, 6, label), DATA.test))


def test_balanced_accuracy_stands_beside_that_of_uneven_classes() -> None:
    truth = np.repeat([0, 1], [90, 10])
    assert accuracies("x", np.zeros(100), truth) == {"x": 90, "balanced x": 50}
    assert accuracies("x", np.zeros(100), np.repeat([0, 1], 50)) == {"x": 50}


def test_where_classes_are_many_the_graph_is_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[int]()

    def counted(count: int, drawn: object, most: int) -> None:
        asked.append(most)
        raise Refusal("enough")

    monkeypatch.setattr(propagation, "joined", counted)
    for classes in (20, 100):
        images = replace(marked(400, 1), label=np.arange(400) % classes, classes=tuple(map(str, range(classes))))
        with pytest.raises(Refusal, match="enough"):
            scored(PIXELS, Splits(images, images))
    assert asked == [10_000, 3_000]
