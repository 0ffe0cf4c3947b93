"""``learners.space``: one scale for all columns, and as many components as there can be."""

import numpy as np
import pytest

from latelier.learners.space import principal, scaling


def test_scaling_keeps_the_geometry_of_a_space() -> None:
    known = np.random.default_rng(0).normal(3, [1.0, 5.0], (200, 2))
    rows = scaling(known)(known)
    assert rows.mean(0) == pytest.approx([0, 0], abs=1e-12)
    assert rows.var(0).mean() == pytest.approx(1)
    assert rows.std(0)[1] / rows.std(0)[0] == pytest.approx(known.std(0)[1] / known.std(0)[0])


def test_equal_rows_are_only_centred() -> None:
    assert (scaling(np.full((3, 2), 7.0))(np.full((1, 2), 8.0)) == 1).all()


@pytest.mark.parametrize(("shape", "count"), [((30, 8), 4), ((30, 3), 3), ((2, 8), 2)])
def test_there_are_no_more_components_than_rows_or_columns(shape: tuple[int, int], count: int) -> None:
    rows = np.random.default_rng(0).normal(size=shape)
    components = principal(rows, 4).components_
    assert components.shape == (count, shape[1])
    assert (components == principal(rows, 4).components_).all()
