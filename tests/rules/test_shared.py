"""Each rule of a verdict, at facts where it speaks and at facts where it does not."""

import math

import pytest
from facts_given import CODES, DRAWN, GAME, GOOD, HEAD, only

from latelier.core import Finding
from latelier.rules.labels import classified, known
from latelier.rules.shared import (
    SETTLED,
    absurd,
    broken,
    early,
    game,
    grown,
    kept,
    related,
    rising,
    used,
    usual,
)
from latelier.runs.building import assemble, build


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"finite": 0.0}, "not finite"),
        ({"grown distortion": 1_200.0}, "distortion is 1,200 times what it was at the start"),
        ({"grown coder": 1e30}, "coder is more than a million times"),
        ({"grown error": math.inf}, "error is not finite"),
        (absurd({"distortion": 2e7}, 64), "distortion is 312,500 a pixel value"),
        (absurd({"elbo": -5e9}, 64), "elbo is more than a million a pixel value"),
        (absurd({"absolute error": 300.0, "rate": 1.9e9}, 64), "rate is more than a million a pixel value"),  # vac
        (absurd({"squared error": 1.3e7}, 64), "squared error is 203,125 a pixel value"),  # introvae
        ({"grown absolute error": 5_000.0}, "absolute error is 5,000 times"),
        ({"grown distortion": 2_000.0, "alike": 1.0}, "distortion is 2,000 times"),
    ],
)
def test_a_training_that_broke_is_a_failure_whatever_else_was_measured(facts: dict[str, float], says: str) -> None:
    for rules in (usual, lambda facts: game(facts, "", "")):
        finding = only(rules({**GOOD, **GAME, **DRAWN, **CODES, **facts}))
        assert finding.level == "failure"
        assert finding.text.startswith("Training failed: ")
        assert says in finding.text


def test_a_sound_training_is_no_failure() -> None:
    assert broken({"finite": 1.0, "grown distortion": 999.0, "grown elbo": 0.1}) == []
    assert broken(absurd({"distortion": -1e9, "elbo": 1e9, "error": 6e6, "critic": 1e9}, 64)) == []


def test_losses_are_compared_with_their_start_and_nothing_else_is() -> None:
    first = {"distortion": 100.0, "rate": 0.001, "elbo": -100.0, "critic": 0.01}
    last = {"distortion": 200_000.0, "rate": 20.0, "elbo": 3.0, "critic": 0.5}
    assert grown(first, last) == {"grown distortion": 2_000.0, "grown critic": 0.5}
    assert grown(first, {"elbo": -200.0}) == {"grown elbo": 2.0}
    assert grown(first, {"elbo": math.nan}) == {"grown elbo": math.inf}


@pytest.mark.parametrize(
    ("psnr", "level", "begins"),
    [
        (10.7, "warning", "Has not learned: "),
        (14.9, "warning", "Has not learned: "),
        (17.0, "warning", "Has learned little"),
        (22.4, "good", "Learned: "),
        (25.5, "good", "Learned, and more than PCA: "),
    ],
)
def test_reconstructions_are_placed_between_the_mean_image_and_pca(psnr: float, level: str, begins: str) -> None:
    finding = only(kept({**GOOD, "PSNR": psnr}))
    assert finding.level == level
    assert finding.text.startswith(begins)
    ends = f"reconstructs unseen images at {psnr} dB; PCA with as many numbers (32) has 24.7, the mean image 14.1."
    assert finding.text.endswith(ends)


def test_no_more_is_said_of_pca_and_of_unseen_images_than_was_measured() -> None:
    facts = {"seen": 1.0, "PSNR": 30.0, "PSNR of mean": 14.1}
    assert only(kept(facts)).text == "Learned: reconstructs images that it saw at 30.0 dB; the mean image 14.1."
    within = {**GOOD, "PSNR": 24.9, "PSNR lead error": 0.2}
    assert only(kept(within)).text.startswith("Learned: ")
    assert kept({"seen": 0.0}) == []


def test_of_images_of_one_class_nothing_is_said_of_labels() -> None:
    facts = {"seen": 0.0, "images": 3.0, "accuracy": 100.0, "largest class": 100.0}
    found = only(classified(facts))
    assert found.level == "note"
    assert "all 3 unseen images with a label are of one class" in found.text


