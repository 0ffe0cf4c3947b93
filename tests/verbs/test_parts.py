"""latelier parts: the table holds what the model says, cell by cell."""

import math
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from commands import Captured, refused
from made import folder
from torch import Tensor

import latelier
from latelier.cli import main
from latelier.core import HasParts, Latent, Model, Move, Parts
from latelier.data.images import Images
from latelier.runs.building import Card
from latelier.runs.run import open_run
from latelier.runs.where import Where

COLUMNS = {"file": "string", "part": "int32", "row": "int32", "column": "int32", "probability": "float"}


class Known(Model, HasParts):
    """Part 1 is at row 1 and column 2 of 2 x 4 cells, as probable as the image is bright; others are nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.image, self.latents, self.players = (1, 8, 16), {"occurrence": Latent((3, 2, 4), "bernoulli")}, {}

    def moves(self) -> tuple[Move, ...]:
        return ()

    def parts(self, image: Tensor) -> Parts:
        occurrence = torch.zeros(len(image), 3, 2, 4)
        occurrence[:, 1, 1, 2] = image.mean((1, 2, 3))
        return Parts(occurrence, torch.zeros(len(image), 3, 1))


@dataclass
class Opened:
    model: Model
    data: Images
    card = Card("known", (1, 8, 16), {})

    def images(self, source: str, where: Where, quiet: bool) -> Images:
        return self.data


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of ``Known``, and ten images of levels 0, 20, 40, ... of 255, read three at a time."""
    levels = 20 * np.arange(10, dtype=np.uint8)
    data = Images(
        pixels=np.broadcast_to(levels[:, None, None, None], (10, 8, 16, 1)),
        label=np.full(10, -1),
        attribute=np.zeros((10, 0), np.int8),
        captions=[[]] * 10,
        names=[f"{level}.png" for level in levels],
    )
    monkeypatch.setattr("latelier.runs.run.open_run", lambda run: Opened(Known(), data))
    monkeypatch.setattr("latelier.codes.rows.BLOCK", 3)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "new" / "parts.parquet"


