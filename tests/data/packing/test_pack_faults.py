"""Whatever happens to a pack's files, the images are those of the source or there is a Refusal: never others, never
another error."""

import errno
import json
import os
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa
import pytest
import torch
from made import write

from latelier.data import checked, texts
from latelier.data.batches import Batches
from latelier.data.images import Images
from latelier.data.packing import fill, holding, info, known, sealing, sums
from latelier.data.packing.pack import PackRequest, packed
from latelier.data.packing.plan import unknown
from latelier.data.packing.sums import block_sums
from latelier.data.sources.open import open_images
from latelier.errors import Refusal
from latelier.storage import json_records, locks

FAULTS, FORGERIES = 300, 100  # in the slow tests; the others begin with the same ones
SLOW = pytest.mark.slow
Harm = Callable[[Path, random.Random], None]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return with_captions(tmp_path / "images", 6)


def with_captions(path: Path, n: int) -> Path:
    """Class folders, captions and one file that is no image."""
    for i in range(n):
        write(path / "ab"[i % 2] / f"{i:03}.png", size=(12, 10), seed=i + n)
    (path / "captions.csv").write_text("file,caption\na/000.png,one thing\n")
    (path / "a/none.png").write_text("no image")
    return path


def pack_of(cache: Path) -> Path:
    (found,) = (path for path in (cache / "packs").iterdir() if not path.suffix)
    return found


def seen(images: Images) -> list[Any]:
    """All that is known of images, fit to be compared."""
    arrays = [np.asarray(values).tolist() for values in (images.pixels, images.label, images.attribute)]
    texts = [list(map(list, images.captions)), list(images.names), images.classes, images.attributes, images.skipped]
    return [*arrays, *texts, images.fingerprint]


def made_again(images: Images) -> bool:
    """Whether a remark says so, and what was damaged."""
    return any("was damaged, and has been made again (" in remark for remark in images.remarks)


