"""latelier inpaint: known pixels as they were, the missing filled in, and what is refused."""

import csv
import math
import shlex
from pathlib import Path

import numpy as np
import pytest
from commands import Captured, refused
from made import folder, write
from PIL import Image
from torch import Generator

import latelier
from latelier.cli import main
from latelier.data.masks import make

TINY = "--epochs 1 --batch 4 --quiet --set net=mlp net.widths=4 latent=2"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven images of 12 x 10 pixels in colour, a `vae` and, without Imputes, a `pca` on them, and masks."""
    place = tmp_path_factory.mktemp("made")
    pets = shlex.quote(str(folder(place / "pets", 7)))
    main(shlex.split(f"train vae --data {pets} --out {place / 'vae'} {TINY}"))
    main(shlex.split(f"train pca --data {pets} --out {place / 'pca'} --quiet --set latent=2"))
    values = np.zeros((5, 6), np.uint8)
    values[:, :2] = 255  # known are 4 of 12 columns
    Image.fromarray(values).save(place / "left.png")
    Image.fromarray(np.full((5, 6), 255, np.uint8)).save(place / "white.png")
    (place / "text.png").write_text("no image")
    return place


def pixels(place: str) -> np.ndarray:
    """uint8 [n, h, w, c] of a folder's images, in the order of their names."""
    return np.stack([np.asarray(Image.open(path).convert("RGB")) for path in sorted(Path(place).glob("*.png"))])


@pytest.mark.parametrize(
    ("mask", "missing"), [("centre", 5 * 6), ("half", 6 * 10), ("random", 60), ("left.png", 8 * 10)]
)
def test_known_pixels_stay_as_they_are_and_the_others_are_filled_in(here: Path, mask: str, missing: int) -> None:
    main(["inpaint", "vae", "pets", "--mask", mask, "--out", "filled"])
    before, after = pixels("pets"), pixels("filled")
    assert sorted(path.name for path in Path("filled").glob("*.png")) == [f"{i:06}-{i:03}.png" for i in range(7)]
    known = make(mask, (7, 3, 10, 12), Generator().manual_seed(0)).permute(0, 2, 3, 1).numpy()
    known = np.broadcast_to(known, before.shape)
    assert (~known).sum() == 7 * missing * 3
    assert np.array_equal(after[known], before[known])
    assert (after[~known] != before[~known]).mean() > 0.9
    with open("filled/inpainted.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [f"{i:03}.png" for i in range(7)]
    for row, one, other, kept in zip(rows, before, after, known, strict=True):
        error = np.square((one / 255 - other / 255)[~kept]).mean()
        assert float(row["psnr_missing_db"]) == pytest.approx(-10 * math.log10(error), abs=0.05)


def test_every_level_of_grey_is_kept(here: Path) -> None:
    """All 256, through floats and back."""
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Path("ramp").mkdir()
    for i in range(2):
        Image.fromarray(ramp if i else ramp.T).save(f"ramp/{i}.png")
    main(shlex.split(f"train autoencoder --data ramp --out run {TINY}"))
    Image.fromarray(np.where(ramp == 100, 0, 255).astype(np.uint8)).save("dot.png")
    latelier.inpaint(Path("run"), Path("ramp"), mask=Path("dot.png"), out=Path("filled"))
    found = np.asarray(Image.open("filled/000001-1.png"))
    assert found.shape == (16, 16)  # grey, as the images were
    assert np.array_equal(found[ramp != 100], ramp[ramp != 100])


def test_a_seed_gives_the_same_images_again_and_another_other_masks(here: Path) -> None:
    for name, seed in (("one", 3), ("again", 3), ("other", 4)):
        assert latelier.inpaint("vae", "pets", mask="random", out=name, seed=seed) == Path(name)
    assert np.array_equal(pixels("one"), pixels("again"))
    assert not np.array_equal(pixels("one"), pixels("other"))


def test_what_is_missing_is_not_looked_at(here: Path) -> None:
    """A damaged image and a whole one are filled in alike."""
    write(Path("damaged/000.png"))
    whole = np.asarray(Image.open("damaged/000.png")).copy()
    whole[:, 6:] = 0
    Image.fromarray(whole).save("damaged/000.png")
    latelier.inpaint("vae", "pets", mask="half", out="filled")
    latelier.inpaint("vae", "damaged", mask="half", out="mended")
    assert np.array_equal(pixels("filled")[0], pixels("mended")[0])


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            "vae pets --mask center --out new",
            'no mask "center": did you mean "centre"? there are: centre, half, random',
        ),
        ("vae pets --mask nope.png --out new", 'no mask "nope.png": there are: centre, half, random, or a PNG'),
        (
            "vae pets --mask text.png --out new",
            "mask text.png cannot be read; give a PNG, white where pixels are known",
        ),
        ("vae pets --mask pets --out new", "mask pets cannot be read"),
        ("vae pets --mask white.png --out new", "mask white.png is, at 10 x 12 pixels, all white: nothing is missing"),
        ("vae nowhere --mask white.png --out new", "mask white.png is"),  # before images are looked for
        ("vae pets --mask half --out pets", "--out pets exists and is not an empty folder; name another"),
        ("vae pets --mask half", "inpaint lacks --out"),
        ("vae pets --out new", "inpaint lacks --mask"),
        ("vae pets --mask half --out new --seed 0.5", "expected a whole number, got '0.5'"),
        ("vae nowhere --mask half --out new", "nowhere is neither a folder or file that exists nor the name"),
        ("pca pets --mask half --out new", "this takes a method that fills in what is missing, and pca does not"),
        ("nothing pets --mask half --out new", "no run at nothing"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(here: Path, capsys: Captured, command: str, said: str) -> None:
    assert said in refused(capsys, f"inpaint {command}")
    assert not Path("new").exists()
