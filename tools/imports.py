"""The import graph of the package: rooms, arrows, circles, and imports that run upwards.

    python tools/imports.py [SRC]

SRC is a folder with ``latelier`` in it, by default this clone's src: give another checkout's to compare. A room is a
folder with its own files, or a module at the root of the package; an arrow is a pair of rooms of which one imports from
the other, inside functions too. Imports for the type checker alone are none.
"""

import ast
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

# From the ground up. A wing imports from those below it and from itself; those on one floor from each other too, as
# long as no module comes back to itself.
FLOORS = (
    ("errors", "slices"),
    ("terminal",),
    ("storage",),
    ("config", "device"),
    ("rules",),
    ("core",),
    ("learners",),
    ("data.remote",),
    ("data", "data.packing", "data.drawn"),
    ("data.sources",),
    ("data.streaming",),
    ("nets", "objectives"),
    ("heads",),
    ("models",),
    ("engine",),
    ("codes",),
    ("scores",),
    ("uses",),
    ("sheets",),
    ("runs",),
    ("verdict",),
    ("training",),
    ("page",),
    ("bench", "sweeps"),
    ("recipes",),
    ("explore", "sklearn"),
    ("verbs",),
    ("", "cli", "__main__"),
)
FLOOR = {wing: floor for floor, wings in enumerate(FLOORS) for wing in wings}


class Import(NamedTuple):
    """One module's import of another, by their names without the package's."""

    importer: str
    imported: str
    line: int


def imports(src: Path) -> list[Import]:
    """All imports between modules of the package in ``src``."""
    files = {_name(path.relative_to(src)): path for path in sorted((src / "latelier").rglob("*.py"))}
    found = []
    for name, path in files.items():
        for module, line in _targets(ast.parse(path.read_text(encoding="utf-8")), files):
            found.append(Import(name.partition(".")[2], module.partition(".")[2], line))
    return found


def _name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _targets(node: ast.AST, files: Mapping[str, Path]) -> Iterator[tuple[str, int]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.ImportFrom) and (child.module or "").partition(".")[0] == "latelier":
            for alias in child.names:
                whole = f"{child.module}.{alias.name}"
                yield whole if whole in files else str(child.module), child.lineno
        elif isinstance(child, ast.Import):
            yield from ((alias.name, child.lineno) for alias in child.names if alias.name in files)
        yield from _targets(child, files)


def wing(module: str) -> str:
    """Which of ``FLOORS`` a module belongs to, or its room where it is none of these."""
    parts = module.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in FLOOR), parts[0])


def rises(found: list[Import]) -> list[Import]:
    """The imports that run upwards, and those of modules that stand on no floor. The package itself, which is nothing
    but a version and names that are imported on use, may be imported anywhere."""
    found = [one for one in found if one.imported]
    known = [(FLOOR.get(wing(one.importer), -1), FLOOR.get(wing(one.imported), len(FLOORS)), one) for one in found]
    return [one for importer, imported, one in known if imported > importer]


def circles(found: list[Import]) -> list[list[str]]:
    """Modules that import each other, by way of others too; the package itself, which imports by name, left out."""
    arrows: dict[str, set[str]] = {}
    for one in found:
        if one.importer and one.imported and one.importer != one.imported:
            arrows.setdefault(one.importer, set()).add(one.imported)

    def reached(start: str) -> set[str]:
        seen, left = set[str](), [start]
        while left:
            for name in arrows.get(left.pop(), ()):
                if name not in seen:
                    seen.add(name)
                    left.append(name)
        return seen

    ways = {name: reached(name) for name in arrows}
    tied = {name: frozenset(other for other in way if name in ways.get(other, ())) for name, way in ways.items()}
    return [sorted(circle) for circle in {tied[name] for name in tied if name in ways[name]}]


def rooms(found: list[Import], src: Path) -> tuple[set[str], set[tuple[str, str]]]:
    """Rooms, and arrows between them."""
    folders = {_name(path.relative_to(src)).partition(".")[2] for path in (src / "latelier").rglob("__init__.py")}

    def room(module: str) -> str:
        return module if module in folders else module.rpartition(".")[0] or module

    arrows = {(room(one.importer), room(one.imported)) for one in found}
    arrows = {(one, other) for one, other in arrows if one != other}
    return {room for arrow in arrows for room in arrow}, arrows


def main() -> None:
    """Prints what the graph of a checkout is like."""
    src = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "src"
    found = imports(src)
    all_rooms, arrows = rooms(found, src)
    print(f"{len(all_rooms)} rooms, {len(arrows)} arrows between them")
    for circle in circles(found):
        print(f"circle: {', '.join(circle)}")
    if "errors" in {one.imported for one in found}:  # a checkout that has these floors
        for one in rises(found):
            print(f"upwards: {one.importer} (line {one.line}) imports {one.imported}")
    for room in sorted(all_rooms):
        print(f"{room or 'latelier'}: {', '.join(sorted(b or 'latelier' for a, b in arrows if a == room))}")


if __name__ == "__main__":
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:  # a reader that has enough, as head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
