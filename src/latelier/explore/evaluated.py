"""What an action answers, in evaluation mode: long work too, of which others are let in between."""

from types import GeneratorType
from typing import Any

from latelier.explore.opened_run import OpenedRun
from latelier.explore.requests import Question
from latelier.nets.eval_mode import evaluating
from latelier.slices import Slices


def begun(opened: OpenedRun, action: Any, question: Question) -> Any:
    """The answer, or slices that end in it."""
    with evaluating(opened.model):
        answer = action(opened, question)
    return _sliced(opened, answer) if isinstance(answer, GeneratorType) else answer


def _sliced(opened: OpenedRun, slices: Slices[dict[str, Any]]) -> Slices[dict[str, Any]]:
    """Each slice in evaluation mode, and between them the mode that it was in."""
    while True:
        try:
            with evaluating(opened.model):
                share = next(slices)
        except StopIteration as end:
            answer: dict[str, Any] = end.value
            return answer
        yield share
