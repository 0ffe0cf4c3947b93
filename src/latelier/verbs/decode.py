"""latelier decode: the image of a code."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from latelier.terminal.say import say
from latelier.verbs.options import OptionalPlace, Place

if TYPE_CHECKING:
    from latelier.core import Code, Model


def decode(run: Place, code: Place, *, out: OptionalPlace = "") -> Path:
    """Draw the image of a code as a PNG, for example of a code saved by `latelier explore`.

    A code is a JSON object of lists by the name of a latent, for example {"z": [0.5, -1.2]}. A latent that is a map is
    a list of channels, each a list of rows. The code of a hierarchy may stop at any level; the model fills in the
    levels below. Returns the path. Raises Refusal (exit 2) for anything that is not a code of this model.

    Parameters
    ----------
    run
        A run folder of a model that decodes.
    code
        A JSON file, or the JSON itself.
    out
        The PNG.
    """
    import json

    from latelier.core import Decodes, need
    from latelier.errors import Refusal
    from latelier.nets.eval_mode import evaluating
    from latelier.runs.run import open_run
    from latelier.sheets.sheet import save
    from latelier.sheets.view import pixels
    from latelier.storage import json_records
    from latelier.verbs.writing import given, new_file

    opened, text = open_run(run), str(code)
    model, out = need(opened.model, Decodes), new_file(given(out, "decode"), "--out", "sheet")
    if not text.lstrip().startswith("{"):
        if not os.path.isfile(text):
            raise Refusal(f'no code at {text[:80]}: give a JSON file, or the JSON itself, as {{"z": [0.5, -1]}}')
        text = json_records.text(Path(text), errors="replace")  # the user's file: what is no text is no JSON either
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refusal(f"the code is not JSON ({error}): give a JSON file, or the JSON itself") from error
    with evaluating(opened.model):
        drawn = pixels(model.decode(code_of(opened.model, values)))[0]
    save(drawn, out)
    say(out)
    return out


def code_of(model: "Model", given: object) -> "Code":
    """A code [1, ...] on the model's device, from JSON. Raises Refusal for a name, a shape or a number that does not
    fit."""
    import torch

    from latelier.codes.rows import device_of
    from latelier.core import HasLevels, has
    from latelier.errors import Refusal

    sizes = {name: "x".join(map(str, latent.shape)) for name, latent in model.latents.items()}
    there = ", ".join(f'"{name}": [{size} numbers]' for name, size in sizes.items())
    expected = f"a code of this model is {{{there}}}"
    if not isinstance(given, dict):
        raise Refusal(f"{expected}, and no {'list' if isinstance(given, list) else 'single value'}")
    if unknown := sorted(set(given) - set(model.latents)):
        raise Refusal(f"the code has {', '.join(unknown)}; {expected}")
    lacking = set(model.latents) - set(given)
    if lacking and (not given or not has(model, HasLevels)):
        raise Refusal(f"the code lacks {', '.join(sorted(lacking))}; {expected}")
    found: Code = {}
    for name, latent in model.latents.items():
        if name not in given:
            continue
        try:
            found[name] = torch.tensor([given[name]], dtype=torch.float32, device=device_of(model))
        except (TypeError, ValueError, OverflowError, RuntimeError) as error:  # the last of other than numbers, as {}
            raise Refusal(f"{name} is not made of numbers ({error}); {expected}") from error
        if found[name].shape[1:] != latent.shape or not found[name].isfinite().all():
            raise Refusal(f"{name} does not fit, or is not finite; {expected}")
    return found
