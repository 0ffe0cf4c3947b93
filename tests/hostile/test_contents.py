"""Files that hold something else than what they are for are refused in one line, and nothing is lost or left."""

import random
import shlex
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hostile import contents as of
from hostile.kept import Captured, refused

from latelier.cli import main

TRAIN = "--out new --steps 1 --batch 4 --quiet --set net=mlp net.widths=4 latent=2"
PETS, SRC = f"train vae --data pets {TRAIN}", f"train vae --data src {TRAIN}"
AGAIN, SCORE = "train --out run --resume --steps 3 --quiet", "score run --only reconstruction --quiet"
DRAWN = 6


class Kind(NamedTuple):
    """Files of one kind."""

    values: Mapping[str, Any]
    write: Callable[[Any], object]
    command: str


def without(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """All but one, which is right where it is put."""
    return {key: value for key, value in values.items() if key != name}


def alone(path: str) -> Callable[[bytes], object]:
    return partial(of.write, Path(path))


def everywhere(pattern: str) -> Callable[[bytes], object]:
    """In place of every such file of the run, so that no older checkpoint is left."""

    def put(content: bytes) -> None:
        for path in Path("run").glob(pattern):
            path.write_bytes(content)

    return put


KINDS = {
    "image": Kind(of.IMAGES, alone("src/a.png"), SRC),
    "image-encode": Kind(of.IMAGES, alone("src/a.png"), "encode run src --out codes.parquet"),
    "image-parquet": Kind(
        of.IMAGES, lambda it: of.parquet(Path("src.parquet"), {"image": [it]}), SRC.replace("src", "src.parquet")
    ),
    "image-tar": Kind(of.IMAGES, lambda it: of.tar(Path("src.tar"), {"a.png": it}), SRC.replace("src", "src.tar")),
    "mask": Kind(of.IMAGES, alone("mask.png"), "inpaint run pets --mask mask.png --out many"),
    "labels": Kind(without(of.TABLES, "utf-16"), alone("pets/labels.csv"), PETS),
    "attributes": Kind(of.ATTRIBUTES, alone("pets/attributes.csv"), PETS),
    "captions": Kind(of.CAPTIONS, alone("pets/captions.csv"), PETS),
    "labels-file": Kind(of.GIVEN, alone("table.csv"), f"{PETS} --labels-file table.csv"),
    "attributes-file": Kind(of.ATTRIBUTES, alone("table.csv"), f"{PETS} --attributes-file table.csv"),
    "prior": Kind(of.PRIORS, alone("prior.csv"), f"{PETS} --labels 4 --prior prior.csv"),
    "names": Kind(of.NAMES, alone("names.json"), SRC.replace("src", "pets.parquet")),
    "parquet": Kind(of.COLUMNS, lambda it: of.parquet(Path("src.parquet"), it), SRC.replace("src", "src.parquet")),
    "parquet-bytes": Kind(of.TENSORS, alone("src.parquet"), SRC.replace("src", "src.parquet")),
    "tar": Kind(
        of.BESIDE,
        lambda it: of.tar(Path("src.tar"), {"a.png": of.PNG} | {f"a.{end}": text for end, text in it.items()}),
        SRC.replace("src", "src.tar"),
    ),
    "tar-bytes": Kind(of.TENSORS, alone("src.tar"), SRC.replace("src", "src.tar")),
    "code": Kind(of.JSON | of.CODES, alone("code.json"), "decode run code.json --out one.png"),
    "code-said": Kind(of.CODES, alone("code.json"), "decode run CODE --out one.png"),
    "config": Kind(of.JSON, alone("run/config.json"), SCORE),
    "config-resume": Kind(of.JSON, alone("run/config.json"), AGAIN),
    "scores": Kind(without(of.JSON, "list"), alone("run/scores.json"), SCORE),
    "manifest": Kind(of.JSON, everywhere("manifest-*"), SCORE),
    "manifest-resume": Kind(of.JSON, everywhere("manifest-*"), AGAIN),
    "weights": Kind(of.TENSORS, everywhere("weights-*"), "encode run pets --out codes.parquet"),
    "weights-alone": Kind(of.TENSORS, alone("run.safetensors"), "classify run.safetensors pets --out classes.csv"),
    "state": Kind(of.TENSORS, everywhere("state-*"), AGAIN),
    "recipes": Kind(
        of.JSON, alone("many/recipes.json"), "reproduce lecture/ksparse-table --out many --data pets --share 0.01"
    ),
    "demo": Kind(of.JSON, alone("many/demo.json"), "demo --out many"),
}

RIGHT: dict[str, Any] = {  # what such a file may hold; of None the one that lies there
    **dict.fromkeys(("image", "image-encode", "image-parquet", "image-tar"), of.PNG),
    **{"parquet": {"image": [of.PNG, of.PNG], "label": [0, 1]}, "tar": {"cls": b"1"}, "code-said": b'{"z": [0.5, -1]}'},
    "attributes-file": b"file,big\n000.png,1\n001.png,0\n",
    **dict.fromkeys(("mask", "labels", "attributes", "captions", "labels-file", "prior", "names", "code", "config")),
    **dict.fromkeys(("config-resume", "scores", "manifest", "manifest-resume", "weights", "state")),
}


def cases() -> list[Any]:
    found = []
    for name, kind in KINDS.items():
        drawn = random.Random(name).sample(sorted(kind.values), min(DRAWN, len(kind.values)))
        for value in kind.values:
            marks = () if value in drawn else pytest.mark.slow
            found.append(pytest.param(name, value, marks=marks, id=f"{name}-{value.replace(' ', '_')}"))
    return found


def prepared(name: str, value: Any) -> list[str]:
    """Writes the file; the command that reads it."""
    kind = KINDS[name]
    if value is not None:
        kind.write(value)
    return [value.decode() if word == "CODE" else word for word in shlex.split(kind.command)]


@pytest.mark.parametrize("name", RIGHT)
def test_what_a_file_should_hold_is_read(name: str, shop: Path) -> None:
    main(prepared(name, RIGHT[name]))


@pytest.mark.parametrize(("name", "value"), cases())
def test_what_a_file_should_not_hold_is_refused(name: str, value: str, shop: Path, capsys: Captured) -> None:
    refused(prepared(name, KINDS[name].values[value]), capsys)
