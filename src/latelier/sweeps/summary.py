"""What a sweep has found: a table of its trials, two plots, and the command that trains the best run again."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latelier.config.own_code import Named, trusting
from latelier.page import Figure, Material, Table
from latelier.runs.command import command
from latelier.runs.run import open_run
from latelier.sheets.plot import blank, light, rendered
from latelier.sheets.sheet import png
from latelier.sweeps.recipe import Sweep
from latelier.sweeps.study import run_of
from latelier.sweeps.trials import shown
from latelier.terminal.tables import counted, number

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

FEWEST = 4  # trials that have ended well, for importances to differ from chance at all
INK, MARK, PALE = "#2d2d2d", "#d75f00", "#9a9a9a"


def best_of(study: "Study") -> "FrozenTrial | None":
    """The best of the trials that have ended well."""
    return study.best_trial if _ended(study) else None


def table_of(study: "Study") -> Table:
    """A row a trial."""
    best, columns = best_of(study), list(_names(study))
    rows = []
    for trial in study.get_trials(deepcopy=False):
        values = [shown(trial.params[name]) if name in trial.params else "" for name in columns]
        judged = "" if trial.value is None else number(trial.value)
        seen, seconds = trial.user_attrs.get("seen"), trial.user_attrs.get("seconds")
        spent = ["" if seen is None else f"{seen:,}", "" if seconds is None else f"{seconds:,.0f}"]
        rows.append([f"{trial.number:04d}", judged, *values, *spent, _state(trial)])
    winners = frozenset[tuple[int, int]]() if best is None else frozenset({(best.number, 1)})
    head = ("trial", study.user_attrs["monitor"], *columns, "images seen", "s", "ended")
    which = "greater" if study.direction.name == "MAXIMIZE" else "lower"
    note = f"By its best checkpoint, on images that no trial was trained on; {which} is better."
    return Table("Trials", head, rows, note, winners)


def material(study: "Study", sweep: Sweep, folder: Path) -> Material:
    """The page of a sweep."""
    best, trials = best_of(study), study.get_trials(deepcopy=False)
    states = [_state(trial) for trial in trials]
    ended = ", ".join(f"{states.count(state):,} {state}" for state in dict.fromkeys(states)) or "none begun"
    said = "No trial has ended well yet."
    if best is not None:
        said = f"The best is {run_of(folder, best.number)}: {study.user_attrs['monitor']} {number(best.value or 0.0)}."
    fixed = {f"--{name}": str(value) for name, value in sweep.training.items()}
    fixed |= {name: str(value) for name, value in sweep.settings.items()}
    space = {name: f"{of.kind} {', '.join(map(str, of.values))}" for name, of in sweep.space.items()}
    faults = [f"trial {t.number}: {t.user_attrs['fault']}" for t in trials if "fault" in t.user_attrs]
    what = "Every trial, and which setting mattered" if importances(study) else "Every trial"
    figures = [Figure("search", what, png(drawn(study), 6))] if best else []
    return Material(
        title=f"Sweep: {sweep.method} on {sweep.data}",
        summary=f"{counted(len(trials), 'trial')} ({ended}). {said}",
        facts={**fixed, **space},
        tables=[table_of(study)],
        figures=figures,
        remarks=faults,
        commands=commands(study, sweep, folder),
    )


def commands(study: "Study", sweep: Sweep, folder: Path) -> list[str]:
    """What trains the best run again elsewhere, and what goes on with the sweep."""
    best = best_of(study)
    again = f"{trusting(sweep.code())}latelier sweep {folder}"
    if best is None:
        return [again]
    return [command(open_run(run_of(folder, best.number), Named(sweep.method)), "NEW"), again]


def importances(study: "Study") -> dict[str, float]:
    """Which share of the differences between good trials and others each setting makes, by PED-ANOVA (Watanabe et al.
    2023); empty where there are too few trials, or one setting alone."""
    from optuna.importance import get_param_importances

    values = {trial.value for trial in _ended(study)}
    if len(_ended(study)) < FEWEST or len(values) < 2 or len(_names(study)) < 2:
        return {}
    return dict(get_param_importances(study))


def drawn(study: "Study") -> np.ndarray:
    """uint8 [H, W, 3]: the metric by trial with the best so far, and the importance of each setting beside it."""
    from matplotlib.ticker import MaxNLocator

    shares, ended = importances(study), _ended(study)
    figure = blank(10.0 if shares else 6.0, 3.6)
    panel = figure.add_subplot(1, 2 if shares else 1, 1)
    numbers, values = [trial.number for trial in ended], np.array([trial.value for trial in ended])
    best = (np.maximum if study.direction.name == "MAXIMIZE" else np.minimum).accumulate(values)
    pruned = [trial for trial in study.get_trials(deepcopy=False) if _state(trial) == "pruned"]
    panel.plot(numbers, values, "o", color=INK, markersize=4, label="trial")
    if pruned:
        ends = [trial.value for trial in pruned if trial.value is not None]
        panel.plot([trial.number for trial in pruned if trial.value is not None], ends, "x", color=PALE, label="pruned")
    panel.step(numbers, best, where="post", color=MARK, linewidth=1.4, label="best so far")
    panel.set_xlabel("trial")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.set_ylabel(study.user_attrs["monitor"], parse_math=False)
    panel.legend(frameon=False)
    light(panel)
    if shares:
        beside = figure.add_subplot(1, 2, 2)
        names = list(shares)[::-1]
        beside.barh(names, [shares[name] for name in names], color=INK, height=0.6)
        beside.set_xlabel("importance")
        light(beside)
    return rendered(figure)


def _ended(study: "Study") -> "list[FrozenTrial]":
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def _names(study: "Study") -> dict[str, Any]:
    """What is searched, in the recipe's order."""
    return dict(study.user_attrs["recipe"]["space"])


def _state(trial: "FrozenTrial") -> str:
    return {"COMPLETE": "trained", "PRUNED": "pruned", "FAIL": "failed"}.get(trial.state.name, "unfinished")
