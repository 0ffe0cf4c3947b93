"""All that is to be measured on a GPU, by one command; see README.md of this folder for what each line means.

    python benchmarks/gpu.py --out gpu.jsonl                 on a machine with a GPU, 8 minutes
    python benchmarks/gpu.py --out x.jsonl --rehearse        the same code, tiny, on a CPU: no figure to quote

It needs torch, this checkout and latelier's dependencies; pythae takes part where it is installed. JSON lines are
appended to the file as they come, so that a killed run keeps what it has.
"""

import argparse
import importlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "benchmarks")]

from gpu_session import PRECISIONS, Clock, Facts, Session, timed  # noqa: E402

from latelier.device import products  # noqa: E402

TYPES = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16}
HERE = {"digits", "mixture", "scenes", "sprites"}  # data that are drawn, or come with scikit-learn


def main() -> None:
    options = arguments()
    if not options.rehearse and not torch.cuda.is_available():
        sys.exit("gpu.py: torch sees no GPU here; run it on a machine with one, or give --rehearse to try it on a CPU")
    device = torch.device("cpu" if options.rehearse else "cuda")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    session = Session(options.out, options.minutes, options.rehearse)
    session.write("machine", **machine(device), minutes=options.minutes)
    clock = Clock(device)
    rates: dict[str, float] = {}
    for precision in PRECISIONS:
        if device.type == "cpu" and precision == "tf32":
            session.write("matmul", precision=precision, skipped="TF32 is a GPU's")
        else:
            session.attempt("matmul", lambda kind=precision: matmul(kind, clock, rates), precision=precision)
    nets(session, clock, rates, options.batch)
    published(session)
    session.write("end", seconds=round(session.elapsed(), 1))
    session.close()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=8.0, help="after which nothing more is started")
    parser.add_argument("--out", type=Path, required=True, help="file that JSON lines are appended to")
    parser.add_argument("--batch", type=int, help="of the steps, in place of each net's own (64 to 128)")
    parser.add_argument("--rehearse", action="store_true", help="tiny, on the CPU")
    return parser.parse_args()


def machine(device: torch.device) -> Facts:
    """Where and with what it is measured."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": device.type,
        "name": name,
        "cores": len(os.sched_getaffinity(0)),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "pythae": find_spec("pythae") is not None,
        "commit": done.stdout.strip() or None,
    }


def matmul(precision: str, clock: Clock, rates: dict[str, float]) -> Iterable[Facts]:
    """The rate of products of square matrices of random numbers; kept in ``rates``, operations a second."""
    width = 8192 if clock.device.type == "cuda" else 512
    a, b = (torch.randn(width, width, device=clock.device).to(TYPES[precision]) for _ in range(2))
    out = torch.empty_like(a)
    with products(precision, clock.device):
        seconds, laps = timed(lambda: torch.mm(a, b, out=out), 5, 8, clock)
    rates[precision] = 2 * width**3 / seconds
    tera = [round(2 * width**3 / one / 1e12, 4) for one in laps]
    yield {"width": width, "tflops": round(rates[precision] / 1e12, 4), "laps_tflops": tera}


def nets(session: Session, clock: Clock, rates: dict[str, float], batch: int | None) -> None:
    """Steps, epochs, encoders and host reads, or one line that says what they lack."""
    try:
        parts = importlib.import_module("gpu_nets")
    except ImportError as error:
        session.write("nets", skipped=f"latelier cannot be imported here: {error}")
        return
    lengths = parts.SHORT if session.rehearsal else parts.FULL
    parts.measure(session, clock, rates, parts.replace(lengths, batch=batch) if batch else lengths)


def in_order(known: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The recipes, those first whose data are here, and of them those that should take least."""
    hours = {name: float(texts["HOURS"].lstrip("~")) for name, texts in known.items() if "HOURS" in texts}
    return sorted(hours, key=lambda name: (known[name]["DATA"] not in HERE, hours[name], name))


def published(session: Session) -> None:
    """Published tables, as long as time is left."""
    try:
        known = importlib.import_module("latelier.config.recipes").known_of()
    except ImportError as error:
        session.write("published", skipped=f"latelier cannot be imported here: {error}")
        return
    for number, name in enumerate(in_order(known)):
        if (source := known[name]["DATA"]) not in HERE:
            session.write("published", recipe=name, skipped=f"its data, {source}, are not here")
        elif session.rehearsal and number:
            session.write("published", recipe=name, skipped="a rehearsal runs the first recipe alone")
        else:
            session.attempt("published", lambda one=name: reproduced(one, session.left()), recipe=name)


def reproduced(recipe: str, seconds: float) -> Iterable[Facts]:
    """The table of a recipe, or the last that it said if it fails or is not done by then."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        out, begun = Path(folder, "runs"), time.monotonic()
        command = [sys.executable, "-m", "latelier", "reproduce", recipe, "--out", str(out)]
        code, words = within(command, seconds)
        facts: Facts = {"seconds": round(time.monotonic() - begun, 1)}
        found = out / f"{Path(recipe).name}.json"
        if code == 0 and found.exists():
            columns, *rows = json.loads(found.read_text())
            yield facts | {"columns": columns, "rows": rows}
        elif code is None:
            yield facts | {"skipped": "not done when the time was over", "last_words": words}
        else:
            yield facts | {"failed": f"exit code {code}", "last_words": words}


def within(command: list[str], seconds: float) -> tuple[int | None, list[str]]:
    """Exit code of a command, None if it was ended after these seconds with all that it had started, and the last lines
    that it printed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(command, env=environment, stdout=said, stderr=said, start_new_session=True)
        code = None
        try:
            code = child.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        said.seek(0)
        return code, said.read().splitlines()[-5:]


if __name__ == "__main__":
    main()
