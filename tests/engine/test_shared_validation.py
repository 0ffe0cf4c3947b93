"""Processes share the validation images, and come to the numbers of one process, bit for bit."""

import json
from pathlib import Path

import pytest
from launched import processes

MEASURES = """
import json, sys
from pathlib import Path
import numpy as np, torch
from latelier.data.batches import Batches
from latelier.data.sources.open import open_images
from latelier.engine import parallel, validation
from latelier.engine.plan import Plan
from latelier.runs.building import assemble

def measure(name, folder):
    torch.manual_seed(0)
    settings = {"net": "dense" if name == "ali" else "mlp", "net.widths": (8,), "latent": 2, "head": "softmax"}
    model, _ = assemble(name, (1, 8, 8), tuple("0123456789"), settings)
    images = open_images("digits").take(np.arange(150))  # ten batches, the last one shorter
    counted, own = [], validation._measured

    def counting(*arguments):
        counted.append(arguments[-1])
        return own(*arguments)

    validation._measured = counting
    with parallel.processes():
        batches = Batches(images, 16, seed=0, device=torch.device("cpu"))
        values = validation.validate(model, model.moves(), batches, Plan(total=160, batch=16))
        record = {"values": list(values.items()), "counted": counted}
        Path(folder, f"{parallel.rank()}-of-{parallel.world()}.json").write_text(json.dumps(record))
    validation._measured = own

if __name__ == "__main__":
    measure(*sys.argv[1:])
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vae", "ali"])
def test_any_number_of_processes_measures_the_same_bits(name: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(MEASURES)
    found = {}
    for count in (1, 2, 4):
        done = processes(count, str(tmp_path / "script.py"), name, str(tmp_path))
        assert done.returncode == 0, done.stderr
        found[count] = [json.loads((tmp_path / f"{r}-of-{count}.json").read_text()) for r in range(count)]
    expected = found[1][0]["values"]
    assert len(expected) > 4
    assert all(record["values"] == expected for records in found.values() for record in records)
    counted = [record["counted"] for record in found[4]]
    assert sorted(start for starts in counted for start in starts) == list(range(0, 150, 16))  # each batch once
    assert max(map(len, counted)) == 3
