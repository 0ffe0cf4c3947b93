from pathlib import Path

import numpy as np
import pytest

from latelier.data.sources.shares import class_shares
from latelier.errors import Refusal

LABEL = np.array([0, 0, 0, 1, -1, -1])


def test_even_is_nothing_known_and_labels_are_counted() -> None:
    assert class_shares("even", ("a", "b"), LABEL) is None
    found = class_shares("labels", ("a", "b", "c"), LABEL)
    assert found is not None
    assert found.tolist() == [0.75, 0.25, 0]


def test_a_file_gives_shares_or_counts_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "shares.csv"
    path.write_text("share,class\n30,b\n10,a\n")
    found = class_shares(str(path), ("a", "b"), LABEL)
    assert found is not None
    assert found.tolist() == [0.25, 0.75]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class,share\na,1\n", "one row for each of the classes a, b, not a"),
        ("class,share\na,1\nb,1\nb,1\n", "one row for each"),
        ("class,share\na,1\nc,1\n", "not a, c"),
        ("class,share\na,1\nb,half\n", "could not convert string to float: 'half'"),
        ("class,share\na,1\nb,-1\n", "at least 0, but there are 1, -1"),
        ("class,share\na,0\nb,0\n", "no class has a share above 0"),
        ("class,weight\na,1\nb,1\n", "the first line must name the columns class,share"),
    ],
)
def test_what_is_no_table_of_shares_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "shares.csv"
    path.write_text(text)
    with pytest.raises(Refusal, match=message):
        class_shares(str(path), ("a", "b"), LABEL)
    with pytest.raises(Refusal, match="even, labels or a CSV file"):
        class_shares(str(tmp_path / "none.csv"), ("a", "b"), LABEL)
