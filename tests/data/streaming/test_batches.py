"""Batches of shards are those of a pack, in another order."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from data.streaming.conftest import streamed
from shards import parquet, png, tar

from latelier.core import Batch
from latelier.data.attributes import with_columns
from latelier.data.augment import Augment
from latelier.data.batches import any_row
from latelier.data.captions import Sentences
from latelier.data.packing.plan import unknown
from latelier.data.streaming.batches import Streamed
from latelier.data.words import Vocabulary
from latelier.errors import Refusal

CPU = torch.device("cpu")


def seen(batches: Streamed, images: int, parts: int = 1) -> list[Batch]:
    """All parts of the batches up to a number of images."""
    found = [batches.at(position, part, parts) for position in range(0, images, batches.size) for part in range(parts)]
    batches.close()
    return found


@pytest.mark.parametrize("kind", ["tar", "parquet"])
def test_an_epoch_is_the_pack(folder: Path, kind: str) -> None:
    source = f"{folder}/*.{kind}"
    if kind == "parquet":
        for number in range(3):
            rows = {"image": [png("L", seed=100 * number + i) for i in range(40)], "label": list(range(40))}
            parquet(folder / f"{number}.parquet", rows, row_group_size=16)
    shards, whole = streamed(source)
    parts = seen(Streamed(shards, 12, seed=1, device=CPU), len(whole))
    index = torch.cat([batch.index for batch in parts])[: len(whole)]
    assert sorted(index.tolist()) == list(range(len(whole)))
    assert index.tolist() != sorted(index.tolist())
    image = torch.cat([batch.image for batch in parts])[: len(whole)]
    assert torch.equal(image, whole.floats(index.numpy()))
    label = torch.cat([batch.label for batch in parts])[: len(whole)]
    assert label.tolist() == whole.label[index.numpy()].tolist()


def test_held_out_images_never_come(folder: Path) -> None:
    held = {0: [0, 7, 39], 4: list(range(10))}
    shards, whole = streamed(f"{folder}/*.tar", held)
    batches = Streamed(shards, 11, seed=1, device=CPU)
    index = torch.cat([batch.index for batch in seen(batches, 3 * len(whole))])
    out = {int(shards.starts[shard]) + row for shard, rows in held.items() for row in rows}
    assert set(index.tolist()) == set(range(len(whole))) - out


def test_parts_share_an_epoch_out(folder: Path) -> None:
    shards, whole = streamed(f"{folder}/*.tar")
    parts = seen(Streamed(shards, 8, seed=1, device=CPU), 4 * len(whole), parts=2)
    lengths = [Streamed(shards, 8, seed=1, device=CPU)._stream(part, 2).order for part in (0, 1)]
    first = [int(np.diff(order.epoch(0)[:, 1:]).sum()) for order in lengths]
    assert sum(first) == len(whole)
    by_part = [torch.cat([batch.index for batch in parts[part::2]])[: first[part]].tolist() for part in (0, 1)]
    assert sorted(by_part[0] + by_part[1]) == list(range(len(whole)))


def test_a_position_gives_the_same_whatever_came_before(folder: Path) -> None:
    shards, whole = streamed(f"{folder}/*.tar")
    options = {"seed": 1, "device": CPU, "augment": Augment(shift=1, flip=True)}
    walk = seen(Streamed(shards, 10, **options), 2 * len(whole), parts=2)
    for step in (17, 3, 20, 0):
        fresh = Streamed(streamed(f"{folder}/*.tar")[0], 10, **options)
        for part in (0, 1):
            batch, before = fresh.at(10 * step, part, 2), walk[2 * step + part]
            assert torch.equal(batch.image, before.image)
            assert torch.equal(batch.index, before.index)
        fresh.close()


def test_names_lead_to_shard_and_row(folder: Path) -> None:
    shards, whole = streamed(f"{folder}/*.tar")
    everything = Streamed(shards, 4, seed=0, device=CPU).images
    assert len(everything) == len(whole)
    assert (everything.names[0], everything.names[40], everything.names[50]) == (
        "train-0000.tar:0",
        "train-0001.tar:0",
        "train-0001.tar:10",
    )


def test_an_image_that_is_damaged_is_named_and_another_stands_in(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {f"{i:02d}.png": png("L", seed=i) for i in range(10)}
    tar(folder / "train-0005.tar", names | {"03.png": b"no image", "00.png": b"nor this"})
    shards, _ = streamed(f"{folder}/train-0005.tar")
    index = seen(Streamed(shards, 10, seed=0, device=CPU), 10)[0].index
    assert sorted(index.tolist()) == [1, 1, 2, 2, 4, 5, 6, 7, 8, 9]
    said = capsys.readouterr().err
    assert "train-0005.tar:3 could not be decoded, another stands in its place: not an image" in said
    assert "train-0005.tar:0 could" in said


def test_shards_that_are_not_what_was_counted_are_refused(folder: Path) -> None:
    shards, _ = streamed(f"{folder}/*.tar")
    shards.counts[2] += 1
    with pytest.raises(Refusal, match=r"train-0002.tar: 40 images, and 41 were counted"):
        seen(Streamed(shards, 50, seed=0, device=CPU), 200)


def test_captions_come_with_their_images(folder: Path) -> None:
    for shard in range(2):
        names = range(6 * shard, 6 * shard + 6)
        told = {f"{i:02d}.txt": f"word{i} again".encode() for i in names}
        tar(folder / "told" / f"{shard}.tar", told | {f"{i:02d}.png": png("L", seed=i) for i in names})
    shards, whole = streamed(f"{folder}/told/*.tar")
    words = Vocabulary.of((text for texts in whole.captions for text in texts), 1)
    read = partial(Sentences, vocabulary=words, longest=5)
    batches = Streamed(shards, 4, seed=1, device=CPU, read=read)
    for batch in seen(batches, 12):
        own = [words.tokens(whole.captions[row][0], 5) for row in batch.index.tolist()]
        assert batch.caption.tolist() == own


def test_attributes_have_one_order_whatever_a_shard_has() -> None:
    facts = unknown(["a", "b"])
    facts = replace(facts, attribute=np.array([[1, 0], [0, 1]], np.int8), attributes=("old", "red"))
    found = with_columns(facts, ("red", "new", "old"))
    assert (found.attributes, found.attribute.tolist()) == (("red", "new", "old"), [[0, -1, 1], [1, -1, 0]])
    assert with_columns(found, found.attributes) is found


def test_what_takes_any_image_is_refused(folder: Path) -> None:
    batches = Streamed(streamed(f"{folder}/*.tar")[0], 4, seed=0, device=CPU)
    with pytest.raises(Refusal, match="cannot give a look; --pack always decodes all images into a pack, which can"):
        any_row(batches, "a look")
