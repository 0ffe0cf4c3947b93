"""Training speed of PatchVAE at CIFAR's size: latelier's loop beside a bare one and the authors' form of the step.

    python benchmarks/patchvae.py                          all three cases, on the whole machine
    python benchmarks/patchvae.py --case plain --record    one case, and the result kept in results.jsonl

See README.md of this folder for what is measured.
"""

import os
import sys

import torch
from contestants import Race, matmul
from patchvae_steps import CASES, IMAGE, Authors, Bare, authors, bare, built, latelier, of_report
from torch import Generator, Tensor
from training import alternate, common_arguments, keep, operations, summary, table, verdicts

from latelier.core import Batch, Progress
from latelier.data.drawn.scenes import draw_scenes
from latelier.data.images import to_float

CONTESTANTS = {"authors": authors, "bare": bare, "latelier": latelier, "matmul": matmul}
ENTRANTS = ["authors fp32", "bare fp32", "latelier fp32", "bare bf16", "latelier bf16", "matmul fp32", "matmul bf16"]
WANTED = {"fp32": 1.7, "bf16": 1.7}  # times the authors' speed, on a CPU
SAME = 1e-3  # greatest relative difference between the first losses of all
STEPS, LAPS = 10, 8


def main() -> None:
    parser = common_arguments(__doc__ or "", batch=128)
    parser.add_argument("--case", choices=list(CASES), nargs="+", default=list(CASES), help="all, if not named")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(options.threads)
    steps, laps = options.steps or STEPS, options.laps or LAPS
    pixels = draw_scenes(steps * options.batch, seed=options.seed).pixels
    for case in options.case:
        common = (options.rate, options.seed, options.device, options.threads, options.clock)
        race = Race(case, CASES[case].get("reconstruction", "squared"), options.batch, steps, laps, *common)
        agree(race, to_float(torch.from_numpy(pixels[: options.batch])))
        raced = alternate(race, ENTRANTS, pixels, CONTESTANTS)
        work = operations(Bare(race, "fp32", torch.device("cpu")).step, race.batch, IMAGE)
        record = summary(race, raced, "scenes", work, "authors") | {"net": f"patchvae {case}"}
        print("\n".join([*table(record, "authors"), *verdicts(record, "authors", WANTED, None)]))
        if options.record:
            keep(record)


def agree(race: Race, image: Tensor) -> None:
    """Says the first losses of all, from the same weights, images and noise, and stops where they differ."""
    cpu = torch.device("cpu")
    hands: dict[str, Authors | Bare] = {
        "authors fp32": Authors(race, cpu),
        "bare fp32": Bare(race, "fp32", cpu),
        "bare bf16": Bare(race, "bf16", cpu),
    }
    first = {name: float(hand.step(image)) for name, hand in hands.items()}
    for precision in ("fp32", "bf16"):
        model = built(race).to(memory_format=torch.channels_last)
        rows, nothing = torch.arange(len(image)), torch.zeros(len(image), 0, dtype=torch.int64)
        batch = Batch(image, rows, rows, nothing, nothing)
        progress = Progress(0, race.batch, Generator().manual_seed(race.seed))
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            report = model.learn(batch, progress).report
        first[f"latelier {precision}"] = of_report({name: float(term.mean()) for name, term in report.items()})
    print(f"{race.net}: first losses", ", ".join(f"{name} {loss:.4f}" for name, loss in first.items()), file=sys.stderr)
    if max(first.values()) > (1 + SAME) * min(first.values()):
        sys.exit("they are not the same step")


if __name__ == "__main__":
    main()
