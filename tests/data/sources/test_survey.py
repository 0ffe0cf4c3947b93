"""Every file of a source is accounted for, whatever lies in it."""

import io
import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import Captured, refused
from made import folder, noise, write
from PIL import Image
from shards import parquet, png, tar

from latelier.cli import main
from latelier.data.sources.account import account
from latelier.data.sources.open import open_images, place_of
from latelier.data.sources.own import METADATA, mark
from latelier.data.sources.survey import survey
from latelier.sheets.sheet import save


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))


def plain(root: Path) -> None:
    folder(root, 3)


def many_kinds(root: Path) -> None:
    folder(root, 3)
    write(root / "again.png", seed=0)
    (root / "labels.csv").write_text("file,label\n000.png,a\n001.png,b\n")
    for name in ("a.heic", "b.HEIC", "notes", "notes.txt", ".DS_Store", "._000.png", "Thumbs.db", "set.zip"):
        (root / name).write_bytes(b"x")
    (root / "bad.png").write_bytes(b"no image")
    content = io.BytesIO()
    noise(size=(64, 64)).save(content, "JPEG")
    (root / "half.jpg").write_bytes(content.getvalue()[:900])
    os.mkfifo(root / "pipe.png")
    (root / "nowhere.png").symlink_to("missing.png")
    (root / "round").symlink_to(root, target_is_directory=True)
    parquet(root / "prices.parquet", {"price": [1]})
    (root / "cut.tar").write_text("no tar file, but long enough to look at" * 50)
    for name in (".git/objects/1.png", "__MACOSX/._1.png", "@eaDir/000.png/T.jpg"):
        write(root / "000.png").rename(root / "kept.png")
        (root / name).parent.mkdir(parents=True)
        (root / "kept.png").rename(root / name)
    write(root / "000.png")


def own_output(root: Path) -> None:
    folder(root, 3)
    save(np.zeros((9, 9, 3), np.uint8), root / "sheet.png")
    for name in ("config.json", "log.jsonl", "report.html", "sheets/1.png"):
        (root / "run" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "run" / name).write_text("{}")
    mark(root / "redrawn")
    write(root / "redrawn/000000-000.png")
    (root / "redrawn/reconstructions.csv").write_text("file,image,psnr_db\n")
    (root / "captions.csv").write_text("file,caption,log probability\n000.png,a disc,-1\n")
    (root / "classes.csv").write_text('"file","class","probability","a"\n')
    (root / "report.html").write_text('<!doctype html>\n<meta name="generator" content="latelier">\n')
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"file": ["000.png"], "z[0]": [0.5]}, metadata=METADATA), root / "codes.parquet")


def splits(root: Path) -> None:
    for name in ("train/a/1.png", "train/b/2.png", "val/a/3.png", "xray/train/a/1.png", "readme.txt", "loose.png"):
        if name.endswith("png"):
            write(root / name, seed=len(name))
    write(root / "val/b/again.png", seed=len("train/a/1.png"))
    (root / "train/captions.csv").write_text("file,caption\na/1.png,a disc\n")


def rows(root: Path) -> None:
    source = [{"bytes": png(seed=i), "path": f"{i}.png"} for i in range(4)]
    source[1]["bytes"] = b"no image"
    source[3]["bytes"] = source[0]["bytes"]
    parquet(root / "data/train-0.parquet", {"image": source, "label": [0, 1, None, 1], "count": [1, 2, 3, 4]})
    parquet(root / "data/test-0.parquet", {"image": source[:1], "label": [0], "count": [1]})
    (root / "names.json").write_text('{"label": ["a", "b"]}')
    (root / "README.md").write_text("text")


def shards(root: Path) -> None:
    files = {"1.png": png(), "1.cls": b"0", "1.txt": b"a", "2.png": b"no", "3.txt": b"b", "4.seg.png": png(), ".x": b""}
    tar(root / "train-0.tar", files | {"5.png": png(seed=5), "readme.md": b""})
    tar(root / "none.tar", {"1.cls": b"1"})
    (root / "train-0_stats.json").write_text("{}")
    parquet(root / "train-0.parquet", {"url": ["x"]})


LAYOUTS = [plain, many_kinds, own_output, splits, rows, shards]


