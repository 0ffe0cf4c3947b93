"""What is said of a run, of given facts and logs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from judged import opened, pets_and_run

from latelier.core import Finding
from latelier.page import contents
from latelier.verdict import verdict


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pets_and_run(tmp_path_factory.mktemp("made"))


def log(values: np.ndarray) -> list[dict[str, Any]]:
    return [{"seen": 8 * n, "terms": {"distortion": float(value)}} for n, value in enumerate(values, 1)]


FACTS = {"images": 4.0, "seen": 0.0, "finite": 1.0, "PSNR": 22.0, "PSNR of mean": 12.0}
KNOWN = {f"accuracy of {space}": 71.0 for space in ("codes", "pixels", "PCA")} | {
    "labels a class": 100.0,
    "largest class": 60.0,
    "accuracy lead error": 1.0,
}


def test_scores_change_no_verdict_by_another_number_of_labels(made: Path) -> None:
    run, splits = opened(made)
    values = {f"linear {space} 100/class %": 70.0 for space in ("codes", "pixels", "PCA")} | {"majority %": 60.0}
    values |= {f"linear {space} 10/class %": 50.0 for space in ("codes", "pixels", "PCA")}
    record = {"name": "probe", "data": splits.test.source, "seen": run.seen, "n": 20, "values": values}
    texts = [text for _, text in verdict.words(run, splits, FACTS | KNOWN, [record])]
    assert any(text.startswith("Codes and pixels predict labels about as well: 70 % right from 100") for text in texts)


def test_a_verdict_has_five_lines_and_always_its_course_its_images_and_its_command(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, splits = opened(made)
    found = [Finding("note", "N1."), Finding("good", "G1."), Finding("warning", "W1."), Finding("good", "G2.")]
    monkeypatch.setattr(run.model, "findings", lambda facts: found)
    run.log = log(np.linspace(100, 50, 50))
    starts = ("W1.", "Still improving", "N1.", "Measured on", "Next: ")
    texts = [text for _, text in verdict.words(run, splits, FACTS)]
    assert [text.startswith(start) for text, start in zip(texts, starts, strict=True)] == [True] * 5
    run.log = log(np.full(50, 60.0))
    starts = ("W1.", "N1.", "No longer changing", "Measured on", "Next: ")
    texts = [text for _, text in verdict.words(run, splits, FACTS)]
    assert [text.startswith(start) for text, start in zip(texts, starts, strict=True)] == [True] * 5
    run.log = []
    texts = [text for _, text in verdict.words(run, splits, FACTS)]
    assert texts[:3] == ["W1.", "G1.", "N1."]
    assert len(texts) == 5


SAID = {
    90.0: "Its codes predict labels better than pixels do:",
    71.0: "Codes and pixels predict labels about as well:",
    60.0: "Its codes predict labels less well than pixels do:",
}


@pytest.mark.parametrize("codes", SAID)  # better than pixels, as good, and less good
def test_poor_samples_are_said_whatever_codes_know(codes: float, made: Path) -> None:
    run, splits = opened(made)
    run.log = log(np.linspace(100, 50, 50))
    drawn = {"drawn apart": 1.0, "drawn distance": 0.0298, "drawn distance of mean": 0.0145}
    drawn["drawn distance of Gaussian"] = 0.001
    found = verdict.words(run, splits, FACTS | KNOWN | drawn | {"accuracy of codes": codes})
    starts = ["Learned", "Still improving", "Draws new images less well than it reconstructs", "Measured", "Next: "]
    assert [text.startswith(start) for (_, text), start in zip(found, starts, strict=True)] == [True] * 5
    assert f". {SAID[codes]} {codes:.0f} % right from 100 labels a class" in found[2].text  # in the same line
    run.log = []
    roomy = [text for _, text in verdict.words(run, splits, FACTS | KNOWN | drawn | {"accuracy of codes": codes})]
    assert len(roomy) == 5
    assert any("odes" in text.partition(":")[0] for text in roomy)


def test_a_collapse_is_not_trained_on(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, splits = opened(made)
    run.log = log(np.linspace(100, 50, 50))
    for text, command in (
        ("Has not learned: so.", "--resume"),
        ("The posterior has collapsed: so.", "latelier report"),
    ):
        found = [Finding("warning", "Has not learned: so."), Finding("warning", text)]
        monkeypatch.setattr(run.model, "findings", lambda facts, found=found: found)
        assert command in verdict.words(run, splits, FACTS)[-1].text


def test_a_failure_comes_first_and_the_command_stays(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, splits = opened(made)
    found = [*(Finding("warning", f"W{n}.") for n in range(9)), Finding("failure", "Training failed: so.")]
    monkeypatch.setattr(run.model, "findings", lambda facts: found)
    texts = [text for _, text in verdict.words(run, splits, FACTS)]
    assert texts[:-1] == ["Training failed: so.", "W0.", "W1.", "W2."]
    assert texts[-1].startswith("Next: ")


@pytest.mark.parametrize(
    ("values", "says", "command"),
    [
        (
            np.linspace(100, 50, 50),
            "Still improving: distortion of training fell from 77.55 to 52.04 in the last half.",
            "--resume --steps ",
        ),
        (np.zeros(50), "No longer changing: distortion of training is 0.", "latelier report "),
        (100 * np.exp(-np.arange(50)) + 50, "Hardly improving any more: ", "latelier report "),
        (
            np.abs(np.linspace(-50, 100, 50)) + 50,
            "Getting worse: distortion of training rose from ",
            "latelier report ",
        ),
    ],
)
def test_the_log_says_whether_to_go_on(values: np.ndarray, says: str, command: str, made: Path) -> None:
    run, splits = opened(made)
    run.log = log(values)
    found = verdict.words(run, splits, FACTS)
    assert sum(text.startswith(says) for _, text in found) == 1
    assert found[-1].text.startswith("Next: latelier ")
    assert command in found[-1].text
    assert found[-2].text.startswith("Measured on 4 images ")


def test_a_metric_whose_name_says_little_is_explained(made: Path) -> None:
    run, splits = opened(made)
    run.log = [{"seen": n, "validation": {"objective": 100.0 - n}} for n in range(1, 51)]
    run.config["plan"]["monitor"] = list(run.model.monitor())
    texts = [text for _, text in verdict.words(run, splits, FACTS)]
    assert any("improving: objective (distortion + penalty) of validation fell from" in text for text in texts)
    assert "monitor=objective, lower is better" in contents.facts(run)["plan"]


def test_labels_that_are_hidden_in_turn_are_those_of_images_trained_on(made: Path) -> None:
    run, splits = opened(made)
    name = "cross-validated label error %"
    run.config["plan"] = {**run.config["plan"], "monitor": [name, False, ""]}
    for values, says in ((np.linspace(90, 20, 20), "fell from"), (50.0 * (np.arange(20) < 5), "is 0.")):
        run.log = [{"seen": n, "validation": {name: float(value)}} for n, value in enumerate(values)]
        texts = [text for _, text in verdict.words(run, splits, FACTS)]
        assert sum(f"{name} of images trained on {says}" in text for text in texts) == 1


def test_what_is_learned_by_heart_is_not_gone_on_with(made: Path) -> None:
    run, splits = opened(made)
    held_out = [{"seen": 8 * n, "validation": {"distortion": 100.0 - n}} for n in range(1, 21)]
    for trained, says, command in (
        (
            60.0,
            "Learns by heart: distortion of validation fell from 90.5 to 80.5 in the last half, but is 60 on",
            "report",
        ),
        (79.0, "Still improving: distortion of validation fell from 90.5 to 80.5 in the last half.", "train"),
    ):
        run.log = [*log(np.full(50, trained)), *held_out]
        for facts in (FACTS, FACTS | {"PSNR": 12.1}):
            run.config["plan"] = {"total": 8_000, "batch": 8}
            found = verdict.words(run, splits, facts)
            assert sum(text.startswith(says) for _, text in found) == 1
            assert found[-1].text.startswith(f"Next: latelier {command} ")


def test_a_run_of_few_steps_that_has_not_learned_knows_nothing_by_heart(made: Path) -> None:
    """60 steps on 90 images of 12 pixels: 13.4 dB beside the mean image's 13.2, and 18.4 after 1,000."""
    run, splits = opened(made)
    run.log = [*log(np.full(50, 60.0)), *({"seen": n, "validation": {"distortion": 100.0 - n}} for n in range(20))]
    for steps, going, command in ((999, "Still improving: ", "train"), (1_000, "Learns by heart: ", "report")):
        run.config["plan"] = {"total": 8 * steps, "batch": 8}
        found = verdict.words(run, splits, FACTS | {"PSNR": 12.1})
        assert sum(text.startswith(going) for _, text in found) == 1
        assert found[-1].text.startswith(f"Next: latelier {command} ")
        assert any(text.startswith("Learns by heart: ") for _, text in verdict.words(run, splits, FACTS))


