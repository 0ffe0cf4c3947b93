"""latelier train with captions, caption, draw captions and imagine, score: what is written, and what is refused."""

import csv
import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import Captured, refused, stopped
from made import folder
from PIL import Image

import latelier
from latelier.cli import main
from latelier.core import Captions, need
from latelier.scores import captioning

TINY = "--epochs 10 --batch 8 --rate 0.03 --quiet --set net=mlp net.widths=4 latent=2"
GRU = "caption=gru caption.hidden=6 caption.embedding=4 caption.least=1"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen images, twelve of them with captions, some of them strange; a vae that writes; images without."""
    place = tmp_path_factory.mktemp("made")
    folder(place / "pets", 16, "L", (8, 8))
    rows = [(f"{i:03}.png", f"A {'dog' if i % 2 else 'cat'} , no. {number}") for i in range(12) for number in "12"]
    rows += [("000.png", ""), ("001.png", "..."), ("002.png", "ein Käse 🐶"), ("003.png", "far " * 10_000)]
    with open(place / "pets" / "captions.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "caption"), *rows])
    folder(place / "silent", 4, "L", (8, 8))
    main(shlex.split(f"train vae --data {place / 'pets'} --out {place / 'run'} {TINY} {GRU} head=none"))
    return place


def table(path: str) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_image_gets_a_caption_in_words_that_it_learned(here: Path, capsys: Captured) -> None:
    words = need(latelier.load("run"), Captions).words()
    assert words[:3] == ("<padding>", "<end>", "<unknown>")
    assert {"a", "dog", "cat", "no", "käse", "🐶", "far"} < set(words)
    config = json.loads(Path("run/config.json").read_text())
    assert tuple(config["model"]["words"]) == words
    assert config["data"]["captioned"] == 12
    capsys.readouterr()
    main(shlex.split("caption run silent --out new.csv --beam 2 --longest 3"))
    assert "4 captions" in capsys.readouterr().out
    rows = table("new.csv")
    assert [row["file"] for row in rows] == [f"00{i}.png" for i in range(4)]
    for row in rows:
        assert set(row["caption"].split()) <= set(words[3:])
        assert len(row["caption"].split()) <= 3
        assert float(row["log probability"]) < 0
    draws = [latelier.caption("run", "silent", out=f"{i}.csv", draws=3, seed=i // 2) for i in range(3)]
    texts = [Path(path).read_text() for path in draws]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


@pytest.mark.usefixtures("bf16")
def test_captions_in_bf16_are_those_in_fp32_but_for_rounding(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds, evaluated = list[bool](), captioning.codes_of

    def codes(*arguments: Any) -> Any:
        kinds.append(torch.is_autocast_enabled("cpu"))
        return evaluated(*arguments)

    monkeypatch.setattr(captioning, "codes_of", codes)
    plain, mixed = (
        table(str(latelier.caption("run", "silent", out=f"{precision}.csv", beam=1, precision=precision)))
        for precision in ("fp32", "bf16")
    )
    assert kinds == [False, True]
    assert [row["file"] for row in plain] == [row["file"] for row in mixed]
    for one, other in zip(plain, mixed, strict=True):
        if one["caption"] == other["caption"]:
            assert float(one["log probability"]) == pytest.approx(float(other["log probability"]), rel=0.05, abs=0.05)
    assert any(one["caption"] == other["caption"] for one, other in zip(plain, mixed, strict=True))


def test_of_several_captions_the_first_can_be_learned_alone(here: Path) -> None:
    main(shlex.split(f"train vae --data pets --out first {TINY} {GRU} caption.most=1 head=none"))
    words = need(latelier.load("first"), Captions).words()
    assert set(words[3:]) == {"a", "dog", "cat", "no", "1"}  # the second ones end in 2


@pytest.mark.slow
def test_what_it_writes_can_stand_beside_images_without_its_last_column(here: Path) -> None:
    latelier.caption("run", "silent", out="new.csv")
    with open("silent/captions.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "caption"), *((row["file"], row["caption"]) for row in table("new.csv"))])
    again = latelier.train(
        "vae",
        data="silent",
        out="again",
        epochs=1,
        batch=4,
        quiet=True,
        captions=2,
        settings=["net=mlp", "net.widths=4", "latent=2", "caption.least=1", "caption.hidden=4"],
    )
    model = latelier.load(again)
    assert json.loads(Path("again/config.json").read_text())["data"]["captioned"] <= 2
    assert need(model, Captions).words()[3:]


@pytest.mark.slow
def test_sheets_of_captions_are_drawn(here: Path, capsys: Captured) -> None:
    for command in (
        "draw run captions",
        "draw run captions --data silent",
        "draw run imagine --caption 'a Dog, no. 2' --step 0.01 --steps 3",
        "draw run imagine --caption 'a dog' --through code --steps 3",
    ):
        main(shlex.split(command))
        with Image.open(capsys.readouterr().out.strip().splitlines()[-1]) as sheet:
            assert sheet.width > 600, command


@pytest.mark.slow
def test_captions_are_scored_beside_what_needs_no_model(here: Path) -> None:
    found = {record["name"]: record for record in latelier.score("run", only=["captions", "retrieval"], quiet=True)}
    values = found["captions"]["values"]
    assert values.keys() >= {"BLEU-4", "ROUGE_L", "CIDEr", "perplexity", "BLEU-4 commonest", "CIDEr nearest"}
    assert values["perplexity"] > 1
    assert values["unknown words %"] >= 0
    assert "METEOR" not in values
    assert "METEOR was not measured" in found["captions"]["verdict"]
    recall = found["retrieval"]["values"]
    assert recall["caption recall@1 %"] <= recall["caption recall@5 %"] <= recall["caption recall@10 %"] == 100


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (f"train vae --data silent --out new {TINY} {GRU}", "a caption head needs captions, but these images have"),
        (
            f"train vae --data silent --out new {TINY} {GRU} caption.learning=twostep",
            "give a captions.csv or a Parquet column captions",
        ),
        (f"train vae --data pets --out new --captions 13 {TINY} {GRU}", "but 12 of the images to train on have"),
        (f"train vae --data pets --out new {TINY} caption=gro", 'unknown caption head "gro"; did you mean "gru"?'),
        (
            f"train vae --data pets --out new {TINY} head=gru",
            "gru writes captions and predicts no classes; say caption=gru",
        ),
        (f"train vae --data pets --out new {TINY} {GRU} caption.least=999999", "no word occurs 999999 times"),
        (
            f"train vae --data pets --out new {TINY} {GRU} caption.most=0",
            "captions of an image are learned, at least 1",
        ),
        (f"train vae --data pets --out new {TINY} {GRU} caption.dropout=1", "caption.dropout is a share"),
        (f"train vae --data pets --out new {TINY} {GRU} caption.hiden=1", 'did you mean "hidden"?'),
        ("caption run pets --out new --beam 0", "--beam takes a whole number from 1 to 10,000, but got 0"),
        ("caption run pets --out new --draws -1", "--draws takes a whole number from 0 to 10,000, but got -1"),
        ("draw run imagine", "imagine needs a caption"),
        ("draw run imagine --caption '...'", "has no words"),
        ("draw run imagine --caption 'a dug'", 'has the word "dug"; did you mean "dog"?'),
        ("draw run samples --caption x", "sheet 'samples' has no use for --caption"),
        ("score run --data silent --only captions", 'score "captions" needs captions, but silent has none'),
        ("score run --set captions.meteor=no.jar", "METEOR needs Java and its jar"),
    ],
)
def test_mistakes_are_one_line(here: Path, capsys: Captured, command: str, said: str) -> None:
    code, lines = stopped(capsys, command)
    assert code == 2
    assert said in lines.splitlines()[-1]  # after what is remarked of the images
    assert not Path("new").exists()


@pytest.mark.parametrize("monitor", ["caption loss", "objective", ""])
def test_in_two_steps_validation_judges_the_model_and_its_captions(here: Path, monitor: str) -> None:
    watched = f"--validation 0.25{monitor and f' --monitor {monitor!r}'}"
    main(shlex.split(f"train vae --data pets --out two {TINY} {GRU} caption.learning=twostep {watched}"))
    records = [json.loads(line) for line in Path("two/log.jsonl").read_text().splitlines()]
    judged = [record["validation"] for record in records if "validation" in record]
    assert judged
    assert all({"caption loss", "objective", "loss"} <= set(values) for values in judged)
    before, last = judged[-2:]
    assert before["objective"] == last["objective"]  # the model stands still, and the head goes on
    assert before["caption loss"] != last["caption loss"]


@pytest.mark.slow
def test_a_run_without_a_caption_head_cannot_write(here: Path, capsys: Captured) -> None:
    main(shlex.split("train pca --data silent --out pca --quiet --set latent=2"))
    assert "train it on images with captions and --set caption=gru" in refused(capsys, "caption pca silent --out new")
    assert "and pca does not" in refused(capsys, "draw pca captions --out new.png")
