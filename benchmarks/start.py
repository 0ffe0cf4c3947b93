"""How long each verb takes to start, how much memory, and which modules take the time.

    python benchmarks/start.py [--src OTHER/src] [--laps 3] [--verbs train,score]

Medians over laps of one process each: wall seconds, processor seconds and peak MB of `latelier VERB ...` as a whole, on
runs of a tenth of an epoch on digits. Then the five packages whose imports take longest, as Python's ``-X importtime``
has them in one lap more, with their share of that lap. ``--src`` is another checkout's, whose verbs are run the same
way. Not measured are ``demo``, which takes minutes, ``explore``, which runs until it is stopped (``explore.py``
measures it), and ``caption``, for which digits have no captions.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

RECIPE = """method = "vae"
data = "digits"
trials = 1
monitor = "rate"
[training]
epochs = 0.1
validation = 0.1
[settings]
latent = {range = [4, 8]}
"""
LABELS = "file,class\n" + "".join(f"{row},{row % 10}\n" for row in range(20))  # of the first test images, invented
LEFT_OUT = ("demo", "explore", "caption")
LATENT = 32  # dimensions of RUN's code
RUNS = (  # trained before the laps
    f"train vae --data digits --epochs 0.1 --set head=softmax latent={LATENT} --quiet --out RUN",
    "train patchvae --data digits --epochs 0.1 --quiet --out PARTS",
)
SCORED = ("score RUN --only reconstruction --quiet", "score PARTS --only reconstruction --quiet")  # for compare
VERBS = {  # what each is given; RUN, PARTS and NEW are folders, the other capitals files
    "--help": "--help",
    "train --help": "train --help",
    "models": "models",
    "data": "data",
    "cache": "cache",
    "reproduce": "reproduce",
    "train": "train vae --data digits --epochs 0.1 --quiet --out NEW",
    "sweep": "sweep RECIPE --out NEW",
    "encode": "encode RUN digits:test --out NEW.parquet",
    "reconstruct": "reconstruct RUN digits:test --out NEW",
    "draw": "draw RUN reconstruct --out NEW.png",
    "decode": "decode RUN CODE --out NEW.png",
    "score": "score RUN --only reconstruction",
    "report": "report RUN --out NEW.html",
    "compare": "compare RUN PARTS --out NEW.png",
    "classify": "classify RUN digits:test --out NEW.csv",
    "parts": "parts PARTS digits:test --out NEW.parquet",
    "suggest": "suggest RUN digits:test --labels LABELS --out NEW.csv",
    "neighbours": "neighbours RUN digits:test --query 0 --out NEW.csv",
    "duplicates": "duplicates RUN digits:test --out NEW.csv",
    "outliers": "outliers RUN digits:test --out NEW.csv",
    "inpaint": "inpaint RUN digits:test --mask half --out NEW",
    "edit": "edit RUN digits:test --attribute 3 --out NEW",
    "export": "export RUN --out NEW",
    "fit-prior": "fit-prior RUN",
}


def lap(words: list[str], environment: dict[str, str], *, traced: bool = False) -> tuple[float, float, float, str]:
    """Wall seconds, processor seconds, peak MB and, if it is ``traced``, what Python prints of imports."""
    command = [sys.executable, *(["-X", "importtime"] if traced else []), "-m", "latelier", *words]
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=err)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        err.seek(0)
        text = err.read()
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {text[-500:]}")
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, text


def words_of(command: str, given: dict[str, str]) -> list[str]:
    """The command's words, with what is given in the place of its names."""
    pattern = re.compile("|".join(given))
    return [pattern.sub(lambda name: given[name[0]], word) for word in command.split()]


def shares(text: str) -> list[tuple[str, float]]:
    """Packages and the seconds that their own modules took to import, longest first."""
    found: Counter[str] = Counter()
    for own, name in re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)", text):
        found[name.partition(".")[0]] += int(own) / 1e6
    return found.most_common(5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--src", default=str(Path(__file__).parents[1] / "src"))
    parser.add_argument("--laps", type=int, default=3)
    parser.add_argument("--verbs", default=",".join(VERBS))
    arguments = parser.parse_args()
    verbs = arguments.verbs.split(",")
    if unknown := [verb for verb in verbs if verb not in VERBS]:
        parser.error(f"--verbs takes some of {', '.join(VERBS)}, but got {', '.join(unknown)}")
    environment = {**os.environ, "PYTHONPATH": arguments.src, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as place:
        given = {name: f"{place}/{name}" for name in ("RUN", "PARTS", "CODE", "LABELS", "RECIPE")}
        for command in (*RUNS, *SCORED):
            lap(words_of(command, given), environment)
        Path(given["CODE"]).write_text(json.dumps({"z": [0.0] * LATENT}))
        Path(given["LABELS"]).write_text(LABELS)
        Path(given["RECIPE"]).write_text(RECIPE)
        print(f"{'':14} {'wall':>8} {'processor':>9} {'memory':>8}")
        for verb in verbs:
            laps = []
            for number in range(arguments.laps + 1):
                words = words_of(VERBS[verb], {**given, "NEW": f"{place}/{verb.replace(' ', '')}{number}"})
                laps.append(lap(words, environment, traced=number == arguments.laps))
            seconds, worked, peak = (statistics.median(one[i] for one in laps[:-1]) for i in range(3))
            whole = laps[-1][0]
            slow = ", ".join(f"{name} {100 * own / whole:.0f} %" for name, own in shares(laps[-1][3]))
            print(f"{verb:14} {seconds:6.2f} s {worked:7.2f} s {peak:5.0f} MB   imports: {slow}", flush=True)


if __name__ == "__main__":
    main()
