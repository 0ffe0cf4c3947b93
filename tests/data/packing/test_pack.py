import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made import folder, write

from latelier.data import checked, texts
from latelier.data.images import Images
from latelier.data.packing import fill, opening, pack, pool, worker
from latelier.data.packing.plan import unknown
from latelier.data.sources.open import open_images
from latelier.errors import Refusal

Many = Callable[[], None]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def two_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes even a few images worth two processes."""
    monkeypatch.setattr(fill, "SMALL", 2)
    monkeypatch.setattr(fill, "JOB_ROWS", 4)
    monkeypatch.setattr(fill, "cores", lambda: 2)


def packs(cache: Path) -> list[str]:
    return sorted(path.suffix for path in (cache / "packs").iterdir())


def test_second_call_opens_the_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_images(folder(tmp_path / "images", 5))
    monkeypatch.setattr(pack, "fill", None)  # decoding again would fail
    second = open_images(tmp_path / "images")
    assert isinstance(second.pixels, np.memmap)
    assert not second.pixels.flags.writeable
    assert (second.pixels == first.pixels).all()
    assert second.fingerprint == first.fingerprint


@pytest.mark.usefixtures("two_processes")
def test_processes_give_what_one_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = folder(tmp_path / "images", 30)
    for row in (0, 9, 10, 11, 29):
        (source / f"{row:03}.png").write_text("no image")
    told: list[tuple[int, int]] = []
    many = open_images(source, cache=tmp_path / "many", progress=lambda done, total: told.append((done, total)))
    monkeypatch.setattr(fill, "SMALL", 1000)
    one = open_images(source, cache=tmp_path / "one")
    assert (many.pixels == one.pixels).all()
    assert many.fingerprint == one.fingerprint
    assert many.skipped == one.skipped == tuple(f"{row:03}.png" for row in (0, 9, 10, 11, 29))
    assert list(many.names) == [f"{row:03}.png" for row in range(30) if row not in (0, 9, 10, 11, 29)]
    assert told[-1] == (30, 30)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    file = next((tmp_path / "many/packs").glob("*/pixels.npy"))
    assert np.load(file).shape == (25, 10, 12, 3)
    assert file.stat().st_size == worker.HEADER + many.pixels.nbytes  # no gap is left
    assert (file.parent / "skipped.txt").read_text().startswith("000.png\tnot an image")


def test_a_changed_file_is_decoded_again(tmp_path: Path) -> None:
    source = folder(tmp_path / "images", 3)
    before = open_images(source)
    write(source / "001.png", seed=99)
    after = open_images(source)
    assert (before.pixels[1] != after.pixels[1]).any()
    assert before.fingerprint != after.fingerprint
    assert open_images(source, size=8).shape == (3, 8, 8)


def test_fingerprint_is_of_what_is_seen_not_where(tmp_path: Path) -> None:
    here = open_images(folder(tmp_path / "here", 3))
    there = open_images(folder(tmp_path / "there", 3))
    assert here.fingerprint == there.fingerprint


STOPPED = """
    import os, signal, sys
    from latelier.data.packing import fill
    from latelier.data.sources.open import open_images

    fill.SMALL, fill.JOB_ROWS, fill.cores = 2, 4, lambda: 2

    def stop(done, total):
        if done >= 20:
            os.kill(os.getpid(), signal.SIGKILL)

    open_images(sys.argv[1], progress=stop)
