"""Training speed: latelier's loop beside pythae 0.1.2's trainer and a bare hand-written loop, on the same nets.

    python benchmarks/training.py                      the MLP and the convolutional net, on the whole machine
    python benchmarks/training.py --net mlp --record   one net, and the result kept in results.jsonl

See README.md of this folder for how to get pythae and what is measured.
"""

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import peer_nets
import torch
from contestants import Bare, Contestant, Race, bare, latelier, matmul, pythae, run
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

RESULTS = Path(__file__).with_name("results.jsonl")
CONTESTANTS = {"pythae": pythae, "bare": bare, "latelier": latelier, "matmul": matmul}
ENTRANTS = ("pythae fp32", "bare fp32", "latelier fp32", "bare bf16", "latelier bf16", "matmul fp32", "matmul bf16")
CONV = {"fp32": 1.25, "bf16": 1.6}
WANTED = {"mlp": {"fp32": 1.8, "bf16": 3.0}, "conv": CONV, "conv-top": CONV}  # times pythae's speed, two cores
NEAR_BARE = 0.95  # least share of the bare loop's speed
NEAR_LOSS = 0.01  # greatest relative difference from pythae's loss
LAPS = {"mlp": (100, 13), "conv": (10, 8), "conv-top": (10, 8)}  # net -> steps a lap, laps
Laps = dict[str, list[tuple[float, float]]]  # entrant -> (seconds a step, loss) of each lap


def main() -> None:
    options = arguments()
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(options.threads)
    entrants = [name for name in ENTRANTS if not name.startswith("pythae") or find_spec("pythae")]
    if len(entrants) < len(ENTRANTS):
        print("pythae is not installed (benchmarks/README.md says how to get it): racing without it", file=sys.stderr)
    for net in options.net or ["mlp", "conv"]:
        steps, laps = options.steps or LAPS[net][0], options.laps or LAPS[net][1]
        common = (options.rate, options.seed, options.device, options.threads, options.clock)
        race = Race(net, options.loss, options.batch, steps, laps, *common)
        pixels = images_of(steps * options.batch, options.data_root, options.seed)
        raced = alternate(race, entrants, pixels, CONTESTANTS)
        record = summary(race, raced, "MNIST" if options.data_root else "blobs", count_operations(race), "pythae")
        print("\n".join([*table(record, "pythae"), *verdicts(record, "pythae", WANTED[net], NEAR_LOSS)]))
        if options.record:
            keep(record)


def arguments() -> argparse.Namespace:
    parser = common_arguments(__doc__ or "", batch=100)
    parser.add_argument("--net", choices=list(LAPS), nargs="+", help="mlp and conv, if not named")
    parser.add_argument("--loss", choices=["mse", "bce"], default="mse", help="mse is pythae's default")
    parser.add_argument("--data-root", type=Path, help="folder with MNIST/raw/train-images-idx3-ubyte; else blobs")
    return parser.parse_args()


def common_arguments(about: str, batch: int) -> argparse.ArgumentParser:
    """What every race of this folder takes."""
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--rate", type=float, default=1e-4, help="Adam's; 1e-4 is the default of all")
    parser.add_argument("--steps", type=int, help="steps in a lap")
    parser.add_argument("--laps", type=int, help="alternating repetitions; the first is not counted")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument(
        "--clock", choices=["wall", "cpu"], default="wall", help="cpu: for --threads 1 on a busy machine"
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--record", action="store_true", help="append the result to results.jsonl")
    return parser


def images_of(n: int, root: Path | None, seed: int) -> np.ndarray:
    """n images uint8 [n, 28, 28, 1]: MNIST's first, or strokes of two blurred spots each, about as dark as digits."""
    if root is not None:
        return np.fromfile(root / "MNIST/raw/train-images-idx3-ubyte", np.uint8, offset=16).reshape(-1, 28, 28, 1)[:n]
    grid = np.linspace(-1, 1, 28)
    centre = np.random.default_rng(seed).uniform(-0.5, 0.5, (n, 2, 2, 1))  # image, spot, axis
    near = np.exp(-20 * (grid - centre) ** 2)
    return np.round(255 * np.einsum("nsh,nsw->nshw", near[:, :, 0], near[:, :, 1]).max(1))[..., None].astype(np.uint8)


def alternate(race: Race, entrants: list[str], pixels: np.ndarray, contestants: Mapping[str, Contestant]) -> Laps:
    """Every entrant runs each lap alone, one after another; who begins changes from lap to lap."""
    context = multiprocessing.get_context("spawn")
    gates, processes, results = {}, [], {name: [] for name in entrants}  # type: Any, Any, Laps
    for name in entrants:
        gates[name], theirs = context.Pipe()
        who, precision = name.split()
        arguments = (contestants[who], race, precision, pixels, theirs)
        processes.append(context.Process(target=run, args=arguments, daemon=True))
        processes[-1].start()
        theirs.close()  # so that a dead entrant is noticed
    for lap in range(race.laps):
        for name in entrants[lap % len(entrants) :] + entrants[: lap % len(entrants)]:
            gates[name].send("go")
            try:
                results[name].append(gates[name].recv())
            except EOFError:
                sys.exit(f"{name} ended early; its error stands above")
        times = ", ".join(f"{name} {results[name][-1][0] * 1e3:.2f}" for name in entrants)
        print(f"{race.net} lap {lap + 1} of {race.laps}, ms a step: {times}", file=sys.stderr, flush=True)
    for process in processes:
        process.join()
    return results


def summary(race: Race, laps: Laps, data: str, operations: int, peer: str) -> dict[str, Any]:
    """What results.jsonl keeps. ``operations`` are those of a step. A ratio is taken within each lap, where the machine
    was the same for both; then the median of all."""
    seconds = {name: [lap[0] for lap in done[1:]] for name, done in laps.items()}
    rates = {p: laps[f"matmul {p}"][0][1] / statistics.median(seconds[f"matmul {p}"]) for p in ("fp32", "bf16")}
    rows: dict[str, dict[str, Any]] = {}
    for name, times in seconds.items():
        who, precision = name.split()
        if who == "matmul":
            continue
        usual = statistics.median(times)
        rows[name] = {
            "ms_a_step": round(usual * 1e3, 3),
            "images_per_second": round(race.batch / usual),
            "share_of_matmul": round(operations / usual / rates[precision], 3),
            "final_loss": round(laps[name][-1][1], 4),
            "laps_ms": [round(t * 1e3, 3) for t in times],
        }
        for rival in {f"{peer} fp32", f"bare {precision}"} & set(seconds) - {name}:
            ratio = statistics.median(theirs / own for own, theirs in zip(times, seconds[rival], strict=True))
            rows[name][f"times_{rival.split()[0]}"] = round(ratio, 3)
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        **asdict(race),
        "data": data,
        "machine": processor(race.device),
        "versions": {name: version(name) for name in ("latelier", "torch", "numpy", "pythae") if find_spec(name)},
        "operations_a_step": operations,
        "matmul_gflops": {p: round(rate / 1e9, 1) for p, rate in rates.items()},
        "rows": rows,
    }


