"""Shards and mirrors in Google's store, by its own library, from an emulator on this machine.

Neither is installed with latelier: pip install gcsfs gcp-storage-emulator
"""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
import pytest
from safetensors.numpy import load_file
from shards import labelled_tars

from latelier.cli import main
from latelier.data.remote.store import _in_store, listed
from latelier.data.sources.open import open_images
from latelier.errors import Refusal

pytest.importorskip("gcsfs")
server = pytest.importorskip("gcp_storage_emulator.server")
pytestmark = pytest.mark.slow
TRAIN = "train vae --steps 6 --batch 8 --precision fp32 --quiet --pack never --set net=mlp net.widths=4 latent=2"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Three shards on disk, and in the bucket ``pets``."""
    files = labelled_tars(tmp_path / "pets", shards=3, images=20)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    emulator = server.create_server("localhost", port, in_memory=True, default_bucket="pets")
    emulator.start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://localhost:{port}")
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    for file in sorted(files.iterdir()):
        to = f"http://localhost:{port}/upload/storage/v1/b/pets/o?uploadType=media&name=data/{file.name}"
        urlopen(Request(to, file.read_bytes(), {"Content-Type": "application/x-tar"}, method="POST")).close()
    _in_store.cache_clear()
    yield files
    emulator.stop()


def test_what_a_bucket_holds_is_what_is_on_disk(files: Path) -> None:
    found = open_images("gs://pets/data/train-{0000..0002}.tar")
    assert found.fingerprint == open_images("gs://pets/data/*.tar").fingerprint == open_images(files).fingerprint
    for missing in ("gs://pets/data/train-0009.tar", "gs://none/data/*.tar"):
        with pytest.raises(Refusal, match=r"is not there; name what there is|matches nothing"):
            listed(missing)


def test_a_streamed_training_is_that_of_local_shards_and_comes_back_from_its_mirror(
    files: Path, tmp_path: Path
) -> None:
    runs = {"far": "gs://pets/data/train-{0000..0002}.tar", "near": f"{files}/train-{{0000..0002}}.tar"}
    for name, source in runs.items():
        mirror = ["--mirror", "gs://pets/mirror"] if name == "far" else []
        main([*TRAIN.split(), "--data", source, "--out", str(tmp_path / name), *mirror])
    (tmp_path / "far").rename(tmp_path / "lost")
    resume = ["train", "--resume", "--steps", "9", "--quiet", "--out"]
    main([*resume, str(tmp_path / "far"), "--mirror", "gs://pets/mirror"])
    main([*resume, str(tmp_path / "near")])
    far, near = (load_file(sorted((tmp_path / name).glob("weights-*"))[-1]) for name in runs)
    assert far.keys() == near.keys()
    assert all(np.array_equal(far[key], near[key]) for key in far)
