"""What a report leads with."""

import pytest

from latelier.page.contents import score_tables, winners
from latelier.scores import probe
from latelier.verdict.headlines import MOST, headlines

KEPT = {"PSNR": 20.0, "PSNR of PCA": 22.0, "PSNR of mean": 12.0, "components": 32.0}
DRAWN = {"drawn distance": 0.4, "drawn distance of Gaussian": 0.3, "drawn distance of others": -0.01}
TOLD = {"accuracy": 76.0, "baseline accuracy": 89.0, "baseline labels": 50.0, "largest class": 10.0, "seen": 0.0}
QUICK = {"accuracy of codes": 60.0, "accuracy of pixels": 61.0, "largest class": 10.0, "labels a class": 5.0}
PROBE = {
    "name": "probe",
    "values": {"linear codes 10/class %": 88.0, "linear pixels 10/class %": 91.0, "linear PCA 10/class %": 91.5}
    | {"linear codes all %": 99.0, "linear pixels all %": 98.0, "majority %": 10.2},
}
WIDE = PROBE | {"values": PROBE["values"] | {"linear codes 1/class %": 50.0, "linear pixels 1/class %": 40.0}}
NEAR = {"name": "prior_gap", "values": {"MMD^2": 0.009, "MMD^2 null": 8e-5}}


def test_each_score_stands_beside_what_it_has_to_beat_and_the_runs_own_comes_first():
    kept, known, drawn = headlines(KEPT | DRAWN, [PROBE, NEAR])
    assert [(row.label, row.value, row.own) for row in kept.rows] == [
        ("this model", 20.0, True),
        ("PCA, 32 numbers", 22.0, False),
        ("the mean image", 12.0, False),
    ]
    assert [row.value for row in known.rows] == [88.0, 91.0, 91.5, 10.2]
    assert "10 labels a class" in known.note
    assert known.most == 100
    assert [row.value for row in drawn.rows] == [0.4, 0.3, 0.0]  # an unbiased distance may be under 0, a bar not
    assert "shorter" in drawn.note


def test_there_are_three_at_most_and_none_without_a_baseline():
    assert len(headlines(KEPT | DRAWN | TOLD, [PROBE, NEAR])) == MOST == 3
    assert headlines({"PSNR": 20.0}, [{"name": "reconstruction", "values": {"PSNR dB": 20.0}}]) == []
    assert headlines({}, []) == []


def test_attributes_that_a_model_has_learned_stand_beside_pixels():
    facts = {"attributes balanced": 80.0, "attributes balanced of pixels": 77.0, "attributes labels": 1_000.0}
    (told,) = headlines(facts, [])
    assert [(row.label, row.value) for row in told.rows] == [("this model", 80.0), ("pixels, 1,000 labels", 77.0)]
    assert headlines({"attributes balanced": 80.0}, []) == []


def test_a_score_that_was_not_taken_leads_nowhere():
    assert headlines({}, [{"name": "probe", "reason": "no labels"}]) == []


def test_codes_that_learned_from_labels_are_not_probed_for_them():
    names = [headline.name for headline in headlines(TOLD, [PROBE])]
    assert names == ["Classes"]
    assert headlines({}, [PROBE | {"values": PROBE["values"] | {"labels of other images learned from": 500.0}}]) == []


@pytest.mark.parametrize(
    ("facts", "records", "said"),
    [(QUICK, [], "5 labels"), (QUICK, [PROBE], "10 labels"), (QUICK | {"labels a class": 1.0}, [WIDE], "1 label ")],
)
def test_a_probe_of_all_images_goes_before_the_quick_one(facts, records, said):
    (known,) = headlines(facts, records)
    assert said in known.note


@pytest.mark.parametrize(("n", "said"), [(499, "5 labels"), (500, "10 labels")])
def test_a_probe_of_fewer_images_does_not_go_before_the_quick_one(n, said):
    """As `latelier score --limit` leaves one behind."""
    (known,) = headlines(QUICK | {"labelled": 500.0}, [PROBE | {"n": n}])
    assert said in known.note


def test_a_probe_of_any_labels_is_better_than_none():
    values = {"linear codes 7/class %": 60.0, "linear pixels 7/class %": 61.0}
    (known,) = headlines({}, [{"name": "probe", "values": values}])
    assert "7 labels a class" in known.note


def test_the_usual_scores_alone_have_headlines():
    assert [headline.name for headline in headlines({}, [PROBE, NEAR])] == [
        "What codes know of classes",
        "Codes beside the prior",
    ]


def test_nothing_is_the_best_where_all_are_alike():
    rows = [["codes", "100", "100 ± 2"], ["pixels", "100", "97 ± 2"], ["PCA", "100", ""]]
    assert winners(rows) == {(0, 2)}


@pytest.mark.parametrize(("codes", "stars"), [(62.0, set()), (64.0, {(0, 1)}), (40.0, set())])
def test_a_star_says_no_more_than_the_sentence(codes, stars):
    """Of 2,000 images two standard errors are 2.2 points."""
    values = {"linear codes 5/class %": codes, "linear pixels 5/class %": 61.0, "linear PCA 5/class %": 60.5}
    values |= {f"{name} sd": 0.5 for name in values} | {"majority %": 20.0}
    record = {"name": "probe", "data": "pets", "n": 2_000, "seconds": 1.0, "seed": 0, "protocol": "p", "values": values}
    table = score_tables(record | {"verdict": probe.verdict(values, 2_000)})[-1]
    assert table.winners == stars
    assert ("no better" in table.note) == (not stars)
