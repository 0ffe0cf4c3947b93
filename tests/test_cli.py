"""The command line as a user meets it: every verb on a small run, and every mistake answered by one line and exit 2."""

import csv
import json
import os
import pickle
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from commands import Captured, refused, started, stopped
from made import folder, noise, write
from PIL import Image

import latelier
from latelier.cli import VERBS, main
from latelier.engine import checkpoint
from latelier.sheets import find, list_sheets
from latelier.storage import files, json_records

UNFIT = {"unpooling", "latent_map", "parts", "part_crops", "swap"}  # need known factors, or parts
UNFIT |= {"captions", "imagine"}  # or a model that writes captions
UNASKED = {"weights", "edits", "delta"}  # on request, or of a model that has learned attributes
UNFIT |= {"levels", "level_traverse", "innovation", "distances"}  # or levels, or a critic that sees codes
TINY = "--set net=mlp net.widths=8 latent=2"


def image_folders(place: Path) -> None:
    """Folders of images, good ones and others."""
    for i in range(12):
        write(place / "pets" / ("cat" if i % 2 else "dög") / f"Bild {i} 図.png", "L", (8, 8), seed=i)
    for i in range(4):
        write(place / "dogs" / ("wolf" if i % 2 else "fox") / f"{i}.png", "L", (8, 8), seed=i + 20)
    folder(place / "flat", 4, "L", (8, 8))
    folder(place / "oblong", 4, "L", (12, 8))
    folder(place / "listed", 2, "L", (8, 8))
    (place / "listed" / "labels.csv").write_text("file,label\n000.png,a\nnope.png,b\n")
    (place / "empty").mkdir()
    write(place / "text" / "a.png").write_text("not an image")
    folder(place / "one", 1, size=(1, 1))
    odd = folder(place / "odd", 3, size=(16, 16))
    whole = write(odd / "half.jpg", size=(64, 64)).read_bytes()
    (odd / "half.jpg").write_bytes(whole[: len(whole) // 2])
    noise(size=(16, 16)).quantize(8).save(odd / "palette.png")
    write(odd / "cmyk.tif", "CMYK", (16, 16))
    write(odd / "alpha.png", "RGBA", (16, 16))
    Image.fromarray(np.full((30, 20), 60000, np.uint16)).save(odd / "deep.png")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images, and a run trained on some of them, seen from here as `run` and `pets`."""
    place = tmp_path_factory.mktemp("made")
    image_folders(place)
    before = Path.cwd()
    os.chdir(place)
    try:
        main(
            shlex.split(f"train vae --data pets --out run --epochs 3 --batch 4 --affine 1 --quiet {TINY} head=softmax")
        )
    finally:
        os.chdir(before)
    return place


def everything(place: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in place.rglob("*") if path.is_file() and path.name != ".lock"}


def pixels(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


# ---- what works


@pytest.mark.parametrize("sheet", [sheet for sheet in list_sheets() if sheet not in UNFIT])
def test_every_sheet_is_drawn(here: Path, sheet: str) -> None:
    main(["draw", "run", sheet, "--data", "pets"])
    assert pixels(f"run/sheets/{sheet}.png").std() > 0


def test_a_run_is_scored_reported_and_compared(here: Path, capsys: Captured) -> None:
    main(["score", "run", "--only", "reconstruction"])
    said = capsys.readouterr()
    assert "PSNR dB" in said.out
    assert said.err.splitlines()[-1] == "scoring: reconstruction, 1 of 1"
    assert [record["n"] for record in json.loads(Path("run/scores.json").read_text())] == [6]
    main(["report", "run"])
    said = capsys.readouterr().err.splitlines()
    scored = [line.removeprefix("scoring: ").partition(",")[0] for line in said if line.startswith("scoring: ")]
    assert {"likelihood", "prior_gap"} <= set(scored)  # those that it lacked
    assert "reconstruction" not in scored
    assert {record["name"] for record in json.loads(Path("run/scores.json").read_text())} >= {"reconstruction", *scored}
    steps = [line for line in said if line.startswith("drawing: ")]
    assert [line.partition(",")[0].removeprefix("drawing: ") for line in steps[:2]] == ["edits", "delta"]
    assert len(steps) == int(steps[-1].rpartition(" ")[2])
    page = Path("run/report.html").read_text()
    assert page.index('class="eight') < page.index("<nav") < page.index('id="sheets"') < page.index('id="scores"')
    assert "latelier train vae --data pets --out run" in page
    assert all(f'alt="An image above its reconstruction, {n} of 6"' in page for n in range(1, 7))
    refused = page.partition("Could not be drawn")[2].partition("</details>")[0]
    named = [line.partition(",")[0].removeprefix("drawing: ") for line in steps]
    drawn = [name for name in named if f'role="group" aria-label="{name}"' in page]
    assert {"latent_map"} <= set(named) - set(drawn)
    assert all(f'<th scope="row">{name}</th>' in refused for name in set(named) - set(drawn))
    assert "needs images whose" in refused
    shown = [sheet for sheet in list_sheets() if (find(sheet).__doc__ or "").splitlines()[0] in page]
    assert shown == [sheet for sheet in list_sheets() if sheet not in UNFIT | UNASKED]
    shutil.copytree("run", "elsewhere/run")
    main(["compare", "run", "elsewhere/run", "--out", "both.png"])
    header = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("score"))
    assert header.split() == ["score", "run", "elsewhere/run"]  # two columns that can be told apart
    assert pixels("both.png").std() > 0


def test_compare_scores_what_has_no_scores(here: Path, capsys: Captured) -> None:
    shutil.copytree("run", "other")
    main(["score", "other", "--only", "reconstruction", "--quiet"])
    before = Path("other/scores.json").read_bytes()
    capsys.readouterr()
    main(["compare", "run", "other", "--out", "both.png"])
    said = capsys.readouterr()
    assert "run has no scores of its checkpoint yet: scoring it on " in said.err
    (row,) = [line.split() for line in said.out.splitlines() if line.startswith("reconstruction: PSNR dB")]
    assert row[3] == row[4]
    assert "reconstruction" in {record["name"] for record in json.loads(Path("run/scores.json").read_text())}
    assert Path("other/scores.json").read_bytes() == before


def test_compare_says_why_half_a_table_is_empty_and_what_to_do(here: Path, capsys: Captured) -> None:
    shutil.copytree("run", "other")
    main(["score", "run", "--only", "reconstruction", "--quiet"])
    main(["score", "other", "--only", "reconstruction", "--data", "dogs", "--quiet"])
    capsys.readouterr()
    main(["compare", "run", "other", "--out", "both.png"])
    (why,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith('"-": ')]
    assert "not all measured on the same images (run on pets" in why
    assert "; other on dogs" in why
    assert why.endswith("latelier score RUN --data SRC")
    for run in ("run", "other"):
        for source in ("pets", "dogs"):
            main(["score", run, "--only", "reconstruction", "--data", source, "--quiet"])
    capsys.readouterr()
    main(["compare", "run", "other", "--out", "both.png"])
    assert '"-": ' not in capsys.readouterr().out


def test_a_folder_without_labels_is_scored_reported_and_compared_all_the_same(here: Path, capsys: Captured) -> None:
    main(shlex.split(f"train vae --data flat --out bare --epochs 1 --quiet {TINY}"))
    main(["score", "bare"])
    assert "probe: not taken; needs labels, but flat has none" in capsys.readouterr().out
    main(["report", "bare"])
    assert "needs labels, but flat has none" in Path("bare/report.html").read_text()
    capsys.readouterr()
    main(["compare", "bare", "run", "--data", "pets", "--out", "both.png"])
    assert '"-": no probe of bare: needs labels, but flat has none' in capsys.readouterr().out
    assert refused(capsys, "score bare --only probe").startswith('latelier: score "probe" needs labels')


def test_reproduce_alone_lists_the_recipes(capsys: Captured) -> None:
    main(["reproduce"])
    lines = capsys.readouterr().out.splitlines()
    listed = {line.split()[0] for line in lines}
    assert {"vae-binarized-mnist", "lecture/disentanglement", "patchvae/scenes"} <= listed
    assert all(line.rstrip().endswith((".", "?")) for line in lines)


def test_images_become_codes_files_and_classes(here: Path, capsys: Captured) -> None:
    main(["encode", "run", "pets", "--out", "codes.parquet"])
    table = pq.read_table("codes.parquet")
    assert table.column_names == ["file", "z[0]", "z[1]"]
    assert "cat/Bild 1 図.png" in table.column("file").to_pylist()
    main(["reconstruct", "run", "odd", "--out", "ä/ö"])
    assert pixels("ä/ö/000000-000.png").shape == (8, 8)
    said = capsys.readouterr().err
    assert "1 file could not be decoded and was skipped: half.jpg" in said
    main(["classify", "run", "pets", "--out", "classes.csv"])
    with open("classes.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert {row["class"] for row in rows} <= {"cat", "dög"}
    assert all(abs(float(row["cat"]) + float(row["dög"]) - 1) < 2e-4 for row in rows)
    assert list(rows[0])[5:] == ["cat score", "dög score", "cat spread", "dög spread"]
    assert all(float(row["cat spread"]) > 0 for row in rows)


def test_odd_images_are_converted_or_skipped_and_said(here: Path, capsys: Captured) -> None:
    main(shlex.split(f"train vae --data odd --channels 3 --out new --epochs 1 --batch 4 {TINY}"))
    said = capsys.readouterr().err
    assert "1 file could not be decoded and was skipped: half.jpg" in said
    for words in ("CMYK, turned into RGB", "transparency", "palette", "more than 8 bits", "mixed sizes"):
        assert words in said
    assert Path("new/skipped.txt").read_text() == "half.jpg\n"


def test_an_image_of_one_pixel_is_scaled(here: Path, capsys: Captured) -> None:
    main(shlex.split(f"train vae --data one --out new --epochs 1 --batch 4 {TINY}"))
    said = capsys.readouterr().err
    assert "shorter side scaled to 64" in said
    assert "--batch 4 is more than the 1 image" in said


def test_a_run_may_be_moved_and_its_images_too(here: Path) -> None:
    before = Path("run/config.json").read_bytes()
    Path("run").rename("moved")
    Path("pets").rename("animals")
    main(["score", "moved", "--data", "animals", "--only", "reconstruction", "--quiet"])
    main(shlex.split("train --resume --out moved --data animals --epochs 4 --quiet"))
    assert json.loads(before)["request"]["data"] == "pets"
    assert json.loads(Path("moved/config.json").read_bytes())["request"]["data"] == "animals"
    assert checkpoint.checkpoints(Path("moved"))[-1].seen == 48


@pytest.mark.slow
def test_a_run_that_cannot_be_written_to_is_judged_and_reported_elsewhere(here: Path, capsys: Captured) -> None:
    Path("run/.scores.json.tmp").mkdir()
    blocked = f".scores.json.{os.getpid()}.tmp"
    Path("run", blocked).mkdir()  # even root cannot write a file there
    code, said = stopped(capsys, "score run --only reconstruction")
    assert code == 2
    assert said.splitlines()[0] == "scoring: reconstruction, 1 of 1"
    assert "latelier: cannot write run/scores.json" in "\n".join(said.splitlines()[1:])
    main(["report", "run", "--out", "page.html"])
    assert "PSNR dB" in Path("page.html").read_text()


def test_python_takes_text_for_paths_and_settings_as_a_mapping(here: Path) -> None:
    settings = {"net": "mlp", "net.widths": (8,), "latent": 2, "penalty": {"kind": "mmd", "weight": 10}}
    run = latelier.train("vae", data="pets", out="new", settings=settings, epochs=0.5, batch=4, quiet=True)
    latelier.train("vae", data="pets", out=run, settings=settings, epochs=1, batch=4, resume=True, quiet=True)
    assert latelier.encode("new", "pets", out="codes.parquet") == Path("codes.parquet")
    assert latelier.draw(Path("new"), "samples", data=Path("pets"), out="samples.png") == Path("samples.png")
    assert len(latelier.score("new", only="reconstruction", quiet=True)) == 1
    report = latelier.report("new").read_text()
    assert "net.widths=8 latent=2 penalty.kind=mmd penalty.weight=10" in report  # words that --set takes


# ---- stopping and going on


def interrupted(captured: Captured, command: str, folder: Path) -> tuple[int, str]:
    """Exit code and stderr of a training that hears Ctrl-C once it has logged something."""

    def press() -> None:
        while not (folder / "log.jsonl").exists():
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    return stopped(captured, command)


def test_ctrl_c_saves_and_says_how_to_go_on(here: Path, capsys: Captured) -> None:
    command = f"train vae --data digits --epochs 8 --batch 32 {TINY} --out"
    code, said = interrupted(capsys, f"{command} 'a run'", here / "a run")
    assert code == 130
    *_, line = said.splitlines()
    assert line.startswith("stopped and saved at ")
    again = shlex.split(line.partition("go on with: latelier ")[2])
    assert again == ["train", "--out", "a run", "--resume"]
    main(again)
    main(shlex.split(f"{command} whole --quiet"))
    ends = [checkpoint.checkpoints(here / name)[-1] for name in ("a run", "whole")]
    assert ends[0].weights.read_bytes() == ends[1].weights.read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["terminated", "hung up"])
def test_other_signals_save_too(number: signal.Signals, here: Path) -> None:
    process = started(shlex.split(f"train vae --data digits --out {here / 'new'} --epochs 2000 --quiet {TINY}"))
    while process.is_alive() and not (here / "new/log.jsonl").exists():
        time.sleep(0.001)
    assert process.pid is not None
    os.kill(process.pid, number)
    process.join()
    assert process.exitcode == 128 + number
    last = checkpoint.latest(here / "new")
    assert last is not None
    assert last.seen > 0


@pytest.mark.slow
def test_a_closed_terminal_saves_too(here: Path) -> None:
    """Whatever is said meanwhile meets with an error: there is nobody to say it to."""
    import pty

    words = shlex.split(f"train vae --data digits --out {here / 'new'} --epochs 2000 {TINY}")
    pid, terminal = pty.fork()
    if not pid:
        os.execv(sys.executable, [sys.executable, "-m", "latelier", *words])
    while not (here / "new/log.jsonl").exists():
        os.read(terminal, 1 << 16)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 128 + signal.SIGHUP
    assert checkpoint.last_seen(here / "new") > 0


def test_a_loss_that_is_not_a_number_names_player_term_and_images(here: Path, capsys: Captured) -> None:
    code, line = stopped(capsys, f"train vae --data digits --out new --epochs 1 --batch 128 --rate 1e12 --quiet {TINY}")
    assert code == 1
    assert line.startswith("latelier: training failed: it diverged at 128 images")
    assert "player 'model'" in line
    assert "term 'distortion' is not finite on 128 of 128 images (" in line
    assert checkpoint.last_seen(here / "new") == 128
    assert "the checkpoint there leads nowhere: begin anew in another --out, with a lower --rate" in line
    main(shlex.split(f"train vae --data digits --out other --epochs 1 --batch 128 --rate 1e-3 --quiet {TINY}"))


# ---- what is refused: one line, exit 2, nothing written


def spoiled_config(change: Callable[[dict[str, object]], object]) -> None:
    path = Path("run/config.json")
    config = json.loads(path.read_text())
    config.pop(json_records.SUM)
    path.write_text(json.dumps(change(config)))


PREPARED: dict[str, Callable[[], object]] = {
    "newer": lambda: spoiled_config(lambda config: config | {"format": 99}),
    "foreign": lambda: spoiled_config(lambda config: []),
    "gone": lambda: (
        Path("pets").rename("animals"),
        spoiled_config(lambda config: {name: value for name, value in config.items() if name != "places"}),
    ),
    "pickled": lambda: Path("weights").write_bytes(pickle.dumps({"weight": [1.0]})),
    "file": lambda: Path("file").write_text("a file"),
}


REFUSED = {
    # images
    "train vae --data empty --out new": "no images in this folder",
    "train vae --data text --out new": "none of 1 images could be decoded; the first is a.png: not an image",
    "train vae --data listed --out new": "labels.csv names 1 files that are not there, first 'nope.png'",
    "train vae --data nowhere --out new": "nowhere is neither a folder or file that exists nor the name of a built-in",
    "train vae --data scnes --out new": "did you mean scenes?",
    # names
    "trian": 'unknown verb "trian"; did you mean "train"?',
    "train vae --data digits --out new --bath 3": "unknown option: --bath. Did you mean --batch?",
    "train vea --data digits --out new": 'unknown model "vea"; did you mean "vae"?',
    "train vae --data digits --out new --set latnt=3": "vae has no field 'latnt'; did you mean \"latent\"?",
    "train vae --data digits --out new --set head=sofmax": 'did you mean "softmax"?',
    "parts run pets --out x": "which has no parts; models that have: patchvae, spritevae; train one",
    "draw run travers": 'unknown sheet "travers"; did you mean "traverse"?',
    "draw run latent_map": "latent_map needs images whose x, y, scale, rotation, shape are known: give --data",
    "score run --only prob": 'unknown score "prob"; did you mean "probe"?',
    "encode run pets --out x --features z9": "no depth 'z9'",
    # numbers
    "train vae --data digits --out new --epochs -1": "--epochs takes more than 0, but got -1",
    "train vae --data digits --out new --epochs ten": 'unable to convert "ten" into float',
    "train vae --data digits --out new --batch 0": "--batch takes at least 1, but got 0",
    "train vae --data digits --out new --size 0": "--size takes at least 1, but got 0",
    "train vae --data digits --out new --seed 1.5": "expected a whole number, got '1.5'",
    "train vae --data digits --out new --validation nan": "--validation takes a share of the images",
    "train vae --data digits --out new --labels 999": "999 per class were asked for, but",
    "train vae --data digits --out new --precision fp8": '"fp8" for --precision. Choose from: "fp32", "tf32", "bf16"',
    "train vae --data digits --out new --device gpu": "--device gpu is not a device; give cpu",
    "score run --limit 0": "at least one image must be measured",
    "score run --seed -1": '"-1" for --seed. Must be >= 0',
    # what is missing
    "train": "no run folder was given: --out RUN says where to write",
    "train vae --out new": "no images were given: --data takes",
    "train --resume --out new": "new holds no run to resume",
    "train vae --data digits --out new --set latent": "--set takes field=value, but got 'latent'",
    "train vae --data digits --out new --set": "--set lacks a value",
    "score": "score lacks RUN; see latelier score --help",
    "encode run pets": "encode lacks --out; see latelier encode --help",
    "score run run": "score has no use for 'run'",
    "compare run": "compare takes two runs or more, but got 1",
    # what does not fit
    "train vae --data flat --out new --set head=softmax": "needs at least 2 classes, but the images have 0",
    "train classifier --data flat --out new": "needs labels, but these images have none",
    "score run --data scenes": "scenes has images of 1x32x32",
    "draw run samples --out sheet.jpg": "--out sheet.jpg does not end in .png, and is written as PNG",
    # runs
    "train vae --data digits --out run": "--out run exists and is not empty; go on with it by --resume",
    "train --resume --out run --batch 8": "--batch was 4 in run and is 8 now",
    "train --resume --out run --set latent=9": "--set was net=mlp net.widths=8 latent=2 head=softmax in run and is",
    "train --resume --out run --data dogs": "the images of dogs are not those that run was begun with",
    "score nothing": "no run at nothing: the folder does not exist; train one with",
    "score pets": "pets holds no checkpoint: it is not a run",
    "[newer] score run": "run/config.json was written by a newer latelier (format 99; this one reads 1)",
    "[newer] train --resume --out run": "run/config.json was written by a newer latelier",
    "[foreign] score run": "run/config.json is damaged or not latelier's: expected `object`, got `array`; restore it",
    "[gone] score run": "run was trained on pets, which is not there now; give its new place by --data SRC",
    "[gone] train --resume --out run --epochs 9": "run was trained on pets, which is not there now",
    "[pickled] score weights --data digits": "a pickle, which may run code when opened, and was not opened",
    "[file] encode run pets --out file/x": "/file is a file; name another place",
    "[file] train vae --data digits --out file/new": "cannot write file/new: part of that path is a file",
    "[file] train vae --data digits --out file": "--out file is a file; give a folder",
    "[file] reconstruct run pets --out file": "--out file exists and is not an empty folder",
}


@pytest.mark.parametrize("command", REFUSED)
def test_a_mistake_is_one_line_and_changes_nothing(here: Path, capsys: Captured, command: str) -> None:
    said = REFUSED[command]
    if command.startswith("["):
        preparation, command = command[1:].split("] ")
        PREPARED[preparation]()
    before = everything(here)
    assert said in refused(capsys, command)
    assert everything(here) == before
    assert not Path("new").exists()


def test_two_trainings_do_not_share_a_folder(here: Path, capsys: Captured) -> None:
    with files.only_writer(here / "new"):
        assert "new is being written by another" in refused(capsys, "train vae --data digits --out new")


# ---- the process itself


def test_every_verb_has_help_and_none_of_it_loads_torch() -> None:
    """Torch takes longer to import than the half second that --help may take."""
    program = """
import sys
from latelier.cli import VERBS, main
for verb in VERBS:
    main([verb, "--help"])
assert not {"torch", "numpy", "PIL", "pyarrow"} & set(sys.modules), "too much was imported"
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for verb in VERBS:
        assert f"Usage: latelier {verb}" in done.stdout
    assert "--no-" not in done.stdout
    assert "--set STR" in done.stdout


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = [sys.executable, "-m", "latelier", "models"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")