@pytest.mark.parametrize(
    ("active", "level", "says"), [(0, "warning", "has collapsed"), (5, "note", "Only 5 of 32"), (8, None, "")]
)
def test_a_posterior_that_collapses_is_named(active: float, level: str | None, says: str) -> None:
    found = used({"units": 32.0, "active units": active})
    assert [finding.level for finding in found] == ([level] if level else [])
    assert all(says in finding.text for finding in found)


def test_units_that_may_yet_come_to_carry_something_are_not_called_too_many() -> None:
    some = {**GOOD, "units": 32.0, "active units": 5.0}
    assert [finding.text[:4] for finding in used(some)] == ["Only"]
    assert used({**some, "PSNR": 17.0}) == []  # has learned little
    assert "Only 5 of 32" in " ".join(finding.text for finding in build("vae", image=(1, 16, 16)).findings(some))
    unmended = build("dgdn", image=(1, 16, 16)).findings({**some, **DRAWN})
    assert unmended
    assert "units" not in " ".join(finding.text for finding in unmended)  # no setting of it would


def test_a_code_of_very_many_numbers_stands_beside_pca_of_fewer() -> None:
    facts = {**GOOD, "PSNR": 25.9, "components": 50.0, "numbers": 1_000.0}
    finding = only(kept(facts))
    beside = "PCA with 50 numbers has 24.7 (with the code's 1,000 it would know all by heart), the mean image 14.1."
    assert finding == Finding("good", f"Learned: reconstructs unseen images at 25.9 dB; {beside}")
    assert only(kept({**facts, "components": 1_000.0})).text.startswith("Learned, and more than PCA: ")
    assert only(kept({**facts, "PSNR": 17.0})).level == "warning"


def test_a_code_that_nobody_has_taught_yet_is_no_collapse() -> None:
    collapsed = {**GOOD, "PSNR": 14.1, "units": 32.0, "active units": 0.0}
    untaught = {**collapsed, "PSNR": 12.0}
    assert not early(collapsed)
    assert any("collapsed" in finding.text for finding in usual(collapsed))
    assert early(untaught)
    assert not any("collapsed" in finding.text for finding in usual(untaught))


@pytest.mark.parametrize(
    ("psnr", "carried", "says"),
    [
        (14.1, (0.03, 0.1, 0.4), False),  # a fresh net draws grey, which of photographs is the mean image
        (12.0, (0.3, 0.1, 0.001), True),  # crushed before the decoder knew the mean image
        (14.1, (0.3, 0.001, 0.001), True),
    ],
)
def test_a_collapse_is_told_by_what_the_code_came_to_carry(psnr: float, carried: tuple[float, ...], says: bool) -> None:
    log = rising([{"distortion": 5.0, "rate": nats} for nats in carried])
    found = used({**GOOD, "PSNR": psnr, "shown": 64_000.0, "units": 32.0, "active units": 0.0, **log})
    assert [finding.text.startswith("The posterior has collapsed") for finding in found] == [True] * says


def test_what_the_code_carries_is_of_all_its_terms_or_unknown() -> None:
    assert rising([{"KL code": 1.0, "KL positions": 1.0}, {"KL code": 1.0, "KL positions": 9.0}]) == {
        "code rising": 0.0
    }
    first, last = ({"KL occurrence": a, "KL appearance": b} for a, b in ((1.0, 1.0), (0.0, 3.0)))
    assert rising([first, first, last]) == {"code rising": 1.0}
    assert rising([{"rate": 1.0}]) == rising([{"error": 1.0}] * 3) == {}


def test_of_images_that_are_all_one_nothing_else_is_said() -> None:
    for rules in (usual, lambda facts: game(facts, "", "")):
        finding = only(rules({**GOOD, **GAME, **DRAWN, **CODES, "alike": 1.0}))
        assert finding.level == "warning"
        assert finding.text.startswith("All images that were looked at are one and the same")


UNEVEN = {"largest class": 76.0, "guess": 100 / 3}


