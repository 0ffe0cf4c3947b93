"""A run as the verbs see it."""

import json
from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from drawn_folder import drawn_folder
from made import folder, write

import latelier
from latelier.data.batches import Batches
from latelier.data.drawn.scenes import draw_scenes
from latelier.page.contents import Sheets, sheets
from latelier.runs import run as run_module
from latelier.runs import splits
from latelier.runs.run import Run, open_run
from latelier.runs.where import Where
from latelier.verdict.verdict import verdict

TINY = {"settings": ["net=mlp", "net.widths=4", "latent=2"], "batch": 4, "quiet": True}


def logged(place: Path, *records: dict[str, object]) -> list[str]:
    """What a run makes of a log: place and kind of each record."""
    (place / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    run = Run(place, None, None, {}, 0, ())  # type: ignore[arg-type]
    return [f"{record['seen']} {list(record)[1]}" for record in run.log]


def test_what_was_seen_again_after_a_crash_stands_once_in_the_log(tmp_path: Path) -> None:
    terms, validation, remark = {"terms": {}}, {"validation": {}}, {"remark": "cut short"}
    before = [{"seen": seen, **record} for seen in (10, 20) for record in (terms, validation)]
    again = [{"seen": 10, **remark}, {"seen": 20, **terms}, {"seen": 20, **validation}, {"seen": 30, **terms}]
    once = ["10 terms", "10 validation", "10 remark", "20 terms", "20 validation", "30 terms"]
    assert logged(tmp_path, *before, *again) == once
    assert logged(tmp_path, *before) == once[:2] + once[3:5]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "packs"


@pytest.mark.parametrize("asked", [{}, {"size": 8}, {"channels": 1}])
def test_the_images_of_training_are_not_decoded_again(tmp_path: Path, cache: Path, asked: dict[str, int]) -> None:
    source = str(folder(tmp_path / "images", 8))
    run = open_run(latelier.train("vae", data=source, out=tmp_path / "run", epochs=1, **asked, **TINY))
    assert run.splits(None, Where()).seen
    assert len(list(cache.iterdir())) == 1
    write(tmp_path / "others" / "larger.png", size=(40, 30))
    if asked.get("size"):
        assert run.images(tmp_path / "others", Where()).shape == run.model.image


def test_a_log_of_an_earlier_version_has_its_terms_in_todays_words(tmp_path: Path) -> None:
    terms = {"strangers": 3.0, "strangers embedded": 2.0, "fakes told apart": 0.9, "cycle z": 1.0}
    look = {"told by words": 60.0, "share of the likeliest": 0.4}
    lines = (json.dumps(record) for record in ({"seen": 0, "look": look}, {"seen": 1, "terms": terms}))
    (tmp_path / "log.jsonl").write_text("".join(f"{line}\n" for line in lines))
    first, second = Run(tmp_path, None, None, {}, 0, ()).log  # type: ignore[arg-type]
    assert first["look"] == {"pseudo labels": 60.0, "pseudo confidence": 0.4}
    assert second["terms"] == {
        "other images": 3.0,
        "other images embedded": 2.0,
        "fake accuracy": 0.9,
        "cycle z": 1.0,
    }


def test_a_source_without_splits_is_halved_and_of_a_large_one_a_part_is_taken(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = open_run(latelier.train("vae", data="digits:test", out=tmp_path / "run", epochs=0.1, **TINY))
    source = folder(tmp_path / "images", 9, "L", (8, 8))
    fit, test, *_ = run.splits(source, Where())
    assert sorted([*fit.names, *test.names]) == [f"{i:03}.png" for i in range(9)]
    monkeypatch.setattr(splits, "HALF", 3 * 8 * 8)
    monkeypatch.setattr(splits, "FEWEST", 2)
    fit, test, *_ = run.splits(source, Where())
    assert (len(fit), len(test)) == (3, 3)
    assert np.intersect1d(fit.names, test.names).size == 0


def test_images_that_a_run_may_have_seen_are_not_called_unseen(tmp_path: Path, cache: Path) -> None:
    """Its own folder with an image more, and any images of a lone weights file."""
    source = folder(tmp_path / "images", 8)
    run = open_run(latelier.train("vae", data=str(source), out=tmp_path / "run", steps=2, **TINY))
    others = folder(tmp_path / "others", 8)
    assert not run.splits(str(others), Where()).doubtful
    folder(tmp_path / "more", 9)
    (tmp_path / "more" / sorted(path.name for path in (tmp_path / "more").iterdir())[-1]).rename(source / "new.png")
    found = run.splits(None, Where())
    assert (found.seen, found.doubtful) == (False, True)
    said, _ = verdict(run, found)
    assert any("some of which it may have seen" in finding.text for finding in said)
    lone = sorted(run.folder.glob("weights-*.safetensors"))[-1].rename(tmp_path / "lone.safetensors")
    assert open_run(lone).splits(str(others), Where()).doubtful


def records(*seen: int, name: str = "reconstruction") -> list[dict[str, object]]:
    rest = {"data": "digits:test", "n": 5, "seconds": 1.0, "seed": 0, "protocol": "So."}
    return [{"name": name, "values": {"PSNR dB": float(at)}, "seen": at, **rest} for at in seen]


def test_of_one_image_a_report_says_what_it_can(tmp_path: Path, cache: Path) -> None:
    pets = drawn_folder(tmp_path / "pets", 60, side=8)
    one = drawn_folder(tmp_path / "one", 1, side=8, seed=1)
    run = latelier.train("vae", data=pets, out=tmp_path / "run", epochs=1, **TINY)
    splits = open_run(run).splits(one, Where())
    assert (len(splits.test), splits.seen) == (1, False)
    assert list(splits.fit.names) == list(open_run(run).splits(None, Where()).fit.names)
    latelier.report(run, data=one, out=tmp_path / "one.html")
    said = (tmp_path / "one.html").read_text()
    assert "Measured on 1 image that it did not see in training." in said
    assert "has none to fit or fewer than two to test on" in said


def test_a_run_of_one_image_is_compared_with_no_mean_of_it(tmp_path: Path, cache: Path) -> None:
    one = drawn_folder(tmp_path / "one", 1, side=8)
    run = open_run(latelier.train("vae", data=one, out=tmp_path / "run", steps=2, **TINY))
    splits = run.splits(None, Where())
    assert (len(splits.fit), len(splits.test), splits.seen) == (1, 1, True)
    said, facts = verdict(run, splits)
    assert "one image has no mean and no PCA beside it" in said[0].text
    assert not {"PSNR of mean", "other error"} & facts.keys()


def test_scores_belong_to_a_checkpoint(tmp_path: Path) -> None:
    """After a resumed training the earlier checkpoint's are not the run's."""
    (tmp_path / "scores.json").write_text(json.dumps(records(100, 200)))
    now, before = (Run(tmp_path, None, None, {}, seen, ()) for seen in (200, 100))  # type: ignore[arg-type]
    assert now.scores == records(200)
    assert before.scores == records(100)
    assert (now.stale, before.stale) == ([100], [200])
    later = Run(tmp_path, None, None, {}, 300, ())  # type: ignore[arg-type]
    assert later.scores == []
    later.keep(records(300))
    assert later.scores == records(300)
    assert later._records() == records(100, 200, 300)


def test_a_report_after_more_training_scores_the_new_checkpoint(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = {"data": "digits:test", "out": tmp_path / "run", **TINY, "batch": 50}
    latelier.train("vae", epochs=0.1, **training)
    monkeypatch.setattr("latelier.verbs.score.judge", lambda run, *_, **__: records(run.seen))
    monkeypatch.setattr("latelier.page.contents.sheets", lambda *_, **__: Sheets([], []))
    for epochs, different in ((0.1, ""), (1.5, ", 500 different ones")):
        latelier.train(out=tmp_path / "run", resume=True, epochs=epochs, quiet=True)
        seen = open_run(tmp_path / "run").seen
        page = latelier.report(tmp_path / "run", data="digits").read_text()
        assert [record["seen"] for record in open_run(tmp_path / "run").scores] == [seen]
        assert f">{seen}<" in page
        assert f"A vae after {seen:,} images{different}. " in page


def test_what_can_be_drawn_is_and_the_rest_has_its_reason(tmp_path: Path, cache: Path) -> None:
    run = open_run(latelier.train("vae", data="digits:test", out=tmp_path / "run", epochs=0.1, **TINY))
    found = sheets(run, run.images("digits", Where(), quiet=True), ["latent_map", "samples"])
    assert [sheet.name for sheet in found.drawn] == ["samples"]
    ((name, reason),) = found.undrawn
    assert name == "latent_map"
    assert reason.startswith("needs images whose")


def test_a_comparison_leaves_out_scores_of_another_checkpoint_and_takes_them_anew(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = latelier.train("vae", data="digits", out=tmp_path / "run", epochs=0.1, **TINY)
    (run / "scores.json").write_text(json.dumps(records(4)))
    monkeypatch.setattr("latelier.verbs.score.judge", lambda run, *_: records(run.seen))
    assert str(open_run(run).seen) in latelier.compare(run, run, out=tmp_path / "sheet.png")
    assert "has no scores of its checkpoint yet: scoring it on digits" in capsys.readouterr().err


def test_two_that_score_at_once_lose_nothing(tmp_path: Path) -> None:
    one, other = (Run(tmp_path, None, None, {}, 7, ()) for _ in range(2))  # type: ignore[arg-type]
    assert one.scores == other.scores == []  # both have read the file before either writes
    one.keep(records(7, name="probe"))
    other.keep(records(7, name="likelihood"))
    both = [*records(7, name="probe"), *records(7, name="likelihood")]
    assert one._records() == both
    writers = [
        Thread(target=Run(tmp_path, None, None, {}, 7, ()).keep, args=(records(7, name=str(number)),))  # type: ignore[arg-type]
        for number in range(20)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(json.loads((tmp_path / "scores.json").read_text())) == 22


@pytest.mark.parametrize("asked", [{}, {"validation": 0.2}, {"images": 100}])
def test_scores_are_told_which_labels_the_run_learned_from(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, asked: dict[str, float]
) -> None:
    learned: list[np.ndarray] = []
    batches = Batches.__init__
    monkeypatch.setattr(
        Batches,
        "__init__",
        lambda self, images, *rest, **named: (learned.append(images.label), batches(self, images, *rest, **named))[1],
    )
    given = {"data": "digits", "out": tmp_path / "run", "labels": 2, "seed": 3, "epochs": 0.1, **asked, **TINY}
    splits = open_run(latelier.train("vae", **given)).splits(None, Where())
    assert splits.labels_learned == 20
    assert splits.labelled_rows is not None
    known = np.flatnonzero(learned[0] >= 0) if "validation" not in asked else splits.labelled_rows
    assert splits.labelled_rows.tolist() == known.tolist()
    assert (learned[0][splits.labelled_rows] >= 0).all()
    assert np.bincount(splits.fit.label[splits.labelled_rows]).tolist() == [2] * 10


def test_a_run_without_a_head_learned_from_no_label_and_one_with_from_all(tmp_path: Path, cache: Path) -> None:
    given = {"data": "digits", "epochs": 0.1, **TINY}
    plain = open_run(latelier.train("vae", out=tmp_path / "plain", **given)).splits(None, Where())
    assert (plain.labels_learned, plain.labelled_rows) == (0, None)
    given["settings"] = [*TINY["settings"], "head=softmax"]
    run = open_run(latelier.train("vae", out=tmp_path / "told", **given))
    here, elsewhere = run.splits(None, Where()), run.splits(folder(tmp_path / "others", 9, "L", (8, 8)), Where())
    assert here.labelled_rows is not None
    assert (here.labels_learned, len(here.labelled_rows)) == (1297, 1297)
    assert (elsewhere.labels_learned, elsewhere.labelled_rows) == (1297, None)


def test_a_view_knows_the_levels_of_its_own_images_and_is_no_larger_than_memory(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = open_run(latelier.train("vae", data="digits", out=tmp_path / "run", epochs=0.1, **TINY))
    scenes = draw_scenes(200)
    view = run.view(scenes, "", most=150)
    rows = [int(name.removeprefix("scene-")) for name in view.names]
    assert (view.factors, len(rows)) == (scenes.factors, 150)
    assert np.array_equal(view.levels.numpy(), scenes.truth["levels"][rows])
    assert run.view(scenes, "").names == view.names[:64]
    monkeypatch.setattr(run_module, "SEEN", 100 * 4 * 3 * 32 * 32)
    assert len(run.view(scenes, "", most=150).image) == 100
    monkeypatch.setattr(run_module, "SEEN", 0)
    assert len(run.view(scenes, "", most=150).image) == 64
    unknown = run.view(replace(scenes, truth={}), "")
    assert (unknown.factors, unknown.levels.numel()) == ((), 0)
