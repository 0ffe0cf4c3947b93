"""How much memory verbs that write tables take over many images, and how long.

    python benchmarks/streaming.py [--images 1000000] [--verbs encode,classify,caption,parts] [--src OTHER/src]

CPU seconds, peak MB of the process and MB of the table, of each verb over drawn noise of 8 x 8 px in a memory map, in a
process of its own; before it the same over the first 10,000. encode and classify by a vae with 64 numbers a code and a
label head of ten classes, caption (one draw, greedily, up to five words) by one with a small writer, parts by a
patchvae of four parts, after a few steps each. Pixels come from the map in place of a source, so that no decoding is
measured. ``--src`` is another checkout's.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

FEW = 10_000
CODES = "train vae --data digits --labels 20 --steps 20 --quiet --set net=mlp net.widths=64 latent=64"
WORDS = (
    "train vae --data {place}/captioned --steps 20 --quiet --validation 0 "
    "--set net=mlp net.widths=64 latent=16 caption=gru caption.hidden=16 caption.embedding=8"
)
PARTS = "train patchvae --data digits --steps 20 --quiet --set parts=4"
VERBS: dict[str, tuple[str, str, dict[str, int]]] = {  # training, ending of the table, options
    "encode": (CODES, "parquet", {}),
    "classify": (CODES, "csv", {}),
    "caption": (WORDS, "csv", {"beam": 1, "draws": 1, "longest": 5}),
    "parts": (PARTS, "parquet", {}),
}
CHILD = """
import json, sys
import numpy as np
import latelier
from latelier.data.images import Images
from latelier.runs.run import Run

pixels, verb, run, out, options = np.load(sys.argv[1], mmap_mode="r")[: int(sys.argv[2])], *sys.argv[3:]
n = len(pixels)
data = Images(pixels, np.full(n, -1), np.zeros((n, 0), np.int8), [()] * n, [f"{i:08}.png" for i in range(n)],
              tuple("0123456789"), source="map", fingerprint="map")
Run.images = lambda self, *more, **options: data
getattr(latelier, verb)(run, "map", out=out, **json.loads(options))
"""


def captioned(folder: Path) -> None:
    """A folder of few images with captions."""
    from PIL import Image

    folder.mkdir()
    lines = ["file,caption"]
    for number in range(40):
        Image.new("L", (8, 8), 6 * number).save(folder / f"{number:02}.png")
        lines.append(f"{number:02}.png,a {'dark' if number < 20 else 'light'} square of grey {number % 7}")
    (folder / "captions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def lap(words: list[str], src: str) -> tuple[float, float]:
    """CPU seconds and peak MB."""
    environment = {**os.environ, "PYTHONPATH": src, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, *words], env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words[:2])} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    import numpy as np

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--verbs", default=",".join(VERBS))
    parser.add_argument("--src", default=str(Path(__file__).parents[1] / "src"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        pixels = np.random.default_rng(0).integers(0, 256, (arguments.images, 8, 8, 1), np.uint8)
        np.save(f"{place}/pixels.npy", pixels)
        captioned(Path(place) / "captioned")
        for verb in arguments.verbs.split(","):
            train, ending, options = VERBS[verb]
            run = f"{place}/{verb}"
            lap(["-m", "latelier", *train.format(place=place).split(), "--out", run], arguments.src)
            for n in (FEW, arguments.images):
                out = Path(place) / f"{verb}{n}.{ending}"
                words = ["-c", CHILD, f"{place}/pixels.npy", str(n), verb, run, str(out), json.dumps(options)]
                seconds, peak = lap(words, arguments.src)
                size = f"a table of {out.stat().st_size >> 20:,} MB"
                print(f"{verb:9} {n:10,} images {seconds:7.1f} CPU s {peak:6.0f} MB; {size}", flush=True)


if __name__ == "__main__":
    main()
