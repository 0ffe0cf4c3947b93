"""A training that begins with another run's weights."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
from PIL import Image

import latelier
from latelier.engine import checkpoint
from latelier.errors import Refusal
from latelier.storage import json_records

SETTINGS = ["latent=2", "net=mlp", "net.widths=4", "head.unlabelled=none"]
LENGTH: dict[str, Any] = {"steps": 6, "batch": 8, "quiet": True, "validation": 0}


def images(place: Path, classes: str, each: int, side: int = 8) -> Path:
    for name in classes:
        (place / name).mkdir(parents=True)
        for number in range(each):
            values = np.random.default_rng([ord(name), number]).integers(0, 256, (side, side), np.uint8)
            Image.fromarray(values).save(place / name / f"{number}.png")
    return place


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("beginning")
    images(place / "few", "ab", 10)
    images(place / "grown", "ab", 14)
    few = {"data": place / "few", **LENGTH}
    latelier.train("vae", out=place / "old", labels=5, settings=SETTINGS, **few)
    latelier.train("vae", out=place / "plain", settings=SETTINGS[:3], **few)
    latelier.train("pca", data=place / "few", out=place / "pca", settings=["latent=2"], quiet=True)
    return place


def weights(run: Path, seen: int | None = None) -> dict[str, bytes]:
    files = run.glob(f"weights-{'*' if seen is None else f'{seen:08d}'}.safetensors")
    return {name: value.numpy().tobytes() for name, value in safetensors.torch.load_file(max(files)).items()}


def test_it_takes_method_settings_and_weights_and_leaves_the_run_as_it_was(here: Path) -> None:
    before = {path.name: path.read_bytes() for path in Path("old").iterdir()}
    new = latelier.train(data="grown", out="new", from_run="old", labels=5, rate=1e-12, **LENGTH)
    old, now = weights(Path("old")), weights(new)
    assert old.keys() == now.keys()
    first, last = (safetensors.torch.load_file(max(Path(run).glob("weights-*"))) for run in ("old", "new"))
    for name, value in first.items():  # at a rate at which nothing is learned
        if value.dtype.is_floating_point:
            np.testing.assert_allclose(last[name].float(), value.float(), atol=1e-5, err_msg=name)
    cards = [json_records.read(Path(run, "config.json"), dict, "")["model"] for run in ("old", "new")]
    assert cards[0] == cards[1]
    assert {path.name: path.read_bytes() for path in Path("old").iterdir()} == before
    config = json_records.read(new / "config.json", dict, "")
    assert config["request"]["from_run"] == "old"
    assert config["begun"]["seen"] == 48
    assert checkpoint.last_seen(new) == 48  # its own count, from 0


def test_it_begins_where_the_other_ended_and_not_at_random(here: Path) -> None:
    anew = latelier.train("vae", data="grown", out="anew", labels=5, settings=SETTINGS, **LENGTH)
    new = latelier.train(data="grown", out="new", from_run="old", labels=5, **LENGTH)
    assert weights(anew) != weights(new)


def test_a_resume_is_exact(here: Path) -> None:
    arguments: dict[str, Any] = {"data": "grown", "from_run": "old", "labels": 5, "save_every": 0.5, "keep": 9}
    whole = latelier.train(out="whole", **arguments, **LENGTH)
    half, end = Path(shutil.copytree(whole, "half")), checkpoint.last_seen(whole)
    for path in half.glob(f"*-{end:08d}.*"):
        path.unlink()  # as if it had been killed then
    assert 0 < checkpoint.last_seen(half) < end
    shutil.rmtree("old")  # it is not asked again
    latelier.train(out=half, resume=True, quiet=True)
    assert weights(half, end) == weights(whole, end)


def test_before_the_first_save_a_resume_begins_with_the_same_weights_or_is_refused(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = {"data": "grown", "from_run": "old", "labels": 5}
    whole = latelier.train(out="whole", **arguments, **LENGTH)

    def halted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save", halted)
    with pytest.raises(KeyboardInterrupt):
        latelier.train(out="stopped", **arguments, **LENGTH)
    monkeypatch.undo()
    monkeypatch.chdir(here)
    assert not list(Path("stopped").glob("manifest-*"))
    other = shutil.copytree("stopped", "other")
    latelier.train(out="stopped", resume=True, quiet=True)
    assert weights(Path("stopped")) == weights(whole)
    latelier.train(out="old", resume=True, quiet=True, steps=12)
    with pytest.raises(Refusal, match="old has other weights than when other was begun with them"):
        latelier.train(out=other, resume=True, quiet=True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"model": "autoencoder"}, "--from old: it is a vae, and autoencoder was named"),
        ({"settings": ["latent=3"]}, "--from old: latent is 2 there and 3 here"),
        ({"settings": ["net=conv"]}, r"--from old: net\.\w+ is .* there and .* here"),
        ({"settings": ["head.weight=5"]}, r"--from old: head\.weight is .* there and 5\.0 here"),
        ({"prior": "even"}, "--from old: --prior"),
        ({"from_run": "pca"}, "--from pca: a pca is fitted anew"),
        ({"from_run": "nowhere"}, "no run at nowhere"),
        ({"from_run": "plain", "labels": 5}, "--from plain: --labels needs a head"),
        ({"data": "three"}, "--from old predicts a, b, and these images are of c too"),
        ({"data": "digits", "from_run": "plain", "size": 4}, "has images of 1x4x4 .*, but plain is built for 1x8x8"),
    ],
)
def test_what_would_be_another_run_is_refused(arguments: dict[str, Any], said: str, here: Path) -> None:
    images(here / "three", "abc", 4)
    with pytest.raises(Refusal, match=said):
        latelier.train(**{"data": "grown", "from_run": "old", "out": "new", **LENGTH, **arguments})
    assert not Path("new").exists()


def test_what_is_the_same_may_be_said_again(here: Path) -> None:
    settings = ["latent=2", "net=mlp", "penalty.weight=1"]
    latelier.train("vae", data="grown", out="new", from_run="old", settings=settings, **LENGTH)
    assert checkpoint.last_seen(Path("new")) == 48


def test_of_fewer_classes_each_keeps_its_number(here: Path) -> None:
    names = sorted(path.name for path in (images(here / "one", "b", 9) / "b").iterdir())
    (here / "one" / "b" / "labels.csv").write_text("\n".join(["file,label", *(f"{name},b" for name in names)]))
    latelier.train(data="one/b", out="new", from_run="old", **LENGTH)
    assert json_records.read(Path("new/config.json"), dict, "")["model"]["classes"] == ["a", "b"]


def test_where_images_were_added_the_refusal_says_how_to_go_on(here: Path) -> None:
    with pytest.raises(Refusal, match="latelier train --from old --data grown --out NEW"):
        latelier.train(out="old", resume=True, data="grown", steps=12, quiet=True)


def test_a_caption_head_keeps_its_words(here: Path) -> None:
    for place in ("few", "grown"):
        names = sorted(path.relative_to(place).as_posix() for path in Path(place).rglob("*.png"))
        said = {"few": "a dark square", "grown": "a dark round thing"}[place]
        lines = ["file,caption", *(f"{name},{said}" for name in names)]
        Path(place, "captions.csv").write_text("\n".join(lines), encoding="utf-8")
    small = ["caption=gru", "caption.hidden=4", "caption.embedding=4", "caption.least=1"]
    latelier.train("vae", data="few", out="writer", settings=[*SETTINGS[:3], *small], **LENGTH)
    latelier.train(data="grown", out="new", from_run="writer", **LENGTH)
    words = [json_records.read(Path(run, "config.json"), dict, "")["model"]["words"] for run in ("writer", "new")]
    assert words[0] == words[1]
    assert "square" in words[1]
    assert "round" not in words[1]
