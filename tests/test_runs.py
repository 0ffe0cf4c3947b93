"""A run as the verbs see it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made import folder, write

import latelier
from latelier import runs
from latelier.data.scenes import draw_scenes
from latelier.runs import Run, Where, open_run

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
def test_the_pictures_of_training_are_not_decoded_again(tmp_path: Path, cache: Path, asked: dict[str, int]) -> None:
    pictures = str(folder(tmp_path / "pictures", 8))
    run = open_run(latelier.train("vae", data=pictures, out=tmp_path / "run", epochs=1, **asked, **TINY))
    assert run.splits(None, Where()).seen
    assert len(list(cache.iterdir())) == 1
    write(tmp_path / "others" / "larger.png", size=(40, 30))
    if asked.get("size"):
        assert run.images(tmp_path / "others", Where()).shape == run.model.image


def test_a_source_without_splits_is_halved_and_of_a_large_one_a_part_is_taken(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = open_run(latelier.train("vae", data="digits:test", out=tmp_path / "run", epochs=0.1, **TINY))
    pictures = folder(tmp_path / "pictures", 9, "L", (8, 8))
    fit, test, *_ = run.splits(pictures, Where())
    assert sorted([*fit.names, *test.names]) == [f"{i:03}.png" for i in range(9)]
    monkeypatch.setattr(runs, "HALF", 3 * 8 * 8)
    monkeypatch.setattr(runs, "FEWEST", 2)
    fit, test, *_ = run.splits(pictures, Where())
    assert (len(fit), len(test)) == (3, 3)
    assert np.intersect1d(fit.names, test.names).size == 0


def test_a_view_knows_the_levels_of_its_own_pictures_and_is_no_larger_than_memory(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = open_run(latelier.train("vae", data="digits", out=tmp_path / "run", epochs=0.1, **TINY))
    scenes = draw_scenes(200)
    view = run.view(scenes, "", most=150)
    rows = [int(name.removeprefix("scene-")) for name in view.names]
    assert (view.factors, len(rows)) == (scenes.factors, 150)
    assert np.array_equal(view.levels.numpy(), scenes.truth["levels"][rows])
    assert run.view(scenes, "").names == view.names[:64]
    monkeypatch.setattr(runs, "SEEN", 100 * 4 * 3 * 32 * 32)
    assert len(run.view(scenes, "", most=150).image) == 100
    monkeypatch.setattr(runs, "SEEN", 0)
    assert len(run.view(scenes, "", most=150).image) == 64
    unknown = run.view(replace(scenes, truth={}), "")
    assert (unknown.factors, unknown.levels.numel()) == ((), 0)
