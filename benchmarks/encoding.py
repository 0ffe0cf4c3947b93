"""`latelier encode` of a folder of JPEGs that it has never seen, beside a bare loop of PIL and torch.

    python benchmarks/encoding.py [--n 10000] [--size 64] [--laps 6] [--src OTHER/src]
    python benchmarks/encoding.py --decode [--n 200] [--laps 8]     # the decoding alone, in one process

Each lap is a process of its own, from its start to its table on the disk. Three take turns:

bare      one process: PIL opens, reduces and scales each file, torch encodes batches of 64, pyarrow writes the table
parallel  the same, with a pool of as many decoding processes as there are cores
latelier  the command, with an empty cache: it also checks each file, keeps the pixels and sums them

With ``--decode`` blocks of 50 files take turns: by PIL alone, by what a decoding process does for a pack, and by its
parts. One JSON line: processor milliseconds an image, medians, and what is one of the other within a block.

Both bare loops get the run's own encoder. ``--src`` is another checkout's. One JSON line: medians of wall and
processor seconds (children's too), and of the ratios within a lap. Beside other work processor seconds are what counts.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from packing import bare, draw

TRAIN = "train vae --steps 2 --batch 16 --images 64 --quiet"
BARE = """
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

SIZE, CORES = int(sys.argv[4]), int(sys.argv[5])


def pixels(names):
    found = np.empty((len(names), SIZE, SIZE, 3), np.uint8)
    for row, name in zip(found, names):
        with Image.open(name) as image:
            image.draft(None, (2 * SIZE, 2 * SIZE))
            side = min(image.size)
            left, top = (image.width - side) / 2, (image.height - side) / 2
            box = (left, top, left + side, top + side)
            row[:] = np.asarray(image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.LANCZOS, box, 2.0))
    return found


def main():
    folder, run, out = sys.argv[1:4]
    names = sorted(map(str, Path(folder).iterdir()))
    chunks = [names[start : start + 64] for start in range(0, len(names), 64)]
    pool = ProcessPoolExecutor(CORES, get_context("spawn")) if CORES > 1 else None
    blocks = pool.map(pixels, chunks) if pool else map(pixels, chunks)  # which begins with what follows
    import pyarrow
    import pyarrow.parquet
    import torch

    encoder = torch.load(run, weights_only=False)
    codes = []
    with torch.inference_mode():
        for block in blocks:
            image = torch.from_numpy(block).movedim(3, 1).float() / 255
            codes.append(encoder(image.contiguous(memory_format=torch.channels_last)).chunk(2, 1)[0].numpy())
    found = np.concatenate(codes)
    columns = {"file": names, **{f"z[{i}]": found[:, i] for i in range(found.shape[1])}}
    pyarrow.parquet.write_table(pyarrow.table(columns), out)


if __name__ == "__main__":
    main()
"""
SAVE = """
import sys, torch, latelier
torch.save(latelier.load(sys.argv[1]).encoder, sys.argv[2])
"""


def lap(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Wall and processor seconds of a command, with those of its children."""
    begun = time.perf_counter()
    before = os.times()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = os.times()
    return time.perf_counter() - begun, sum(after[2:4]) - sum(before[2:4])


def decoding(folder: Path, names: list[str], size: int, laps: int) -> dict[str, object]:
    """Processor milliseconds an image of a pack's decoding and of its parts, beside PIL's alone."""
    from latelier.data.packing.decode import Target, decode, no_bombs
    from latelier.data.packing.worker import Decoder, Files

    target, places = Target(size, size, 3, crop=True), [str(folder / name) for name in ("pixels", "origin")]
    for place in places:
        Path(place).touch()
    whole = Decoder(Files([str(folder)]), *places)

    def pixels(block: list[str]) -> None:
        with no_bombs():
            for name in block:
                decode(name, target)

    def sums(block: list[str]) -> None:
        for name in block:
            sha256(Path(name).read_bytes()).digest()

    sides: dict[str, Callable[[list[str]], object]] = {
        "bare": lambda block: bare(block, size),
        "latelier": lambda block: whole(target, 0, block),
        "its pixels": pixels,
        "its sums of files": sums,
    }
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(laps):
        for start in range(0, len(names), 50):
            block = names[start : start + 50]
            for name, side in sides.items():
                begun = time.process_time()
                side(block)
                spent[name].append(1000 * (time.process_time() - begun) / len(block))
    found: dict[str, object] = {name: round(statistics.median(each), 3) for name, each in spent.items()}
    pairs = zip(spent["latelier"], spent["bare"], strict=True)
    return found | {"of bare": round(statistics.median(own / of for own, of in pairs), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--laps", type=int, default=6)
    parser.add_argument("--decode", action="store_true")
    parser.add_argument("--src", default=str(Path(__file__).parents[1] / "src"))
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary)
        folder, script, encoder = here / "images", here / "bare.py", here / "encoder.pt"
        folder.mkdir()
        for seed in range(options.n):
            draw(folder / f"{seed:06}.jpg", seed)
        if options.decode:
            names = sorted(map(str, folder.iterdir()))
            print(json.dumps({"n": options.n} | decoding(folder.parent, names, options.size, options.laps)))
            return
        script.write_text(BARE)
        environment = {**os.environ, "PYTHONPATH": options.src, "LATELIER_CACHE": str(here / "cache")}
        run, size = str(here / "run"), str(options.size)
        train = [*TRAIN.split(), "--data", str(folder), "--size", size, "--out", run]
        subprocess.run([sys.executable, "-m", "latelier", *train], env=environment, check=True, capture_output=True)
        subprocess.run([sys.executable, "-c", SAVE, run, str(encoder)], env=environment, check=True)
        seconds: dict[str, list[tuple[float, float]]] = {"bare": [], "parallel": [], "latelier": []}
        for number in range(options.laps):
            own = {**environment, "LATELIER_CACHE": str(here / f"cache{number}")}
            arguments = [str(folder), str(encoder), str(here / "bare.parquet"), size]
            whole = [sys.executable, "-m", "latelier", "encode", run, str(folder), "--out", str(here / "codes.parquet")]
            sides = {
                "bare": [sys.executable, str(script), *arguments, "1"],
                "parallel": [sys.executable, str(script), *arguments, str(cores)],
                "latelier": whole,
            }
            for name in [*sides][number % 3 :] + [*sides][: number % 3]:
                seconds[name].append(lap(sides[name], own))
                print(number, name, *(f"{one:.2f}" for one in seconds[name][-1]), file=sys.stderr, flush=True)
    found: dict[str, object] = {"benchmark": "encoding", "n": options.n, "size": options.size, "cores": cores}
    for place, clock in enumerate(("wall", "processor")):
        for name, laps in seconds.items():
            found[f"{name} {clock} s"] = round(statistics.median(one[place] for one in laps), 2)
        for rival in ("bare", "parallel"):
            pairs = zip(seconds["latelier"], seconds[rival], strict=True)
            found[f"{clock}, of {rival}"] = round(statistics.median(own[place] / of[place] for own, of in pairs), 3)
    print(json.dumps(found | {"laps": options.laps, "load": round(os.getloadavg()[0], 1)}))


if __name__ == "__main__":
    main()
