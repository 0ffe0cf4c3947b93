"""Code of a user's own: a model's file (``my_model.py``) or a module with dots in its name.

It is run only where the user has named it, in the call or command itself or in LATELIER_CODE. A name that stands in a
file is a plain ``str`` and never enough, whatever field it stands in: a run may be a stranger's."""

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any

TRUST = "LATELIER_CODE"  # environment variable: files and modules, parted as in PATH
HEADS = ("head", "head.kind", "caption", "caption.kind")  # settings that name modules


class Named(str):
    """A name that the user has given: if it is not the package's, it may be run."""

    __slots__ = ()


def with_named(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that the user has given: the heads in them are ``Named``."""
    return {key: _named(value) if key in HEADS else value for key, value in settings.items()}


def _named(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _named(inner) if key == "kind" else inner for key, inner in value.items()}
    return Named(value) if isinstance(value, str) else value


@contextmanager
def running(name: str) -> Iterator[None]:
    """Within it a user's code is run. Raises Refusal, with what it ended in, for any error of it, and where it would
    end the program."""
    from latelier.errors import Refusal

    try:
        yield
    except (Exception, SystemExit) as error:
        raise Refusal(
            f"{name} cannot be run: {type(error).__name__}: {error}; LATELIER_TRACEBACK=1 shows where"
        ) from error


def permitted(name: str, kind: str) -> str:
    """What the user calls the code that is meant by ``name``. Raises Refusal where they named none; ``kind`` ("model",
    "score") is what the message calls it."""
    from latelier.errors import Refusal

    if isinstance(name, Named):
        return name
    for own in os.environ.get(TRUST, "").split(os.pathsep):
        if own == name or (name.endswith(".py") and PurePath(own).name == PurePath(name).name):
            return own
    raise Refusal(
        f"the {kind} '{name}' is code outside latelier, which is not run unasked: if you trust it, set "
        f"{TRUST}={shlex.quote(name)}"
    )


def is_own(name: str) -> bool:
    """Whether the name is that of a file or module outside the package."""
    return "." in name


def trusting(names: Iterable[str]) -> str:
    """What a command begins with to open a run that was built from these modules, ``LATELIER_CODE=my_model.py `` with
    the space: each name outside the package as the user gave it. Empty if all are the package's own. Raises Refusal
    for one that the user has not named."""
    own = [permitted(name, "module") for name in names if is_own(name)]
    return f"{TRUST}={shlex.quote(os.pathsep.join(own))} " if own else ""
