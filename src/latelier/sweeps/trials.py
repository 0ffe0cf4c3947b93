"""The trials of a sweep, one after another: each is a run of its own, judged by its best checkpoint."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from latelier.core import Metric
from latelier.engine import checkpoint
from latelier.errors import Failed, Refusal, in_words
from latelier.runs.options import Options
from latelier.sweeps.recipe import Sweep
from latelier.sweeps.study import claimed, need_optuna, opened, run_of
from latelier.terminal.say import say
from latelier.terminal.tables import number
from latelier.training.run import monitored, start

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import Trial

IN_A_ROW = 3  # trials that fail one after another, after which it is not the values


class Task(NamedTuple):
    """What a process works at."""

    folder: Path
    sweep: Sweep


def metric_of(sweep: Sweep) -> Metric:
    """What trials are judged by. Raises Refusal where training would refuse the values at either end of the space, or
    two runs of it cannot be compared."""
    first, last = (monitored(sweep.options(values)) for values in sweep.ends())
    if first != last:
        raise Refusal(
            f"runs of this space are judged by different metrics ({first.name}, {last.name}); give one as monitor"
        )
    return first


def work(task: Task) -> None:
    """Trains trials until no new one is to begin. Raises Refusal where one after another fails."""
    need_optuna()
    folder, sweep = task
    study, failed = opened(folder, sweep), 0
    while True:
        with claimed(study, sweep, folder) as trial:
            if trial is None:
                return
            fault = _tried(study, trial, sweep, folder)
        failed = failed + 1 if fault else 0
        if failed == IN_A_ROW:
            raise Refusal(f"{IN_A_ROW} trials failed one after another, the last of them so: {fault}")


def _tried(study: "Study", trial: "Trial", sweep: Sweep, folder: Path) -> str:
    """Trains a trial and tells the study. What went wrong, or nothing."""
    from optuna.trial import TrialState

    run, began, sign = run_of(folder, trial.number), time.perf_counter(), _sign(study)
    reported = study.get_trials(deepcopy=False)[trial.number].intermediate_values
    steps, pruned = len(reported), False

    def halt(score: float) -> bool:
        nonlocal steps, pruned
        steps += 1
        trial.report(sign * score, steps)
        pruned = bool(trial.should_prune())
        return pruned

    fault = ""
    try:
        if checkpoint.last_seen(run):
            start(Options(sweep.method, out=str(run), resume=True, quiet=True), halt)
        else:
            start(sweep.options(trial.params, run), halt)
    except (Refusal, Failed) as error:
        fault = str(error)
    except Exception as error:  # out of memory, or a fault of ours: the next values may do
        fault = f"{type(error).__name__}: {in_words(error)}"
    best = None if fault else checkpoint.best(run)
    if best is None or best.score is None:
        fault = fault or "no checkpoint was judged"
        trial.set_user_attr("fault", fault)
    else:
        trial.set_user_attr("seen", best.seen)
    seconds = time.perf_counter() - began
    trial.set_user_attr("seconds", round(seconds, 1) + float(trial.user_attrs.get("seconds", 0)))
    if best is None or best.score is None:
        study.tell(trial, state=TrialState.FAIL)
        said = f"failed: {fault}"
    else:
        value = sign * best.score
        if pruned:
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, value)
        said = f"{study.user_attrs['monitor']} {number(value)}{', pruned' * pruned}"
    values = " ".join(f"{name}={shown(value)}" for name, value in trial.params.items())
    say(f"trial {trial.number} ({values}): {said}; {seconds:.0f} s", error=True)
    return fault


def shown(value: object) -> str:
    """A searched value as text."""
    return number(value) if isinstance(value, float) else str(value)


def _sign(study: "Study") -> float:
    """What makes a checkpoint's score, of which a lower one is better, the metric's value again."""
    return -1.0 if study.direction.name == "MAXIMIZE" else 1.0
