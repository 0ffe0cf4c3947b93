"""Shards on a web server of this machine, which knows no ranges."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from listening import listening

from latelier.data.remote import attempts, store
from latelier.data.remote.cache import Cache
from latelier.data.remote.store import listed
from latelier.data.sources.open import open_images
from latelier.errors import Refusal


class Quiet(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/forbidden"):
            self.send_error(403)
        else:
            super().do_GET()

    do_HEAD = do_GET

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


def served(folder: Path) -> AbstractContextManager[str]:
    return listening(partial(Quiet, directory=str(folder)))


@pytest.fixture(scope="module")
def web(files: Path) -> Iterator[str]:
    with served(files) as address:
        yield address


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(attempts, "WAIT", 0.001)
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))


def test_shards_of_a_web_server_are_those_of_its_folder(web: str, files: Path) -> None:
    found = open_images(f"{web}/train-{{0000..0003}}.tar")
    assert found.fingerprint == open_images(files).fingerprint
    assert listed(f"{web}/train-*.tar") == listed(f"{web}/train-{{0000..0003}}.tar")


def test_bytes_come_whole_from_a_server_without_ranges(web: str, files: Path, tmp_path: Path) -> None:
    (shard,) = listed(f"{web}/train-0001.tar")
    assert Cache(tmp_path).local(shard).read_bytes() == (files / "train-0001.tar").read_bytes()


@pytest.mark.parametrize(
    ("path", "said"),
    [("none.tar", "is not there"), ("forbidden.tar", "no permission to read it"), ("*.parquet", "matches nothing")],
)
def test_what_cannot_be_had_is_refused(web: str, path: str, said: str) -> None:
    with pytest.raises(Refusal, match=said):
        listed(f"{web}/{path}")


def test_a_server_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "TRIES", 2)
    with pytest.raises(Refusal, match="cannot be read, after 2 attempts"):
        listed("http://127.0.0.1:9/train-0000.tar")


@pytest.mark.parametrize("sample", [False, True])
def test_what_is_wrong_with_a_shard_is_said_of_its_address(files: Path, tmp_path: Path, sample: bool) -> None:
    whole = (files / "train-0001.tar").read_bytes()
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "train-0000.tar").write_bytes(whole[: len(whole) // 2 - 100])
    with served(tmp_path / "web") as address:
        with pytest.raises(Refusal, match=f"^{address}/train-0000.tar: not a whole, uncompressed tar file"):
            open_images(f"{address}/train-*.tar", sample=sample)
        (tmp_path / "web" / "train-0000.tar").write_bytes(whole[: -(-len(whole.rstrip(b"\0")) // 512) * 512])
        store._in_store.cache_clear()
        (remark,) = open_images(f"{address}/train-*.tar", sample=sample).remarks
        assert remark == f"{address}/train-0000.tar does not end as a tar file does: was it cut?"


def test_a_message_names_addresses_in_the_place_of_files_and_folders(web: str, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    (shard,) = listed(f"{web}/train-0001.tar")
    path = cache.local(shard)
    assert cache.by_address(f"{path}: cut; {path.parent}/names.json") == f"{shard.url}: cut; {web}/names.json"
    other = tmp_path / "shards" / ("0" * 32) / "x.tar"  # of another process
    assert cache.by_address(str(other)) == str(other)
