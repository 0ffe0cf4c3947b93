"""A sweep's study, which Optuna keeps in a journal in the sweep's folder: which trials there are, who trains which.

Any number of processes, on machines that share the folder, take trials from it. A trial belongs to the process
that holds its lock; one that has not ended, and whose lock is free, was left by a process that was killed, and is
taken up again."""

import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latelier.core import Metric
from latelier.data.seeds import mix
from latelier.errors import Refusal, in_words
from latelier.storage import files, locks
from latelier.sweeps.recipe import Searched, Sweep

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

JOURNAL = "study.journal"
TRIALS = "trials"  # the folder of their runs
STARTUP, WARMUP = 5, 5  # trials that end before any is pruned, and checkpoints of each
SEEDS = 1 << 32  # those that samplers take


def need_optuna() -> None:
    """Raises Refusal where it is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise Refusal('a sweep needs optuna, not installed here: pip install "latelier[sweep]"') from error
    optuna.logging.set_verbosity(logging.WARNING)


def opened(folder: Path, sweep: Sweep, metric: Metric | None = None) -> "Study":
    """The folder's study, begun with what its trials are judged by if there is none yet. Raises Refusal for a journal
    that cannot be read, for one of another recipe and for one that is not begun where no ``metric`` is given."""
    from optuna.exceptions import OptunaError
    from optuna.pruners import MedianPruner, NopPruner
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
    from optuna.study import create_study

    path = folder / JOURNAL
    lock = JournalFileOpenLock(str(path))
    if metric is None and not path.exists():
        raise Refusal(f"{folder} holds no {JOURNAL}: it is no sweep that was begun; give its recipe and --out {folder}")
    try:
        if path.exists():
            _mend(path, lock)
        study = create_study(
            storage=JournalStorage(JournalFileBackend(str(path), lock)),
            study_name="sweep",
            direction="maximize" if metric is not None and metric.higher else "minimize",
            load_if_exists=True,
            pruner=MedianPruner(STARTUP, WARMUP) if sweep.prune else NopPruner(),
        )
        if "recipe" not in study.user_attrs:
            if metric is None:
                raise Refusal(f"{path} was not begun by latelier; name another folder")
            study.set_user_attr("monitor", metric.name)
            study.set_user_attr("recipe", sweep.json())
        kept = study.user_attrs["recipe"]
    except (OptunaError, ValueError, KeyError, TypeError, OSError) as error:
        if isinstance(error, Refusal):
            raise
        raise Refusal(f"{path} is damaged ({in_words(error)}); restore it, or name another folder") from error
    other = [name for name, value in sweep.json().items() if _plain(value) != kept.get(name)]
    if other:
        raise Refusal(
            f"{folder} is a sweep of another recipe ({', '.join(other)}); only trials and hours may change when it "
            "goes on; name another --out"
        )
    return study


@contextmanager
def claimed(study: "Study", sweep: Sweep, folder: Path) -> Iterator["Trial | None"]:
    """The next trial, which is this process's alone within the block: one that another has left, else a new one; None
    where there is none to be had."""
    with ExitStack() as stack:
        with files.locked(folder / JOURNAL):  # of two processes the second sees what the first has taken
            trial = _left(study, folder, stack)
            if trial is None and not spent(study, sweep):
                trial = _new_trial(study, sweep)
                if not _take(folder, trial.number, stack):
                    raise Refusal(
                        f"{folder}: trial {trial.number} is new, and its lock is held; remove the lock's file"
                    )
        yield trial


def spent(study: "Study", sweep: Sweep) -> bool:
    """Whether no new trial is to begin."""
    trials = study.get_trials(deepcopy=False)
    hours = sum(float(trial.user_attrs.get("seconds", 0)) for trial in trials) / 3600
    return (sweep.trials is not None and len(trials) >= sweep.trials) or (
        sweep.hours is not None and hours >= sweep.hours
    )


def run_of(folder: Path, number: int) -> Path:
    """Where a trial's run is."""
    return folder / TRIALS / f"{number:04d}"


def _left(study: "Study", folder: Path, stack: ExitStack) -> "Trial | None":
    """A trial that has begun, has not ended and belongs to no process."""
    from optuna.trial import Trial, TrialState

    running: list[FrozenTrial] = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    for trial in running:
        if _take(folder, trial.number, stack):
            return Trial(study, trial._trial_id)
    return None


def _new_trial(study: "Study", sweep: Sweep) -> "Trial":
    """A new one. What is proposed hangs on the trials before it and their number alone, whichever process asks."""
    from optuna.samplers import TPESampler

    seed = mix(sweep.seed, len(study.get_trials(deepcopy=False))) % SEEDS
    study.sampler = TPESampler(seed=seed)
    return study.ask({name: _distribution(of) for name, of in sweep.space.items()})


def _distribution(of: Searched) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if of.kind == "choices":
        return CategoricalDistribution(of.values)
    low, high = of.values
    if isinstance(low, int):
        return IntDistribution(low, high, log=of.kind == "log")
    return FloatDistribution(low, high, log=of.kind == "log")


def _take(folder: Path, number: int, stack: ExitStack) -> bool:
    """Locks a trial until the stack unwinds. Whether it could."""
    run = run_of(folder, number)
    with files.refusing(run):
        run.parent.mkdir(parents=True, exist_ok=True)
        return stack.enter_context(locks.held(run.with_name(f".{run.name}{locks.NAME}"), wait=False)) is not None


def _mend(path: Path, lock: Any) -> None:
    """Cuts off the half of a line that a full disk has left at the journal's end."""
    if path.read_bytes()[-1:] in (b"", b"\n"):
        return
    lock.acquire()
    try:
        content = path.read_bytes()  # again: its writer may have been in the middle of it
        with open(path, "r+b") as file:
            file.truncate(content.rfind(b"\n") + 1)
    finally:
        lock.release()


def _plain(value: Any) -> Any:
    """As JSON gives it back."""
    return json.loads(json.dumps(value))
