"""What edits of a run go by, the same for every verb, whatever images it is given: images with attributes to learn
from, directions, and a judge of what was drawn."""

import io
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr

import torch

from latelier.codes.directions import Found
from latelier.codes.directions import finding as directions_of
from latelier.codes.rows import device_of
from latelier.core import AttributeDirections, has
from latelier.data.attributes import with_attributes
from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.runs.run import Run
from latelier.runs.where import Where
from latelier.sheets.view import Judging
from latelier.slices import Slices, aside, done
from latelier.uses.judging import Witness, witness


def known(run: Run, where: Where, given: Images | None = None) -> Images:
    """Images with attributes: those that the run was trained on, or ``given`` where these are gone or have none.
    Nothing is said of them again. Raises Refusal where there are none."""
    try:
        with redirect_stderr(io.StringIO()):
            fit = run.splits(None, where).own
        with_attributes(fit)
    except Refusal:
        if given is None:
            raise
        with_attributes(given)
        return given
    return fit


def directions(run: Run, where: Where, given: Images | None = None) -> Found:
    """Where attributes lie in the code: as the model has learned them, or fitted on what is ``known``. Raises Refusal
    where there is nothing to fit on."""
    return done(finding(run, where, lambda: given))


def finding(run: Run, where: Where, given: Callable[[], Images | None]) -> Slices[Found]:
    """``directions`` in slices; images are read in a thread beside."""
    learned = has(run.model, AttributeDirections)
    data = None if learned else (yield from aside(lambda: known(run, where, given())))
    return (yield from directions_of(run.model, data))


def judge(run: Run, where: Where, given: Images | None = None) -> Judging:
    """Of attributes by name, when they are asked for: it learns for some seconds from what is ``known``; none where
    nothing is."""

    def learned(names: Sequence[str]) -> Witness | None:
        try:
            images = with_attributes(known(run, where, given))
        except Refusal:
            return None
        with torch.enable_grad():  # sheets are drawn without
            return witness(images, names, device_of(run.model))

    return learned