def there(root: Path) -> int:
    return sum(len(names) for _, _, names in os.walk(root))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_used_and_skipped_and_unused_are_all(tmp_path: Path, layout: Callable[[Path], None]) -> None:
    root = tmp_path / "set"
    root.mkdir()
    layout(root)
    told = survey(root).json()
    for name in ("files", *(["inside"] if "inside" in told else [])):
        counts = told[name]
        assert counts["used"] + counts["skipped"] + counts["unused"] == counts["there"], name
        assert min(counts["used"], counts["skipped"], counts["unused"]) >= 0
        assert counts["unused"] == sum(row["count"] for row in counts["unused_by"])
    assert told["files"]["there"] == there(root)
    opened = [open_images(root, split=split or None) for split in told["splits"]]
    assert [part["images"] for part in told["splits"].values()] == [len(images) for images in opened]
    assert len(told["images"]["skipped"]) == sum(len(images.skipped) for images in opened)
    for part, images in zip(told["splits"].values(), opened, strict=True):
        assert part["classes"] == {name: int((images.label == i).sum()) for i, name in enumerate(images.classes)}


def reasons(root: Path, name: str = "files") -> dict[tuple[str, str], int]:
    return {(row["ending"], row["why"]): row["count"] for row in survey(root).json()[name]["unused_by"]}


@pytest.mark.usefixtures("no_extras")
def test_files_that_are_not_used_have_a_reason(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    many_kinds(tmp_path / "set")
    found = reasons(tmp_path / "set")
    assert found[".heic", "pip install 'latelier[heif]'"] == 2
    assert found[".parquet", "no column image"] == 1
    assert found[".tar", "damaged"] == 1
    assert found[".zip", "unpack it"] == 1
    assert found["", "not read"] == 1
    assert sum(n for (_, why), n in found.items() if why == "hidden") == 3
    assert sum(n for (_, why), n in found.items() if why == "of the operating system") == 3
    whole = survey(tmp_path / "set")
    assert (whole.duplicates, whole.files.tables) == (1, ["labels.csv"])
    assert whole.skipped["pipe.png"] == "not a regular file"


def test_what_latelier_wrote_is_its_own(tmp_path: Path) -> None:
    root = tmp_path / "set"
    root.mkdir()
    own_output(root)
    whole = survey(root)
    assert set(whole.files.unused) == {
        *((end, "written by latelier") for end in (".json", ".jsonl", ".html", ".png", ".csv", ".parquet")),
        ("", "written by latelier"),
    }
    assert whole.files.unused.total() == there(root) - 3
    images = open_images(root)
    assert (list(images.names), images.classes, any(images.captions)) == (["000.png", "001.png", "002.png"], (), False)
    assert len(open_images(root / "redrawn")) == 1  # named itself, it is a source like any other


def test_training_counts_what_latelier_wrote_as_data_does(tmp_path: Path) -> None:
    root = folder(tmp_path / "set", 3)
    own_output(root)
    by_data = {key: n for key, n in survey(root).files.unused.items() if key[0] != ".png"}
    (place, _) = place_of(root)
    by_training = account(root, place, look=False)
    assert {key: n for key, n in by_training.unused.items() if key[0] != ".png"} == by_data
    assert (".csv", "written by latelier") in by_data


def test_duplicates_are_told_across_splits(tmp_path: Path) -> None:
    splits(tmp_path / "set")
    whole = survey(tmp_path / "set")
    assert (whole.duplicates, whole.across) == (2, 1)  # both of train/a/1.png
    assert whole.files.unused == {(".png", "in no split"): 2}


def test_what_lies_in_shards(tmp_path: Path) -> None:
    shards(tmp_path / "set")
    assert reasons(tmp_path / "set") == {
        (".json", "beside shards"): 1,
        (".parquet", "no column image"): 1,
        (".tar", "no images in it"): 1,
    }
    assert reasons(tmp_path / "set", "inside") == {
        (".txt", "of a sample without an image"): 1,
        (".png", "part of a sample, and not its image"): 1,
        (".md", "not read"): 1,
        (".x", "hidden"): 1,
    }
    rows(tmp_path / "rows")
    whole = survey(tmp_path / "rows")
    assert (whole.duplicates, whole.across) == (2, 1)
    assert "columns not used: count" in whole.remarks


def test_of_many_images_a_sample_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latelier.data.sources.survey.TRIED", 4)
    monkeypatch.setattr("latelier.data.sources.survey.BLOCKS", 2)
    monkeypatch.setattr("latelier.data.sources.survey.BLOCK", 2)
    folder(tmp_path / "set", 9)
    whole = survey(tmp_path / "set")
    assert (whole.tried, whole.splits[""].images, whole.sizes) == (4, 9, {"10x12": 4})


@pytest.mark.usefixtures("no_extras")
def test_the_command(tmp_path: Path, capsys: Captured) -> None:
    root = tmp_path / "set"
    for name in ("a/1.png", "a/2.png", "b/3.png"):
        write(root / name, seed=len(name) + int(name[2]))
    Image.new("L", (5, 6)).save(root / "b/4.png")
    (root / "x.heic").write_bytes(b"x")
    main(["data", str(root)])
    assert capsys.readouterr().out.splitlines() == [
        f"{root}: a folder of images",
        "4 images; 2 classes: a 2, b 2",
        "sizes (height x width): 10x12 3, 6x5 1",
        "modes: RGB 3, L 1",
        "files there: 5 = 4 used + 0 skipped + 1 unused",
        "  unused: 1 .heic: pip install 'latelier[heif]'",
    ]
    main(["data", str(root), "--json"])
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(survey(root).json()))
    main(["data", "digits"])
    assert "train: 1,297 images; 10 classes: 0 128" in capsys.readouterr().out
    assert "all splits are looked at together; give digits" in refused(capsys, "data digits:test")
    assert "expected one of" not in refused(capsys, ["data", str(root), "--as", "parquet"])


