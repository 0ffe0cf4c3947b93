import numpy as np
import pytest
import torch
from scores.fakes import Deep, Names, Reads, images_from, marked, noise
from torch import Generator
from torch.nn.functional import one_hot

from latelier.data.subsets import labelled_rows
from latelier.errors import Refusal
from latelier.scores import probe
from latelier.scores.common import Splits
from latelier.scores.kept import Kept

SHAPE = (1, 4, 4)
CLASSES = 4


DATA = Splits(marked(400, 1), marked(1000, 2))
KNOWS = Reads(SHAPE, CLASSES, lambda image: one_hot((image[:, 0, 0, 0] * 255 / 64).round().long(), CLASSES).float())
IGNORANT = Reads(SHAPE, 3, lambda image: image[:, 0, 1, :3])
PIXELS = Reads(SHAPE, 16, lambda image: image.flatten(1))


def scored(model, data=DATA, **options):
    return probe.score(model, data, Generator(), **options)


def test_a_lead_on_few_images_is_no_lead() -> None:
    values = {"linear codes 5/class %": 90.0, "linear pixels 5/class %": 77.0}
    assert probe.leads(values, "5/class", 500)
    assert not probe.leads(values, "5/class", 6)


def test_perfect_codes_are_read_without_error_and_said_to_beat_pixels() -> None:
    values = scored(KNOWS)
    for name in ("linear", "kNN"):
        for budget in ("1/class", "5/class", "10/class", "100/class", "all"):
            assert values[f"{name} codes {budget} %"] == 100
    assert values["linear codes 1/class % sd"] == 0
    assert values["majority %"] == 25
    assert probe.verdict(values, 10_000).startswith(
        "The codes beat raw pixels at 1/class, 5/class, 10/class, but are no better at"
    )


def test_codes_that_know_nothing_stay_near_chance_and_it_is_said() -> None:
    values = scored(IGNORANT)
    # 1,000 test labels independent of the codes: 25 % with sd 1.37 points. Five sd, twice: one false alarm in 10^6.
    assert values["linear codes all %"] == pytest.approx(25, abs=6.9)
    assert values["kNN codes all %"] == pytest.approx(25, abs=6.9)
    assert values["linear pixels all %"] > 60
    assert probe.verdict(values, 10_000).startswith(
        "The codes are no better than raw pixels at any label budget. Linear probe"
    )


def test_every_space_learns_from_the_same_draws() -> None:
    values = scored(PIXELS)
    for name, value in values.items():
        if " codes " in name:
            assert value == values[name.replace("codes", "pixels")], name
    assert values["linear codes 1/class % sd"] > 0.1  # the five draws differ
    assert "no better" in probe.verdict(values, 10_000)


def test_features_are_a_space_of_their_own_when_asked_for(monkeypatch) -> None:
    monkeypatch.setattr(probe, "BUDGETS", (1,))
    values = scored(Deep(SHAPE, 3, IGNORANT.reader), depth="trunk")
    assert values["linear features trunk all %"] == values["linear pixels all %"]
    assert values["linear codes all %"] < values["linear pixels all %"]


def test_columns_that_hardly_vary_stay_small(monkeypatch) -> None:
    monkeypatch.setattr(probe, "BUDGETS", (1,))
    model = Reads(SHAPE, 4 + 15, lambda image: torch.cat([KNOWS.reader(image), 1e-3 * image.flatten(1)[:, 1:]], 1))
    assert scored(model)["kNN codes 1/class %"] > 99  # under 80 when each column is scaled by itself


def test_budgets_that_the_split_cannot_give_are_left_out() -> None:
    label = np.repeat([0, 1, -1], [50, 7, 30])

    def budgets(label: np.ndarray) -> list[int]:
        images = noise(len(label), (1, 2, 3), 0, label)
        return probe.budgets(Splits(images, images))

    assert budgets(label) == [1, 5]
    assert budgets(np.repeat(np.arange(100), 150)) == [1, 5, 10]  # 100 x 100 is over FIT_ROWS
    values = scored(IGNORANT, Splits(noise(87, SHAPE, 3, label), DATA.test))
    assert "linear codes 5/class %" in values
    assert "linear codes 10/class %" not in values


def test_many_classes_at_one_label_each_raise_no_warning(monkeypatch) -> None:
    monkeypatch.setattr(probe, "BUDGETS", (1,))
    many = noise(90, SHAPE, 7, label=np.arange(90) % 30)  # scikit-learn would ask whether this is a regression
    assert (
        scored(PIXELS, Splits(many, many))["kNN codes 1/class %"] >= 100 / 3
    )  # one of every three images is its own neighbour


def test_balanced_accuracy_and_the_models_own_head_on_unbalanced_classes(monkeypatch) -> None:
    monkeypatch.setattr(probe, "BUDGETS", (1,))
    label = np.repeat([0, 1, -1], [90, 10, 40])  # the head names 0 always; unlabelled images do not count
    values = scored(Names(SHAPE, 3, IGNORANT.reader), Splits(noise(140, SHAPE, 4, label), noise(140, SHAPE, 5, label)))
    assert (values["head %"], values["balanced head %"], values["majority %"]) == (90, 50, 90)
    assert "head top-5 %" not in values


def test_of_many_classes_the_head_may_name_five() -> None:
    class Ranked(Names):
        """Always class 0 first, then 1 and so on."""

        def classify(self, image: torch.Tensor) -> torch.Tensor:
            return torch.arange(25.0, 0, -1).expand(len(image), 25)

    values = probe.alone(Ranked(SHAPE, 3, IGNORANT.reader), noise(25, SHAPE, label=np.arange(25)))
    assert (values["head %"], values["head top-5 %"]) == (100 / 25, 100 * 5 / 25)


