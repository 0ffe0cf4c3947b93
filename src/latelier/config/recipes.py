"""Recipes are found by the names of their files below ``latelier/recipes/``; listing them runs none of them."""

import ast
import importlib.util
from pathlib import Path
from types import ModuleType

from latelier.config.lookup import nearest, sentence
from latelier.errors import Refusal

RECIPES = Path(__file__).parents[1] / "recipes"


def list_recipes() -> dict[str, Path]:
    """Name, as ``latelier reproduce`` takes it, -> file."""
    return {
        path.relative_to(RECIPES).with_suffix("").as_posix().replace("_", "-"): path
        for path in sorted(RECIPES.rglob("*.py"))
    }


def summaries() -> list[tuple[str, str]]:
    """(name, its docstring's first sentence) of each file that defines ``reproduce``; none of them is run."""
    found = []
    for name, path in list_recipes().items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "reproduce" for node in tree.body):
            found.append((name, sentence(ast.get_docstring(tree))))
    return found


def known_of() -> dict[str, dict[str, str]]:
    """Name -> the texts that its file gives of itself, by the names of its constants: DATA, what it trains on; HOURS of
    two cores, with ~ where they are estimated; STATE, what is known of its result. None of the files is run."""
    found: dict[str, dict[str, str]] = {}
    for name, path in list_recipes().items():
        known = found.setdefault(name, dict[str, str]())
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                value = node.value.value
                targets = [target.id for target in node.targets if isinstance(target, ast.Name)]
                known |= dict.fromkeys(targets, value) if isinstance(value, str) else {}
    return found


def recipe_file(name: str) -> Path:
    """The file of the recipe of that name; it is not run. Raises Refusal with the nearest match."""
    known = list_recipes()
    path = known.get(name.removesuffix(".py").replace("_", "-"))
    if path is None:
        raise Refusal(f'unknown recipe "{name}"; {nearest(name, list(known))}')
    return path


def find_recipe(name: str) -> ModuleType:
    """The recipe of that name. Raises Refusal with the nearest match."""
    path = recipe_file(name)
    spec = importlib.util.spec_from_file_location(f"latelier_recipe_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