def count_operations(race: Race) -> int:
    """Floating-point operations of one step of the bare loop."""
    return operations(Bare(race, "fp32", torch.device("cpu")).step, race.batch, peer_nets.IMAGE)


def operations(
    step: Callable[[Tensor], object], batch: int, image: tuple[int, int, int], device: str | torch.device = "cpu"
) -> int:
    """Floating-point operations of the products and convolutions of one step, forward and backward."""
    with FlopCounterMode(display=False) as counter:
        step(torch.rand(batch, *image, device=device))
    return int(counter.get_total_flops())


def processor(device: str) -> str:
    if device != "cpu":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def table(record: dict[str, Any], peer: str) -> list[str]:
    """The rows for people."""
    rates = ", ".join(f"{p} {rate:,.0f}" for p, rate in record["matmul_gflops"].items())
    head = "{net} VAE, {loss}, batch {batch}, {steps} steps a lap, {threads} threads, {clock} clock, {data}".format(
        **record
    )
    lines = [
        f"\n{head}\nmedians of {record['laps'] - 1} laps; matrix products: {rates} GFLOP/s",
        f"{'':15}{'ms/step':>9}{'images/s':>10}{'of matmul':>10}{'x ' + peer:>11}{'x bare':>8}{'last loss':>11}",
    ]
    for name, row in record["rows"].items():
        to_peer, to_bare = (f"{row[key]:.2f}" if key in row else "" for key in (f"times_{peer}", "times_bare"))
        speed = f"{row['ms_a_step']:9.2f}{row['images_per_second']:10,}{row['share_of_matmul']:10.1%}"
        lines.append(f"{name:15}{speed}{to_peer:>11}{to_bare:>8}{row['final_loss']:11.3f}")
    return lines


def verdicts(record: dict[str, Any], peer: str, wanted: dict[str, float], near: float | None) -> list[str]:
    """What was wanted of latelier, as times the peer's speed in each precision and as greatest relative difference of
    the final losses, and whether it was reached."""
    rows, lines = record["rows"], []
    for precision, least in wanted.items():
        row = rows[f"latelier {precision}"]
        checks = [(f"{row['times_bare']:.2f}x bare, wanted {NEAR_BARE}", row["times_bare"] >= NEAR_BARE)]
        if f"{peer} fp32" in rows:
            times, apart = row[f"times_{peer}"], abs(row["final_loss"] / rows[f"{peer} fp32"]["final_loss"] - 1)
            checks.append((f"{times:.2f}x {peer}, wanted {least}", times >= least))
            if near is not None:
                checks.append((f"loss {apart:.1%} from that of {peer}, wanted {near:.0%}", apart <= near))
        lines.append(f"latelier {precision}: " + "; ".join(f"{text}: {'yes' if ok else 'NO'}" for text, ok in checks))
    return lines


def keep(record: dict[str, Any]) -> None:
    with open(RESULTS, "a") as file:
        file.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
