"""The package as syntax trees, for rules that hold over every file."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]


@cache
def trees() -> dict[str, ast.Module]:
    """By the file's path from the repository's root. Parsed once, where it is asked for first."""
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8"))
        for path in sorted((ROOT / "src").rglob("*.py"))
    }


@cache
def nodes() -> dict[str, list[ast.AST]]:
    """All of each tree, which takes as long to walk through as to parse."""
    return {name: list(ast.walk(tree)) for name, tree in trees().items()}
