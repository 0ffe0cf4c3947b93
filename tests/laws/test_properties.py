"""Laws that hold for all inputs, tried on inputs that hypothesis looks for."""

import csv
import io
import string
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Generator

from latelier.config.settings import assigned, nest, words
from latelier.data import masks
from latelier.data.batches import Batches
from latelier.data.images import Images
from latelier.data.packing.decode import Target, decode
from latelier.data.sources.table import Table
from latelier.errors import Refusal
from latelier.nets import unpool
from latelier.storage import files, json_records

QUICK = settings(max_examples=50, deadline=None)  # others' work on the machine is no failure
SIDES = st.integers(1, 12)
CELL = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)


def numbered(count: int) -> Images:
    """Images of one pixel."""
    return Images(
        np.zeros((count, 1, 1, 1), np.uint8),
        np.full(count, -1),
        np.zeros((count, 0), np.int8),
        [[]] * count,
        [str(row) for row in range(count)],
    )


@QUICK
@given(count=st.integers(1, 40), size=st.integers(1, 12), seed=st.integers(0, 2**32), epoch=st.integers(0, 3))
def test_every_epoch_shows_every_image_once(count: int, size: int, seed: int, epoch: int) -> None:
    batches = Batches(numbered(count), size, seed=seed, device=torch.device("cpu"))
    first, last = epoch * count // size, -(-(epoch + 1) * count // size)
    rows = torch.cat([batches.at(step * size).index for step in range(first, last)]).tolist()
    start = epoch * count - first * size
    assert sorted(rows[start : start + count]) == list(range(count))


@QUICK
@given(count=st.integers(1, 30), parts=st.integers(1, 4), each=st.integers(1, 5), seed=st.integers(0, 2**32))
def test_a_batch_is_its_parts_and_the_same_each_time(count: int, parts: int, each: int, seed: int) -> None:
    batches = Batches(numbered(count), parts * each, seed=seed, device=torch.device("cpu"))
    whole = batches.at(3 * parts * each).index
    pieces = [batches.at(3 * parts * each, part, parts).index for part in range(parts)]
    assert torch.equal(torch.stack(pieces, 1).flatten(), whole)
    again = Batches(numbered(count), parts * each, seed=seed, device=torch.device("cpu"))
    assert torch.equal(again.at(3 * parts * each).index, whole)


@QUICK
@given(n=st.integers(1, 4), h=st.integers(2, 20), w=st.integers(2, 20), seed=st.integers(0, 2**32))
def test_masks_hide_what_their_names_say(n: int, h: int, w: int, seed: int) -> None:
    def hidden(name: str) -> torch.Tensor:
        known = masks.make(name, (n, 3, h, w), Generator().manual_seed(seed))
        return (~known).expand(n, 1, h, w).sum((1, 2, 3))

    assert hidden("half").tolist() == [h * (w - w // 2)] * n
    assert hidden("centre").tolist() == [((h + 1) // 2) * ((w + 1) // 2)] * n
    assert hidden("random").tolist() == [h * w - h * w // 2] * n


@QUICK
@given(side=st.integers(1, 4), h=SIDES, w=SIDES, b=st.integers(1, 3), c=st.integers(1, 3), seed=st.integers(0, 2**32))
def test_unpooling_puts_back_what_pooling_took_away(side: int, h: int, w: int, b: int, c: int, seed: int) -> None:
    tiling = unpool.Tiling(side, h, w)
    map = torch.rand(b, c, h, w, generator=Generator().manual_seed(seed)) + 1
    blocks = tiling.split(map)
    assert torch.equal(tiling.join(blocks), map)
    place = unpool.one_hot(unpool.largest(tiling.masked(blocks)), tiling.positions)
    values = unpool.pool(blocks, place)
    assert torch.equal(values, blocks.amax(1))
    back = tiling.join(unpool.unpool(values, place))
    assert torch.equal(torch.where(back > 0, map, 0), back)
    assert (back > 0).sum() == b * c * tiling.cells
    assert torch.equal(tiling.flat(tiling.unflat(values)), values)


@QUICK
@given(h=st.integers(1, 40), w=st.integers(1, 40), size=st.integers(1, 24), colour=st.booleans(), grey=st.booleans())
def test_an_image_of_any_size_is_decoded_to_the_size_that_is_asked_for(
    h: int, w: int, size: int, colour: bool, grey: bool
) -> None:
    shape = (h, w, 3) if colour else (h, w)
    file = io.BytesIO()
    Image.fromarray(np.full(shape, 77, np.uint8)).save(file, "PNG")
    array, found = decode(file, Target(size, size, 1 if grey else 3, True, None))
    assert (array.shape, array.dtype) == ((size, size, 1 if grey else 3), np.uint8)
    assert (array == 77).all()
    assert found == ({"colour"} if colour and grey else {"grey"} if not (colour or grey) else set())


@QUICK
@given(rows=st.lists(st.tuples(CELL, CELL), max_size=5))
def test_a_table_that_is_written_is_read_again(rows: list[tuple[str, str]]) -> None:
    text = files.csv_text(["file", "class"], rows)
    read = [tuple(map(files.armed, cells)) for cells in csv.reader(io.StringIO(text))]
    assert read == [("file", "class"), *rows]
    kept = [row for row in rows if row[0].strip()]
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "labels.csv"
        files.write(path, files.csv_text(["file", "class"], kept))
        table = Table(path, ["file", "class"])
        assert list(zip(table.column("file"), table.column("class"), strict=True)) == kept


@given(cell=st.text(max_size=12))
def test_no_cell_is_a_formula_and_each_is_what_it_was(cell: str) -> None:
    safe = files.disarmed(cell)
    assert files.armed(safe) == cell
    if safe[:1] in tuple("=+-@\t\r"):  # which a number alone may begin with
        float(safe)


PLAIN = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False), st.text())
NESTED = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


@QUICK
@given(record=st.dictionaries(st.text().filter(lambda name: name != json_records.SUM), NESTED, max_size=4))
def test_a_record_that_is_written_is_read_again(record: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "record.json"
        json_records.write(path, record)
        assert json_records.read(path, dict, "nothing to do") == record
        path.write_bytes(path.read_bytes().replace(b'"checksum": "', b'"checksum": "x'))
        with pytest.raises(Refusal, match="checksum"):
            json_records.read(path, dict, "nothing to do")


NAME = st.text(string.ascii_lowercase, min_size=1, max_size=6)


@QUICK
@given(given=st.dictionaries(NAME, st.integers() | NAME, max_size=4))
def test_settings_as_words_are_the_same_settings(given: dict[str, Any]) -> None:
    assert assigned(words(given)) == {name: str(value) for name, value in given.items()}
    assert nest(given) == given
