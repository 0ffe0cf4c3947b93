"""A copy at a URL: whole or not there, and held to what its manifest says."""

import json
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from stores import bucket

from latelier.errors import Refusal
from latelier.storage import json_records
from latelier.storage.mirror import Item, Mirror, held

pytest.importorskip("moto")
pytest.importorskip("s3fs")
WEIGHTS, STATE = "weights-00000064.safetensors", "state-00000064.safetensors"
PIPE = Mirror._pipe


@pytest.fixture(scope="module")
def store() -> Iterator[Any]:
    with bucket("copies") as made:
        yield made


@pytest.fixture(params=["s3", "folder"])
def mirror(request: pytest.FixtureRequest, tmp_path: Path, store: Any) -> Mirror:
    store.objects.delete()
    return Mirror("s3://copies/runs/a" if request.param == "s3" else tmp_path / "copy")


@pytest.fixture
def change(mirror: Mirror, store: Any) -> Callable[[str, Callable[[bytes], bytes]], None]:
    """Changes what lies at the mirror's place, behind its back."""

    def change(name: str, how: Callable[[bytes], bytes]) -> None:
        if mirror.folder is not None:
            (path,) = mirror.folder.glob(f"*{name}")
            path.write_bytes(how(path.read_bytes()))
        else:
            (found,) = [one for one in store.objects.all() if one.key.endswith(name)]
            store.put_object(Key=found.key, Body=how(found.get()["Body"].read()))

    return change


def contents(folder: Path, mark: str) -> dict[str, Item]:
    """Two files, of which one is read from disk."""
    folder.mkdir(exist_ok=True)
    (folder / WEIGHTS).write_bytes(mark.encode() * 1_000)
    on_disk = held((folder / WEIGHTS).read_bytes())._replace(content=folder / WEIGHTS)
    return {WEIGHTS: on_disk, "config.json": held(f"config {mark}".encode())}


def fetched(mirror: Mirror, into: Path) -> dict[str, bytes]:
    """All that a copy holds, without a fault."""
    note = mirror.read()
    assert note is not None
    faults = [mirror.fetch(name, facts, into) for name, facts in note["files"].items()]
    assert faults == [None] * len(faults)
    return {name: (into / name).read_bytes() for name in note["files"]}


def test_what_is_written_is_read_and_older_objects_go(mirror: Mirror, tmp_path: Path) -> None:
    mirror.check_writable()
    assert mirror.read() is None
    for mark in "ab":
        mirror.write(contents(tmp_path / "run", mark))
    assert fetched(mirror, tmp_path / "back") == {WEIGHTS: b"b" * 1_000, "config.json": b"config b"}
    assert sorted(name.partition("-")[2] for name in mirror._names()) == ["00000002.json", "config.json", WEIGHTS]


def test_what_is_not_a_copys_is_not_touched(mirror: Mirror, tmp_path: Path, store: Any) -> None:
    mirror._pipe("notes.txt", b"mine")
    for mark in "ab":
        mirror.write(contents(tmp_path / "run", mark))
    assert mirror._names()["notes.txt"] == 4


