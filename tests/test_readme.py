"""The README's commands, word for word but for the folders, as a new user gives them.

By default on few images and for one epoch; with LATELIER_README=whole on 900, for as long as a user waits.
"""

import csv
import json
import os
import re
import shlex
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import uvicorn
from drawn_folder import KINDS, drawn_folder
from PIL import Image

import latelier
from latelier.cli import main
from latelier.data.sources.open import open_images

README = Path(__file__).parents[1] / "README.md"
WHOLE = os.environ.get("LATELIER_README") == "whole"
IMAGES, OTHERS = (900, 60) if WHOLE else (96, 12)
COMMAND = re.compile(r"^ {4}latelier (.+)$", re.MULTILINE)


def test_the_folder_is_what_it_says(tmp_path: Path) -> None:
    grey = open_images(drawn_folder(tmp_path / "grey", 60, stripes="striped"))
    assert (grey.shape, grey.classes, grey.remarks) == ((1, 28, 28), tuple(sorted(KINDS)), ())
    assert np.bincount(grey.label).tolist() == [10] * 6
    assert grey.attributes == ("striped",)
    assert 10 < grey.attribute.sum() < 40
    again = open_images(drawn_folder(tmp_path / "again", 60))
    assert (again.pixels == grey.pixels).all()
    assert again.attributes == ()
    colour = open_images(drawn_folder(tmp_path / "colour", 12, colour=True, side=32))
    assert colour.shape == (3, 32, 32)
    assert (colour.pixels[..., 0] != colour.pixels[..., 1]).any()
    spread = grey.pixels.reshape(60, -1).astype(float)
    assert len({tuple(row) for row in spread.tolist()}) == 60
    middle = [spread[grey.label == number].mean(0) for number in range(6)]
    nearest = np.array([[np.square(row - mean).sum() for mean in middle] for row in spread]).argmin(1)
    assert (nearest == grey.label).mean() > 0.8  # a kind has its own shape


@pytest.mark.slow
def test_the_readmes_commands_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    served: list[int] = []

    def serve(server: uvicorn.Server, sockets: list[socket.socket]) -> None:  # it would go on until Ctrl-C
        for listening in sockets:
            served.append(listening.getsockname()[1])
            listening.close()

    monkeypatch.setattr(uvicorn.Server, "run", serve)
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    text = README.read_text()
    (attribute,) = re.findall(r"--attribute (\w+)", text)
    drawn_folder(tmp_path / "path/to/folder", IMAGES, stripes=attribute)
    drawn_folder(tmp_path / "path/to/other", OTHERS, seed=1)
    commands = [shlex.split(line, comments=True) for line in COMMAND.findall(text)]
    assert {command[0] for command in commands} >= {"train", "report", "encode", "classify", "edit", "explore"}
    for command in commands:
        main([*command, *(["--epochs", "1"] if command[0] == "train" and not WHOLE else [])])
        said = capsys.readouterr()
        if WHOLE:
            with capsys.disabled():
                print(f"\n$ latelier {shlex.join(command)}\n{said.out}{said.err}")
    for run in ("mine", "few", "faces"):
        assert (Path("runs") / run / "config.json").exists()
    assert Path("runs/mine/report.html").stat().st_size > 10_000
    assert pq.read_table("codes.parquet").num_rows == IMAGES
    with open("predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == OTHERS
    assert {row["class"] for row in rows} <= set(KINDS)
    edited = sorted(Path("smiling").rglob("*.png"))
    assert len(edited) == OTHERS
    with Image.open(edited[0]) as opened:
        assert opened.size == (64, 64)
    assert len(served) == sum(command[0] == "explore" for command in commands)


@pytest.mark.slow
def test_the_readmes_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    asked = list[dict[str, Any]]()

    def shortened(*words: Any, **options: Any) -> Path:
        asked.append(options)
        return train(*words, **options, **({} if WHOLE else {"steps": 100}))

    train = latelier.train
    monkeypatch.setattr(latelier, "train", shortened)
    names: dict[str, Any] = {}
    exec(code, names)
    assert not {"epochs", "steps"} & asked[0].keys()  # 100 steps end in the verdict "Has not learned"
    if WHOLE:
        verdict = json.loads((tmp_path / "runs/first/verdict.json").read_text())["findings"]
        assert verdict[0]["text"].startswith("Learned")
    assert names["model"].image == (1, 8, 8)
    assert (tmp_path / "runs/first/scores.json").exists()