def test_of_uneven_classes_the_mean_over_them_is_judged() -> None:
    told = {**HEAD, **UNEVEN, "accuracy": 56.0, "baseline accuracy": 50.0}
    right = only(classified({**told, "balanced accuracy": 72.0, "balanced error": 5.0, "balanced baseline": 60.0}))
    assert right.text.startswith("Learned the labels: accuracy 56 % on 400 unseen images; always the largest class: 76")
    assert right.text.endswith("balanced accuracy 72 %, a constant answer 33 %, the regression 60 %.")
    wrong = only(classified({**told, "accuracy": 75.0, "balanced accuracy": 34.0, "balanced error": 5.0}))
    assert wrong.text.startswith("Has not learned the labels: accuracy 75 %")
    codes = {**CODES, **UNEVEN, "accuracy of codes": 74.0, "accuracy of pixels": 63.0, "accuracy of PCA": 60.0}
    assert only(known(codes)).text == (
        "Its codes predict labels better than pixels do: balanced accuracy 74 % from 10 labels a class, pixels 63 %, "
        "PCA 60 %; a constant answer 33 %, always the largest class 76 % right."
    )
    assert only(known({**codes, "guess": 74.0})).text.startswith("Neither codes nor pixels predict")


@pytest.mark.parametrize(
    ("own", "shown", "level", "begins"),
    [
        (0.6, SETTLED + 1, "good", "Learned to reconstruct"),
        (0.9, SETTLED + 1, "note", "Reconstructions keep little"),
        (1.1, SETTLED + 1, "warning", "Encoder and decoder have come apart"),
        (1.1, SETTLED - 1, "warning", "Has not learned to reconstruct"),
    ],
)
def test_a_games_reconstructions_are_compared_with_strangers(own: float, shown: float, level: str, begins: str) -> None:
    finding = only(related({**GAME, "own error": own, "shown": shown}, "do so"))
    assert finding.level == level
    assert finding.text.startswith(begins)
    assert ("do so" in finding.text) == begins.startswith("Encoder")
    assert related({"seen": 0.0}, "do so") == []


def test_a_game_need_not_reconstruct_pixel_by_pixel() -> None:
    found = game({**GOOD, **GAME, **DRAWN, "PSNR": 10.0}, "", "")
    assert [finding.level for finding in found] == ["good", "good"]


def test_an_accuracy_of_few_images_says_how_many_and_what_they_leave_open() -> None:
    few = {**HEAD, "labelled": 6.0, "accuracy": 100.0, "largest class": 17.0}
    said = only(classified(few)).text
    assert "accuracy 100 % on 6 unseen images (few images: it may be 61 to 100 %); always" in said
    assert "accuracy 100 % on 6 images that it saw" in only(classified({**few, "seen": 1.0})).text
    assert "(few" not in only(classified({**few, "labelled": 50.0})).text
    assert only(classified({**few, "accuracy": 50.0})).level == "warning"  # three of six, where guessing has one
    assert only(known({**CODES, "labelled": 6.0})).text.endswith(" % (of 6 images, which are few).")


@pytest.mark.parametrize(
    ("accuracy", "level", "begins"),
    [
        (90.0, "good", "Learned the labels"),
        (75.0, "note", "Learned the labels less well"),
        (73.0, "warning", "Has learned little of the labels"),
        (52.0, "warning", "Has not"),
    ],
)
def test_a_classifier_stands_beside_guessing_and_a_baseline(accuracy: float, level: str, begins: str) -> None:
    finding = only(classified({**HEAD, "accuracy": accuracy}))
    assert finding.level == level
    assert finding.text.startswith(begins)
    figures = f"accuracy {accuracy:.0f} % on 400 unseen images; always the largest class: 50 %"
    assert f"{figures}; logistic regression on pixels (PCA, 100 labels): 80 %" in finding.text
    assert ("train on; where that no longer helps" in finding.text) == finding.text.startswith("Has learned little")
    assert classified({"seen": 0.0}) == []


@pytest.mark.parametrize("method", ["classifier", "vae", "bigan", "infogan"])
def test_a_classifier_that_no_measured_label_tells_of_is_said(method: str) -> None:
    model, _ = assemble(method, (1, 16, 16), ("a", "b"), {"head": "softmax"})
    facts = {**GOOD, **GAME, **DRAWN} if method != "classifier" else {"images": 30.0, "seen": 0.0, "finite": 1.0}
    said = "Whether it predicts the labels cannot be measured: fewer than two of 30 unseen images have one; label more,"
    found = model.findings({**facts, "images": 30.0, "unlabelled": 1.0})
    assert [finding.level for finding in found if finding.text.startswith(said)] == ["note"]
    assert found[0].text.startswith(said) == (method == "classifier")  # of others what images say comes first
    assert not any(finding.text.startswith(said) for finding in model.findings(facts))


