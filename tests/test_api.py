"""The public names: each is there, typed and told of."""

import ast
from inspect import signature
from pathlib import Path
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


def test_a_type_checker_sees_the_public_names_of_the_table() -> None:
    """They stand in ``latelier/__init__.py`` twice: as imports that a checker reads, and by their modules."""
    tree = ast.parse(Path(str(latelier.__file__)).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    seen = {
        name.asname: f"{node.module}:{name.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    table = {name: where if ":" in where else f"{where}:{name}" for name, where in latelier._PUBLIC.items()}
    assert seen == table


def test_public_names_are_what_dir_says() -> None:
    assert dir(latelier) == sorted(latelier.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        latelier.nothing  # noqa: B018, asking is what is tried
