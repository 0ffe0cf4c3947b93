"""latelier cache: what it lists is what is there, and only that goes which may."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from made import folder

import latelier
from latelier.cli import main
from latelier.data.packing import holding
from latelier.data.sources.open import open_images
from latelier.errors import Refusal

DAY = 86_400


@pytest.fixture(autouse=True)
def packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache/packs"


def made(packs: Path, source: Path, n: int, age: float = 0) -> Path:
    """The pack of a new folder of n images, last used ``age`` days ago."""
    before = set(packs.iterdir()) if packs.exists() else set()
    open_images(folder(source, n))
    (pack,) = set(packs.iterdir()) - before
    os.utime(pack / "used", (time.time() - age * DAY,) * 2)
    return pack


def listed(*words: str, capsys: pytest.CaptureFixture[str]) -> Any:
    """What ``latelier cache --json`` says."""
    main(["cache", "--json", *words])
    return json.loads(capsys.readouterr().out)


def test_it_lists_what_there_is(packs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["cache"])
    assert capsys.readouterr().out == f"0 packs, 0 B, in {packs}\n"
    pack = made(packs, tmp_path / "few", 3, age=2)
    made(packs, tmp_path / "odd\x1b[2Jname", 5)
    main(["cache"])
    said = capsys.readouterr().out
    header, odd, few, total = said.splitlines()
    assert header.split() == ["source", "images", "size", "bytes", "last", "used"]
    assert odd.split()[:3] == [f"{tmp_path}/odd\\x1b[2Jname", "5", "10x12x3"]
    assert few.split()[:3] == [f"{tmp_path}/few", "3", "10x12x3"]
    assert time.strftime("%Y-%m-%d", time.localtime(time.time() - 2 * DAY)) in few
    assert total.startswith("2 packs, ")
    told = listed(capsys=capsys)
    assert told["folder"] == str(packs)
    assert told["bytes"] == sum(path.stat().st_size for path in packs.glob("*/*"))
    one = told["packs"][1]
    assert (one["source"], one["images"], one["height"], one["width"], one["channels"]) == (
        *(str(tmp_path / "few"), 3, 10, 12, 3),
    )
    assert (one["folder"], one["open"], one["fault"]) == (str(pack), False, "")
    assert latelier.cache() == told["packs"]


def test_the_source_is_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder(tmp_path / "here/train", 2)
    folder(tmp_path / "here/test", 2)
    monkeypatch.chdir(tmp_path)
    open_images("here", split="test")
    open_images("digits:train")
    assert [pack["source"] for pack in latelier.cache()] == ["digits:train", "here:test"]


def test_opening_is_use(packs: Path, tmp_path: Path) -> None:
    pack = made(packs, tmp_path / "few", 3, age=9)
    open_images(tmp_path / "few")
    assert time.time() - (pack / "used").stat().st_mtime < DAY


def test_the_longest_unused_go(packs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, middle, new = (made(packs, tmp_path / str(age), 3, age) for age in (40, 20, 1))
    assert listed("--prune", "--unused", "50d", capsys=capsys)["removed"] == []
    gone = listed("--prune", "--unused", "30d", capsys=capsys)
    assert [pack["folder"] for pack in gone["removed"]] == [str(old)]
    assert set(packs.iterdir()) == {middle, new}
    main(["cache", "--prune", "--over", f"{gone['bytes'] - 1}"])
    assert "removed 1 pack, " in capsys.readouterr().out
    assert list(packs.iterdir()) == [new]
    main(["cache", "--prune", "--over", "1G"])
    assert list(packs.iterdir()) == [new]
    main(["cache", "--prune", "--over", "0"])
    assert list(packs.iterdir()) == []
    assert len(open_images(tmp_path / "1")) == 3


def test_what_cannot_be_used_goes_always(packs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, spoilt, older, cut, lacking = (made(packs, tmp_path / name, 3) for name in ("a", "b", "c", "d", "e"))
    os.truncate(cut / "pixels.npy", 1000)
    (lacking / "label.npy").unlink()
    (spoilt / "info.json").write_text("[" * 9999)
    (older / "info.json").write_text('{"rows": 3, "classes": []}')
    part, gone = packs / f"{'a' * 32}.part", packs / f"{'b' * 32}.gone"
    for path in (part, gone):
        path.mkdir()
        (path / "pixels.npy").write_text("x")
    main(["cache"])
    said = capsys.readouterr().out
    assert said.count("unfinished") == 2
    assert "info.json: not JSON" in said
    assert "pixels.npy: 1,000 bytes long, and was" in said
    assert "label.npy: No such file" in said
    assert "info.json: of another version of latelier" in said
    main(["cache", "--prune"])
    assert list(packs.iterdir()) == [whole]


HOLDER = """
import sys, time
from pathlib import Path
from latelier.data.packing.holding import alone
from latelier.data.sources.open import open_images
if sys.argv[1] == "open":
    kept = open_images(sys.argv[2])
    print("held", flush=True)
    sys.stdin.read()
