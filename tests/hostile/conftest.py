"""A small working folder with everything that commands take, made once and copied for each test."""

import json
import os
import shlex
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import folder
from PIL import Image

from latelier.cli import main

PETS = [f"{number:03}.png" for number in range(16)]
LARGE = 1 << 20  # bytes
TRAININGS = (
    "train vae --data pets --out run --steps 2 --batch 8 --quiet --set net=mlp net.widths=4 latent=2 head=softmax "
    "head.labelled=0.3 caption=gru caption.captioned=0.3 caption.hidden=4 caption.embedding=4 caption.least=1",
    "train patchvae --data digits --images 32 --out parts --steps 1 --batch 8 --quiet --set parts=2",
    "score run --only reconstruction probe --limit 8 --quiet",
)


def tables(place: Path) -> None:
    """What is known of the pets."""
    of = {"label": ("cat", "dog"), "caption": ("a cat sits", "a dog runs"), "big": ("0", "1")}
    for name, column in (("labels", "label"), ("captions", "caption"), ("attributes", "big")):
        rows = [f"{pet},{of[column][number % 2]}" for number, pet in enumerate(PETS)]
        (place / f"{name}.csv").write_text("\n".join([f"file,{column}", *rows, ""]))


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder as it is made: images with tables, the same as Parquet and tar, a mask, a code, a run, a
    lone weights file of a model with parts."""
    place = tmp_path_factory.mktemp("whole")
    folder(place / "pets", 16, "L", (8, 8))
    tables(place / "pets")
    with tarfile.open(place / "shard.tar", "w") as tar:
        for pet in PETS:
            tar.add(place / "pets" / pet, pet)
    content = [{"bytes": (place / "pets" / pet).read_bytes(), "path": pet} for pet in PETS]
    pq.write_table(pa.table({"image": content, "label": [0, 1] * 8}), place / "pets.parquet")
    Image.fromarray(np.repeat(np.uint8([[0, 255]]), 2, 0)).save(place / "mask.png")
    (place / "code.json").write_text(json.dumps({"z": [0.5, -1]}))
    (place / "recipe.toml").write_text(
        'method = "vae"\ndata = "pets"\ntrials = 2\n[training]\nsteps = 1\nbatch = 4\nvalidation = 0.25\n'
        '[settings]\nnet = "mlp"\nlatent = {range = [1, 3]}\n'
    )
    (place / "table.csv").write_text("file,class\n000.png,cat\n001.png,dog\n")
    (place / "prior.csv").write_text("class,share\ncat,0.5\ndog,0.5\n")
    (place / "text.txt").write_text("of no use\n")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(place)
        patched.setenv("LATELIER_CACHE", str(tmp_path_factory.mktemp("cache")))
        for words in TRAININGS:
            main(shlex.split(words))
        next(Path("parts").glob("weights-*")).rename("parts.safetensors")  # of 8 MB, the only large file
        shutil.rmtree("parts")
        yield place


@pytest.fixture
def shop(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy, as the working folder, beside what cannot be copied: an empty folder, a pipe, a link to itself."""
    place = Path(shutil.copytree(whole, tmp_path / "shop", copy_function=copied))
    (place / "empty").mkdir()
    os.mkfifo(place / "pipe")
    (place / "loop").symlink_to("loop")
    monkeypatch.chdir(place)
    monkeypatch.setattr("uvicorn.Server.run", lambda *more, **options: pytest.fail("the explorer was started"))
    monkeypatch.setattr("latelier.bench.demo.main_run", lambda *more: pytest.fail("the demo was started"))
    monkeypatch.setattr("latelier.bench.processes.run_all", lambda jobs, done: [work(task) for work, task in jobs])
    yield place
    shutil.rmtree(place)  # there are thousands of them


def copied(source: str, copy: str) -> str:
    """A copy of a file; of a large one, into which nothing is written, a link."""
    if os.path.getsize(source) < LARGE:
        return str(shutil.copy2(source, copy))
    os.link(source, copy)
    return copy
