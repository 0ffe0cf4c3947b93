"""Each rule on attributes, at facts where it speaks and at facts where it does not."""

import pytest

from latelier.core import Finding
from latelier.rules.attributes import attributes, edits, knowing
from latelier.runs.building import build

TOLD = {"seen": 0.0, "attribute smiling": 80.0, "attributes balanced": 80.0, "attributes error": 2.0}
TOLD |= {"images": 400.0, "attributes right": 86.0, "attributes commonest": 71.0}
TOLD |= {"attributes balanced of pixels": 77.0, "attributes labels": 1_000.0}
MOVED = {"edits by 3": 41.0, "edits by 6": 81.0, "edits judge": 82.0}
KEPT = {"seen": 0.0, "PSNR": 22.4, "PSNR of PCA": 24.7, "components": 32.0, "PSNR of mean": 14.1}


def only(found: list[Finding]) -> Finding:
    (finding,) = found
    return finding


@pytest.mark.parametrize(
    ("own", "level", "begins"),
    [
        (80.0, "good", "Learned the attribute smiling: "),
        (74.0, "good", "Learned the attribute smiling: "),  # within two standard errors
        (72.5, "note", "Learned the attribute smiling less well than a simple baseline: "),
        (65.0, "warning", "Has learned little of the attribute smiling, a simple baseline is far better: "),
        (53.0, "warning", "Has not learned the attribute smiling: "),
    ],
)
def test_a_classifier_of_attributes_stands_beside_a_constant_answer_and_a_baseline(
    own: float, level: str, begins: str
) -> None:
    finding = only(attributes({**TOLD, "attributes balanced": own}, "do so"))
    assert finding.level == level
    assert finding.text.startswith(begins)
    beside = "(a constant answer: 50 %; logistic regression on pixels (PCA, 1,000 labels): 77 %)"
    right = "right on 86 % where the commoner value has 71 %"
    assert f"balanced accuracy {own:.0f} % on 400 unseen images {beside}, {right}" in finding.text
    assert ("do so" in finding.text) == (level == "warning")
    assert attributes({"seen": 0.0}, "do so") == []


def test_attributes_of_few_images_say_how_far_to_trust_them() -> None:
    text = only(attributes({**TOLD, "images": 12.0, "attributes error": 11.0}, "do so")).text
    assert "balanced accuracy 80 % on 12 unseen images, few: give or take 22 % (a constant answer" in text


def test_of_several_attributes_the_worst_is_named_and_no_more_is_said_than_was_measured() -> None:
    facts = {**TOLD, "seen": 1.0, "attribute glasses": 61.0}
    del facts["attributes balanced of pixels"]
    text = only(attributes(facts, "do so")).text
    assert text.startswith(
        "Learned 2 attributes: balanced accuracy 80 % on 400 images that it saw (a constant answer: 50 %)"
    )
    assert text.endswith("; it predicts glasses least well: 61 %.")


def test_where_all_attributes_are_told_alike_none_is_called_the_worst() -> None:
    alike = {**TOLD, "attributes balanced": 100.0, "attribute smiling": 100.0, "attribute glasses": 100.0}
    text = only(attributes(alike, "do so")).text
    assert text.startswith("Learned 2 attributes: balanced accuracy 100 %")
    assert "least well" not in text


@pytest.mark.parametrize(
    ("near", "far", "level", "says"),
    [
        (41.0, 81.0, "good", "Edits show: by 3 steps they change 41 % of the verdicts of a judge"),
        (12.0, 41.0, "note", "Edits show from farther on: "),
        (3.0, 9.0, "warning", "Edits hardly show: "),
    ],
)
def test_edits_are_to_show_to_a_judge(near: float, far: float, level: str, says: str) -> None:
    finding = only(edits({**MOVED, "edits by 3": near, "edits by 6": far}, "do so"))
    assert finding.level == level
    assert finding.text.startswith(says)
    assert f"(right on 82 % of others), by 6 steps {far:.0f} %" in finding.text
    assert ("do so" in finding.text) == (level == "warning")
    assert ("--by 6" in finding.text) == (level == "note")
    assert edits({"seen": 0.0}, "do so") == []


def test_both_are_one_finding_that_comes_first_and_begins_with_what_is_worst() -> None:
    first, kept = knowing({**KEPT, **TOLD, **MOVED}, "do so")
    assert first.level == kept.level == "good"
    assert first.text.startswith("Learned the attribute smiling: ")
    assert "%. Edits show: " in first.text
    first, _ = knowing({**KEPT, **TOLD, **MOVED, "edits by 3": 0.0, "edits by 6": 0.0}, "do so")
    assert first.level == "warning"
    assert first.text.startswith("Edits hardly show: ")
    assert "do so. Learned the attribute smiling: " in first.text
    assert only(knowing({**KEPT, **TOLD, "grown error": 1e4}, "")).level == "failure"
    assert only(knowing(KEPT, "")).text.startswith("Learned: ")


@pytest.mark.parametrize("method", ["vac", "introvac"])
def test_methods_that_learn_attributes_say_so_with_a_remedy_of_their_own(method: str) -> None:
    model = build(method, image=(1, 32, 32), attributes=("smiling",), width=0.0625)
    good = model.findings({**KEPT, **TOLD, **MOVED})
    assert [finding.level for finding in good] == ["good", "good"]
    bad = model.findings({**KEPT, **TOLD, **MOVED, "edits by 3": 0.0, "edits by 6": 0.0})[0]
    assert bad.level == "warning"
    assert "raise beta_cl" in bad.text
    assert ("introvac" in bad.text) == (method == "vac")
    assert not any(
        "attribute" in finding.text for finding in build("vae", image=(1, 16, 16)).findings({**KEPT, **TOLD})
    )