@pytest.mark.usefixtures("bf16")
def test_bf16_rounds_what_is_found(known: None, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds, parts = list[bool](), Known.parts

    def seen(model: Known, image: Tensor) -> Parts:
        kinds.append(torch.is_autocast_enabled("cpu"))
        return parts(model, image)

    monkeypatch.setattr(Known, "parts", seen)
    tables = [latelier.parts("run", "images", out=out, precision=precision) for precision in ("fp32", "bf16")]
    assert kinds == [False] * 4 + [True] * 4  # ten images, three at a time
    assert len(pq.read_table(tables[1])) == 3


def test_a_row_a_part_and_cell_that_is_probable_enough(known: None, out: Path, capsys: Captured) -> None:
    assert latelier.parts("run", "pets", out=out) == out
    table = pq.read_table(out)
    assert {field.name: str(field.type) for field in table.schema} == COLUMNS
    *places, probability = zip(*(tuple(row.values()) for row in table.to_pylist()), strict=True)
    assert list(zip(*places, strict=True)) == [(f"{level}.png", 1, 1, 2) for level in (140, 160, 180)]
    assert probability == pytest.approx([140 / 255, 160 / 255, 180 / 255])
    assert capsys.readouterr().out == f"{out}: 3 rows; parts occur in 3 of 10 images\n"
    assert list(out.parent.iterdir()) == [out]


def test_everything_is_at_least_0(known: None, out: Path) -> None:
    latelier.parts("run", "pets", out=out, least=0)
    table = pq.read_table(out)
    assert len(table) == 10 * math.prod((3, 2, 4))
    assert table["probability"].to_numpy().sum() == pytest.approx(900 / 255)


def test_a_table_without_rows_is_said_to_have_none(known: None, out: Path, capsys: Captured) -> None:
    latelier.parts("run", "pets", out=out, least=0.9)
    table = pq.read_table(out)
    assert {field.name: str(field.type) for field in table.schema} == COLUMNS
    assert len(table) == 0
    said = capsys.readouterr().out
    assert f"{out}: 0 rows; no part reaches 0.9 in 10 images, the highest probability is 0.7059\n" == said


@pytest.mark.parametrize("least", ["-0.1", "1.5", "nan"])
def test_what_is_no_probability_is_refused(least: str, out: Path, capsys: Captured) -> None:
    line = refused(capsys, ["parts", "run", "pets", "--out", str(out), "--least", least])
    assert line == f"latelier: --least takes a probability from 0 to 1, but got {least}"


def test_a_write_that_fails_leaves_the_old_file_and_what_the_next_goes_on_from(
    known: None, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    latelier.parts("run", "pets", out=out, least=0)
    whole = out.read_bytes()
    latelier.parts("run", "pets", out=out)
    before, calls, parts = out.read_bytes(), iter([False, True]), Known.parts

    def fail(self: Known, image: Tensor, whole: Callable[[Known, Tensor], Parts] = Known.parts) -> Parts:
        if next(calls):  # at the second block
            raise KeyboardInterrupt
        return whole(self, image)

    monkeypatch.setattr(Known, "parts", fail)
    with pytest.raises(KeyboardInterrupt):
        latelier.parts("run", "pets", out=out, least=0)
    monkeypatch.setattr(Known, "parts", parts)
    assert out.read_bytes() == before
    assert "3 images are done and kept in .parts.parquet.part" in capsys.readouterr().err
    latelier.parts("run", "pets", out=out, least=0)
    said = capsys.readouterr()
    assert "going on after the 3 images" in said.err
    assert said.out == f"{out}: 240 rows; parts occur in 10 of 10 images\n"
    assert out.read_bytes() == whole
    assert list(out.parent.iterdir()) == [out]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on six images of 16 x 24 pixels, which lie beside it as `pets`, and one of a model without parts."""
    place = tmp_path_factory.mktemp("made")
    pets = shlex.quote(str(folder(place / "pets", 6, size=(24, 16))))
    main(shlex.split(f"train patchvae --data {pets} --out {place / 'run'} --epochs 1 --batch 4 --quiet --set parts=3"))
    tiny = "net=mlp net.widths=4 latent=2"
    main(shlex.split(f"train vae --data {pets} --out {place / 'vae'} --epochs 1 --batch 4 --quiet --set {tiny}"))
    return place / "run"


def test_a_trained_run_writes_what_its_model_says(run: Path, out: Path, capsys: Captured) -> None:
    main(["parts", str(run), str(run.parent / "pets"), "--out", str(out), "--least", "0.3"])
    table = pq.read_table(out).to_pydict()
    images = latelier.load(run), torch.from_numpy(_pixels(run.parent / "pets"))
    expected = images[0].parts(images[1]).occurrence
    assert expected.shape == (6, 3, 2, 3)
    found = torch.zeros(expected.shape)
    row = [int(Path(name).stem) for name in table["file"]]
    found[row, table["part"], table["row"], table["column"]] = torch.tensor(table["probability"])
    assert 0 < len(row) < expected.numel()
    torch.testing.assert_close(found, expected.where(expected >= 0.3, 0.0))
    assert f"{len(row)} rows; parts occur in 6 of 6 images" in capsys.readouterr().out


def test_without_a_source_it_takes_the_images_that_scores_are_measured_on(
    tmp_path: Path, out: Path, capsys: Captured
) -> None:
    pets = folder(tmp_path / "pets", 30, size=(24, 16))
    held = tmp_path / "held"
    latelier.train("patchvae", data=pets, out=held, steps=1, batch=4, quiet=True, settings=["parts=3"])
    main(["parts", str(held), "--out", str(out), "--least", "0"])
    measured = open_run(held).splits(None, Where()).test
    assert set(pq.read_table(out)["file"].to_pylist()) == set(measured.names)
    assert f"parts occur in 3 of 3 images ({pets}, 3 held out)" in capsys.readouterr().out


@pytest.mark.parametrize("sheet", ["parts", "part-crops", "part_crops", "swap", "weights"])
def test_its_sheets_are_drawn_under_one_name(run: Path, sheet: str, capsys: Captured) -> None:
    main(["draw", str(run), sheet])
    assert capsys.readouterr().out.strip() == str(run / "sheets" / f"{sheet.replace('-', '_')}.png")


def test_a_model_without_parts_is_refused(run: Path, out: Path, capsys: Captured) -> None:
    line = refused(capsys, ["parts", str(run.parent / "vae"), str(run.parent / "pets"), "--out", str(out)])
    assert "vae is a vae, which has no parts; models that have: patchvae, spritevae; train one of those" in line
    assert not out.parent.exists()


def _pixels(pets: Path) -> np.ndarray:
    """float32 [n, 3, h, w] in [0, 1], in the order of their names."""
    from PIL import Image

    pixels = np.stack([np.asarray(Image.open(path)) for path in sorted(pets.iterdir())])
    return pixels.transpose(0, 3, 1, 2).astype(np.float32) / 255
