"""The command that trained a run."""

import shlex
from typing import Any

from latelier.runs.options import FLAGS, Options
from latelier.runs.run import Run


def command(run: Run) -> str:
    """The command line that trained the run, with everything that is not a default."""
    request, defaults = dict(run.config.get("request", {})), vars(Options())
    line = ["latelier", "train", str(request.pop("model", run.card.model))]
    settings = request.pop("settings", None) or []
    for name, value in request.items():
        flag = FLAGS.get(name, f"--{name.replace('_', '-')}")
        if value in (defaults.get(name), None) or name == "quiet" or (name, value) == ("parts", 1):
            continue
        line += [flag] if value is True else [flag, str(value)]
    if settings:
        line += ["--set", *(settings if isinstance(settings, list) else words(settings).split())]
    return shlex.join(line)


def words(settings: dict[str, Any], prefix: str = "") -> str:
    """Settings of any depth as ``--set`` takes them, on one line."""
    parts = []
    for name, value in settings.items():
        if isinstance(value, dict):
            parts.append(words(value, f"{prefix}{name}."))
        else:
            shown = ",".join(map(str, value)) if isinstance(value, list) else value
            parts.append(f"{prefix}{name}={shown}")
    return " ".join(part for part in parts if part)
