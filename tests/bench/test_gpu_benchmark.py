"""benchmarks/gpu.py: what it writes, skips and refuses; and the whole of it, rehearsed on a CPU."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from latelier.config.recipes import find_recipe, known_of, summaries

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_lines_stand_in_the_file_at_once(tmp_path: Path) -> None:
    """A killed run keeps what it has, and one into the same file appends."""
    from gpu_session import Session

    out = tmp_path / "gpu.jsonl"
    for number in range(2):
        session = Session(out, 1, rehearsal=False)
        session.write("step", number=number, loss=float("nan"), laps=[1.5, float("inf")])
        assert len(lines(out)) == number + 1  # before it is closed
        session.close()
    assert [line["number"] for line in lines(out)] == [0, 1]
    assert lines(out)[0]["loss"] is None
    assert lines(out)[0]["laps"] == [1.5, None]


def test_what_does_not_fit_is_skipped(tmp_path: Path) -> None:
    """With the reason: one like it took longer than what is left, or the time is over. What failed says why."""
    from gpu_session import Session

    time = [0.0]

    def part(seconds: float) -> Iterator[dict[str, Any]]:
        time[0] += seconds
        yield {"took": seconds}

    def failing() -> Iterator[dict[str, Any]]:
        yield {"took": 0}
        raise ValueError("two\nlines")

    session = Session(tmp_path / "out", 1, rehearsal=True, now=lambda: time[0])
    session.attempt("step", lambda: part(40), net="a")
    session.attempt("step", lambda: part(1), net="a")  # 20 s are left
    session.attempt("step", lambda: part(1), net="b")
    session.attempt("step", failing, net="c")
    session.attempt("encoder", lambda: part(1), 0.5, net="a")  # whose share of the time is over
    session.attempt("epoch", lambda: part(30), net="a")
    session.attempt("epoch", lambda: part(1), net="b")
    session.attempt("encoder", lambda: part(1), net="b")
    session.close()
    found = lines(tmp_path / "out")
    assert all(line["rehearsal"] for line in found)
    assert found[0]["took"] == 40
    assert found[1]["skipped"] == "one like it took 40 s, and 20 s are left"
    assert found[2]["took"] == 1
    assert found[3] | found[4] == found[3] | {"failed": "ValueError: two lines"}
    assert found[5]["skipped"] == "its time is over"
    assert found[6]["took"] == 30
    assert [line["skipped"] for line in found[7:]] == ["its time is over"] * 2


def test_one_contestant_runs_at_a_time() -> None:
    """Laps alternate, who begins changes, what follows a lap ends before the next, and an error is the race's."""
    from contestants import Gate, Race
    from gpu_session import Clock
    from gpu_turns import alternate

    race = Race("none", "none", 1, 2, 2, 0.0, 0, "cpu", torch.get_num_threads())
    order: list[str] = []

    def side(name: str, fails: bool = False) -> Any:
        def run(race: Race, precision: str, pixels: np.ndarray, gate: Gate) -> None:
            for lap in range(race.laps):
                gate.start()
                order.append(f"{name} {lap}")
                gate.stop()
                if fails:
                    raise ValueError(name)
                gate.hand_in(lap)
                order.append(f"{name} saves")

        return run

    clock = Clock(torch.device("cpu"))
    found = alternate({"a": side("a"), "b": side("b")}, race, "fp32", np.zeros(0), clock)
    assert order == ["a 0", "a saves", "b 0", "b saves", "b 1", "b saves", "a 1", "a saves"]
    assert [loss for _, loss in found["a"]] == [0, 1]
    assert all(seconds >= 0 for seconds, _ in found["b"])
    with pytest.raises(ValueError, match="b"):
        alternate({"a": side("a"), "b": side("b", fails=True)}, race, "fp32", np.zeros(0), clock)


def test_precisions_are_left_as_they_were() -> None:
    from latelier.device import products

    places = torch.backends.cuda.matmul, torch.backends.cudnn.conv
    before = [place.fp32_precision for place in places]
    for precision, wanted in (("fp32", "ieee"), ("tf32", "tf32"), ("bf16", "tf32")):
        with products(precision, torch.device("cuda")):
            assert [place.fp32_precision for place in places] == [wanted, wanted]
    assert [place.fp32_precision for place in places] == before


def test_recipes_are_named_and_ended_in_time() -> None:
    import gpu

    order = gpu.in_order(known_of())
    assert sorted(order) == [name for name, _ in summaries()]
    here = [find_recipe(name).DATA in gpu.HERE for name in order]
    assert here == sorted(here, reverse=True)
    assert order[0] == "lecture/two-points"
    code = "import time; print('begun', flush=True); time.sleep(60)"
    assert gpu.within([sys.executable, "-c", code], 5) == (None, ["begun"])
    assert gpu.within([sys.executable, "-c", "print(1); raise SystemExit(3)"], 60) == (3, ["1"])


def test_what_cannot_be_imported_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without latelier's dependencies the rates of products remain."""
    import gpu
    from gpu_session import Clock, Session

    for name in ("gpu_nets", "latelier.config.recipes"):
        monkeypatch.setitem(sys.modules, name, None)
    session = Session(tmp_path / "out", 1, rehearsal=True)
    gpu.nets(session, Clock(torch.device("cpu")), {}, None)
    gpu.published(session)
    session.close()
    assert [line["what"] for line in lines(tmp_path / "out")] == ["nets", "published"]
    assert all("cannot be imported here" in line["skipped"] for line in lines(tmp_path / "out"))


def command(*options: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    asked = [sys.executable, str(BENCHMARKS / "gpu.py"), *options]
    return subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)


def test_without_a_gpu_it_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gpu import main

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == (
        "gpu.py: torch sees no GPU here; run it on a machine with one, or give --rehearse to try it on a CPU"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_rehearsal(tmp_path: Path) -> None:
    """Everything that a GPU is asked is asked of a CPU, in order; nothing fails, and ratios follow from times."""
    done = command("--out", str(tmp_path / "out"), "--rehearse", "--minutes", "30")
    assert done.returncode == 0, done.stderr[-2000:]
    found = lines(tmp_path / "out")
    parts = list(dict.fromkeys(line["what"] for line in found))
    assert parts == ["machine", "matmul", "step", "epoch", "encoder", "host reads", "published", "end"]
    assert not [line for line in found if "failed" in line]
    skipped = {line["what"] for line in found if "skipped" in line}
    assert skipped == {"matmul", "published"}
    rates = {line["precision"]: line.get("tflops") for line in found if line["what"] == "matmul"}
    steps = [line for line in found if line["what"] == "step"]
    assert {line["net"] for line in steps} == {"vae mlp", "vae conv", "patchvae", "hali", "dgdn", "introvac"}
    for bare, own in [(a, b) for a, b in pairwise(steps) if a["who"] == "bare"]:
        assert own["who"] == "latelier"
        assert own["times_bare"] == pytest.approx(bare["ms_a_step"] / own["ms_a_step"], abs=2e-3)
        assert own["last_loss"] == pytest.approx(bare["last_loss"], rel=0.2)  # the same step on the same images
        share = own["operations_a_step"] / own["ms_a_step"] / 1e9 / rates[own["precision"]]
        assert own["share_of_matmul"] == pytest.approx(share, rel=0.02, abs=2e-4)
    assert "rows" in next(line for line in found if line.get("recipe") == "lecture/two-points")
    assert all(line["rehearsal"] and "aims" not in line for line in found)