"""


@pytest.mark.usefixtures("two_processes")
def test_a_killed_pack_goes_on(tmp_path: Path, cache: Path) -> None:
    source = folder(tmp_path / "images", 40)
    (source / "002.png").write_text("no image")
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(STOPPED), str(source)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert packs(cache) == [".part"]
    part = next((cache / "packs").iterdir())
    with open(part / "pixels.npy", "r+b") as file:  # rows of a finished job that never reached the disk
        file.seek(worker.HEADER + 9 * 360)
        file.write(bytes(360))
    with open(part / "done.jsonl", "a") as journal:
        journal.write('{"first": 36, "go')  # a line that was being written
    told: list[int] = []
    images = open_images(source, progress=lambda done, _: told.append(done))
    assert len(told) == 6  # of ten jobs five were done, and one of these was spoilt
    assert packs(cache) == [""]
    whole = open_images(source, cache=tmp_path / "another")
    assert (images.pixels == whole.pixels).all()
    assert images.fingerprint == whole.fingerprint


def test_a_pack_killed_while_rows_move_starts_afresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = folder(tmp_path / "images", 8)
    (source / "000.png").write_text("no image")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fill, "close_gaps", stop)
        with pytest.raises(KeyboardInterrupt):
            open_images(source)
    told: list[int] = []
    images = open_images(source, progress=lambda done, _: told.append(done))
    assert told == [8]
    assert len(images) == 7


def test_a_cut_pack_is_made_again(tmp_path: Path, cache: Path) -> None:
    source = folder(tmp_path / "images", 4)
    before = np.array(open_images(source).pixels)
    file = next(cache.glob("packs/*/pixels.npy"))
    os.truncate(file, 500)
    assert (open_images(source).pixels == before).all()


def test_two_at_once_decode_once(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = folder(tmp_path / "images", 20)
    filled: list[Path] = []

    def counted(part: Path, *others: object) -> fill.Filled:
        filled.append(part)
        return original(part, *others)  # type: ignore[arg-type]

    original = fill.fill
    monkeypatch.setattr(pack, "fill", counted)
    with ThreadPoolExecutor(4) as threads:
        sets: list[Images] = list(threads.map(lambda _: open_images(source), range(4)))
    assert len(filled) == 1
    assert len({images.fingerprint for images in sets}) == 1
    assert packs(cache) == [""]


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = folder(tmp_path / "images", 4)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for module, call in ((os, "posix_fallocate"), (worker, "write_all")):  # some file systems promise room they lack
        with monkeypatch.context() as patch:
            patch.setattr(module, call, full)
            with pytest.raises(Refusal, match="is full: the decoded images need 1,440 bytes"):
                open_images(source)
        assert packs(cache) == []
    assert len(open_images(source)) == 4


def test_a_cache_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    source = folder(tmp_path / "images", 2)
    (tmp_path / "file").write_text("")
    with pytest.raises(Refusal, match="LATELIER_CACHE names another folder"):
        open_images(source, cache=tmp_path / "file")


@pytest.mark.usefixtures("two_processes")
def test_a_lost_process_is_said_and_its_work_goes_on(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = folder(tmp_path / "images", 24)
    started: list[subprocess.Popen[str]] = []

    def kept(lock: int) -> "subprocess.Popen[str]":
        started.append(start(lock))
        return started[-1]

    def lost(process: "subprocess.Popen[str]", line: str) -> None:
        if line[0] == "[" and json.loads(line)[1] == 16:  # row 16 on: a dead process, whoever is ahead
            for each in started:
                each.kill()
                each.wait()
        send(process, line)

    start, send = pool._start, pool._send
    monkeypatch.setattr(pool, "_start", kept)
    monkeypatch.setattr(pool, "_send", lost)
    with pytest.raises(Refusal, match=r"ended with code -9 on the images 0\d\d.png to 0\d\d.png"):
        open_images(source)
    monkeypatch.setattr(pool, "_send", send)
    assert packs(cache) == [".part"]
    assert len(open_images(source)) == 24
    assert all(process.returncode is not None for process in started)


def test_decoding_processes_do_not_load_torch() -> None:
    code = "import sys, latelier.data.packing.worker; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_pack_holds_no_pickle(tmp_path: Path, cache: Path) -> None:
    open_images(folder(tmp_path / "images", 2))
    made = next((cache / "packs").iterdir())
    for file in made.glob("*.npy"):
        np.load(file, allow_pickle=False)
    assert {file.suffix for file in made.iterdir()} == {".npy", ".arrow", ".json", ".txt", ""}
    assert json.loads((made / "info.json").read_text())["rows"] == 2


def test_opening_reads_no_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_images(folder(tmp_path / "images", 3))
    monkeypatch.setattr(texts.Texts, "_batch", None)  # reading one would fail
    again = open_images(tmp_path / "images")
    assert len(again.names) == len(again.captions) == 3
    assert again.fingerprint


def test_memory_at_opening_does_not_grow_with_the_rows(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "HELD", 1 << 14)
    monkeypatch.setattr(checked, "AT_ONCE", 1 << 17)
    peaks = []
    for count in (10_000, 80_000):
        facts = unknown([f"{row:08}.png" for row in range(count)])
        facts = replace(facts, pixels=np.zeros((count, 2, 2, 1), np.uint8), label=np.arange(count) % 7)
        request = pack.PackRequest("rows", None, None, None)

        def images(facts: Images = facts, request: pack.PackRequest = request) -> Images:
            return pack.packed(["rows", len(facts)], lambda: facts, request, cache=cache)

        images()
        tracemalloc.start()
        found = images()
        sealed = pack.sealed(found, "rows", found)
        assert found.names[count - 1] == f"{count - 1:08}.png"
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert sealed.fingerprint == pack.sealed(replace(found, known=""), "rows").fingerprint
    assert peaks[1] < peaks[0] + (1 << 17)  # the names alone are 800,000 bytes
