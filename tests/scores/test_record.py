import json

import numpy as np
import pytest
from scores.fakes import LinearGaussian, Names, Reads, noise

from latelier.errors import Refusal
from latelier.scores import find, list_scores, possible
from latelier.scores.common import Splits
from latelier.scores.record import run_scores
from latelier.terminal.tables import score_table

LABEL = np.arange(60) % 3
DATA = Splits(noise(60, seed=1, label=LABEL), noise(60, seed=2, label=LABEL))
BARE = Splits(noise(60, seed=1), noise(60, seed=2))
ON_CODES = [
    "attribute_probe",
    "disentanglement",
    "finetune",
    "logistic",
    "outliers",
    "probe",
    "propagation",
    "test_time",
    "tsvm",
]  # those that need no more than an encoder
USUAL = ["likelihood", "prior_gap", "probe", "propagation", "reconstruction"]  # of a model that can do all, with labels
CODES = Reads((1, 2, 3), 6, lambda image: image.flatten(1))


def without_seconds(records):
    return [{key: value for key, value in record.items() if key != "seconds"} for record in records]


def test_scores_are_found_by_name_and_by_capability() -> None:
    assert {*ON_CODES, "likelihood", "prior_gap", "reconstruction", "part_consistency"} <= set(list_scores())
    lacking = {"frozen_probe", "part_consistency", "embedded_distance"}  # it has no trunk and no critic
    lacking |= {"captions", "retrieval", "scene_captions", "clustering"}  # and writes and sorts nothing
    assert set(list_scores()) - set(possible(LinearGaussian())) == lacking
    assert possible(CODES) == ON_CODES
    with pytest.raises(Refusal, match='did you mean "likelihood"'):
        find("likelyhood")


@pytest.mark.parametrize("name", list_scores())
def test_every_score_says_what_it_needs_and_how_it_measured(name) -> None:
    module = find(name)
    assert module.needs
    assert module.PROTOCOL.endswith(".")
    assert module.LIMIT > 0


def test_a_record_is_json_with_protocol_count_seconds_and_seed() -> None:
    records = run_scores(LinearGaussian(), DATA._replace(seen=True), seed=3, limit=20)
    assert json.loads(json.dumps(records, allow_nan=False)) == records
    assert [record["name"] for record in records] == USUAL
    for record in records:
        assert record["n"] == 20
        assert record["seed"] == 3
        assert record["seconds"] >= 0
        assert record["protocol"].endswith("Measured on 20 of 60 test images, which the model saw in training.")
    assert "no better" in records[2]["verdict"] or "beat" in records[2]["verdict"]


def test_a_value_depends_on_the_seed_and_not_on_the_company() -> None:
    model = LinearGaussian(widen=1.5)
    alone = run_scores(model, DATA, ["prior_gap"], seed=1)
    together = run_scores(model, DATA, ["likelihood", "prior_gap"], seed=1)
    assert without_seconds(alone) == without_seconds(together[1:])
    assert alone[0]["values"] != run_scores(model, DATA, ["prior_gap"], seed=2)[0]["values"]


def test_options_reach_their_score_and_are_recorded() -> None:
    record = run_scores(LinearGaussian(), DATA, ["likelihood"], options={"likelihood": {"samples": [3]}})[0]
    assert "density IWAE-3 nats/image" in record["values"]
    assert record["options"] == {"samples": [3]}


@pytest.mark.slow
def test_what_cannot_be_had_is_left_out_unless_it_was_named() -> None:
    assert [record["name"] for record in run_scores(CODES, DATA)] == ["probe", "propagation"]
    assert [record["name"] for record in run_scores(LinearGaussian(), BARE) if "values" in record] == [
        "likelihood",
        "prior_gap",
        "reconstruction",
    ]
    with pytest.raises(
        Refusal,
        match=r'score "likelihood" takes a method that has a joint density, .*; ask for one of: .*, probe, propagation',
    ):
        run_scores(CODES, DATA, ["probe", "likelihood"])
    with pytest.raises(Refusal, match='score "probe" needs labels, but drawn has none'):
        run_scores(CODES, BARE, ["probe"])
    with pytest.raises(Refusal, match="probe"):
        run_scores(CODES, DATA, ["prob"])


def test_a_score_of_another_method_leads_to_those_that_these_images_allow() -> None:
    with pytest.raises(Refusal) as refused:
        run_scores(LinearGaussian(), BARE, ["captions"])
    proposed = str(refused.value).partition("; ask for one of: ")[2].split(", ")
    assert "reconstruction" in proposed
    assert not {"probe", "part_consistency", "coverage"} & set(proposed)  # which need labels, parts, modes
    for name in ("prior_gap", "reconstruction"):
        assert run_scores(LinearGaussian(), BARE, [name])


def test_scores_on_request_are_left_out_unless_they_are_named(monkeypatch) -> None:
    monkeypatch.setattr(find("reconstruction"), "ON_REQUEST", True, raising=False)
    assert [record["name"] for record in run_scores(LinearGaussian(), BARE)] == USUAL[:-1]
    assert [record["name"] for record in run_scores(LinearGaussian(), BARE, ["reconstruction"])] == ["reconstruction"]


ONE = np.zeros(60, np.int64)
UNFIT = {  # images of which a score cannot be taken, its name, and what its row says
    "no labels": (BARE, "probe", "needs labels, but drawn has none to fit or fewer than two to test on; add them"),
    "one class": (Splits(noise(60, label=ONE), noise(60, label=ONE)), "probe", "must have labels of two or more"),
    "too few": (Splits(noise(2), noise(1)), "prior_gap", "1 image was given, but a spread of codes needs two"),
}


@pytest.mark.parametrize(("data", "name", "reason"), UNFIT.values(), ids=UNFIT)
def test_a_score_that_cannot_be_taken_is_a_row_with_its_reason_unless_it_was_named(data, name, reason) -> None:
    told: list[str] = []
    records = run_scores(LinearGaussian(), data, say=told.append)
    assert [record["name"] for record in records] == USUAL
    (record,) = [record for record in records if record["name"] == name]
    assert reason in record["reason"]
    assert "values" not in record
    assert all("values" in one for one in records if one["name"] not in (name, "probe", "propagation"))
    assert told == [f"scoring: {name}, {place} of {len(USUAL)}" for place, name in enumerate(USUAL, 1)]
    assert f"{name}: not taken; " in score_table([one | {"data": "x"} for one in records], "x")
    with pytest.raises(Refusal, match=reason):
        run_scores(LinearGaussian(), data, [name])


def test_only_labelled_test_images_count_for_the_probe() -> None:
    label = np.where(np.arange(60) < 20, -1, LABEL)
    record = run_scores(
        Names((1, 2, 3), 6, CODES.reader), DATA._replace(test=noise(60, seed=2, label=label)), ["probe"]
    )[0]
    assert record["n"] == 40


@pytest.mark.parametrize(
    ("data", "limit", "message"),
    [
        (DATA, 0, "at least one image"),
        (Splits(DATA.fit, noise(0)), None, "no images"),
        (Splits(DATA.fit, noise(4, (3, 2, 3))), None, "3x2x3 .* built for 1x2x3"),
    ],
)
def test_bad_input_is_refused(data, limit, message) -> None:
    with pytest.raises(Refusal, match=message):
        run_scores(LinearGaussian(), data, limit=limit)
