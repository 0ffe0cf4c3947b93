"""The command that trained a run."""

import shlex
from pathlib import Path

from latelier.config.own_code import trusting
from latelier.config.settings import words
from latelier.data.sources.matching import source_parts
from latelier.runs.building import Card
from latelier.runs.options import FLAGS, Options
from latelier.runs.run import Run


def command(run: Run, out: str | None = None) -> str:
    """The command line that trained the run, with everything that is not a default; into ``out``, if that is given."""
    request, defaults = dict(run.config.get("request", {})), vars(Options())
    request |= {} if out is None else {"out": out}
    line = ["latelier", "train", str(request.pop("model", run.card.model))]
    settings = request.pop("settings", None) or []
    for name, value in request.items():
        flag = FLAGS.get(name, f"--{name.replace('_', '-')}")
        if value in (defaults.get(name), None) or name == "quiet" or (name, value) == ("parts", 1):
            continue
        line += [flag] if value is True else [flag, str(value)]
    if settings:
        line += ["--set", *(settings if isinstance(settings, list) else words(settings))]
    return shlex.join(line)


def resume(folder: Path, card: Card, *options: str) -> str:
    """The command line that trains a run on. It names the user's own code that the run is built from, which is not run
    unless it is named."""
    return f"{trusting(card.modules())}{shlex.join(['latelier', 'train', '--out', str(folder), '--resume', *options])}"


def report(run: Run, source: str) -> str:
    """The command line that writes the run's page, on these images where the run does not say of which it is."""
    options = [] if run.config else ["--data", source_parts(source)[0]]
    options += [] if run.keeps else ["--out", f"{run.name}.html"]
    return _verb(run, "report", *options)


def explore(run: Run) -> str:
    """The command line that opens the run in the explorer."""
    return _verb(run, "explore")


def _verb(run: Run, verb: str, *options: str) -> str:
    return f"{trusting(run.card.modules())}{shlex.join(['latelier', verb, str(run.folder), *options])}"
