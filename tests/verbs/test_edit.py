"""latelier edit and draw with attributes: what is written, along which directions, and what is refused."""

import csv
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import Captured, refused
from made import folder
from PIL import Image

import latelier
from latelier.cli import main
from latelier.codes import directions
from latelier.core import AttributeDirections, need
from latelier.explore.open_runs import open_runs
from latelier.explore.uploads import Uploads
from latelier.runs import edit_basis
from latelier.runs.config import read_config
from latelier.runs.run import open_run
from latelier.runs.where import Where
from latelier.sheets.sheet import Grid, compose
from latelier.slices import done
from latelier.storage import json_records

TINY = "--epochs 2 --batch 8 --quiet --set"
NETS = "width=0.0625 latent=3"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge of light and dark needs no 300 steps."""
    monkeypatch.setattr("latelier.uses.judging.STEPS", 40)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen grey images of 8 x 8, whose sides are light or dark; an introvac and a vae on them, and a flat folder
    without labels."""
    place = tmp_path_factory.mktemp("made")
    for i in range(16):
        pixels = np.full((8, 8), 200 if i % 2 else 40, np.uint8)
        path = place / "pets" / ("light" if i % 2 else "dark") / f"{i:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels + np.arange(8, dtype=np.uint8) * (i + 1)).save(path)
    folder(place / "flat", 4, "L", (8, 8))
    pets = shlex.quote(str(place / "pets"))
    main(shlex.split(f"train introvac --data {pets} --out {place / 'run'} {TINY} {NETS}"))
    main(shlex.split(f"train vae --data {pets} --out {place / 'vae'} {TINY} net=mlp net.widths=4 latent=2"))
    main(shlex.split(f"train pca --data {pets} --out {place / 'pca'} --quiet --set latent=2"))
    return place


