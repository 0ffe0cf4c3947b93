"""latelier export: write a trained model as ONNX files, or as a folder for a model hub."""

from pathlib import Path
from typing import Literal

from latelier.terminal.say import say
from latelier.verbs.options import OptionalPlace, Place


def export(run: Place, *, to: Literal["onnx", "hub-folder"] = "onnx", out: OptionalPlace = "") -> Path:
    """Write a trained model for other programs, or for other people.

    As onnx: encoder.onnx, decoder.onnx and card.json, for programs without torch. As hub-folder: model.safetensors (the
    weights as they are), config.json and README.md, a model card with the verdict and the scores that the run has; it
    is opened by `latelier.load` and by every verb that takes weights. Nothing is sent anywhere.

    The ONNX encoder takes images and gives the most likely code of each. If the model predicts classes, it also
    gives the class probabilities of that code. These are not the mean over views or samples that `classify` gives
    (head.views, head.draws), and a line says so. The decoder takes codes and gives mean images. Both take any
    number of rows. They are written only if they agree with torch to 1e-4 under onnxruntime. Returns the folder.
    Raises Refusal (exit 2) for a folder that is not empty, a model that neither encodes nor decodes, and if the
    extra is missing: pip install "latelier[export]".

    Parameters
    ----------
    run
        A run folder or weights file.
    to
        onnx, or hub-folder.
    out
        A new or empty folder.
    """
    if to == "hub-folder":
        return _hub_folder(run, out)
    from importlib.util import find_spec

    from latelier.data.sources.own import mark
    from latelier.errors import Refusal
    from latelier.runs.building import open_model
    from latelier.storage import files
    from latelier.storage.folders import filling
    from latelier.verbs.writing import given, new_folder

    if lacking := [name for name in ("onnx", "onnxscript", "onnxruntime") if find_spec(name) is None]:
        raise Refusal(f'export needs {" and ".join(lacking)}, not installed here: pip install "latelier[export]"')
    model, card, found = open_model(run)

    from latelier.runs.onnx import describe, graphs_of, measure, write

    graphs = graphs_of(model)
    out = new_folder(given(out, "export"))
    contents = {graph.file: write(graph) for graph in graphs}
    differences = {graph.file: measure(contents[graph.file], graph) for graph in graphs}
    weights = found.weights if found else Path(run)
    described = describe(model, card, graphs, differences)
    with filling(out) as folder:
        mark(folder)
        for name, content in contents.items():
            files.write(folder / name, content)
        files.write_json(folder / "card.json", described | {"weights": weights.name})
    worst = max(value for values in differences.values() for value in values.values())
    say(f"{out}: {', '.join(contents)} and card.json; at most {worst:.1e} from torch")
    if "probabilities" in described:
        say(f"probabilities are {described['probabilities']}")
    return out


def _hub_folder(run: Place, out: Place) -> Path:
    """The run's best weights, settings and model card in the form of a model hub."""
    from shutil import copyfileobj

    from latelier.data.sources.own import mark
    from latelier.engine import checkpoint
    from latelier.runs import hub
    from latelier.runs.model_card import model_card
    from latelier.runs.run import open_run
    from latelier.storage import files, json_records
    from latelier.storage.folders import filling
    from latelier.storage.schemas import CardNote
    from latelier.verbs.writing import given, new_folder

    opened = open_run(run)
    out = new_folder(given(out, "export"))
    found = checkpoint.best(opened.folder) if opened.folder.is_dir() else None
    source = found.weights if found else opened.folder
    card = checkpoint.read(source, CardNote)[1]  # as it is, of an earlier version too
    fields = {name: value for name, value in card.items() if name not in ("seen", "format")}
    with filling(out) as folder:
        mark(folder)
        with open(source, "rb") as weights, files.replacing(folder / hub.WEIGHTS) as file:
            copyfileobj(weights, file)
        total, size = files.sum_of(folder / hub.WEIGHTS)
        note = {"format": hub.FORMAT, "library": "latelier", "model": fields, "seen": opened.seen}
        json_records.write(folder / hub.CONFIG, {**note, "weights": {"sha256": total, "bytes": size}})
        files.write(folder / hub.CARD, model_card(opened))
    say(f"{out}: {hub.WEIGHTS}, {hub.CONFIG} and {hub.CARD}; nothing was sent. Choose a licence in {hub.CARD}")
    return out
