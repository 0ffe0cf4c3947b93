"""One panel a file: a module with ``TITLE``, ``LINE`` (what it is for), ``PLACE`` (in the list), ``GROUP`` (of the
list), ``KEY`` (the letter that leads there, after g), ``needs`` (capabilities) and ``actions()``: name -> function of a
place and what is asked, which answers what fits into JSON. An action that takes longer than a tenth of a second is cut
into slices (``latelier.slices``): it yields the share done and returns its answer, and other people's questions are
answered between. Those named in ``AT_ONCE`` need no model: they are answered in a thread apart, and none is overtaken.
One that answers many numbers has ``tables()`` beside them, which are fetched as bytes.

Where capabilities do not decide alone, ``offers(place, runs)`` says whether the panel is there. A panel whose image
comes of a code says which by ``code(place, asked)``; it then has an action ``code`` that answers the code and the
command that draws it.
"""

from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from latelier.config.lookup import find_module, module_names
from latelier.core import missing
from latelier.explore.opened_run import OpenedRun
from latelier.explore.requests import Question
from latelier.slices import Slices

Action = Callable[[OpenedRun, Question], dict[str, Any] | Slices[dict[str, Any]]]
Table = Callable[[OpenedRun, Question], np.ndarray]


@cache
def find(name: str) -> ModuleType:
    """The panel of that name. Raises Refusal, with the nearest match, when there is none."""
    return find_module(__name__, name, "panel", "actions")


@cache
def list_panels() -> tuple[str, ...]:
    """The names of all panels, in their order."""
    return tuple(sorted(module_names(__name__, "actions"), key=lambda name: find(name).PLACE))


@cache
def actions_of(name: str) -> dict[str, Action]:
    """What a panel can be asked."""
    from latelier.explore.saving import saved

    panel = find(name)
    own: dict[str, Action] = panel.actions()
    return {**own, "code": saved(panel.code)} if hasattr(panel, "code") else own


@cache
def tables_of(name: str) -> dict[str, Table]:
    """What a panel can be asked for as bytes."""
    panel = find(name)
    found: dict[str, Table] = panel.tables() if hasattr(panel, "tables") else {}
    return found


def possible(opened: OpenedRun, runs: int = 1) -> list[str]:
    """The names of the panels that the run has the capabilities for, on a page of this many runs."""
    found = [name for name in list_panels() if not missing(opened.model, find(name).needs)]
    return [name for name in found if not hasattr(find(name), "offers") or find(name).offers(opened, runs)]