def table(place: str) -> list[dict[str, str]]:
    with open(f"{place}/edited.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_each_image_is_moved_and_the_table_says_what_became_of_it(here: Path, capsys: Captured) -> None:
    main(shlex.split("edit run pets --attribute light --by 2 --out new"))
    assert "along directions that the model has learned" in capsys.readouterr().out
    rows = table("new")
    judged, code = (f"light judged {when}" for when in ("before", "after")), ("before", "moved", "drawn")
    named = ["file", "image", *judged, "identity", "moved by", *(f"light code {what}" for what in code)]
    assert list(rows[0]) == named
    assert len(rows) == 16
    assert {path.name for path in Path("new").glob("*.png")} == {row["image"] for row in rows}
    model = latelier.load("run")
    own = need(model, AttributeDirections).directions()
    length = float(own.weight["z"][0].norm())
    for row in rows:
        assert float(row["light code moved"]) - float(row["light code before"]) == pytest.approx(2 * length, abs=2e-3)
        assert float(row["identity"]) > 0
    assert own.names == ("light", "fake")
    still = latelier.edit("run", "pets", attribute=["light=0", "fake"], by=0, out="still")
    for row in table(str(still)):
        assert row["light code moved"] == row["light code before"]
        assert row["light judged after"] == row["light judged before"]
        assert float(row["identity"]) == pytest.approx(0, abs=1e-3)


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What stands under the edited images of every sheet of edits."""
    found = list[str]()

    def composed(title: str, bands: list[list[Grid]], footer: str) -> np.ndarray:
        found.extend(cell.note for cell in bands[0][0].cells[2] if cell)
        return compose(title, bands, footer)

    monkeypatch.setattr("latelier.sheets.edits.compose", composed)
    return found


@pytest.mark.parametrize("run", ["run", "vae"])
def test_the_sheet_of_edits_and_the_command_have_one_judge(run: str, here: Path, notes: list[str]) -> None:
    main(shlex.split(f"edit {run} pets --attribute light --by 3 --out new"))
    main(shlex.split(f"draw {run} edits --attribute light --by 3 --data pets"))
    rows = [[100 * float(row[f"light judged {when}"]) for when in ("before", "after")] for row in table("new")]
    assert notes
    assert set(notes) <= {f"{before:.0f} → {after:.0f} %" for before, after in rows}


def test_a_report_on_a_model_of_attributes_has_the_judge_too(here: Path, notes: list[str]) -> None:
    latelier.report("run")
    assert notes
    assert all(note.endswith(" %") for note in notes)


def test_until_classified_stops_or_gives_up(here: Path) -> None:
    latelier.edit("run", "pets", attribute=["light"], until_classified=True, by=1.5, out="new")
    for row in table("new"):
        sure = float(row["light code drawn"]) > np.log(0.95 / 0.05) - 1e-3
        assert float(row["moved by"]) == 1.5 or sure
        assert float(row["moved by"]) in (0.0, 0.5, 1.0, 1.5)


def test_models_that_have_learned_none_are_edited_too_and_it_is_said(here: Path, capsys: Captured) -> None:
    main(shlex.split("edit vae flat --attribute light --out new"))
    assert "fitted after the fact on 8 images of" in capsys.readouterr().out
    assert len(table("new")) == 4
    main(shlex.split("edit pca flat --attribute light=0 --out third --fit pets"))
    assert len(table("third")) == 4
    line = refused(capsys, "edit vae flat --attribute light --out other --fit flat")
    assert "has neither attributes nor classes" in line


def test_directions_are_fitted_on_what_the_run_was_trained_on_alone(here: Path, capsys: Captured) -> None:
    tiny = {"net": "mlp", "net.widths": (4,), "latent": 2}
    run = latelier.train(
        "vae", data="pets", out="some", settings=tiny, images=10, validation=0.25, steps=2, batch=4, quiet=True
    )
    data = open_run(run).splits(None, Where())
    assert (len(data.fit), len(data.own)) == (12, 10)
    assert set(map(str, data.own.names)) < set(map(str, data.fit.names))
    latelier.edit(run, "flat", attribute=["light"], out="new")
    assert "fitted after the fact on 10 images of" in capsys.readouterr().out
    assert len(edit_basis.known(open_run(run), Where())) == 10


def test_every_verb_moves_along_the_same_directions_whatever_images_it_is_given(
    here: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit, made = directions.fitting, []

    def watched(model, images):
        found = yield from fit(model, images)
        made.append((images.source, found))
        return found

    monkeypatch.setattr(directions, "fitting", watched)
    for i in range(60):
        path = here / "others" / ("light" if i % 2 else "dark") / f"{i:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), 100 + 2 * i, np.uint8)).save(path)
    main(shlex.split("edit vae flat --attribute light --out new"))
    main(shlex.split("draw vae edits --data others"))
    main(shlex.split("score vae --data others --only edit --set edit.epochs=1 edit.deltas=1 --quiet"))
    (place,) = open_runs(["vae"], "others", Where(), Uploads())
    assert "fitted after the fact on 8 images of" in done(place.found()).said
    assert len(made) == 4
    for source, found in made:
        assert source == made[0][0]
        assert torch.equal(found.step["z"], made[0][1].step["z"])
        assert torch.equal(found.weight["z"], made[0][1].weight["z"])


def test_where_what_a_run_learned_from_is_gone_the_images_given_must_do(
    here: Path, made: Path, capsys: Captured
) -> None:
    for run in ("run", "pca"):
        config = read_config(here / run / "config.json")
        config["request"]["data"] = str(here / "gone")
        del config["places"]
        json_records.write(here / run / "config.json", config)
    main(shlex.split("draw pca edits --data pets"))
    assert Path("pca/sheets/edits.png").exists()
    main(shlex.split("edit run flat --attribute light --out new"))
    told = capsys.readouterr()
    assert "nothing judges what the edits show; give some by --fit" in told.err
    assert "light judged after" not in table("new")[0]
    assert "gone" in refused(capsys, "edit pca flat --attribute light --out other")


def test_edits_that_hardly_show_are_warned_of_and_others_are_not(here: Path, capsys: Captured) -> None:
    main(shlex.split("edit pca pets --attribute light --by 0.1 --out small"))
    told = capsys.readouterr()
    assert "warning: the edit hardly shows: of" in told.err
    assert "move farther (--by 0.2)" in told.err
    main(shlex.split("edit pca pets --attribute light --by 0 --out still"))
    assert "warning" not in capsys.readouterr().err  # nothing was to change
    main(shlex.split("edit pca pets --attribute light --by 12 --out large"))
    told = capsys.readouterr()
    assert "warning" not in told.err
    assert "in steps that change 0.1 of the difference between two images" in told.out
    for row in table("large"):
        assert float(row["light judged after"]) > 0.5


def test_sheets_of_attributes_are_drawn(here: Path, capsys: Captured) -> None:
    for command in (
        "draw run edits",
        "draw run delta --attribute light=0 --by 2",
        "draw run samples --given fake=0 --step 0.01 --steps 20 --temperature 0.5",
        "draw vae edits --attribute light --by -2",
        "draw vae samples --given light=0 --steps 10",
    ):
        main(shlex.split(command))
        with Image.open(capsys.readouterr().out.strip()) as sheet:
            assert sheet.width > 600, command


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            "edit run pets --attribute ligt --out new",
            'no attribute "ligt" in this model; did you mean "light"? there are',
        ),
        ("edit run pets --attribute light light=0 --out new", "light is asked for both ways; give it once"),
        ("edit run pets --out new", "edit lacks --attribute"),
        ("edit run pets --attribute light --out pets", "--out pets exists and is not an empty folder"),
        ("edit run pets --attribute light --until-classified --by -1 --out new", "so it must be above 0, not -1"),
        ("draw run samples --given dark=1", 'no attribute "dark" in this model; there are: light'),
        ("draw run reconstruct --given light=1", "sheet 'reconstruct' has no use for --given; it takes none of these"),
        ("draw run edits --given light=1", "sheet 'edits' has no use for --given; it takes --attribute, --by"),
        ("draw run samples --given light=1 --step -1", "a Langevin chain has a step of at least 0, not -1"),
        (f"train vac --data flat --out new {TINY} {NETS}", "has neither attributes nor classes"),
        (f"train vac --data pets --out new {TINY} {NETS} attributes=lit", 'no attribute "lit"'),
        (
            f"train vac --data pets --out new --labels 9 {TINY} {NETS}",
            "9 a side were asked for, but 8 images are known",
        ),
    ],
)
def test_mistakes_are_one_line(here: Path, capsys: Captured, command: str, said: str) -> None:
    assert said in refused(capsys, command)
    assert not Path("new").exists()


def test_what_tells_drawn_images_is_not_named_among_the_attributes(here: Path, capsys: Captured) -> None:
    for command in ("edit run pets --attribute dark --out new", "draw run edits --attribute dark"):
        assert refused(capsys, command).endswith("there are: light")


def test_few_labels_are_kept_on_each_side_and_no_head_is_put_on(here: Path) -> None:
    run = latelier.train("vac", data="pets", out="few", labels=2, epochs=1, batch=8, quiet=True, settings=NETS.split())
    card = latelier.load(run)
    assert card.config.attributes == ("light",)
    assert list(card.players) == ["coder", "decoder"]
