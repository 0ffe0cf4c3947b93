"""What every method's default training gives on small folders: the table of docs/defaults.md.

    python benchmarks/defaults.py --data-root DATA --out OUT [--methods vae,pca] [--sets faces32] [--longer 10]

Each cell is `latelier train METHOD --data FOLDER` with nothing else said (but --size; of games there is a row of their
control, `game=off`) on one thread, and the same again ``--longer`` times as long, where once took at most ``--spare``
CPU seconds. DATA holds `cifar100/train.parquet` and `smiles/train.parquet`; a thousand images of each, drawn by a seed,
are written as PNG files in class folders. Measured on the tenth that the run held out. Cells that stand in
OUT/results.jsonl are not made again. `dcign`, which needs known factors, has `sprites` alone.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cells
import numpy as np
from PIL import Image

IMAGES = 1_000
SETS = {  # name -> what is trained on below DATA, side in pixels; no parquet: an embedded one
    "digits": (None, None),
    "colour32": ("cifar100", 32),
    "faces32": ("smiles", 32),
    "faces64": ("smiles", 64),
    "sprites": (None, 32),
}
METHODS = (  # and what --set says
    *("pca", "vae", "autoencoder", "aae", "ksparse", "rbm", "patchvae", "spritevae", "dgdn", "classifier", "vac"),
    *("introvac", "introvae", "dcgan", "infogan", "bigan", "ali", "hali", "dcign", "dgdn_sampled"),
    *("vq", "cvae", "m2", "m1m2", "bigan game=off", "ali game=off", "hali game=off"),
)

FITTED = ("pca", "rbm")  # without steps


def folder_of(data_root: Path, name: str, out: Path) -> str:
    """What --data is given: an embedded set's name, or a folder of a thousand PNG files in class folders."""
    source = SETS[name][0]
    if source is None:
        return name
    folder = out / "data" / source
    if not folder.exists():
        from latelier.data.sources.open import open_images

        images = open_images(data_root / source / "train.parquet")
        for row in np.sort(np.random.default_rng(0).permutation(len(images))[:IMAGES]):
            place = folder / images.classes[images.label[row]].replace(" ", "_") / f"{row:06d}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            pixels = images.pixels[row]
            Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(place)
    return str(folder)


def trained(method: str, data: str, size: int | None, run: Path, steps: int | None) -> dict[str, float]:
    """Trains into ``run`` by the command line. CPU seconds, of a process of one thread, and its steps; 0 of what is
    fitted without them, and has no longer training."""
    name, *settings = method.split()
    words = [sys.executable, "-m", "latelier", "train", name, "--data", data, "--out", str(run), "--quiet"]
    words += ["--set", *settings] if settings else []
    words += ["--size", str(size), "--as", "classes"] if size else []  # "train" is one of CIFAR-100's
    words += ["--steps", str(steps)] if steps else []
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(words, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1) or not (run / "config.json").exists():
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()[-500:]}")
    asked = json.loads((run / "config.json").read_text())["request"]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"CPU s": round(cpu, 1), "steps": asked["steps"] or 0}


def measured(run: Path) -> dict[str, float]:
    """On the images that the run did not see."""
    import torch

    from latelier.codes.rows import device_of, rows_of, tabled
    from latelier.core import Classifies, Decodes, Encodes, Samples, has, need
    from latelier.engine.checkpoint import checkpoints
    from latelier.objectives import energy
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.scores.reconstruction import score

    torch.set_num_threads(1)
    opened = open_run(run)
    model, splits = opened.model, opened.splits(None, Where())
    found: dict[str, float] = {"kept at": opened.seen, "ended at": checkpoints(run)[-1].seen}
    found["code"] = sum(int(np.prod(model.latents[name].shape)) for name in tabled(model))
    if has(model, Encodes) and has(model, Decodes):
        values = score(model, splits, torch.Generator().manual_seed(0))
        found |= {"PSNR dB": round(values["PSNR dB"], 2), "SSIM": round(values.get("SSIM", float("nan")), 3)}
        found |= beside_pca(opened, splits)
    if has(model, Samples) and has(model, Decodes):
        test = splits.test.floats(slice(0, 500))
        with torch.no_grad():
            code = need(model, Samples).sample_prior(len(test), torch.Generator().manual_seed(0))
            drawn = need(model, Decodes).decode(code)
        sides = (side.float().flatten(1) for side in (test, drawn))
        found["sample distance"] = round(float(energy.shares(*sides).mean()) / test[0].numel() ** 0.5, 4)
    if has(model, Encodes):
        found |= probed(opened, splits)
    if has(model, Classifies):
        answers = rows_of(model, splits.test, need(model, Classifies).classify).argmax(1)
        found["accuracy %"] = round(100 * float((answers == splits.test.label).mean()), 1)
    assert device_of(model).type == "cpu"
    return found


