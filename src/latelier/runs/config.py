"""config.json of a run, as it is read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

from latelier.config.renamed import today
from latelier.errors import Refusal
from latelier.runs import locations
from latelier.runs.options import Options
from latelier.storage import json_records
from latelier.storage.schemas import RunConfig

FORMAT = 1  # of config.json
DEEP_BEFORE = [0.0, 65535.0]  # black and white of 16 bits, when there was no --range
IN_FILE = {  # what arguments are of which Python takes other types too
    **dict.fromkeys((*locations.PATHS, "out"), str | None),
    **{"settings": list[str] | dict[str, Any] | None, "range": tuple[float, float] | None},
}


def there(config: Mapping[str, Any], folder: Path) -> str:
    """The data argument that a run began with. Raises Refusal for a path that leads nowhere from here."""
    source = str(config.get("request", {}).get("data") or "")
    if not source:
        raise Refusal(f"{folder} does not say what it was trained on; give --data SRC")
    if (found := locations.find(config, folder, "data")) is None:
        raise Refusal(f"{folder} was trained on {source}, which is not there now; give its new place by --data SRC")
    return found


def read_config(path: Path) -> dict[str, Any]:
    """A run's config.json. Raises Refusal for one that is damaged, not latelier's or of a newer format."""
    config = json_records.read(path, RunConfig, "restore it, or name another run or --out", newest=FORMAT)
    hints = get_type_hints(Options) | IN_FILE
    for name, value in config["request"].items():
        config["request"][name] = value = today(name.rstrip("_"), value)
        if name in hints:
            json_records.held(value, hints[name], f"{path}, request.{name}", "restore it")
    if monitor := config.get("plan", {}).get("monitor"):
        config["plan"]["monitor"] = [today("monitor", monitor[0]), *monitor[1:]]
    return dict(config)
