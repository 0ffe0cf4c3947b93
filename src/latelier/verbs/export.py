"""latelier export: write a trained model as ONNX files."""

from pathlib import Path

from latelier.terminal.say import say
from latelier.verbs.options import Asked, Place


def export(run: Place, *, out: Asked = "") -> Path:
    """Write encoder.onnx, decoder.onnx and card.json: the model for programs without torch.

    The encoder takes images and gives the most likely code of each. If the model predicts classes, it also gives the
    class probabilities of that code. These are not the mean over views or samples that `classify` gives (head.views,
    head.draws), and a line says so. The decoder takes codes and gives mean images. Both take any number of rows. They
    are written only if they agree with torch to 1e-4 under onnxruntime. Returns the folder. Raises Refusal (exit 2) for
    a folder that is not empty, a model that neither encodes nor decodes, and if the extra is missing: pip install
    "latelier[export]".

    Parameters
    ----------
    run
        A run folder or weights file.
    out
        A new or empty folder.
    """
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
