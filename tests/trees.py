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
