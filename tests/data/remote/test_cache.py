"""Fetched shards on this machine."""

import json
import os
from pathlib import Path

import pytest
from commands import Captured
from stores import Faults

from latelier.cli import main
from latelier.data.remote.cache import ABOUT, Cache, limit, shelved
from latelier.data.remote.store import Shard, listed
from latelier.errors import Refusal


@pytest.fixture
def shards(faults: Faults) -> list[Shard]:
    return listed("s3://images/*.tar")


def test_a_shard_is_fetched_once(faults: Faults, shards: list[Shard], tmp_path: Path) -> None:
    path = Cache(tmp_path).local(shards[0])
    before = faults.gets
    assert Cache(tmp_path).local(shards[0]) == path  # as another process would find it
    assert faults.gets == before > 0


def test_those_unused_longest_go_and_those_in_use_stay(
    shards: list[Shard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(tmp_path)
    monkeypatch.setenv("LATELIER_SHARDS", str(3 * shards[0].size + 3000))
    paths = [cache.local(shard) for shard in shards[:3]]
    for age, path in enumerate(paths):
        os.utime(path.parent, (age, age))
    cache.local(shards[0])  # used again
    cache.local(shards[3])
    assert [path.exists() for path in paths] == [True, False, True]
    assert sum(held.bytes for held in shelved(cache.folder)) <= limit()
    assert cache.local(shards[1]).read_bytes() != b""  # whoever finds one gone has it again


def test_a_damaged_shard_is_fetched_anew(faults: Faults, shards: list[Shard], files: Path, tmp_path: Path) -> None:
    path = Cache(tmp_path).local(shards[0])
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert Cache(tmp_path).local(shards[0]).read_bytes() == (files / shards[0].name).read_bytes()
    (path.parent / ABOUT).write_text("[]")
    assert Cache(tmp_path).local(shards[0]).read_bytes() == (files / shards[0].name).read_bytes()


def test_what_a_killed_process_has_left_is_removed(shards: list[Shard], tmp_path: Path) -> None:
    folder = Cache(tmp_path).local(shards[0]).parent
    part = folder.rename(folder.with_suffix(".part"))
    assert Cache(tmp_path).local(shards[0]).parent == folder
    assert not part.exists()


def test_the_verb_sums_up_what_is_fetched_and_removes_what_is_unused(
    shards: list[Shard], tmp_path: Path, capsys: Captured
) -> None:
    held = Cache(tmp_path / "cache")
    paths = [held.local(shard) for shard in shards[:3]]
    paths[0].parent.rename(paths[0].parent.with_suffix(".part"))
    os.utime(paths[1].parent, (0, 0))
    main(["cache"])
    assert "3 fetched shards, " in capsys.readouterr().out
    main(["cache", "--prune", "--json"])
    assert json.loads(capsys.readouterr().out)["shards"]["count"] == 2
    main(["cache", "--prune", "--unused", "1d"])
    said = capsys.readouterr().out
    assert "1 fetched shard, " in said
    assert "removed 1 fetched shard\n" in said
    assert [path.exists() for path in paths] == [False, False, True]


def test_a_shard_larger_than_the_cache_is_refused(
    shards: list[Shard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATELIER_SHARDS", "1K")
    with pytest.raises(Refusal, match="fetched shards may take 1,000; LATELIER_SHARDS=64G allows more"):
        Cache(tmp_path).local(shards[0])
    monkeypatch.setenv("LATELIER_SHARDS", "much")
    with pytest.raises(Refusal, match="LATELIER_SHARDS=much: expected bytes"):
        limit()
