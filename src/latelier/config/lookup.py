"""Models, scores and images are found by their module's name: adding one is adding one file; nothing is registered.

Names are listed by reading sources and not by importing them, so that listing needs neither torch nor an extra; for
the same reason ``Refusal`` is imported where it is raised.
"""

import ast
import importlib
import pkgutil
import re
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from types import ModuleType

from latelier.config.own_code import is_own, permitted, running


def nearest(name: str, names: list[str], prefix: str = "") -> str:
    """The end of a refusal: the nearest match, if any is near, and all there is. ``prefix`` is what each is given
    behind, which makes none of them nearer."""
    return f"{guess(name, names, prefix)}there are: {', '.join(f'{prefix}{one}' for one in names) or 'none'}"


def guess(name: str, names: list[str], prefix: str = "") -> str:
    """A question for the nearest match, with a space behind it; empty if none is near."""
    close = get_close_matches(name.lower(), names, n=1)
    return f'did you mean "{prefix}{close[0]}"? ' if close else ""


def sentence(text: str | None) -> str:
    """The first sentence of a docstring, on one line, however many it takes there."""
    paragraph = " ".join((text or "").partition("\n\n")[0].split())
    end = re.search(r"[.!?](?=\s[A-Z])", paragraph)  # not after "et al."
    return (paragraph[: end.end()] if end else paragraph).replace("``", "")


def summaries(package: str, attribute: str = "") -> dict[str, str]:
    """Name -> first sentence of the docstring, for each public module of the package that defines ``attribute`` at its
    top level (every public module when it is empty), in alphabetical order. Imports none of them, and of the package
    only what it is inside."""
    return {name: line for name, (line, defined) in _sources(package).items() if not attribute or attribute in defined}


@cache
def _sources(package: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Of each public module the first sentence of its docstring and what it defines; read once in a process."""
    found = {}
    where = find_spec(package)
    for module in pkgutil.iter_modules(where.submodule_search_locations if where else None):
        spec = module.module_finder.find_spec(module.name, None)
        if module.name.startswith("_") or spec is None or spec.loader is None:
            continue
        source = getattr(spec.loader, "get_source", lambda _: None)(spec.name)
        tree = ast.parse(source or "")
        found[module.name] = sentence(ast.get_docstring(tree)), frozenset(_defined(tree))
    return dict(sorted(found.items()))


def module_names(package: str, attribute: str = "") -> list[str]:
    """The names of ``summaries``: what a user may ask for."""
    return list(summaries(package, attribute))


def spelt(name: str) -> str:
    """The name as modules have it: with an underscore for each hyphen. A user's own stays as it is."""
    return name if is_own(name) else name.replace("-", "_")


def known(package: str, name: str, kind: str, attribute: str = "") -> str:
    """The name as modules have it, of a module that ``find_module`` would import with the same arguments; nothing is
    imported for it. A user's own is not looked for. Raises Refusal, with the nearest match, when there is none."""
    from latelier.errors import Refusal

    names = module_names(package, attribute)
    if not is_own(name) and spelt(name) not in names:
        raise Refusal(f'unknown {kind} "{name}"; {nearest(spelt(name), names)}')
    return spelt(name)


def find_module(package: str, name: str, kind: str, attribute: str = "") -> ModuleType:
    """The module ``name`` of the package, or, for a name with dots, the user's own module of that name. In a name of
    the package a hyphen means an underscore.

    ``kind`` ("model", "score", "image") is what messages call it; ``attribute`` ("Model", "score", "draw") is what
    the module must define. Raises Refusal, with the nearest match, when there is none, and for a module of their own
    that the user did not name, or that cannot be run (``own_code``).
    """
    if is_own(name):
        return _users_own(permitted(name, kind), kind, attribute)
    return importlib.import_module(f"{package}.{known(package, name, kind, attribute)}")


def _users_own(name: str, kind: str, attribute: str) -> ModuleType:
    from latelier.errors import Refusal

    with running(name):
        module = importlib.import_module(name) if _importable(name) else None
    if module is None:
        raise Refusal(f'unknown {kind} "{name}": no module of that name can be imported; put its folder on PYTHONPATH')
    if attribute and not hasattr(module, attribute):
        raise Refusal(f'"{name}" is no {kind}: its module does not define {attribute}')
    return module


def _importable(name: str) -> bool:
    if not all(part.isidentifier() for part in name.split(".")):
        return False
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(
            f"{error.name}."
        ):  # the user's package exists, and misses something that it imports
            raise
        return False


def _defined(tree: ast.Module) -> set[str]:
    """Names of the functions and classes at the top level."""
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
