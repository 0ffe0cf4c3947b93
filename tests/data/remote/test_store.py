"""Objects of a real S3 server, and what is done about its faults."""

import re
import sys
from pathlib import Path

import pytest
from stores import Faults

from latelier.data.remote import attempts, store
from latelier.data.remote.cache import Cache
from latelier.data.remote.store import Shard, listed, sibling
from latelier.errors import Refusal

ALL = "s3://images/train-{0000..0003}.tar"


def fetched(tmp_path: Path, files: Path) -> int:
    """Fetches all shards, anew. How many are what they were when they were stored."""
    cache = Cache(tmp_path / "cache")
    same = [cache.local(shard).read_bytes() == (files / shard.name).read_bytes() for shard in listed(ALL)]
    assert len(same) == 4
    return sum(same)


def test_a_pattern_with_braces_and_one_with_wildcards_list_the_same(faults: Faults, files: Path) -> None:
    by_braces = listed(ALL)
    assert [shard.name for shard in by_braces] == sorted(path.name for path in files.iterdir())
    assert [shard.size for shard in by_braces] == [path.stat().st_size for path in sorted(files.iterdir())]
    assert listed("s3://images/*.tar") == by_braces


def test_many_names_are_listed_by_their_folder(faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    one_by_one = listed(ALL)
    monkeypatch.setattr(store, "FEW", 2)
    store._in_store.cache_clear()
    assert listed(ALL) == one_by_one


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("s3://images/none-*.tar", "matches nothing"),
        ("s3://nobucket/*.tar", "matches nothing"),
        ("s3://images/train-{0000..0009}.tar", r"train-0004.tar is not there \(6 of 10 names\)"),
        ("s3://nobucket/train-0000.tar", "is not there"),
    ],
)
def test_what_matches_nothing_is_refused(faults: Faults, pattern: str, said: str) -> None:
    with pytest.raises(Refusal, match=said):
        listed(pattern)


def test_what_may_not_be_read_is_refused_at_once(faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(store, "filesystem", lambda url: store_without_keys())
    with pytest.raises(Refusal, match="no permission to read it"):
        listed(ALL)


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("hf://x", "hf://datasets/OWNER/NAME/FILE.parquet"),
        ("hf://", "hf://datasets/OWNER/NAME/FILE.parquet"),
        ("hf://datasets/a b/c/x-*.tar", "hf://datasets/OWNER/NAME/FILE.parquet"),
        ("http:///x.tar", "http://HOST/NAME.tar"),
        ("s3://no bucket/x.tar", "s3://BUCKET/NAME.tar"),
    ],
)
def test_what_cannot_be_an_address_is_asked_for_once(
    address: str, form: str, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts.time, "sleep", lambda seconds: pytest.fail("asked again"))
    with pytest.raises(Refusal, match=f"^{re.escape(address)} cannot be an address .* expected one as {form}$"):
        listed(address)


class AnsweredError(Exception):
    """As gcsfs has it."""

    code = 401


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError("Forbidden: b/pets/o"), "no permission to read it (Forbidden: b/pets/o); give keys"),
        (AnsweredError("Anonymous caller"), "no permission to read it (Anonymous caller); give keys"),
        (ConnectionError("no answer"), "cannot be read, after 6 attempts: no answer; nothing that was saved is lost"),
    ],
)
def test_a_library_that_makes_attempts_by_itself_is_asked_once(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked() -> None:
        raise error

    monkeypatch.setattr(attempts.time, "sleep", lambda seconds: pytest.fail("asked again"))
    with pytest.raises(Refusal, match=f"^gs://pets/x.tar:? {re.escape(said)}"):
        attempts.tried(asked, "gs://pets/x.tar")


def test_what_is_cut_is_asked_for_again_whoever_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [attempts.CutError("3 of 4 bytes came"), None]

    def asked() -> str:
        if error := answers.pop(0):
            raise error
        return "whole"

    monkeypatch.setattr(attempts.time, "sleep", lambda seconds: None)
    assert attempts.tried(asked, "gs://pets/x.tar") == "whole"


@pytest.mark.parametrize("address", ["https://h/x.parquet", "x.parquet"])
def test_what_a_file_holds_is_no_fault_of_its_address(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged() -> None:
        raise ValueError("Parquet magic bytes not found in footer")

    waits = list[float]()
    monkeypatch.setattr(attempts.time, "sleep", waits.append)
    with pytest.raises(Refusal, match=f"^{address} cannot be read, after 6 attempts: Parquet magic bytes not found"):
        attempts.tried(damaged, address)
    assert len(waits) == 5


def store_without_keys() -> object:
    import s3fs

    return s3fs.S3FileSystem(skip_instance_cache=True, config_kwargs={"retries": {"max_attempts": 0}})


@pytest.mark.parametrize(
    "fault", [{}, {"refuse": 3}, {"cut": 3}, {"flip": 1}, {"delay": 0.05}, {"refuse": 2, "cut": 2}], ids=str
)
def test_bytes_come_whole_whatever_happens_on_the_way(
    faults: Faults, files: Path, tmp_path: Path, fault: dict[str, float]
) -> None:
    vars(faults).update(fault)
    assert fetched(tmp_path, files) == 4
    assert (faults.refuse, faults.cut, faults.flip) == (0, 0, 0)


def test_a_fault_that_stays_is_named_in_one_line_and_leaves_nothing(
    faults: Faults, files: Path, tmp_path: Path
) -> None:
    faults.refuse = 10_000
    with pytest.raises(Refusal, match=r"s3://images/train-0000.tar cannot be read, after 6 attempts: .*--resume"):
        fetched(tmp_path, files)
    assert [path.name for path in (tmp_path / "cache" / "shards").iterdir()] == []
    faults.refuse = 0
    assert fetched(tmp_path, files) == 4


def test_an_object_that_changed_is_refused(faults: Faults, tmp_path: Path) -> None:
    (first, *_) = listed(ALL)
    other = first._replace(tag="0" * 32)
    with pytest.raises(Refusal, match="has changed since it was listed"):
        Cache(tmp_path / "cache").local(other)


def test_what_lies_beside_a_shard_is_found_and_nothing_else(faults: Faults) -> None:
    (first, *_) = listed(ALL)
    assert sibling(first, "names.json") is None
    assert sibling(first, "train-0003.tar") == listed(ALL)[3]


def test_a_missing_package_is_named_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "find_spec", lambda name: None)
    store._in_store.cache_clear()
    with pytest.raises(Refusal, match=r'fsspec and s3fs, not installed here: pip install "latelier\[remote\]"'):
        listed(ALL)


def test_local_patterns_need_no_package(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    shards = listed(f"{files}/train-*.tar")
    assert [
        Shard(str(path), path.stat().st_size, str(path.stat().st_mtime_ns)) for path in sorted(files.iterdir())
    ] == (shards)
