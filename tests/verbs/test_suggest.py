"""latelier suggest: the table, what it rests on, and labels given step by step, on a tiny run."""

import csv
import shlex
from pathlib import Path

import numpy as np
import pytest
from commands import Captured, refused, rows, said
from made import folder

import latelier
from latelier.cli import main
from latelier.codes.rows import codes
from latelier.data.sources.open import open_images
from latelier.data.sources.own import written_as
from latelier.learners import suggestion
from latelier.runs.run import open_run

NAMES = tuple(f"{number:03}.png" for number in range(24))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`run` of a VAE, `pets` without a class, `all.csv` that names each, and `some.csv` with a few of these."""
    place = tmp_path_factory.mktemp("made")
    folder(place / "pets", len(NAMES), "L", (8, 8))
    command = f"train vae --data {place / 'pets'} --out {place / 'run'} --steps 4 --batch 8 --validation 0 --quiet"
    main(shlex.split(f"{command} --set net=mlp net.widths=4 latent=3"))
    lines = [f"{name},{'=cat' if number % 3 else 'dog'}" for number, name in enumerate(NAMES)]
    (place / "all.csv").write_text("\n".join(["file,class", *lines]))
    (place / "some.csv").write_text("\n".join(["file,class", *lines[:9]]))
    (place / "one.csv").write_text("\n".join(["file,class", lines[0]]))
    return place


def test_the_table_is_what_the_library_says(here: Path, capsys: Captured) -> None:
    lines = said(capsys, "suggest run pets -n 10 --labels some.csv --out next.csv --seed 3")
    assert lines[0] == "next.csv: 10 images to label next, of 15 without a class: 8 unsure, 2 random"
    known = codes(open_run("run").model, images := open_images("pets"))
    label = np.array([*(int(number % 3 == 0) for number in range(9)), *[-1] * 15])
    assert tuple(images.names) == NAMES
    found = suggestion.suggest(known, label, 10, seed=3)
    table = rows("next.csv")
    assert [(row["file"], row["why"]) for row in table] == [(NAMES[one.row], one.why) for one in found]
    probability = suggestion.light(known, label, 2)[[one.row for one in found]]
    assert [row["class"] for row in table] == [("'=cat", "dog")[best] for best in probability.argmax(1)]  # no formula
    assert [row["probability"] for row in table] == [f"{best:.4f}" for best in probability.max(1)]
    assert [row["margin"] for row in table] == [f"{sure:.4f}" for sure in suggestion.margin(probability)]
    right = suggestion.cross_validated(known, label, range(9))
    assert lines[1:] == [
        f"learned from 9 labels of 2 classes; {100 * (right or 0):.0f} % of them are named right unseen, which is too "
        "low if they were suggested"
    ]


def test_without_labels_the_answers_stay_empty(here: Path, capsys: Captured) -> None:
    lines = said(capsys, "suggest run pets --out next.csv")
    assert lines[0] == "next.csv: 20 images to label next, of 24 without a class: 16 typical, 4 random"
    assert lines[1].startswith("no image is labelled: class, probability and margin stay empty until two classes")
    assert {row["class"] + row["probability"] + row["margin"] for row in rows("next.csv")} == {""}
    lines = said(capsys, "suggest run pets -n 5 --labels-file one.csv --out next.csv")
    assert lines[0] == "next.csv: 5 images to label next, of 23 without a class: 4 unlike, 1 random"
    assert lines[1].startswith("1 image of one class is labelled")


def test_its_tables_are_labelled_round_after_round(here: Path, capsys: Captured) -> None:
    """A person corrects the class in each table, and puts the tables below each other."""
    truth = {row["file"]: row["class"].removeprefix("'") for row in rows("all.csv")}
    given, labels = list[dict[str, str]](), ""
    for _ in range(3):
        lines = said(capsys, f"suggest run pets -n 7 {labels} --out next.csv")
        given += [{**row, "class": truth[row["file"]]} for row in rows("next.csv")]
        with open("labels.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, list(given[0]))
            writer.writeheader()
            writer.writerows(given)
        labels = "--labels labels.csv"
    assert len({row["file"] for row in given}) == 21
    lines = said(capsys, f"suggest run pets -n 7 {labels} --out next.csv")
    assert lines[0].startswith("next.csv: 3 images to label next, of 3 without a class: ")  # no more are left
    drawn = [NAMES.index(row["file"]) for row in given if row["why"] == "random"]
    assert 3 <= len(drawn) <= 6
    label = np.full(24, -1)
    for row in given:
        label[NAMES.index(row["file"])] = int(row["class"] == "dog")
    right = suggestion.cross_validated(codes(open_run("run").model, open_images("pets")), label, drawn)
    assert right is not None
    words = f"of the {len(drawn)} drawn at random {round(right * len(drawn))} are named right unseen"
    assert lines[1] == f"learned from 21 labels of 2 classes; {words}"


def test_the_same_command_gives_the_same_and_each_kind_its_reasons(here: Path, capsys: Captured) -> None:
    for kind, whys in (("unlike", {"unlike", "random"}), ("random", {"random"}), ("margin", {"unsure", "random"})):
        for out in ("a.csv", "b.csv"):
            main(shlex.split(f"suggest run pets -n 8 --kind {kind} --labels some.csv --out {out}"))
        assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()
        assert {row["why"] for row in rows("a.csv")} == whys
    assert written_as(Path("a.csv")) == "file,why,class,probability"
    assert latelier.suggest("run", "pets", out="c.csv", count=8, labels=Path("some.csv")) == Path("c.csv")
    assert Path("c.csv").read_bytes() == Path("a.csv").read_bytes()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("pets --labels all.csv --out o.csv", "all 24 images of pets have a class; give images without one, or with"),
        ("digits:test --out o.csv", "all 500 images of digits:test have a class; give images without one"),
        ("pets -n 0 --out o.csv", "--count takes a whole number from 1 to 1,000,000, but got 0"),
        ("pets -n -3 --out o.csv", "--count takes a whole number from 1 to 1,000,000, but got -3"),
        ("pets -n 1.5 --out o.csv", "expected a whole number, got '1.5'"),
        ("pets --kind best --out o.csv", 'invalid value "best" for --kind'),
        ("pets --labels no.csv --out o.csv", "no.csv: there is no such file"),
        ("pets --labels run/config.json --out o.csv", "the first line must name the columns file,class"),
        ("pets --labels some.csv --out some.csv", "is there, and no earlier output of this kind"),
        ("pets", "suggest lacks --out"),
        ("none --out o.csv", "none"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(here: Path, capsys: Captured, words: str, why: str) -> None:
    before = {path.name for path in here.iterdir()}
    assert why in refused(capsys, f"suggest run {words}")
    assert {path.name for path in here.iterdir()} == before


def test_a_model_that_encodes_nothing_is_refused(here: Path, capsys: Captured) -> None:
    latelier.train(
        "dcgan", data="digits", out="game", images=64, steps=1, batch=8, quiet=True, settings=["net=dense", "latent=2"]
    )
    assert "takes a method that knows codes of images" in refused(capsys, "suggest game pets --out o.csv")
