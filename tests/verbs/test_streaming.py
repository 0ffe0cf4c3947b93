"""Tables that are written as they come: the same as at once, also after a kill, from a bounded number of rows."""

import shlex
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from commands import Captured, refused
from killed import killed
from made import folder
from marks import but_slow

import latelier
from latelier import device
from latelier.cli import main
from latelier.codes import rows
from latelier.core import Features, need
from latelier.data.images import Images
from latelier.data.seeds import mix
from latelier.runs.run import Run, open_run
from latelier.runs.where import Where
from latelier.scores.captioning import BLOCK, written
from latelier.storage import unfinished
from latelier.verbs import streaming

TINY = "--steps 3 --batch 8 --quiet --set net=mlp net.widths=8 latent=3"
COMMANDS = {  # with the blocks after which each is killed; of 1,297 images
    "encode": ("encode run digits --out out.parquet", 1),
    "classify": ("classify run digits --out out.csv --confusion table.csv", 1),
    "caption": ("caption scribe digits --out out.csv --beam 2 --draws 2 --longest 3", 7),
    "parts": ("parts spotter digits --out out.parquet --least 0.2", 2),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`run` encodes and classifies digits, `scribe` writes captions of them, `spotter` finds parts."""
    place = tmp_path_factory.mktemp("made")
    main(shlex.split(f"train vae --data digits --labels 10 --out {place / 'run'} {TINY}"))
    pets = folder(place / "pets", 12, "L", (8, 8))
    lines = [f"{i:03}.png,a {'dog' if i % 2 else 'cat'} of no. {i % 3}" for i in range(12)]
    (pets / "captions.csv").write_text("\n".join(["file,caption", *lines]))
    main(shlex.split(f"train vae --data {pets} --out {place / 'scribe'} {TINY} caption=gru caption.least=1 head=none"))
    spotter = "--size 16 --steps 1 --batch 8 --quiet --set parts=3"
    main(shlex.split(f"train patchvae --data digits --out {place / 'spotter'} {spotter}"))
    return place


def outcome(command: str, capsys: Captured) -> tuple[dict[str, bytes], str]:
    """What a command writes and prints; its files are removed."""
    capsys.readouterr()
    main(shlex.split(command))
    paths = sorted(path for path in Path().iterdir() if path.is_file())
    found = {path.name: path.read_bytes() for path in paths}
    for path in paths:
        path.unlink()
    return found, capsys.readouterr().out


@pytest.mark.parametrize("verb", COMMANDS)
def test_memory_is_kept_from_block_to_block(here: Path, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the system takes every block's pages back, and a third of an encoder's time goes into new ones."""
    order: list[str] = []
    begin = unfinished.unfinished
    monkeypatch.setattr(device, "prepare_cpu", lambda: order.append("prepared"))
    monkeypatch.setattr(unfinished, "unfinished", lambda *given: order.append("begun") or begin(*given))
    main(shlex.split(COMMANDS[verb][0]))
    assert order == ["prepared", "begun"]


@pytest.mark.parametrize("verb", but_slow(COMMANDS, "classify", "caption", "parts"))
def test_a_killed_command_goes_on_and_ends_in_the_same_bytes(here: Path, verb: str, capsys: Captured) -> None:
    command, blocks = COMMANDS[verb]
    whole = outcome(command, capsys)
    killed(shlex.split(command), blocks)
    assert {path.name[-5:] for path in Path().iterdir() if path.is_file()} == {".part", ".note"}
    main(shlex.split(command))
    assert "going on after the" in capsys.readouterr().err
    main(shlex.split(command))
    assert not capsys.readouterr().err.count("going on")
    killed(shlex.split(command), blocks)
    assert outcome(command, capsys) == whole


def test_another_command_begins_anew(here: Path, capsys: Captured) -> None:
    command = COMMANDS["encode"][0]
    killed(shlex.split(command), 1)
    left = {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    main(shlex.split(f"train vae --data digits --labels 10 --out other {TINY} --seed 1"))
    others = [command.replace(" run ", " other "), command.replace("digits", "digits:test")]
    deepest = need(latelier.load("run"), Features).depths()[-1]
    for other in (*others, f"{command} --features {deepest}", f"{command} --precision bf16"):
        for path, content in left.items():
            path.write_bytes(content)
        capsys.readouterr()
        main(shlex.split(other))
        assert "is of other weights, images, options or versions; begun anew" in capsys.readouterr().err
        streamed = Path("out.parquet").read_bytes()
        Path("out.parquet").unlink()
        assert outcome(other, capsys)[0]["out.parquet"] == streamed


def test_rows_are_those_of_the_whole_answer(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "GROUP", 1_000)
    run = open_run("run")
    images = run.images("digits", Where())
    latelier.encode("run", "digits", out="codes.parquet")
    table = pq.read_table("codes.parquet")
    assert pq.ParquetFile("codes.parquet").num_row_groups == 2
    assert table["file"].to_pylist() == [str(name) for name in images.names]
    assert table.column_names[1:] == ["z[0]", "z[1]", "z[2]"]
    assert (np.stack([column.to_numpy() for column in table.columns[1:]], 1) == rows.codes(run.model, images)).all()
    scribe, texts, scores = open_run("scribe"), list[str](), list[float]()
    for start in range(0, len(images), BLOCK):
        generator = torch.Generator().manual_seed(mix(3, start))
        more = written(scribe.model, images.take(np.arange(start, min(start + BLOCK, len(images)))), 2, 2, generator, 3)
        texts, scores = texts + more[0], [*scores, *more[1]]
    latelier.caption("scribe", "digits", out="out.csv", beam=2, draws=2, longest=3, seed=3)
    lines = Path("out.csv").read_text().splitlines()[1:]
    assert lines == [f"{n},{text},{s:.3f}" for n, text, s in zip(images.names, texts, scores, strict=True)]


@pytest.mark.usefixtures("bf16")
def test_bf16_is_near_and_not_the_same(here: Path) -> None:
    tables = []
    for precision in ("fp32", "bf16"):
        latelier.encode("run", "digits", out="codes.parquet", precision=precision)
        table = pq.read_table("codes.parquet")
        tables.append(np.stack([column.to_numpy() for column in table.columns[1:]], 1))
    assert not (tables[0] == tables[1]).all()
    assert np.abs(tables[0] - tables[1]).max() < 0.03 * np.abs(tables[0]).max()


@pytest.mark.usefixtures("bf16")
def test_a_full_disk_leaves_the_old_file_and_what_is_done(
    here: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = COMMANDS["encode"][0]
    main(shlex.split(f"{command} --precision bf16"))
    old, add = Path("out.parquet").read_bytes(), unfinished.Unfinished.add

    def full(part: Any, *block: Any) -> None:
        if part.done:
            raise unfinished.files._refusal(part.out, OSError(28, "No space left on device"))
        add(part, *block)

    monkeypatch.setattr(unfinished.Unfinished, "add", full)
    with pytest.raises(SystemExit):
        main(shlex.split(command))
    said = capsys.readouterr().err
    assert "1,024 images are done and kept in .out.parquet.part" in said
    assert "the disk is full: cannot write out.parquet; what was there before is intact" in said
    assert Path("out.parquet").read_bytes() == old
    monkeypatch.undo()
    monkeypatch.chdir(here)
    main(shlex.split(command))
    assert "going on after the 1,024 images" in capsys.readouterr().err
    resumed = Path("out.parquet").read_bytes()
    Path("out.parquet").unlink()
    assert outcome(command, capsys)[0]["out.parquet"] == resumed != old


@pytest.mark.parametrize("verb", ["encode", "classify"])
def test_rows_in_memory_do_not_grow_with_the_images(here: Path, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "GROUP", 2_048)
    read, most = rows.blocks_of, []

    def counting(*given: Any, **more: Any) -> Iterator[np.ndarray]:
        alive: list[int] = []
        for block in read(*given, **more):
            alive.append(len(block))
            most[-1] = max(most[-1], (sum(alive), pa.total_allocated_bytes()))
            weakref.finalize(block, alive.remove, len(block))
            yield block

    monkeypatch.setattr(rows, "blocks_of", counting)
    for n in (5_000, 15_000):
        most.append((0, 0))
        monkeypatch.setattr(Run, "images", drawn(n))
        before = pa.total_allocated_bytes()
        getattr(latelier, verb)("run", "drawn", out=f"{n}.out")
        most[-1] = (most[-1][0], most[-1][1] - before)
    assert most[0][0] == most[1][0] <= 1_024 + rows.CACHED
    assert most[1][1] <= most[0][1] + (1 << 16)


def drawn(n: int) -> Callable[..., Images]:
    """In place of ``Run.images``: noise."""
    pixels = np.random.default_rng(0).integers(0, 256, (n, 8, 8, 1), np.uint8)
    none: list[list[str]] = [[]] * n
    images = Images(pixels, np.full(n, -1), np.zeros((n, 0), np.int8), none, range(n), tuple("0123456789"))  # type: ignore[arg-type]
    return lambda *given, **more: images


def test_an_output_that_is_being_written_is_refused(here: Path, capsys: Captured) -> None:
    command = COMMANDS["encode"][0]
    with unfinished.unfinished(Path("out.parquet"), "another"):
        assert "out.parquet is being written by another latelier right now" in refused(capsys, command)