def test_the_best_checkpoint_is_placed_where_it_came_early(made: Path) -> None:
    run, splits = opened(made)
    for values, says, share in (
        (np.where(np.arange(20) == 5, 10.0, 90.0 - np.arange(20)), "Hardly improving any more: ", 30),
        (50.0 + np.abs(np.arange(20) - 8), "Getting worse: ", 45),
    ):
        run.log = [{"seen": n, "validation": {"distortion": float(value)}} for n, value in enumerate(values, 1)]
        (text,) = [text for _, text in verdict.words(run, splits, FACTS) if text.startswith(says)]
        assert text.endswith(f" in the last half; the best came after {share} % of training.")


def test_what_has_not_learned_goes_on_unless_it_gets_worse(made: Path) -> None:
    run, splits = opened(made)
    unlearned = FACTS | {"PSNR": 12.1}
    for values, command in ((np.full(50, 60.0), "--resume --steps 1000"), (np.arange(50.0) + 50, "latelier report ")):
        run.log = log(values)
        assert command in verdict.words(run, splits, unlearned)[-1].text
    behind = FACTS | {"accuracy": 60.0, "largest class": 20.0, "baseline accuracy": 85.0, "baseline labels": 500.0}
    run.log = log(np.full(50, 60.0))
    found = verdict.words(run, splits, behind | {"images": 400.0})
    assert any(level == "warning" and text.startswith("Has learned little of the labels") for level, text in found)
    assert "--resume --steps 1000" in found[-1].text


