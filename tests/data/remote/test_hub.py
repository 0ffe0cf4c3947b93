"""Shards and models of a hub, by its own library, from a server on this machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub import serving
from shards import labelled_tars

import latelier
from latelier.cli import main
from latelier.data.sources.open import open_images

pytest.importorskip("huggingface_hub")
SCRIPT = """
import json, sys
import latelier
from latelier.data.sources.open import open_images
from latelier.errors import Refusal

def refused(ask, address):
    try:
        ask(address)
    except Refusal as error:
        return str(error)

shards = "hf://datasets/me/pets/data/train-*.tar"
print(json.dumps({
    "wild": open_images(shards).fingerprint,
    "counted": open_images("hf://datasets/me/pets/data/train-{0000..0002}.tar").fingerprint,
    "names": list(open_images(shards, sample=True).names),
    "missing": refused(open_images, "hf://datasets/me/none/data/train-*.tar"),
    "weights": sum(float(weight.double().sum()) for weight in latelier.load("hf://me/vae").state_dict().values()),
    "no model": refused(latelier.load, "hf://me/none"),
}))
"""


@pytest.mark.slow
def test_what_a_hub_holds_is_what_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library reads HF_ENDPOINT when it is imported, so that a process of its own asks."""
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    files = labelled_tars(tmp_path / "datasets" / "me" / "pets" / "data", shards=3, images=5)
    asked = "train vae --data digits --steps 2 --batch 8 --quiet --set net=mlp net.widths=4 latent=2"
    main([*asked.split(), "--out", str(tmp_path / "run")])
    main(["export", str(tmp_path / "run"), "--to", "hub-folder", "--out", str(tmp_path / "models" / "me" / "vae")])
    with serving(tmp_path) as (address, _):
        places = {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "home"), "LATELIER_CACHE": str(tmp_path / "other")}
        command = [sys.executable, "-c", SCRIPT]
        done = subprocess.run(command, env=os.environ | places, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["wild"] == found["counted"] == open_images(files).fingerprint
    assert found["names"] == [f"train-000{shard}.tar:{row}" for shard in range(3) for row in range(5)]
    weights = latelier.load(tmp_path / "run").state_dict().values()
    assert found["weights"] == sum(float(weight.double().sum()) for weight in weights)
    assert found["missing"].startswith("hf://datasets/me/none/data/train-*.tar matches nothing (")
    assert found["no model"].startswith("cannot download hf://me/none: ")
    assert "\n" not in found["missing"] + found["no model"]