@pytest.mark.parametrize("calls", [0, 1, 2, 3, 4])
def test_an_upload_that_dies_anywhere_leaves_the_former_copy(
    mirror: Mirror, calls: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of six requests: two objects, the manifest, three removals."""
    mirror.write(contents(tmp_path / "run", "a"))
    left = iter(range(calls))

    def dying(own: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            if next(left, None) is None:
                raise ConnectionResetError("the line is cut")
            return own(*arguments)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(Mirror, "_pipe", dying(PIPE))
        patch.setattr(mirror._fs, "put_file", dying(mirror._fs.put_file))
        patch.setattr(mirror._fs, "rm_file", dying(mirror._fs.rm_file))
        with pytest.raises(Refusal, match="the line is cut"):
            mirror.write(contents(tmp_path / "run", "b"))
    committed = calls > (1 if mirror.folder is not None else 2)
    mark = "b" if committed else "a"
    assert fetched(mirror, tmp_path / "back") == {
        WEIGHTS: mark.encode() * 1_000,
        "config.json": f"config {mark}".encode(),
    }
    mirror.write(contents(tmp_path / "run", "b"))  # and what it left goes with the next
    assert len(mirror._names()) == 3


def test_copies_that_fail_one_after_another_leave_what_the_last_of_them_wrote(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.write(contents(tmp_path / "run", "a"))

    def no_manifest(one: Mirror, key: str, content: bytes) -> None:
        if key.startswith("mirror-"):
            raise ConnectionResetError("the line is cut")
        PIPE(one, key, content)

    with monkeypatch.context() as patch:
        patch.setattr(Mirror, "_pipe", no_manifest)
        for mark in "bcdefghi":
            with pytest.raises(Refusal, match="the line is cut"):
                mirror.write(contents(tmp_path / "run", mark))
            assert len(mirror._names()) == 3 + 2
    assert fetched(mirror, tmp_path / "back")["config.json"] == b"config a"
    mirror.write(contents(tmp_path / "run", "i"))  # what the last one wrote serves
    assert len(mirror._names()) == 3


def test_nothing_is_swept_that_a_damaged_manifest_may_name(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.write(contents(tmp_path / "run", "a"))
    before = mirror._names()
    whole = mirror._text("mirror-00000001.json")
    with monkeypatch.context() as patch:
        patch.setattr(Mirror, "_text", lambda one, name: whole[:-9])  # as a read gives it that is cut
        assert mirror._left_over(before) == set()
    assert mirror._left_over(before) == set()
    assert mirror._left_over({**before, f"0123456789abcdef-{STATE}": 3}) == {f"0123456789abcdef-{STATE}"}


def test_an_object_that_arrives_short_is_no_copy(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.write(contents(tmp_path / "run", "a"))
    with monkeypatch.context() as patch:
        patch.setattr(Mirror, "_pipe", lambda m, key, content: PIPE(m, key, content[:-1]))
        with pytest.raises(Refusal, match=r"config.json was cut short: 7 of 8 bytes; name another --mirror"):
            mirror.write(contents(tmp_path / "run", "b"))
    assert fetched(mirror, tmp_path / "back")["config.json"] == b"config a"


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (lambda content: content[:-9], f"{WEIGHTS} is cut short: 991 of 1,000 bytes"),
        (lambda content: b"x" + content[1:], f"{WEIGHTS} is damaged: its sha256 is not the manifest's"),
    ],
    ids=["truncated", "flipped"],
)
def test_a_damaged_object_is_named_and_not_written(
    mirror: Mirror, change: Callable[..., None], how: Callable[[bytes], bytes], said: str, tmp_path: Path
) -> None:
    mirror.write(contents(tmp_path / "run", "a"))
    change(WEIGHTS, how)
    note = mirror.read()
    assert note is not None
    assert mirror.fetch(WEIGHTS, note["files"][WEIGHTS], tmp_path / "back") == said
    assert mirror.fetch(STATE, note["files"][WEIGHTS], tmp_path / "back") == f"{STATE} is missing"
    assert not list((tmp_path / "back").glob("*"))


FACTS = {"sha256": "0" * 64, "bytes": 3}
FORGED: dict[str, Any] = {
    "no JSON": "{",
    "another form": json_records.line({"format": 1, "files": []}),
    "a newer format": json_records.line({"format": 9, "files": {}}),
    "a path": json_records.line({"format": 1, "files": {"../../config.json": FACTS}}),
    "a path for a sum": json_records.line({"format": 1, "files": {"config.json": FACTS | {"sha256": "../../../../x"}}}),
    "code": json_records.line({"format": 1, "files": {"my_model.py": FACTS}}),
    "less than nothing": json_records.line({"format": 1, "files": {"config.json": FACTS | {"bytes": -1}}}),
    "changed by hand": json.dumps(json.loads(json_records.line({"format": 1, "files": {}})) | {"format": 2}),
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_strangers_manifest_is_refused(mirror: Mirror, forged: str) -> None:
    mirror._pipe("mirror-00000001.json", FORGED[forged].encode())
    with pytest.raises(Refusal, match=r"mirror-00000001\.json"):
        mirror.read()


def test_a_torn_manifest_leaves_the_one_before(mirror: Mirror, tmp_path: Path) -> None:
    mirror.write(contents(tmp_path / "run", "a"))
    mirror._pipe("mirror-00000002.json", b'{"format": 1, "fi')
    assert fetched(mirror, tmp_path / "back")["config.json"] == b"config a"
    mirror.write(contents(tmp_path / "run", "b"))
    assert fetched(mirror, tmp_path / "back")["config.json"] == b"config b"


@pytest.mark.parametrize("url", ["s3://key:secret@bucket/run", "https://store/run?signature=secret", "s3://bucket/r#s"])
def test_a_url_with_a_secret_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(Refusal) as refused:
        Mirror(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["s3://", "s3:///", "simplecache::s3://bucket/run", "nothing://bucket/run"])
def test_a_url_that_leads_nowhere_is_refused(url: str) -> None:
    with pytest.raises(Refusal, match=r"names no place|cannot use"):
        Mirror(url)


def test_a_bucket_that_is_not_there_is_refused_before_training(store: Any) -> None:
    with pytest.raises(Refusal, match=r"^cannot write to s3://another/run: .*; name another --mirror"):
        Mirror("s3://another/run").check_writable()


@pytest.mark.skipif(find_spec("gcsfs") is not None, reason="it is there")
def test_a_library_that_is_not_there_is_named() -> None:
    with pytest.raises(Refusal, match=r"^cannot use gs://copies/other: .*install gcsfs"):
        Mirror("gs://copies/other")
