"""Where what a run was given lies: kept in its config.json as an absolute path and as one from the run's folder, so
that it is found from another working directory, and when run and images have moved together."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from latelier.data.remote.patterns import is_pattern, parted
from latelier.data.remote.store import listed
from latelier.data.sources.open import BUILTIN
from latelier.errors import Refusal
from latelier.storage import paths
from latelier.storage.addresses import is_address

PATHS = ("data", "data_root", "labels_file", "attributes_file", "prior", "from_run")  # arguments of latelier train


def noted(request: SimpleNamespace, folder: Path) -> dict[str, list[str]]:
    """Of each argument that leads to a file or folder, the ways to it, the best first. A split stays behind it."""
    found = {}
    for name in PATHS:
        given = getattr(request, name)
        if given is None or _is_name(str(given)) or (base := _base(str(given))) is None:
            continue
        path, split = Path(base).absolute(), str(given)[len(base) :]
        ways = [f"{path}{split}"]
        with suppress(ValueError):  # on another drive of Windows
            ways.append(f"{os.path.relpath(path, folder.absolute())}{split}")
        found[name] = ways
    return found


def find(config: Mapping[str, Any], folder: Path, name: str) -> str | None:
    """What an argument of the run at ``folder`` leads to from here: by the ways that config.json notes, or, of a run of
    an earlier version, which notes none, by what was typed (else another folder of that name would do). As it was typed
    where that is one of the ways; none where nothing leads anywhere."""
    typed = config.get("request", {}).get(name)
    if typed is None:
        return None
    if _is_name(str(typed)):
        return str(typed)
    ways = [os.path.normpath(folder / way) for way in config.get("places", {}).get(name, ())]
    if there := [way for way in ways if _base(way) is not None]:
        return str(typed) if os.path.abspath(typed) in map(os.path.abspath, there) else there[0]
    if ways:
        return None
    with suppress(Refusal):  # a home folder that is not here
        if _base(found := paths.text(str(typed), name)) is not None:
            return found
    return None


def root(config: Mapping[str, Any], folder: Path) -> Path | None:
    """Where torchvision's data were in training, and are."""
    found = find(config, folder, "data_root")
    return None if found is None else Path(found)


def leads_there(given: Any, config: Mapping[str, Any], folder: Path, name: str) -> bool:
    """Whether what is given now is what the run was given, written in another way."""
    found = find(config, folder, name) if name in PATHS else None
    return found is not None and given is not None and os.path.abspath(given) == os.path.abspath(found)


def _is_name(text: str) -> bool:
    return text in BUILTIN or text.rpartition(":")[0] in BUILTIN or is_address(text)


def _base(text: str) -> str | None:
    """The part of a data argument that is a path which exists, or a pattern of such; none of a name."""
    head, colon, _ = text.rpartition(":")
    if path := next((name for name in (text, head if colon else "") if name and Path(name).exists()), None):
        return path
    with suppress(Refusal):
        if is_pattern(text) and listed(pattern := parted(text)[0]):
            return pattern
    return None