def told(per_class: int, seed: int = 9) -> Splits:
    """The same, to a run that learned from this many labels of each class."""
    rows = labelled_rows(DATA.fit.label, per_class, seed)
    return DATA._replace(labels_learned=len(rows), labelled_rows=rows)


def test_a_run_that_learned_from_labels_is_not_probed_with_fewer(monkeypatch) -> None:
    """Its codes have seen ten a class: neither a figure of one or five a class, nor a word of how it beats pixels."""
    values = scored(KNOWS, told(10))
    assert not [name for name in values if "1/class" in name or "5/class" in name]
    assert values["labels learned from"] == 40
    said = probe.verdict(values, 10_000)
    assert said.startswith("The codes beat raw pixels at 10/class, but are no better at")
    assert "The run learned from 40 labels, and so does every probe at least." in said
    values = scored(KNOWS, told(100))
    assert not [name for name in values if "/class" in name and "100/class" not in name]
    monkeypatch.setattr(probe, "FIT_ROWS", 300)
    values = scored(KNOWS, told(100))
    assert "linear codes all %" not in values
    assert probe.verdict(values, 10_000) == (
        "The run learned from 400 labels, more than the probes do: its codes are not compared with pixels."
    )


def test_every_probe_of_such_a_run_learns_from_its_own_labels_and_no_second_draw_of_as_many() -> None:
    label, rows = DATA.fit.label, told(7).labelled_rows
    assert probe.budgets(told(7)) == [7, 10, 100]
    (only,) = probe.draws(label, 7, rows)
    assert only.tolist() == rows.tolist()
    many = probe.draws(label, 10, rows)
    assert len({drawn.tobytes() for drawn in many}) == probe.DRAWS
    for drawn in many:
        assert set(rows) <= set(drawn)
        assert np.bincount(label[drawn]).tolist() == [10] * CLASSES
    values = scored(PIXELS, told(7))
    assert "linear codes 7/class % sd" not in values
    assert values["linear codes 7/class %"] == values["linear pixels 7/class %"]


def test_labels_are_among_the_images_of_all_of_them(monkeypatch) -> None:
    monkeypatch.setattr(probe, "FIT_ROWS", 60)
    data = told(10)
    pool = probe.pool_of(data)
    assert len(pool) == 60
    assert {DATA.fit.pixels[row].tobytes() for row in data.labelled_rows} <= {image.tobytes() for image in pool.pixels}


def test_nothing_is_said_for_codes_that_know_other_images_labels() -> None:
    values = scored(KNOWS, DATA._replace(labels_learned=4))
    assert values["labels of other images learned from"] == 4
    assert "its codes prove nothing here" in probe.verdict(values, 10_000)


def test_pixels_and_pca_are_probed_once_for_runs_that_are_compared(monkeypatch) -> None:
    monkeypatch.setattr(probe, "BASELINES", Kept(1_000))
    first = scored(IGNORANT)
    fitted: list[tuple[int, ...]] = []
    fit = probe.regression.fit
    monkeypatch.setattr(probe.regression, "fit", lambda x, y: (fitted.append(x.shape), fit(x, y))[1])
    second = scored(Reads(SHAPE, 3, lambda image: image[:, 0, 2, :3]))
    assert {shape[1] for shape in fitted} == {3}  # codes alone
    for name in first:
        if " codes " not in name:
            assert first[name] == second[name], name
    fitted.clear()
    scored(IGNORANT, Splits(DATA.fit, marked(1000, 3)))  # of other images they are
    assert {shape[1] for shape in fitted} == {3, 16}


def test_only_so_much_is_kept() -> None:
    kept, asked = Kept[int](2), []
    for number in (1, 2, 1, 3, 1, 2):
        assert kept.get(number, lambda number=number: (asked.append(number), 10 * number)[1]) == 10 * number
    assert asked == [1, 2, 3, 2]


@pytest.mark.parametrize("label", [-np.ones(20), np.zeros(20)])
def test_labels_of_fewer_than_two_classes_are_refused(label) -> None:
    with pytest.raises(Refusal, match="two or more classes"):
        scored(IGNORANT, Splits(noise(20, SHAPE, 6, label), DATA.test))


def test_pixels_are_averaged_over_areas_and_never_enlarged() -> None:
    images = images_from(np.random.default_rng(0).integers(0, 256, (2, 64, 16, 3)))
    small = probe.pixels(images).reshape(2, 3, 32, 16)
    exact = images.floats(slice(None)).unflatten(2, (32, 2)).mean(3)
    np.testing.assert_allclose(small, exact, atol=1e-6)


def test_the_verdict_names_the_budgets_at_which_codes_lead() -> None:
    values = {"majority %": 10.0}
    for budget, codes, sd in (("1/class", 60.0, 2.0), ("5/class", 62.0, 5.0), ("all", 80.5, None)):
        for space, accuracy in (
            ("codes", codes),
            ("pixels", 50.0 if budget == "1/class" else codes - 0.9),
            ("PCA", 51.0),
        ):
            values[f"linear {space} {budget} %"] = accuracy
            values |= {} if sd is None else {f"linear {space} {budget} % sd": sd}
    assert probe.verdict(values, 10_000) == (
        "The codes beat raw pixels at 1/class, but are no better at 5/class, all. Linear probe, %: 1/class: codes "
        "60.0, pixels 50.0, PCA 51.0; 5/class: codes 62.0, pixels 61.1, PCA 51.0; all: codes 80.5, pixels 79.6, "
        "PCA 51.0; majority 10.0."
    )