def flip(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    if content:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def flip_first(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    if content:
        content[chance.randrange(min(130, len(content)))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def cut(path: Path, chance: random.Random) -> None:
    os.truncate(path, chance.randrange(path.stat().st_size + 1))


def lengthen(path: Path, chance: random.Random) -> None:
    with open(path, "ab") as file:
        file.write(chance.randbytes(chance.randrange(1, 200)))


def remove(path: Path, chance: random.Random) -> None:
    path.unlink()


def empty(path: Path, chance: random.Random) -> None:
    path.write_bytes(b"\0" * (path.stat().st_size if chance.random() < 0.5 else 0))


def pipe(path: Path, chance: random.Random) -> None:
    path.unlink()
    (os.mkfifo if chance.random() < 0.5 else os.mkdir)(path)


def link(path: Path, chance: random.Random) -> None:
    path.unlink()
    path.symlink_to(chance.choice(["nowhere", "/dev/zero", ".", "info.json"]))


def nest(path: Path, chance: random.Random) -> None:
    path.write_text(chance.choice(["[" * 100_000, '{"a":' * 100_000, '{"sum": 1', "9" * 9_999, "null", "\ufeff{}"]))


def retype(path: Path, chance: random.Random) -> None:
    """One field of info.json is of another type."""
    told, kept = told_by(path.parent)
    name = chance.choice(sorted(told))
    odd: list[Any] = [None, True, -1, 1.5, 1 << 70, "x", "../../x", [], [[]], {}, {"x": [1, 2]}, [None], ["x"], [1]]
    if isinstance(told[name], dict) and chance.random() < 0.5 and told[name]:
        told[name][chance.choice(sorted(told[name]))] = chance.choice(odd)
    else:
        told[name] = chance.choice([value for value in odd if value != told[name]])
    (path.parent / "info.json").write_text(json.dumps({**told, "checksum": kept}))


def told_by(made: Path) -> tuple[Any, str]:
    """What info.json says, and its sum."""
    told = json.loads((made / "info.json").read_text())
    return told, told.pop("checksum")


def forge(made: Path, chance: random.Random) -> None:
    """Contents and types that latelier does not write, with sums that agree."""
    if chance.random() < 0.5:
        retype(made / "info.json", chance)
        told, _ = told_by(made)
    else:
        path = made / chance.choice(["label.npy", "attribute.npy", "sums.npy", "origin.npy", "names.arrow"])
        if path.suffix == ".npy":
            np.save(path, chance.choice([np.zeros(3), np.full((6, 0), 1, np.int8), np.full(6, 9), np.zeros(6, "<u4")]))
        else:
            forge_names(path, chance)
        told, _ = told_by(made)
        told["files"][path.name] = {"bytes": path.stat().st_size, "sum": crc32(path.read_bytes())}
        if path.name == "names.arrow":
            found = np.concatenate(list(map(block_sums, (made / "pixels.npy", path))))
            np.save(made / "sums.npy", found)
            content = (made / "sums.npy").read_bytes()
            told["files"]["sums.npy"] = {"bytes": len(content), "sum": crc32(content)}
    json_records.write(made / "info.json", told)


def forge_names(path: Path, chance: random.Random) -> None:
    """Fewer names, more, of other types, with bytes that are no text, or a file of another kind."""
    rows: Any = chance.choice([[], ["x"] * 5, ["x"] * 7, [1] * 6, [None] * 6, [["x"]] * 6, [b"\xff\xfe"] * 6])
    table = pa.table({chance.choice(["value", "other"]): rows})
    if chance.random() < 0.5 and rows != [1] * 6:
        table = table.cast(pa.schema([(table.column_names[0], pa.large_binary())])) if "x" in rows else table
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write(table)
    if chance.random() < 0.3:
        path.write_bytes(chance.choice([b"", b"ARROW1", path.read_bytes()[:-9], b"[]" * 300]))


KINDS: list[Harm] = [flip, flip_first, cut, lengthen, remove, empty, pipe, link, nest, retype]


def harm(seed: int, names: Sequence[str], made: Path, other: Path) -> str:
    """Does one thing to one of these files of the pack ``made``, and says what. ``other`` is another source's pack."""
    chance = random.Random(seed)
    path = made / chance.choice(names)
    if chance.random() < 1 / (1 + len(KINDS)):
        shutil.copy(other / path.name, path)
        return f"{seed}: {path.name} of another"
    kind = chance.choice(KINDS)
    kind(path, chance)
    return f"{seed}: {kind.__name__} {path.name}"


def restore(made: Path, whole: Path) -> None:
    shutil.rmtree(made)
    shutil.copytree(whole, made)


@pytest.mark.parametrize(
    ("large", "count"), [(False, 100), (True, 30), *(pytest.param(one, FAULTS, marks=SLOW) for one in (False, True))]
)
def test_no_fault_is_silent(
    large: bool, count: int, tmp_path: Path, cache: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (sums, checked, texts, info, known):
        monkeypatch.setattr(module, "BLOCK", 256)
    if large:
        monkeypatch.setattr(checked, "AT_ONCE", 0)
    right = seen(open_images(source))
    whole = shutil.copytree(pack_of(cache), tmp_path / "whole")
    open_images(with_captions(tmp_path / "others", 6), cache=tmp_path / "another")
    other = pack_of(tmp_path / "another")
    files = sorted(file.name for file in whole.iterdir())
    assert {file.name for file in other.iterdir()} == set(files)
    made, named, refused = pack_of(cache), 0, list[str]()
    for seed in range(count):
        what = harm(seed, ["pixels.npy", "names.arrow"] if large else files, made, other)
        try:
            images = open_images(source)
            assert seen(images) == right, what
        except Refusal as error:
            refused.append(str(error))
            images = open_images(source)
            assert seen(images) == right, what
            assert made_again(images), what
        named += made_again(images)
        restore(made, whole)
    assert named > count / 2
    assert bool(refused) == large  # otherwise nothing is: the images are there
    assert all("run the same command again" in said for said in refused)


@pytest.mark.parametrize("count", [30, pytest.param(FORGERIES, marks=SLOW)])
def test_no_forgery_is_an_unforeseen_error(count: int, tmp_path: Path, cache: Path, source: Path) -> None:
    open_images(source)
    made = pack_of(cache)
    whole = shutil.copytree(made, tmp_path / "whole")
    told = 0
    for seed in range(count):
        forge(made, random.Random(seed))
        try:
            images = open_images(source)
            assert len(list(images.names)) == len(images.captions) == len(images.label) == len(images.pixels) > 0
        except Refusal as error:  # of names, which are read when they are asked for
            assert "names.arrow: " in str(error), seed  # noqa: PT017
            assert "run the same command again" in str(error)  # noqa: PT017
            images = open_images(source)
            told += made_again(images)
        assert len(images.floats(slice(0, 9))) == len(images)
        told += made_again(images)
        restore(made, whole)
    assert told > count / 2


@pytest.mark.parametrize("spoil", [lambda content: content[:-1], lambda content: content[:9] + b"x" + content[10:]])
def test_what_rows_were_decoded_from_is_checked_too(spoil: Callable[[bytes], bytes], cache: Path, source: Path) -> None:
    images = open_images(source)
    (origin,) = (cache / "packs").glob("*/origin.npy")
    origin.write_bytes(spoil(origin.read_bytes()))
    again = open_images(source)
    assert again.fingerprint == images.fingerprint
    assert any("origin.npy" in remark for remark in again.remarks)


def test_a_link_in_the_place_of_a_pack_is_not_written_through(tmp_path: Path, cache: Path, source: Path) -> None:
    images = open_images(source)
    (pack,) = (cache / "packs").iterdir()
    pack.rename(tmp_path / "elsewhere")
    pack.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/used").unlink()
    before = sorted((tmp_path / "elsewhere").iterdir())
    again = open_images(source)
    assert again.fingerprint == images.fingerprint
    assert any(remark.endswith(f"has been made again ({pack}: it is a link)") for remark in again.remarks)
    assert not pack.is_symlink()
    assert sorted((tmp_path / "elsewhere").iterdir()) == before


def test_known_truth_is_checked_too(cache: Path) -> None:
    facts = replace(
        unknown(list("abcd")),
        pixels=np.arange(4 * 6 * 6, dtype=np.uint8).reshape(4, 6, 6, 1),
        truth={"levels": np.arange(8).reshape(4, 2), "mode": np.ones((4, 3), np.float32)},
        factors=("x", "y"),
    )

    def images() -> Images:
        return packed(["drawn"], lambda: facts, PackRequest("drawn", None, None, None), cache=cache)

    assert isinstance(images().truth["mode"], np.memmap)
    made, again = pack_of(cache), 0
    for seed in range(60):
        chance = random.Random(seed)
        path = made / chance.choice(["truth-levels.npy", "truth-mode.npy"])
        chance.choice([flip, flip_first, cut, lengthen, remove, empty, pipe, link])(path, chance)
        found = images()
        again += made_again(found)
        assert {name: values.tolist() for name, values in found.truth.items()} == {
            name: values.tolist() for name, values in facts.truth.items()
        }
    assert again > 50


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every pack were too large to be checked when it is opened, and blocks were small."""
    for module in (sums, checked, texts, info, known):
        monkeypatch.setattr(module, "BLOCK", 256)
    monkeypatch.setattr(checked, "AT_ONCE", 0)


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize(
    "rows",
    [0, -1, 3, slice(1, 4), slice(None, None, -2), [0, 5], np.array([2, -1]), np.arange(6) > 3, (slice(0, 2), 1), ...],
)
def test_checked_rows_are_those_of_an_array(rows: Any, source: Path) -> None:
    images = open_images(source)
    assert isinstance(images.pixels, checked.Checked)
    plain = np.array(open_images(source).pixels)
    assert (images.pixels[rows] == plain[rows]).all()
    assert (images.pixels.shape, images.pixels.nbytes, len(images.pixels)) == (plain.shape, plain.nbytes, len(plain))


@pytest.mark.usefixtures("large")
def test_only_what_is_damaged_is_refused(source: Path, cache: Path) -> None:
    plain = np.array(open_images(source).pixels)
    made = pack_of(cache)
    with open(made / "pixels.npy", "r+b") as file:
        file.seek(128 + 4 * 360 + 100)  # in row 4
        file.write(bytes(9))
    images = open_images(source)
    batches = Batches(images, 2, seed=0, device=torch.device("cpu"))
    assert (images.take(np.array([0, 1])).pixels == plain[:2]).all()
    assert len(batches.rows(torch.tensor([0, 1])).image) == 2
    assert (made / "info.json").exists()
    for ask in (
        lambda: images.floats([4]),
        lambda: batches.rows(torch.tensor([1, 4])),
        lambda: np.asarray(images.pixels),
        lambda: images.pixels[...],
    ):
        with pytest.raises(Refusal, match=r"pixels.npy: block \d, of 256 bytes, .*run the same command again, which"):
            ask()
    again = open_images(source)
    assert (np.asarray(again.pixels) == plain).all()
    assert made_again(again)


def test_damage_whose_images_are_gone_is_refused(tmp_path: Path, cache: Path) -> None:
    source = with_captions(tmp_path / "images", 4)
    open_images(source)
    for path in source.glob("?/*.png"):  # of the same lengths and times: the pack still stands for them
        status = path.stat()
        path.write_bytes(bytes(status.st_size))
        os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    assert len(open_images(source)) == 4
    cut(pack_of(cache) / "origin.npy", random.Random(0))  # by which rows would be copied
    with pytest.raises(
        Refusal, match=r"none of 5 .* decoded; .*decoded of it before is damaged \(.*origin.npy: cut short"
    ):
        open_images(source)


def test_a_cache_that_cannot_be_written_is_read(source: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = seen(open_images(source))

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(holding, "_open", refused)
    monkeypatch.setattr(locks, "held", refused)
    monkeypatch.setattr(os, "utime", refused)
    assert seen(open_images(source)) == right
    (pack_of(cache) / "label.npy").write_text("")
    with pytest.raises(Refusal, match=r"cannot decode into .*the pack there is damaged: label.npy: cut short"):
        open_images(source)


def test_a_pack_that_does_not_last_is_said(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "block_sums", lambda path: block_sums(path) ^ np.uint32(1))
    with pytest.raises(Refusal, match="what is written there does not last"):
        open_images(source)


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_journal_is_not_believed(
    seed: int, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = with_captions(tmp_path / "images", 12)
    right = seen(open_images(source, cache=tmp_path / "another"))
    monkeypatch.setattr(fill, "JOB_ROWS", 4)

    def stop(done: int, total: int) -> None:
        if done >= 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_images(source, progress=stop)
    (part,) = (cache / "packs").iterdir()
    chance = random.Random(seed)
    chance.choice([flip, cut, lengthen, nest, empty])(part / "done.jsonl", chance)
    if seed % 2:
        flip(part / chance.choice(["origin.npy", "pixels.npy"]), chance)
    monkeypatch.undo()
    monkeypatch.setenv("LATELIER_CACHE", str(cache))
    monkeypatch.setattr(fill, "JOB_ROWS", 4)
    assert seen(open_images(source))[:-1] == right[:-1]