else:
    with alone(Path(sys.argv[2]).with_suffix("")):
        print("held", flush=True)
        sys.stdin.read()
"""


@pytest.mark.parametrize("how", ["open", "make"])
def test_what_another_process_holds_stays(how: str, packs: Path, tmp_path: Path) -> None:
    pack = made(packs, tmp_path / "few", 3, age=99) if how == "open" else packs / f"{'a' * 32}.part"
    pack.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", HOLDER, how, str(tmp_path / "few" if how == "open" else pack)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        (told,) = latelier.cache(prune=True, over="0")
        assert told["open"]
        assert pack.exists()
        assert not holding.remove(pack)  # it is asked again where it is removed
        holder.communicate("")
    assert latelier.cache(prune=True, over="0") == []
    assert list(packs.iterdir()) == []


def test_what_is_not_a_pack_stays(packs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_more, key = made(packs, tmp_path / "few", 3), "c" * 32
    (with_more / "notes.txt").write_text("mine")
    (packs / "mine").mkdir()
    (packs / key).symlink_to(tmp_path / "few")
    (packs / key.replace("c", "d")).write_text("a file")
    others = packs / key.replace("c", "e")
    (others / "pixels.npy").mkdir(parents=True)
    linked = packs / key.replace("c", "f")
    linked.mkdir()
    (linked / "pixels.npy").symlink_to(tmp_path / "few/000.png")
    (packs.parent / "downloads").mkdir()
    before = sorted(packs.rglob("*"))
    main(["cache", "--prune", "--over", "0", "--unused", "0h"])
    assert "not packs, or with files of others in them, and left alone: " in capsys.readouterr().out
    assert sorted(packs.rglob("*")) == before
    assert len(list((tmp_path / "few").iterdir())) == 3
    assert (packs.parent / "downloads").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--unused 3d", "--unused and --over say what goes: give --prune with them"),
        ("--prune --unused 3", r"--unused 3: expected a whole number and a unit \(h, d, w\), as in 30d"),
        ("--prune --unused -3d", "--unused lacks a value"),
        ("--prune --over 1.5G", r"--over 1.5G: expected a whole number and a unit \(K, M, G, T\), as in 10G"),
        ("--prune --over 9999999999999G", "--over 9999999999999G: expected"),
    ],
)
def test_limits_that_cannot_be_read_are_refused(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["cache", *words.split()])
    assert end.value.code == 2
    assert re.search(said, capsys.readouterr().err)


def test_an_opener_never_sees_half_of_a_pack_that_goes(packs: Path, tmp_path: Path) -> None:
    pack = made(packs, tmp_path / "few", 3)
    assert holding.remove(pack)
    assert not pack.exists()
    images = open_images(tmp_path / "few")
    assert images.remarks == ()
    with pytest.raises(Refusal):
        latelier.cache(over="1G")
