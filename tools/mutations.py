"""One change in the code at a time, as mutmut makes them, put into a process that has imported the code already."""

import difflib
import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, cast

from libcst import ClassDef, FunctionDef, Module
from mutmut.mutation.file_mutation import Mutation, create_mutations, deep_replace, group_by_top_level_node
from mutmut.mutation.trampoline_templates import mangle_function_name

Function = tuple[str, str]  # a module's name, and the function's in it


class Mutant(NamedTuple):
    """One change: ``name`` is mutmut's."""

    name: str
    path: Path
    function: Function
    tree: Module
    change: Mutation

    def text(self) -> str:
        """The whole file with the change."""
        return cast(Module, deep_replace(self.tree, self.change.original_node, self.change.mutated_node)).code

    def diff(self) -> list[str]:
        """The lines that the change takes away and adds, as diff has them."""
        before, after = self.tree.code.split("\n"), self.text().split("\n")
        return list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]


def mutants(module: str, path: Path) -> Iterator[Mutant]:
    """All of one file, numbered as mutmut does."""
    tree, changes, _, _ = create_mutations(str(path), path.read_text())
    classes = {id(part): node.name.value for node in tree.body if isinstance(node, ClassDef) for part in node.body.body}
    for node, group in group_by_top_level_node(changes).items():
        if isinstance(node, FunctionDef):  # mutmut changes no attribute of a class either
            own, within = node.name.value, classes.get(id(node))
            start = f"{module}.{mangle_function_name(name=own, class_name=within)}__mutmut_"
            for number, change in enumerate(group, start=1):
                yield Mutant(f"{start}{number}", path, (module, f"{within}.{own}" if within else own), tree, change)


def put(function: Function, text: str) -> bool:
    """Gives a function the code and defaults that it has in the text of its module. False: it cannot take them."""
    name, module = function[0], importlib.import_module(function[0])
    fresh = sys.modules[name] = ModuleType(name)  # for the time being: a dataclass looks its own module up
    fresh.__dict__.update(__file__=module.__file__, __package__=module.__package__)
    exec(compile(text, str(module.__file__), "exec"), fresh.__dict__)
    sys.modules[name] = module
    old, new = found(module, function[1]), found(fresh, function[1])
    if len(old.__code__.co_freevars) != len(new.__code__.co_freevars):
        return False
    old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
    return True


def found(here: Any, name: str) -> Any:
    """A function or method of a module, without what wraps it."""
    for part in name.split("."):
        here = inspect.getattr_static(here, part)
    return inspect.unwrap(getattr(here, "__func__", here))