def beside_pca(opened, splits) -> dict[str, float]:  # type: ignore[no-untyped-def]
    """PCA of as many numbers as a code has that are not 0, as the verdict has it: of 50 where these would know all."""
    from latelier.verdict.verdict import facts

    known = facts(opened, splits)
    if "PSNR of PCA" not in known:
        return {}
    return {"PCA PSNR dB": round(known["PSNR of PCA"], 2), "PCA numbers": int(known["components"])}


def probed(opened, splits) -> dict[str, float]:  # type: ignore[no-untyped-def]
    """Accuracy of logistic regression from all labels, on codes and on PCA of the same size."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from latelier.codes.rows import codes, pixels

    if len(splits.fit.classes) < 2:
        return {}
    fit, test = codes(opened.model, splits.fit), codes(opened.model, splits.test)
    raw, unseen = pixels(splits.fit), pixels(splits.test)
    pca = PCA(min(fit.shape[1], *raw.shape), random_state=0).fit(raw)
    spaces = {"probe codes %": (fit, test), "probe PCA %": (pca.transform(raw), pca.transform(unseen))}
    found = {}
    for name, (x, y) in spaces.items():
        machine = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)).fit(x, splits.fit.label)
        found[name] = round(100 * float(machine.score(y, splits.test.label)), 1)
    return found


def table(cells: list[dict]) -> str:  # type: ignore[type-arg]
    """Markdown: a row a set and method. So many times as long is told by PSNR, or the classifier's own accuracy, and by
    the distance of samples then."""
    found = {(cell["set"], cell["method"], cell["times"]): cell for cell in cells if "error" not in cell}
    longer = max((cell["times"] for cell in cells), default=1)
    head = (
        *("set", "method", "steps", "CPU s", "PSNR dB", "PCA (numbers)", f"{longer} times as long"),
        *("sample distance (then)", "probe: codes, PCA %"),
    )
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, method in ((name, method) for name in SETS for method in METHODS if (name, method, 1) in found):
        cell, beside = found[name, method, 1], found.get((name, method, longer), {}) if longer > 1 else {}
        probes = ", ".join(str(cell[key]) for key in ("probe codes %", "probe PCA %") if key in cell)
        own = f" ({cell['accuracy %']} by itself)" if "accuracy %" in cell else ""
        after = beside.get("PSNR dB", f"{beside['accuracy %']} %" if "accuracy %" in beside else "")
        distance = str(cell.get("sample distance", "")) + (
            f" ({beside['sample distance']})" if "sample distance" in beside else ""
        )
        pca = f"{cell['PCA PSNR dB']} ({cell['PCA numbers']})" if "PCA numbers" in cell else ""
        row = [
            name,
            f"`{method}`",
            "" if method in FITTED else cell["steps"],
            cell["CPU s"],
            cell.get("PSNR dB", ""),
            pca,
            after,
        ]
        lines.append("| " + " | ".join(map(str, [*row, distance, probes + own])) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--longer", type=int, default=0, help="train this many times as long as well")
    parser.add_argument("--spare", type=float, default=math.inf, help="CPU s of what is trained --longer as well")
    parser.add_argument("--table", action="store_true", help="print OUT/results.jsonl as a table, and train nothing")
    arguments = parser.parse_args()
    found = cells.read(arguments.out)
    if arguments.table:
        print(table(found))
        return
    done = {(cell["method"], cell["set"], cell["times"]): cell for cell in found}
    for name in arguments.sets.split(","):
        data = folder_of(arguments.data_root, name, arguments.out)
        for method in arguments.methods.split(","):
            for times in [1, *([arguments.longer] if arguments.longer else [])]:
                if (method, name, times) in done:
                    continue
                run = arguments.out / f"{method.replace(' ', '-')}-{name}-{times}"
                once = done.get((method, name, 1), {})
                steps = times * once.get("steps", 0) if once.get("CPU s", math.inf) <= arguments.spare else 0
                cell = {"method": method, "set": name, "times": times}
                if times == 1 or steps:
                    try:
                        cell |= trained(method, data, SETS[name][1], run, steps if times > 1 else None) | measured(run)
                    except (RuntimeError, ValueError) as error:
                        cell["error"] = str(error)[-300:]
                    done[method, name, times] = cell
                    cells.keep(arguments.out, cell)


if __name__ == "__main__":
    main()
