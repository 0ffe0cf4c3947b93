"""The public names: each is there, typed and told of."""

from inspect import signature
from typing import get_type_hints

import pytest

import latelier

NAMES = [name for name in latelier.__all__ if name != "__version__"]


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_typed_and_documented(name: str) -> None:
    found = getattr(latelier, name)
    assert len((found.__doc__ or "").split()) > 5
    if isinstance(found, type):
        return
    hints = get_type_hints(found)
    assert set(hints) == {*signature(found).parameters, "return"}


def test_public_names_are_what_dir_says() -> None:
    assert dir(latelier) == sorted(latelier.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        latelier.nothing  # noqa: B018, asking is what is tried
