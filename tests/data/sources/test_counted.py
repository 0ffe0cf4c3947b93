"""How many images each shard has, and the sample that stands for all of them."""

import json
from pathlib import Path

import numpy as np
import pytest
from shards import labelled_tars, parquet, png, tar

from latelier.data.remote.cache import Cache
from latelier.data.sources import counted, sampled
from latelier.data.sources.counted import counts
from latelier.data.sources.listed import ShardSet
from latelier.data.sources.open import open_images, shards_of
from latelier.errors import Refusal


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    return labelled_tars(tmp_path / "shards", shards=3, images=6)


def shards(pattern: str) -> ShardSet:
    found = shards_of(pattern)
    assert found is not None
    return found


def test_tar_files_are_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tar(folder / "train-0003.tar", {"a.png": png(), "a.cls": b"7", "b.cls": b"8"})
    first = counts(shards(f"{folder}/*.tar"))
    assert (first.images.tolist(), first.classes) == ([6, 6, 6, 1], tuple("01234567"))

    def none(self: ShardSet, files: object, beside: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(ShardSet, "plan", none)
    again = counts(shards(f"{folder}/*.tar"))
    assert (again.images.tolist(), again.classes) == (first.images.tolist(), first.classes)
    labelled_tars(folder, shards=1, images=5)  # one is another now
    with pytest.raises(AssertionError, match="read again"):
        counts(shards(f"{folder}/*.tar"))


def test_a_shard_without_images_counts_none_and_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says nothing of classes, which names.json lists in an order of its own."""
    (folder / "names.json").write_text(json.dumps({"label": ["wolf", "cat", "dog"]}))
    tar(folder / "train-0003.tar", {})
    tar(folder / "train-0004.tar", {"readme.md": b"x"})
    for _ in ("read", "known"):
        found = counts(shards(f"{folder}/*.tar"))
        assert (found.images.tolist(), found.classes) == ([6, 6, 6, 0, 0], ("wolf", "cat", "dog"))
    sample = open_images(f"{folder}/*.tar", sample=True)
    assert len(sample) == 18
    assert sample.remarks == ("2 of 5 shards hold no images and are passed over: train-0003.tar, train-0004.tar",)
    with pytest.raises(Refusal, match="hold no images"):
        counts(shards(f"{folder}/train-000{{3,4}}.tar"))


def test_words_of_all_shards_are_classes(folder: Path) -> None:
    for number, word in enumerate(("wolf", "cat", "dog 10", "dog 2")):
        tar(folder / "words" / f"{number}.tar", {"a.png": png(), "a.cls": word.encode()})
    assert counts(shards(f"{folder}/words/*.tar")).classes == ("cat", "dog 2", "dog 10", "wolf")


def test_an_index_of_wids_saves_the_reading(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cache, "local", lambda self, shard: Path(shard.url) if "json" in shard.url else 1 / 0)
    told = [{"url": f"s3://elsewhere/train-{i:04d}.tar", "nsamples": 6 + i} for i in range(3)]
    (folder / "shards.json").write_text(json.dumps({"wids_version": 1, "shardlist": told}))
    assert counts(shards(f"{folder}/*.tar")).images.tolist() == [6, 7, 8]
    (folder / "shards.json").write_text(json.dumps({"shardlist": 5}))
    with pytest.raises(Refusal, match=r"shards.json: not understood"):
        counts(shards(f"{folder}/*.tar"))


def test_an_index_of_other_shards_counts_for_nothing(folder: Path) -> None:
    (folder / "index.json").write_text(json.dumps({"shardlist": [{"url": "train-0000.tar", "nsamples": 1}]}))
    assert counts(shards(f"{folder}/*.tar")).images.tolist() == [6, 6, 6]


def test_parquet_says_it_at_its_end(folder: Path) -> None:
    for number in range(2):
        parquet(folder / f"{number}.parquet", {"image": [png()] * (number + 2)})
    assert counts(shards(f"{folder}/*.parquet")).images.tolist() == [2, 3]


def test_shards_without_images_are_refused(folder: Path) -> None:
    parquet(folder / "none.parquet", {"image": np.array([], object)})
    with pytest.raises(Refusal, match="hold no images"):
        counts(shards(f"{folder}/none.parquet"))


def test_the_sample_is_the_same_each_time_and_says_what_it_is_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = open_images(f"{folder}/*.tar", sample=True)
    assert (len(whole), whole.remarks) == (18, ())
    assert whole.names[:2] == ["train-0000.tar:0", "train-0000.tar:1"]
    monkeypatch.setattr(sampled, "IMAGES", 8)
    monkeypatch.setattr(sampled, "SHARDS", 2)
    some = open_images(f"{folder}/*.tar", sample=True)
    assert some.remarks == ("a sample: 8 of 18 images, from 2 of 3 shards",)
    monkeypatch.setattr(counted, "AT_ONCE", 1)
    assert open_images(f"{folder}/*.tar", sample=True).fingerprint == some.fingerprint
    everything = open_images(f"{folder}/*.tar")
    rows = [6 * int(name[6:10]) + int(name.partition(":")[2]) for name in some.names]
    assert np.array_equal(np.asarray(some.pixels), np.asarray(everything.pixels)[rows])
    assert list(some.label) == everything.label[rows].tolist()


def test_a_sample_tells_of_every_shard(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled, "SHARDS", 1)
    before = open_images(f"{folder}/*.tar", sample=True)
    labelled_tars(folder, shards=3, images=7)
    after = open_images(f"{folder}/*.tar", sample=True)
    assert before.fingerprint != after.fingerprint


def test_an_index_that_is_wrong_is_named(folder: Path) -> None:
    told = [{"url": f"train-{i:04d}.tar", "nsamples": 5} for i in range(3)]
    (folder / "shards.json").write_text(json.dumps({"shardlist": told}))
    with pytest.raises(Refusal, match="18 images, and 15 were counted or stand in the index beside it"):
        open_images(f"{folder}/*.tar", sample=True)
