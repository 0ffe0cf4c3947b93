"""latelier neighbours, duplicates and outliers: their tables, on a tiny run whose images are copies, near and far."""

import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from commands import Captured, refused, rows, said, stopped
from made import folder
from PIL import Image

from latelier.cli import main
from latelier.codes.rows import codes
from latelier.data.sources.open import open_images
from latelier.runs.run import open_run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`run` of a VAE on `pets`, among which 000 is there three times and 001 twice, and `white`, images unlike all."""
    place = tmp_path_factory.mktemp("made")
    pets = folder(place / "pets", 24, "L", (8, 8))
    for old, new in (("000", "030"), ("000", "031"), ("001", "032")):
        shutil.copy(pets / f"{old}.png", pets / f"{new}.png")
    (place / "white").mkdir()
    for number in range(4):
        Image.fromarray(np.full((8, 8), 255 - number, np.uint8)).save(place / "white" / f"{number}.png")
    command = f"train vae --data {pets} --out {place / 'run'} --steps 20 --batch 8 --validation 0 --quiet"
    main(shlex.split(f"{command} --set net=mlp net.widths=4 latent=3"))
    shutil.copytree(pets, place / "gone")
    main(shlex.split(f"{command} --set net=mlp net.widths=4 latent=3".replace("pets", "gone").replace("run", "lost")))
    shutil.rmtree(place / "gone")
    main(shlex.split(f"train classifier --data digits --out {place / 'judge'} --steps 2 --quiet --size 8"))
    return place


def test_the_nearest_of_a_file_and_of_an_image_of_the_source(here: Path, capsys: Captured) -> None:
    lines = said(capsys, "neighbours run pets --query pets/005.png -n 4 --out near.csv")
    assert lines == ["near.csv: 4 images of 27, nearest first"]
    images = open_images("pets")
    known = codes(open_run("run").model, images)
    away = np.linalg.norm(known - known[list(images.names).index("005.png")], axis=1)
    table = rows("near.csv")
    assert [row["file"] for row in table] == [str(images.names[row]) for row in np.argsort(away)[:4]]
    assert [float(row["distance"]) for row in table] == pytest.approx(np.sort(away)[:4], abs=1e-5)
    assert [row["rank"] for row in table] == ["1", "2", "3", "4"]
    said(capsys, "neighbours run pets --query 005.png -n 100 --out near.csv")
    table = rows("near.csv")
    assert len(table) == 26
    assert "005.png" not in {row["file"] for row in table}
    assert {row["query"] for row in table} == {"005.png"}


def test_duplicates_are_the_groups_of_equal_images(here: Path, capsys: Captured) -> None:
    lines = said(capsys, "duplicates run pets --most 0 --out same.csv")
    assert lines == ["same.csv: 2 groups in 27 images; 3 can be done without"]
    table = rows("same.csv")
    assert [row["file"] for row in table] == ["000.png", "030.png", "031.png", "001.png", "032.png"]
    assert [row["group"] for row in table] == ["1", "1", "1", "2", "2"]
    assert {row["distance"] for row in table} == {"0"}
    assert all(row["nearest"] != row["file"] for row in table)


@pytest.mark.parametrize("by", ["distance", "error", "bound", "ratio"])
def test_outliers_come_first_whatever_the_rows_are_ordered_by(here: Path, capsys: Captured, by: str) -> None:
    shutil.copytree("pets", "mixed")
    for number in range(4):
        shutil.copy(f"white/{number}.png", f"mixed/white{number}.png")
    names = {"distance": "distance in codes", "error": "reconstruction error", "bound": "negative bound"}
    name = names.get(by, "likelihood ratio")
    assert said(capsys, f"outliers run mixed --by {by} --out unlike.csv")[0].endswith(f"the largest {name} first")
    table = rows("unlike.csv")
    assert len(table) == 31
    values = [float(row[name]) for row in table]
    assert values == sorted(values, reverse=True)
    if by == "ratio":
        assert {row["file"] for row in table[:4]} == {f"white{number}.png" for number in range(4)}
    main(shlex.split(f"outliers run mixed --by {by} --out again.csv"))
    assert Path("again.csv").read_bytes() == Path("unlike.csv").read_bytes()


def test_an_image_that_was_trained_on_is_no_neighbour_of_its_own(here: Path, capsys: Captured) -> None:
    said(capsys, "outliers run pets --out own.csv")
    known = codes(open_run("run").model, images := open_images("pets"))
    away = np.sort(np.linalg.norm(known[:, None] - known, axis=2), 1)[:, 10]  # the first is oneself
    table = {row["file"]: float(row["distance in codes"]) for row in rows("own.csv")}
    assert [table[str(name)] for name in images.names] == pytest.approx(away.tolist(), rel=1e-4)


def test_what_a_model_cannot_measure_stays_empty(here: Path, capsys: Captured) -> None:
    said(capsys, "outliers judge digits:test --out judged.csv")
    table = rows("judged.csv")
    assert {row["negative bound"] for row in table} == {row["reconstruction error"] for row in table} == {""}
    assert all(float(row["distance in codes"]) >= 0 for row in table)
    line = refused(capsys, "outliers judge digits --by bound --out judged.csv")
    assert line == "latelier: --by bound: classifier has no negative bound; order by one of distance"


def test_what_cannot_be_asked_is_one_line(here: Path, capsys: Captured) -> None:
    for command, line in {
        "neighbours run pets --query nope.png --out n.csv": "--query nope.png is neither a file nor an image of pets",
        "neighbours run pets --query pets --out n.csv": "--query pets is a folder; name an image file, or an image of",
        "neighbours run pets --query 000.png -n 0 --out n.csv": "--count takes a whole number from 1 to 1,000,000, but",
        "neighbours run pets --query run/config.json --out n.csv": "--query run/config.json: this file is no image",
        "duplicates run pets --most 2 --out d.csv": "--most takes a number from 0 to 1, in typical",
        "duplicates run pets --most nan --out d.csv": "--most takes a number from 0 to 1, in typical",
    }.items():
        assert refused(capsys, command).startswith(f"latelier: {line}")
    assert "gone" in refused(capsys, "outliers lost white --out o.csv")
    assert not [*Path().glob("*.csv")]


def test_the_score_needs_others_and_tells_them_apart(here: Path, capsys: Captured) -> None:
    code, told = stopped(capsys, "score run --only outliers")
    assert code == 2
    assert told.splitlines()[-1].endswith("give their source with --set outliers.others=SRC")
    lines = said(capsys, "score run --only outliers --set outliers.others=white")
    values = [line.split() for line in lines if line.startswith("outliers: AUROC of likelihood ratio")]
    assert float(values[0][-1]) > 90


def test_codes_that_are_too_many_to_be_held_are_refused(
    here: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latelier.verbs.duplicates.HELD", 80)
    said = "holds the codes of all images, at most 80 numbers, and 27 images have 3 each"
    assert said in refused(capsys, "duplicates run pets --out d.csv")
    assert not Path("d.csv").exists()