def test_a_page_sends_its_reader_to_the_explorer_and_not_to_itself(made: Path) -> None:
    run, splits = opened(made)
    run.log = log(np.full(50, 60.0))
    said = verdict.words(run, splits, FACTS)
    assert said[-1].text == f"Next: latelier report {made / 'run'}"
    assert contents.onward(run, said, "shapes") == [
        *said[:-1],
        Finding("note", f"Next: latelier explore {made / 'run'}"),
    ]
    unlearned = verdict.words(run, splits, FACTS | {"PSNR": 12.1})
    assert contents.onward(run, unlearned, "shapes") == unlearned


def test_labels_that_are_learned_lead_whatever_else_is_wrong(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, splits = opened(made)
    run.log = log(np.full(50, 60.0))
    blurred = FACTS | {"PSNR": 14.0, "PSNR of PCA": 22.0, "components": 16.0, "numbers": 16.0, "images": 400.0}
    told = {"accuracy": 97.0, "largest class": 20.0, "baseline accuracy": 85.0, "baseline labels": 50.0}
    texts = [text for _, text in verdict.words(run, splits, blurred | told)]
    assert texts[0].startswith("Learned the labels: ")
    assert any(text.startswith("Beside the labels it has learned little, its images are blurs") for text in texts)
    assert texts[-1].startswith("Next: latelier report")
    monkeypatch.setattr(run.model, "remarks", lambda terms, seen: ["so few are taught: lower so"])
    levels = [finding.level for finding in verdict.words(run, splits, blurred | told)]
    assert levels[:2] == ["good", "warning"]
    texts = [text for _, text in verdict.words(run, splits, blurred | told | {"accuracy": 22.0})]
    assert texts[0].startswith("Has not learned the labels: ")
    assert "--resume --steps 1000" in texts[-1]


def test_a_remark_of_the_model_at_its_end_is_part_of_the_verdict(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, splits = opened(made)
    run.log = log(np.full(50, 60.0))
    monkeypatch.setattr(run.model, "remarks", lambda terms, seen: ["the game has gone: do this", "it is odd: do that"])
    monkeypatch.setattr(run.model, "findings", lambda facts: [Finding("warning", "Gone, so do this.")])
    texts = [text for _, text in verdict.words(run, splits, FACTS)]
    assert "It is odd: do that." in texts
    assert not any("game" in text for text in texts)


def test_a_loss_that_was_lost_before_the_log_began_is_a_failure(made: Path) -> None:
    run, splits = opened(made)
    run.log = log(np.linspace(1e15, 1e10, 50))
    found = verdict.words(run, splits, FACTS)
    assert [finding.level for finding in found] == ["failure", "note"]
    assert found[0].text.startswith("Training failed: distortion is more than a million a pixel value")


def test_warnings_are_marked_in_a_terminal() -> None:
    assert verdict.lines([Finding("warning", "Bad."), Finding("good", "Good.")]) == "warning: Bad.\nGood."
