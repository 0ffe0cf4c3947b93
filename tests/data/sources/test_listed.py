"""Shards that a pattern names are read as those of a folder are."""

import json
from pathlib import Path

import numpy as np
import pytest
from commands import Captured, refused
from shards import labelled_tars, parquet, png, tar

from latelier.cli import main
from latelier.data.sources.open import open_images, splits_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    return labelled_tars(tmp_path / "shards", shards=3, images=5)


@pytest.mark.parametrize("pattern", ["train-{0000..0002}.tar", "*.tar", "train-000?.tar"])
def test_a_pattern_holds_what_its_folder_does(folder: Path, pattern: str) -> None:
    whole, found = open_images(folder), open_images(f"{folder}/{pattern}")
    assert np.array_equal(np.asarray(whole.pixels), np.asarray(found.pixels))
    assert (found.names, found.classes, found.fingerprint) == (whole.names, whole.classes, whole.fingerprint)
    assert list(found.label) == list(whole.label)


def test_some_of_the_shards_of_a_folder(folder: Path) -> None:
    found = open_images(f"{folder}/train-{{0001..0002}}.tar")
    assert [name[:2] for name in found.names] == ["01"] * 5 + ["02"] * 5


def test_splits_are_those_of_the_shards_names(folder: Path) -> None:
    labelled_tars(folder / "val", shards=1, images=4)
    pattern = f"{folder}/{{.,val}}/train-0000.tar"
    assert splits_of(pattern) == ("train",)
    (folder / "val" / "train-0000.tar").rename(folder / "val-0000.tar")
    pattern = f"{folder}/{{train,val}}-0000.tar"
    assert splits_of(pattern) == ("train", "validation")
    assert [len(open_images(f"{pattern}:{split}")) for split in ("train", "val")] == [5, 4]
    assert len(open_images(pattern)) == 5


def test_parquet(folder: Path) -> None:
    for number in range(2):
        parquet(folder / f"{number}.parquet", {"image": [png(seed=number)], "label": [number]})
    (folder / "names.json").write_text(json.dumps({"label": ["cat", "dog"]}))
    found = open_images(f"{folder}/*.parquet")
    assert (len(found), found.classes, list(found.label)) == (2, ("cat", "dog"), [0, 1])


def test_what_is_no_shard_is_refused(folder: Path, capsys: Captured) -> None:
    (folder / "a.zip").write_bytes(b"")
    parquet(folder / "b.parquet", {"image": [png()]})
    assert "expected .parquet files or uncompressed .tar files" in refused(capsys, f"data '{folder}/*'")
    assert "matches nothing" in refused(capsys, f"data '{folder}/none-*.tar'")
    assert ".parquet and .tar files; give one kind alone" in refused(
        capsys, f"data '{folder}/{{b.parquet,train-0000.tar}}'"
    )
    assert "leave --as parquet out" in refused(capsys, f"data '{folder}/*.tar' --as parquet")


def test_the_survey_of_a_pattern(folder: Path, capsys: Captured) -> None:
    tar(folder / "train-0003.tar", {"a.png": png("L"), "a.txt": b"a word", "notes.md": b"x"})
    main(["data", f"{folder}/*.tar"])
    said = capsys.readouterr().out
    assert "train: 16 images; 3 classes" in said
    assert "files there: 4 = 4 used + 0 skipped + 0 unused" in said
    assert "in shards: 33 = 32 used + 0 skipped + 1 unused" in said


def test_a_run_finds_its_pattern_from_elsewhere(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(folder)
    options = "--steps 2 --batch 4 --quiet --validation 0.2 --set net=mlp net.widths=4 latent=2"
    main(["train", "vae", "--data", "train-*.tar", "--out", "../run", *options.split()])
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    main(["score", "../run", "--only", "reconstruction", "--quiet"])
    (record,) = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert record["n"] == 3
