"""How long each verb takes to start, how much memory, and which modules take the time.

    python benchmarks/start.py [--src OTHER/src] [--laps 3]

Medians over laps of one process each: wall seconds and peak MB of `latelier VERB ...` as a whole, on a run of a tenth
of an epoch on digits; then the five packages whose imports take longest, as Python's ``-X importtime`` has them, with
the share of the whole. ``--src`` is another checkout's, whose verbs are run the same way.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

TRAIN = "train vae --data digits --epochs 0.1 --quiet --out"
VERBS = {  # what each is given; RUN and NEW are folders
    "--help": "--help",
    "train --help": "train --help",
    "models": "models",
    "data": "data",
    "cache": "cache",
    "reproduce": "reproduce",
    "train": f"{TRAIN} NEW",
    "encode": "encode RUN digits:test --out NEW.parquet",
    "reconstruct": "reconstruct RUN digits:test --out NEW",
    "draw": "draw RUN reconstruct --out NEW.png",
    "score": "score RUN --only reconstruction",
    "report": "report RUN --out NEW.html",
}


def lap(words: list[str], environment: dict[str, str], *, told: bool = False) -> tuple[float, float, str]:
    """Seconds, peak MB and, if it is ``told``, what Python says of imports."""
    command = [sys.executable, *(["-X", "importtime"] if told else []), "-m", "latelier", *words]
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
    return seconds, used.ru_maxrss / 1024, text


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
    environment = {**os.environ, "PYTHONPATH": arguments.src, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as place:
        run = f"{place}/run"
        lap([*TRAIN.split(), run], environment)
        for verb in arguments.verbs.split(","):
            laps = []
            for number in range(arguments.laps + 1):
                words = [
                    word.replace("RUN", run).replace("NEW", f"{place}/{verb}{number}") for word in VERBS[verb].split()
                ]
                last = number == arguments.laps
                laps.append(lap(words, environment, told=last))
            seconds, peak = (statistics.median(one[i] for one in laps[:-1]) for i in (0, 1))
            whole = laps[-1][0]
            slow = ", ".join(f"{name} {100 * own / whole:.0f} %" for name, own in shares(laps[-1][2]))
            print(f"{verb:14} {seconds:6.2f} s {peak:7.0f} MB   imports: {slow}", flush=True)


if __name__ == "__main__":
    main()