@pytest.mark.parametrize("form", ["", " --json"])
def test_a_folder_without_an_image_is_accounted_for_and_refused(tmp_path: Path, capsys: Captured, form: str) -> None:
    for name in ("a.txt", "b.png"):
        (tmp_path / name).write_text("no image")
    with pytest.raises(SystemExit) as stop:
        main(shlex.split(f"data {shlex.quote(str(tmp_path))}{form}"))
    out, err = capsys.readouterr()
    assert stop.value.code == 2
    assert err.splitlines() == [
        f"latelier: {tmp_path}: none of its files is an image that can be read; what is there is said above"
    ]
    if form:
        assert json.loads(out)["images"]["used"] == 0
    else:
        assert out.splitlines()[1:] == [
            "0 images; no classes",
            "files there: 2 = 0 used + 1 skipped + 1 unused",
            "  unused: 1 .txt: not read",
            "  skipped: b.png: not an image",
        ]


@pytest.mark.parametrize("given", ["--json", "--as folder", "--data-root x"])
def test_what_is_asked_of_no_source_is_refused(capsys: Captured, given: str) -> None:
    option = given.partition(" ")[0]
    assert refused(capsys, f"data {given}").startswith(f"latelier: data takes {option}")


def test_training_says_it_and_later_verbs_read_the_same(tmp_path: Path, capsys: Captured) -> None:
    root, run = folder(tmp_path / "set", 24), str(tmp_path / "run")
    tar(root / "0.tar", {f"{i}.png": png(seed=i) for i in range(30)})
    train = ["train", "pca", "--out", run, "--set", "latent=2"]
    assert "can be read in 2 ways" in refused(capsys, [*train, "--data", str(root)])
    main([*train, "--data", str(root), "--as", "tar"])
    said = capsys.readouterr().err.splitlines()
    assert said[:2] == [
        f"{root}: tar shards, 1 file, 30 images read",
        "not used: 24 .png: another kind than what is read (tar) (latelier data SRC says more)",
    ]
    assert json.loads((tmp_path / "run/config.json").read_text())["request"]["as_"] == "tar"
    main(["score", run, "--only", "reconstruction"])
    main(["encode", run, str(root), "--out", str(root / "codes.parquet")])
    assert "30 rows" in capsys.readouterr().out
    main(["encode", run, str(root), "--as", "folder", "--out", str(root / "codes.parquet")])
    assert "24 rows" in capsys.readouterr().out
    unused = survey(root, as_="tar").files.unused
    assert unused == {(".parquet", "written by latelier"): 1, (".png", "another kind than what is read (tar)"): 24}
