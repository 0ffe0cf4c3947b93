"""Names of files and classes that are not UTF-8, through everything that writes them."""

import csv
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from explore import opened
from explore.able import Able
from made import noise, write
from shards import parquet

import latelier
from latelier import cli
from latelier.data.sources.own import METADATA
from latelier.data.sources.survey import survey
from latelier.errors import Refusal
from latelier.page.elements import text
from latelier.runs.run import open_run
from latelier.sheets.plot import blank, rendered
from latelier.sheets.sheet import font, wrap
from latelier.storage import files
from latelier.terminal.say import escaped, printable

CLASS, NAME = "k\udcfche", "bild_\udce4_{:02}.png"
JSON = {"content-type": "application/json"}
TINY = ["net=mlp", "net.widths=4", "latent=2", "head=softmax"]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images of two classes, one of them damaged, and a run that learned from them."""
    root = tmp_path_factory.mktemp("bytes")
    for number in range(12):
        path = root / "pets" / (CLASS if number % 2 else "dog") / NAME.format(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        noise("L", (8, 8), number).save(path, "PNG")
    (root / "pets" / "dog" / "kaputt_\udcfc.png").write_bytes(b"no image")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATELIER_CACHE", str(root / "cache"))
        latelier.train("vae", data=root / "pets", out=root / "run", steps=2, batch=4, settings=TINY, quiet=True)
    return root


@pytest.fixture(autouse=True)
def cache(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATELIER_CACHE", str(here / "cache"))


def names_in(path: Path) -> list[str]:
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
        return [row["file"] for row in csv.DictReader(file)]


def test_a_run_holds_them(here: Path) -> None:
    config = json.loads((here / "run" / "config.json").read_text("utf-8"))
    assert config["model"]["classes"] == ["dog", CLASS]
    assert (here / "run" / "skipped.txt").read_bytes() == b"dog/kaputt_\xfc.png\n"
    assert open_run(here / "run").card.classes == ("dog", CLASS)


def test_tables_have_their_bytes(here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, pets = str(here / "run"), str(here / "pets")
    cli.main(["classify", run, pets, "--out", str(tmp_path / "c.csv")])
    cli.main(["reconstruct", run, pets, "--out", str(tmp_path / "r")])
    expected = [f"dog/{NAME.format(i)}" for i in range(0, 12, 2)] + [
        f"{CLASS}/{NAME.format(i)}" for i in range(1, 12, 2)
    ]
    assert names_in(tmp_path / "c.csv") == names_in(tmp_path / "r" / "reconstructions.csv") == expected
    assert b"k\xfche/bild_\xe4_01.png" in (tmp_path / "c.csv").read_bytes()
    assert b"000000-bild_\xe4_00.png" in os.listdir(os.fsencode(tmp_path / "r"))
    assert "dog/kaputt_\\xfc.png" in capsys.readouterr().err


def test_parquet_has_them_written_out(here: Path, tmp_path: Path) -> None:
    latelier.encode(here / "run", here / "pets", out=tmp_path / "c.parquet")
    assert pq.read_table(tmp_path / "c.parquet")["file"][-1].as_py() == "k\\xfche/bild_\\xe4_11.png"


def test_a_parquet_file_of_such_a_name_is_one_like_others(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / "pets" / f"{number}.png", seed=number)
    parquet(tmp_path / "a.parquet", {"price": [1]}).rename(tmp_path / "pets" / "\udce4.parquet")
    pq.write_table(pa.table({"file": ["000.png"]}, metadata=METADATA), tmp_path / "b.parquet")
    (tmp_path / "b.parquet").rename(tmp_path / "pets" / "\udce5.parquet")
    (tmp_path / "pets" / "\udce6.parquet").touch()
    os.mkfifo(tmp_path / "pets" / "pipe.parquet")  # whatever its name, it was waited for
    assert survey(tmp_path / "pets").files.unused == {
        (".parquet", "no column image"): 1,
        (".parquet", "written by latelier"): 1,
        (".parquet", "damaged"): 1,
        (".parquet", "another kind than what is read (folder)"): 1,
    }
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "\udce6.parquet").touch()
    with pytest.raises(Refusal, match=r"\udce6\.parquet: not a whole Parquet file"):
        survey(tmp_path / "empty")


def test_pages_and_sheets_have_them_written_out(here: Path, tmp_path: Path) -> None:
    latelier.draw(here / "run", "codes", data=here / "pets", out=tmp_path / "codes.png")
    latelier.report(here / "run")
    page = (here / "run" / "report.html").read_text("utf-8")
    assert "dog/kaputt_\\xfc.png" in page
    assert text(CLASS) == escaped(CLASS) == printable(CLASS) == "k\\xfche"
    assert escaped("\ud83d") == "\\ud83d"
    assert wrap(CLASS, font(12), 500) == ["k\\xfche"]
    images = []
    for title in (CLASS, "k\\xfche"):
        figure = blank(2, 1)
        figure.suptitle(title)
        images.append(rendered(figure))
    assert np.array_equal(*images)


def test_a_run_in_such_a_folder_is_refused_before_any_work(here: Path, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"--out .* is not UTF-8, and weights are read by a library"):
        latelier.train("vae", data=here / "pets", out=tmp_path / CLASS, settings=TINY)
    assert not (tmp_path / CLASS).exists()
    with pytest.raises(Refusal, match=r"(?s)--out .* has a line break in its name"):
        latelier.train("vae", data=here / "pets", out=tmp_path / "two\nlines", settings=TINY)
    files.write(tmp_path / CLASS / "table.csv", files.csv_text(["file"], [[CLASS]]))
    assert (tmp_path / CLASS / "table.csv").read_bytes() == b"file\r\nk\xfche\r\n"


def test_the_explorer_says_them_and_is_asked_by_them(monkeypatch: pytest.MonkeyPatch) -> None:
    made = opened.noise_images
    names = [f"sub/{NAME.format(i)}" for i in range(12)]
    monkeypatch.setattr(
        opened, "noise_images", lambda **given: replace(made(**given), names=names, classes=("dog", CLASS))
    )
    with opened.page(Able((1, 8, 6))) as page:
        assert page.ask("look", "filters")["classes"] == ["dog", CLASS]
        (label,) = [one for one in page.ask("map", "about")["columns"] if one["name"] == "label"]
        assert list(label["classes"]) == ["dog", CLASS]
        found = page.client.post("/api/one/look/page", content=json.dumps({"label": CLASS}), headers=JSON).json()
        assert found["total"] == 5
        assert found["images"][0]["caption"] == f"{CLASS} ({NAME.format(1)})"
