"""What is said of samples, at facts where a rule speaks and at facts where it does not."""

import pytest
from facts_given import CODES, DRAWN, GAME, GOOD, only

from latelier.rules.samples import MORE, beside, sampled
from latelier.rules.shared import usual
from latelier.runs.building import build

FAR_OFF = DRAWN | {"drawn distance": 0.9}


@pytest.mark.parametrize(
    ("facts", "level", "says"),
    [
        ({}, "good", "Draws what looks like the images at a glance"),
        ({"drawn distance": 0.4}, "note", "on the way"),
        ({"drawn distance": 0.9}, "warning", "Has not learned to draw"),
        ({"drawn distance": 3.42}, "warning", "what it draws are 3.4 times as far from unseen"),
        ({"drawn apart": 0.05}, "warning", "look all alike (two of them are 0.05 of"),
    ],
)
def test_samples_are_compared_as_a_set(facts: dict[str, float], level: str, says: str) -> None:
    finding = only(sampled({**DRAWN, **facts}, "vary it"))
    assert finding.level == level
    assert says in finding.text
    assert ("vary it" in finding.text) == ("alike" in finding.text)
    assert sampled({"seen": 0.0}) == []


@pytest.mark.parametrize(
    ("method", "level", "remedy"),
    [
        ("vae", "note", ": a smaller latent brings them nearer, and dcgan draws nearer ones."),
        ("rbm", "note", ": dcgan draws nearer ones."),
        ("introvae", "warning", ": dcgan draws nearer ones."),  # its game is about samples
        (
            "dcgan",
            "warning",
            f": {MORE}.",
        ),
        (
            "bigan",
            "warning",
            f": {MORE}.",
        ),
    ],
)
def test_poor_samples_have_a_remedy_and_are_a_fault_of_games_alone(method: str, level: str, remedy: str) -> None:
    model = build(method, image=(1, 16, 16))
    finding = only([finding for finding in model.findings(GOOD | GAME | FAR_OFF) if "draw" in finding.text.lower()])
    assert finding.level == level
    assert finding.text.endswith(remedy)
    near = [finding.text for finding in model.findings(GOOD | GAME | DRAWN)]
    assert not any(text.endswith(remedy) for text in near)


def test_samples_are_passed_over_until_a_model_keeps_images_well() -> None:
    assert "Draws new" in " ".join(finding.text for finding in usual(GOOD | FAR_OFF))
    assert "draw" not in " ".join(finding.text for finding in usual(GOOD | FAR_OFF | {"PSNR": 17.0})).lower()
    assert beside({"seen": 0.0}, "do so") == []


def test_samples_that_look_all_alike_are_a_warning_once_a_model_keeps_images_well() -> None:
    alike = GOOD | DRAWN | {"drawn apart": 0.05}
    assert ("warning", "Drawn images look all alike") in [(f.level, f.text[:27]) for f in usual(alike)]
    for untaught in (10.0, 17.0):
        assert not any("alike" in finding.text for finding in usual(alike | {"PSNR": untaught}))


def test_a_note_on_samples_has_a_remedy_and_comes_before_what_codes_know() -> None:
    text = [finding.text for finding in usual(GOOD | CODES | FAR_OFF)]
    assert [words.split()[0] for words in text] == ["Learned:", "Draws", "Its"]
