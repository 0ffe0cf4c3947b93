"""latelier classify: the table, and what it says of known classes, on tiny runs."""

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Captured, refused, rows
from made import write

import latelier
from latelier.cli import main
from latelier.errors import Refusal
from latelier.runs import calibration
from latelier.runs.calibration import Temperature, kept, temperature_of
from latelier.runs.config import read_config
from latelier.runs.run import open_run
from latelier.runs.where import Where
from latelier.scores.calibration import fit_temperature, tempered
from latelier.storage import json_records

TINY = "--batch 16 --quiet --set net=mlp net.widths=8"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`run`: a classifier of 250 digits beside 250 that were held out; it has learned a little. `plain`: a vae that
    cannot classify. Images: `odd` of classes of which one is unknown to them, `bare` without classes, `nothing`."""
    place = tmp_path_factory.mktemp("made")
    main(shlex.split(f"train classifier --data digits:test --validation 0.5 --steps 60 --out {place / 'run'} {TINY}"))
    main(shlex.split(f"train vae --data digits:test --epochs 0.1 --out {place / 'plain'} {TINY} latent=2"))
    for i in range(6):
        write(place / "odd" / ("7" if i < 4 else "seven") / f"{i}.png", "L", (8, 8), seed=i)
        write(place / "bare" / f"{i}.png", "L", (8, 8), seed=i)
    (place / "nothing").mkdir()
    return place


def said(captured: Captured, command: str) -> str:
    captured.readouterr()
    main(shlex.split(command))
    return captured.readouterr().out


def test_accuracy_confusion_and_calibration_of_images_that_it_has_not_learned(here: Path, capsys: Captured) -> None:
    text = said(capsys, "classify run digits:test --out out.csv --confusion table.csv")
    run = open_run("run")
    images = run.images("digits:test", Where())
    held = calibration._held_out(run, Where())
    raw, on_held = (calibration.probabilities(run, one) for one in (images, held))
    right = (on_held.argmax(1) == held.label).mean()
    assert 0.3 < right < 0.95
    line = f"out.csv: 500 images; {100 * right:.0f} % of the 250 whose class is known and not learned are right\n"
    assert text.startswith(line)
    assert "not counted: 250 images whose labels the run has learned" in text
    temperature = fit_temperature(on_held, held.label)
    assert f"calibrated by temperature {temperature:.3g}, fitted on 250 labels that the run held out, these" in text
    found = np.array([[float(row[name]) for name in images.classes] for row in rows("out.csv")])
    assert np.allclose(found, tempered(raw, temperature), atol=1e-4)
    assert not np.allclose(found, raw, atol=1e-2)
    assert [row["class"] for row in rows("out.csv")] == [images.classes[i] for i in raw.argmax(1)]
    counts = np.array([[int(row[name]) for name in images.classes] for row in rows("table.csv")])
    assert counts.sum() == 250
    assert counts.trace() == (on_held.argmax(1) == held.label).sum()
    assert [row["true class"] for row in rows("table.csv")] == list(images.classes)


def test_images_of_elsewhere_are_all_counted(here: Path, capsys: Captured) -> None:
    text = said(capsys, "classify run digits:train --out out.csv")
    assert "of the 1,297 with a known class are right" in text
    assert "always the largest class, 3: 10.2 %" in text
    assert "not counted" not in text
    assert "these images among them" not in text


def test_the_temperature_is_kept_and_goes_by_the_checkpoint(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = open_run("run")
    assert kept(run) is None
    fitted = temperature_of(run, Where())
    monkeypatch.setattr(calibration, "fit_temperature", None)
    assert temperature_of(run, Where()) == kept(run) == fitted
    run.seen += 1
    assert kept(run) is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[1, 2]",
        '"text"',
        "[" * 9_000,
        "\udcff",
        "1" * 9_000,
        '{"seen": SEEN, "value": NaN, "labels": 60, "fingerprint": ""}',
        '{"seen": SEEN, "value": 1e999, "labels": 60, "fingerprint": ""}',
        '{"seen": SEEN, "value": -1.0, "labels": 60, "fingerprint": ""}',
        '{"seen": SEEN, "value": "2.0", "labels": 60, "fingerprint": ""}',
        '{"seen": SEEN, "value": true, "labels": 60, "fingerprint": ""}',
        '{"seen": SEEN, "value": [2.0], "labels": 60, "fingerprint": ""}',
        '{"seen": SEEN, "value": 2.0, "labels": "\\u001b[2J", "fingerprint": ""}',
        '{"seen": SEEN, "value": 2.0, "labels": 60, "fingerprint": {}}',
        '{"seen": SEEN, "value": 2.0}',
        '{"seen": SEEN, "value": 2.0, "labels": 60, "fingerprint": "' + "x" * 20_000 + '"}',
    ],
)
def test_a_strangers_temperature_that_is_none_is_passed_over(here: Path, capsys: Captured, content: str) -> None:
    run = open_run("run")
    path = Path("run/calibration.json")
    path.write_text(content.replace("SEEN", str(run.seen)), errors="surrogateescape")
    assert kept(run) is None
    text = said(capsys, "classify run digits:train --out out.csv")
    assert "fitted on 250 labels that the run held out" in text
    assert kept(run) is not None  # mended


def test_a_strangers_temperature_can_at_worst_be_a_wrong_number(here: Path, capsys: Captured) -> None:
    run = open_run("run")
    said(capsys, "classify run digits:train --out before.csv")
    wrong = {"seen": run.seen, "value": 19.0, "labels": 60, "fingerprint": "x"}
    Path("run/calibration.json").write_text(json.dumps(wrong))
    text = said(capsys, "classify run digits:train --out after.csv")
    assert kept(run) == Temperature(19.0, 60, "x")
    assert "calibrated by temperature 19," in text
    before, after = rows("before.csv"), rows("after.csv")
    assert [row["class"] for row in before] == [row["class"] for row in after]
    assert max(float(row["probability"]) for row in after) < 0.5


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"labels": 2}, "of what the run held out --labels hid the labels"),
        ({"data": "gone"}, "the images that the run was trained on are no longer where they were"),
        ({"data": "digits:train"}, "the images or labels of digits:train are not those that the run was begun with"),
    ],
)
def test_why_there_is_no_temperature_is_said(here: Path, capsys: Captured, change: dict[str, Any], why: str) -> None:
    config = read_config(Path("run/config.json"))
    config["request"] |= change
    json_records.write(Path("run/config.json"), config)
    text = said(capsys, "classify run bare --out out.csv")
    assert text.endswith(f"probabilities in out.csv are as the model gives them, not calibrated: {why}\n")


def test_a_run_that_holds_nothing_out_and_a_lone_file_have_no_temperature(here: Path, capsys: Captured) -> None:
    latelier.train("classifier", data="digits", out="all", epochs=0.1, quiet=True, settings=["net=mlp"])
    assert said(capsys, "classify all bare --out out.csv").endswith("not calibrated: the run held out no images\n")
    (weights, *_) = sorted(Path("run").glob("weights-*"))
    text = said(capsys, f"classify {weights} digits:train --out out.csv")
    assert "of the 1,297 with a known class are right" in text
    assert text.endswith("not calibrated: a lone weights file does not say what was held out\n")


@pytest.mark.parametrize(
    ("least", "wrong", "why"),
    [
        (251, 1, "takes 251 images of known class that the run held out, and there are 250"),
        (
            250,
            251,
            "takes 251 mistakes to learn from, and of 250 images .* it gets .* wrong",
        ),
    ],
)
def test_too_few_labels_are_said_with_how_many_are_enough(
    here: Path, monkeypatch: pytest.MonkeyPatch, least: int, wrong: int, why: str
) -> None:
    monkeypatch.setattr(calibration, "FEWEST", least)
    monkeypatch.setattr(calibration, "WRONG", wrong)
    with pytest.raises(Refusal, match=why):
        temperature_of(open_run("run"), Where())
    assert not Path("run/calibration.json").exists()


def test_images_without_a_class_and_of_unknown_ones(here: Path, capsys: Captured) -> None:
    assert said(capsys, "classify run bare --out out.csv").startswith("out.csv: 6 images\nprobabilities in out.csv")
    assert len(rows("out.csv")) == 6
    capsys.readouterr()
    main(["classify", "run", "odd", "--out", "out.csv"])
    captured = capsys.readouterr()
    assert "2 of 6 images are of classes that the run does not know (seven)" in captured.err
    assert "of the 4 with a known class are right" in captured.out
    assert "are right (few images: it may be " in captured.out
    assert "always the largest class, 7: 100 %; there is no other" in captured.out
    Path("bare/one").mkdir()
    Path("bare/0.png").rename("bare/one/0.png")
    assert said(capsys, "classify run bare/one --out out.csv").startswith("out.csv: 1 image\n")


def test_labels_that_the_run_has_learned_all_or_perhaps_are_said(here: Path, capsys: Captured) -> None:
    given = {"out": "all", "epochs": 0.1, "quiet": True, "settings": ["net=mlp"]}
    latelier.train("classifier", data="digits", **given)
    text = said(capsys, "classify all digits:train --out out.csv")
    assert "the run has learned all of these labels: figures say nothing of other images" in text
    write(Path("odd/7/new.png"), "L", (8, 8), seed=9)
    latelier.train("classifier", data="odd", **{**given, "out": "grown"})
    write(Path("odd/seven/new.png"), "L", (8, 8), seed=10)
    text = said(capsys, "classify grown odd --out out.csv")
    assert "of the 8 with a known class are right" in text
    assert "not quite those that the run was trained on: some of the labels it has learned" in text


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("plain bare --out out.csv", "plain cannot classify: train it with labels and --set head=softmax"),
        ("run nothing --out out.csv", "nothing: no images in this folder"),
        ("run bare --out bare", "--out bare is a folder; name a file"),
        ("run bare --out bare/0.png/out.csv", "0.png is a file; name another place"),
        ("run bare --out out.csv --confusion ./out.csv", "--out and --confusion are both out.csv; name two files"),
        ("run bare --out out.csv --confusion bare", "--confusion bare is a folder"),
        ("run bare --out out.csv --confusion table.csv", "no class of bare is known; leave it out"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(
    here: Path, capsys: Captured, words: str, line: str
) -> None:
    assert line in refused(capsys, f"classify {words}")
    assert not Path("out.csv").exists()


def test_a_place_that_cannot_be_written_to_is_refused_at_once(
    here: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert f"--out new/out.csv: {here} cannot be written to" in refused(capsys, "classify run bare --out new/out.csv")


def test_a_broken_model_is_refused(here: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = np.full((6, 10), np.nan, np.float32)
    monkeypatch.setattr("latelier.codes.rows.blocks_of", lambda *given, **more: iter([nothing]))
    assert "run gives no numbers: the model is broken" in refused(capsys, "classify run bare --out out.csv")
