"""latelier models, latelier data: list what there is, one sentence each."""

from typing import Annotated, Any

from cyclopts import Parameter

from latelier.storage.paths import place
from latelier.terminal.say import say
from latelier.verbs.options import As, Place


def models() -> list[tuple[str, str]]:
    """List the methods that `latelier train` knows. Returns (name, sentence) pairs."""
    from latelier.config.lookup import summaries

    return printed(list(summaries("latelier.models", "Model").items()))


def data(
    source: Annotated[Place | None, Parameter(name="SRC")] = None,
    *,
    as_: As = None,
    json: bool = False,
    data_root: Place | None = None,
) -> list[tuple[str, str]] | dict[str, Any]:
    """List the built-in data and what else --data takes; or, with SRC, say how latelier reads a source.

    With SRC: its kind, splits, classes, sizes and tables, and every file that is not used, by reason. Nothing is
    trained or kept. Returns (name, one line) pairs or, for a source, what --json prints. Raises Refusal (exit 2), after
    what is said, for a source without an image that can be read.

    Parameters
    ----------
    source
        A built-in name, a folder of images, Parquet or tar.
    json
        Print JSON for SRC.
    data_root
        Folder of torchvision's data sets.
    """
    if source is None:
        from latelier.data.sources.open import list_data
        from latelier.errors import Refusal

        options = {"--as KIND": as_, "--json": json, "--data-root FOLDER": data_root}
        if given := [option for option, value in options.items() if value]:
            raise Refusal(f"data takes {' and '.join(given)} with a source: latelier data SRC {' '.join(given)}")
        return printed(list_data())

    from json import dumps

    from latelier.data.sources.survey import survey
    from latelier.data.sources.survey_words import whole
    from latelier.errors import Refusal

    found = survey(source, as_=as_, root=place(data_root, "--data-root") if data_root else None)
    content = found.json()
    say(dumps(content, indent=2) if json else "\n".join(whole(found)))
    if not content["images"]["used"]:
        raise Refusal(f"{found.source}: none of its files is an image that can be read; what is there is said above")
    return content


def printed(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Prints names beside their lines. On a terminal, long lines wrap in their own column."""
    import shutil
    import sys
    import textwrap

    width = max(len(name) for name, _ in pairs)
    room = max(40, shutil.get_terminal_size().columns - width - 2) if sys.stdout.isatty() else 0
    for name, line in pairs:
        lines = textwrap.wrap(line, room) if room else [line]
        say(f"{name.ljust(width)}  {f'{chr(10)}{(width + 2) * chr(32)}'.join(lines)}")
    return pairs
