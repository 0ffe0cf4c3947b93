"""latelier sweep: search over the settings of a method."""

from pathlib import Path
from typing import TYPE_CHECKING

from latelier.terminal.say import say
from latelier.verbs.options import Place, Whole, check_whole

if TYPE_CHECKING:
    from latelier.sweeps.recipe import Sweep

MOST = 256  # processes
PAGE = "sweep.html"


def sweep(recipe: Place, *, out: Place | None = None, jobs: Whole = 1) -> Path:
    """Search over the settings of a method: train a run for each trial, and say which is best.

    Optuna (the extra latelier[sweep]) proposes values; the metric that chooses a run's best checkpoint judges them.
    Prints a table, the best run and the command that trains it again, and writes OUT/sweep.html. If it is stopped, the
    same command, or `latelier sweep OUT`, goes on, also on other machines that share the folder, at the same time. More
    trials or hours in the recipe are searched further. Returns OUT. Raises Refusal (exit 2) for a recipe that cannot be
    read or trained, and for an OUT that holds something else.

    Parameters
    ----------
    recipe
        A TOML file with method, data, trials or hours, and the tables [training] and [settings], whose values are fixed
        or searched (see docs/sweep.md); or the folder of a sweep, which goes on.
    out
        The folder of the sweep; each trial is a run in OUT/trials.
    jobs
        Trials at a time, in processes of one thread each, as many as there are cores at most. One trial at a time uses
        all cores.
    """
    from latelier.config.lookup import known
    from latelier.config.own_code import permitted
    from latelier.errors import Refusal
    from latelier.storage import files
    from latelier.storage.paths import place
    from latelier.sweeps.recipe import NAME, read
    from latelier.verbs.writing import new_folder

    check_whole("--jobs", jobs, MOST)
    path = place(recipe, "RECIPE")
    if path.is_dir():
        folder = path
        if out is not None and place(out, "--out") != folder:
            raise Refusal(f"{folder} is a sweep, which goes on where it is; leave --out {out} out, or give a TOML file")
        if not (folder / NAME).is_file():
            raise Refusal(f"{folder} is no folder of a sweep: it has no {NAME}; give a TOML file and --out")
        searched = read(folder / NAME)
        for name in searched.code():  # the folder may be a stranger's
            permitted(name, "module")
    else:
        searched = read(path)
        if out is None:
            raise Refusal("sweep lacks --out; see latelier sweep --help")
        folder = place(out, "--out")
    known("latelier.models", searched.method, "model", "Model")
    begun = (folder / NAME).is_file()
    if begun:
        files.check_inside(folder)
    else:
        new_folder(folder)

    from latelier.data.sources.own import mark
    from latelier.sweeps.study import need_optuna, opened
    from latelier.sweeps.trials import metric_of

    need_optuna()
    metric = metric_of(searched)
    if begun:
        opened(folder, searched, metric)  # before anything is written: it may be of another recipe
    else:
        folder.mkdir(parents=True, exist_ok=True)
        mark(folder)
    if path != folder:
        files.write(folder / NAME, path.read_bytes())
    if not begun:
        opened(folder, searched, metric)  # last: without it the recipe is enough to begin again
    try:
        _trained(searched, folder, jobs)
    finally:
        _report(searched, folder)
    return folder


def _trained(searched: "Sweep", folder: Path, jobs: int) -> None:
    """Trains what is left, in this process or in several."""
    from latelier.bench.processes import run_all
    from latelier.sweeps.trials import Task, work

    try:
        if jobs == 1:
            work(Task(folder, searched))
        else:
            run_all([(work, Task(folder, searched))] * jobs)
    except KeyboardInterrupt:
        say(f"stopped; go on with: latelier sweep {folder}", error=True)
        raise


def _report(searched: "Sweep", folder: Path) -> None:
    """Prints the table, and writes the page."""
    from latelier.page import page
    from latelier.storage import files
    from latelier.sweeps.study import opened, run_of
    from latelier.sweeps.summary import best_of, commands, material, table_of
    from latelier.terminal.tables import table

    study = opened(folder, searched)
    found = table_of(study)
    files.write(folder / PAGE, page(material(study, searched, folder)))
    say(table(f"{searched.method} on {searched.data}", found.columns, found.rows))
    if best := best_of(study):
        say(f"best: {run_of(folder, best.number)}; trained again by: {commands(study, searched, folder)[0]}")
    say(folder / PAGE)