@pytest.mark.parametrize(
    ("codes", "level", "begins"),
    [
        (80.0, "good", "Its codes predict labels better"),
        (73.0, "note", "Codes and pixels predict labels about as well"),
        (60.0, "note", "Its codes predict labels less well"),
    ],
)
def test_codes_are_better_than_pixels_only_by_more_than_the_error(codes: float, level: str, begins: str) -> None:
    finding = only(known({**CODES, "accuracy of codes": codes}))
    assert finding.level == level
    assert finding.text.startswith(begins)
    assert finding.text.endswith("always the largest class 50 %.")
    assert known({"largest class": 50.0}) == []


def test_nothing_is_better_than_pixels_where_guessing_is_better_than_both() -> None:
    finding = only(known({**CODES, "largest class": 85.0}))
    assert finding.level == "note"
    assert finding.text.startswith("Neither codes nor pixels")


@pytest.mark.parametrize(
    ("method", "says", "silent"),
    [
        ("vae", ["PCA with", "codes predict"], ["squared error", "what it draws"]),
        ("pca", ["the mean image", "codes predict"], ["PCA with"]),  # it would stand beside itself
        ("bigan", ["squared error", "what it draws", "codes predict"], ["PCA with"]),
        ("infogan", ["what it draws", "codes predict"], ["PCA with", "squared error"]),
        ("dcgan", ["what it draws"], ["PCA with", "squared error"]),
    ],
)
def test_each_family_speaks_of_what_it_is_for(method: str, says: list[str], silent: list[str]) -> None:
    facts = {**GOOD, **DRAWN, **GAME, **(CODES if method != "dcgan" else {})}
    text = " ".join(finding.text for finding in build(method, image=(1, 16, 16)).findings(facts))
    assert all(words in text for words in says)
    assert not any(words in text for words in silent)


@pytest.mark.parametrize("method", ["bigan", "infogan", "dcgan"])
def test_a_game_gone_wrong_gets_its_own_remedy(method: str) -> None:
    model = build(method, image=(1, 16, 16))
    alike = [f for f in model.findings({**GAME, **DRAWN, "drawn apart": 0.01}) if f.level == "warning"]
    assert "raise noise" in only(alike).text
    assert not [f for f in model.findings({**GAME, **DRAWN}) if f.level == "warning"]
    assert only(model.findings({**GAME, **DRAWN, "grown critic": 2_000.0})).level == "failure"


def test_a_head_adds_its_verdict_to_that_of_the_model_within() -> None:
    model, _ = assemble("bigan", (1, 16, 16), ("a", "b"), {"head": "softmax"})
    text = " ".join(finding.text for finding in model.findings({**GAME, **DRAWN, **HEAD}))
    assert all(words in text for words in ("Learned the labels", "squared error", "what it draws"))


def test_labels_that_are_learned_come_before_images_that_are_blurs() -> None:
    blurs = {**GOOD, "PSNR": 17.0}
    told, images, *_ = usual({**blurs, **HEAD})
    assert told.text.startswith("Learned the labels: ")
    assert (images.level, images.text.partition(",")[0]) == ("note", "Beside the labels it has learned little")
    for neither in ({**HEAD, "accuracy": 50.0}, {}):
        assert [f.text for f in usual({**blurs, **neither}) if f.text.startswith("Has learned little, its images")]
        assert all(f.level == "warning" for f in usual({**blurs, **neither}))
    kept_well = usual({**GOOD, **HEAD})
    assert [f.level for f in kept_well] == ["good"] * len(kept_well)


def test_a_density_that_falls_through_nothing_is_no_failure() -> None:
    """A Gaussian distortion goes from thousands of nats through 0 to below -1,000 in a good training."""
    assert not broken(grown({"distortion": 0.9}, {"distortion": -1_323.0}))
    assert broken(grown({"distortion": 0.9}, {"distortion": 1_323.0}))
