"""Packing a folder of JPEGs, beside the decoding rate of as many bare PIL processes as there are cores.

    python benchmarks/packing.py [--n 4000] [--size 64] [--rounds 5]

Both open, decode and scale the same files in the same chunks; the bare processes then throw the pixels away, while the
pack lists the folder, looks at headers, writes, sums and syncs. Rounds alternate; one JSON line with the medians. The
ratio of processor seconds is there for machines on which others work.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

CHUNK = 64
SIZES = ((256, 256), (500, 375), (375, 500))


def draw(path: Path, seed: int) -> None:
    """A photograph-like JPEG: soft clouds, a few shapes, some grain."""
    random = np.random.default_rng(seed)
    size = SIZES[seed % len(SIZES)]
    clouds = Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8)).resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(clouds)
    for _ in range(12):
        x, y, r = random.integers(0, size[0]), random.integers(0, size[1]), random.integers(5, 60)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=tuple(random.integers(0, 256, 3).tolist()))
    soft = np.asarray(clouds.filter(ImageFilter.GaussianBlur(1)), np.int16)
    grain = random.normal(0, 6, soft.shape).astype(np.int16)
    Image.fromarray((soft + grain).clip(0, 255).astype(np.uint8)).save(path, quality=90)


def bare(names: list[str], size: int) -> int:
    """Opens, decodes and scales files with PIL alone."""
    total = 0
    for name in names:
        with Image.open(name) as image:
            image.draft(None, (2 * size, 2 * size))
            side = min(image.size)
            left, top = (image.width - side) / 2, (image.height - side) / 2
            box = (left, top, left + side, top + side)
            small = image.convert("RGB").resize((size, size), Image.Resampling.LANCZOS, box, 2.0)
            total += np.asarray(small).shape[0]
    return total


def clocks() -> np.ndarray:
    """Seconds on the wall, and processor seconds of this process and of its children that have ended."""
    return np.array([time.perf_counter(), sum(os.times()[:4])])


def bare_seconds(names: list[str], size: int, cores: int) -> np.ndarray:
    """Time from nothing to all files decoded, with fresh processes."""
    start = clocks()
    chunks = [names[i : i + CHUNK] for i in range(0, len(names), CHUNK)]
    with ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        done = sum(pool.map(bare, chunks, [size] * len(chunks)))
    assert done == len(names) * size
    return clocks() - start


def pack_seconds(folder: Path, size: int, cache: Path) -> np.ndarray:
    """Time from nothing to a finished pack on the disk."""
    from latelier.data.sources.open import open_images

    start = clocks()
    open_images(folder, size=size, cache=cache)
    return clocks() - start


def alternate(folder: Path, size: int, rounds: int, cores: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Clocks bare and clocks packed, round by round after one to warm up."""
    names = sorted(map(str, folder.iterdir()))
    for i in range(rounds + 1):
        seconds = bare_seconds(names, size, cores), pack_seconds(folder, size, folder.with_name(f"cache{i}"))
        if i:
            yield seconds


def main() -> None:
    from latelier.data.packing.pool import cores

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=4000)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "images")
        folder.mkdir()
        for seed in range(options.n):
            draw(folder / f"{seed:06}.jpg", seed)
        times = list(alternate(folder, options.size, options.rounds, cores()))
    bare_clocks, pack_clocks = np.median(times, axis=0)
    print(
        json.dumps(
            {
                "benchmark": "packing",
                "n": options.n,
                "size": options.size,
                "cores": cores(),
                "rounds": options.rounds,
                "bare images/s": round(options.n / bare_clocks[0], 1),
                "pack images/s": round(options.n / pack_clocks[0], 1),
                "ratio": round(bare_clocks[0] / pack_clocks[0], 3),
                "median of rounds' ratios": round(float(np.median([bare[0] / pack[0] for bare, pack in times])), 3),
                "ratio of processor seconds": round(bare_clocks[1] / pack_clocks[1], 3),
                "load": round(os.getloadavg()[0], 1),
            }
        )
    )


if __name__ == "__main__":
    main()
