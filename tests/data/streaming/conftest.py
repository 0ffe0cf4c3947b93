"""Five shards of different lengths."""

from pathlib import Path

import numpy as np
import pytest
from shards import labelled_tars

from latelier.data.images import Images
from latelier.data.packing.decode import Target
from latelier.data.sources.open import open_images, shards_of
from latelier.data.streaming.shards import Shards


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    place = labelled_tars(tmp_path / "shards", shards=5, images=40)
    for number, images in ((1, 11), (3, 25)):
        part = labelled_tars(tmp_path / str(number), shards=4, images=images)
        (part / f"train-{number:04d}.tar").rename(place / f"train-{number:04d}.tar")
    return place


def streamed(source: str, held: dict[int, list[int]] | None = None) -> tuple[Shards, Images]:
    """The shards of a source, and all of its images in a pack."""
    of, whole = shards_of(source), open_images(source)
    assert of is not None
    c, h, w = whole.shape
    counts = np.array([len(of.plan([path], [path])) for path in map(of.cache.local, of.shards)])
    rows = {shard: np.array(some) for shard, some in (held or {}).items()}
    return Shards(of, counts, whole, Target(h, w, c, crop=h == w), lambda facts: facts, rows), whole
