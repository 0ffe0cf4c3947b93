"""Columns of texts: what is read is what was written, and nothing is read that is not asked for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latelier.data.packing.sums import block_sums
from latelier.data.rows import BLOCK, Absent, Chosen, Rows, chosen
from latelier.data.texts import Texts, write_texts

COUNT = 2 * BLOCK + 77
NAMES = [f"{row}-\xe4\U0001f600.png" for row in range(COUNT)]
CAPTIONS = [[f"{row} {i}" for i in range(row % 3)] for row in range(COUNT)]


def column(path: Path, values: Sequence[Any], *, lists: bool) -> Texts[Any]:
    write_texts(path, values, lists=lists)
    return Texts(path, len(values), block_sums(path), lists=lists)


@pytest.fixture(scope="module", params=[False, True])
def texts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Texts[Any], list[Any]]:
    values: list[Any] = CAPTIONS if request.param else NAMES
    return column(tmp_path_factory.mktemp("texts") / "x.arrow", values, lists=request.param), values


def test_a_column_is_like_its_list(texts: tuple[Texts[Any], list[Any]]) -> None:
    found, values = texts
    assert len(found) == len(values)
    assert list(found) == values
    assert found == values
    assert found != values[:-1]
    assert found != [*values[:-1], "other"]
    for row in (0, BLOCK - 1, BLOCK, COUNT - 1, -1, -COUNT):
        assert found[row] == values[row]
    for part in (slice(5, 9), slice(BLOCK - 2, BLOCK + 2), slice(None, None, 1000), slice(9, 2, -3), slice(-3, None)):
        assert found[part] == values[part]
    for row in (COUNT, -COUNT - 1):
        with pytest.raises(IndexError):
            found[row]
    assert values[7] in found


def test_chosen_rows_are_those_of_a_list(texts: tuple[Texts[Any], list[Any]]) -> None:
    found, values = texts
    rows = np.random.default_rng(0).integers(-COUNT, COUNT, 5000)
    some = chosen(found, rows)
    assert isinstance(some, Chosen)
    assert list(some) == [values[row] for row in rows]
    fewer = chosen(some, np.array([3, 1, -1]))
    assert list(fewer) == [values[rows[3]], values[rows[1]], values[rows[-1]]]
    assert chosen(values, np.array([2, 0])) == [values[2], values[0]]


def test_images_without_captions_have_none() -> None:
    none = Absent(3)
    assert list(none) == [(), (), ()]
    assert none == [(), (), ()]
    assert not any(none)
    assert len(chosen(none, np.array([0, 2]))) == 2


@settings(max_examples=50, deadline=None)
@given(names=st.lists(st.text(st.characters(), max_size=9), min_size=1, max_size=9))
def test_any_text_comes_back(names: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Halves of surrogate pairs too."""
    path = tmp_path_factory.mktemp("texts") / "x.arrow"
    assert list(column(path, [*names, "\udce4\ud83d\ude00"], lists=False)) == [*names, "\udce4\ud83d\ude00"]
    assert list(column(path, [names, []], lists=True)) == [names, []]


def test_arrow_reads_the_file_too(tmp_path: Path) -> None:
    write_texts(tmp_path / "x.arrow", CAPTIONS, lists=True)
    with pa.memory_map(str(tmp_path / "x.arrow")) as file:
        table = pa.ipc.open_file(file).read_all()
    assert [[one.decode() for one in many] for many in table.column("value").to_pylist()] == CAPTIONS


def test_one_row_costs_the_reading_of_its_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = column(tmp_path / "x.arrow", NAMES, lists=False)
    asked: list[int] = []

    def noted(self: Texts[Any], number: int) -> Any:
        asked.append(number)
        return batch(self, number)

    batch = Texts._batch
    monkeypatch.setattr(Texts, "_batch", noted)
    assert found[BLOCK + 3] == NAMES[BLOCK + 3]
    assert found[BLOCK : BLOCK + 9] == NAMES[BLOCK : BLOCK + 9]
    assert asked == [1, 1]
    assert len(found._held) == 1


def test_rows_say_what_they_lack() -> None:
    with pytest.raises(NotImplementedError):
        Rows.some(Absent(1), np.array([0]))
