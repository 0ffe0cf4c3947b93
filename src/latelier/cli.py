"""The command line. Each verb is a function of the same name in ``latelier.verbs``, imported only when it is used."""

import os
import sys
import tempfile
import traceback
import warnings
from collections.abc import Sequence

from cyclopts import App, CycloptsError, MissingArgumentError, Parameter, UnknownCommandError, UnusedCliTokensError

from latelier.config.lookup import nearest
from latelier.config.renamed import tokens_of_today
from latelier.terminal.say import say

VERBS = {  # in the order in which a newcomer needs them; the lines are those of `latelier --help`
    "demo": ("demo:demo", "Run the main job on embedded data, in a minute or two."),
    "models": ("listing:models", "List the methods."),
    "data": ("listing:data", "List the built-in data; with SRC, say how a source is read and what is not used."),
    "train": ("train:train", "Train a model on images and write a run folder."),
    "sweep": ("sweep:sweep", "Search over the settings of a method, a run a trial."),
    "report": ("report:report", "Write a run as one page: scores, sheets, settings."),
    "score": ("score:score", "Score a run."),
    "draw": ("draw:draw", "Draw one sheet of a run: traversals, samples, ..."),
    "compare": ("compare:compare", "Compare several runs in one table and on one sheet."),
    "explore": ("explore:explore", "Explore the codes of runs on a web page."),
    "fit-prior": ("fit_prior:fit_prior", "Fit a prior to the codes of the training images of a run."),
    "encode": ("encode:encode", "Write the code of every image."),
    "decode": ("decode:decode", "Draw the image of a code."),
    "reconstruct": ("reconstruct:reconstruct", "Write the reconstruction of every image."),
    "inpaint": ("inpaint:inpaint", "Fill in the masked pixels of every image."),
    "edit": ("edit:edit", "Move every image towards an attribute."),
    "classify": ("classify:classify", "Write the class of every image."),
    "suggest": ("suggest:suggest", "Write which images to label next."),
    "neighbours": ("neighbours:neighbours", "Write which images are most like one."),
    "duplicates": ("duplicates:duplicates", "Write which images are nearly the same."),
    "outliers": ("outliers:outliers", "Write how unlike the training images every image is."),
    "caption": ("caption:caption", "Write a caption for every image."),
    "parts": ("parts:parts", "Write which parts occur where in every image."),
    "reproduce": ("reproduce:reproduce", "Run a recipe, and print published values beside measured ones."),
    "export": ("export:export", "Write a run as ONNX files, or as a folder for a model hub."),
    "cache": ("cache:cache", "List the packs of decoded images in the cache, and remove some."),
}
LONGEST = 200  # characters of an unforeseen error that are said
TRACEBACK = "LATELIER_TRACEBACK"  # environment variable: show where a refusal came from
USAGE = {"train": "Usage: latelier train MODEL --data SRC --out RUN [OPTIONS]"}


def app(overview: bool = False) -> App:
    """The parser, with every verb as a lazy command; ``overview`` gives each its line in the list of all."""
    from latelier import __version__

    root = App(
        name="latelier",
        help="Learn the latent codes of images, see what they hold, and put them to use.",
        version=__version__,
        result_action="return_value",
        default_parameter=Parameter(negative=()),
    )
    for number, (name, (place, line)) in enumerate(VERBS.items()):
        words = line if overview else None  # a verb's own page begins with its docstring
        root.command(f"latelier.verbs.{place}", name=name, help=words, usage=USAGE.get(name), sort_key=number)
    return root


def main(tokens: Sequence[str] | None = None) -> None:
    """Runs one command. A refused one exits 2 with one line on stderr, a training that failed 1, as does a fault of
    latelier's own, whose traceback is kept in a file that the line names; an interrupted one exits 130."""
    tokens = tokens_of_today(sys.argv[1:] if tokens is None else tokens)
    warnings.showwarning = _warn
    try:
        app(overview=not tokens or tokens[0] in ("-h", "--help"))(tokens, exit_on_error=False, print_error=False)
        sys.stdout.flush()  # here, where a reader that has gone away, or a full disk, is still noticed
    except CycloptsError as error:
        _refuse(_sentence(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        _refuse(*_refusal_of(error))


def _refusal_of(error: Exception) -> tuple[str, int]:
    """What is said of an error, and the exit status."""
    if isinstance(error, OSError):
        return f"{error.filename or 'output'}: {error.strerror or error}", 2
    from latelier.errors import Failed, Refusal  # torch is loaded by now if a verb refused

    said = " ".join(str(error).split())
    if isinstance(error, Refusal):
        return said, 2
    if isinstance(error, Failed):
        return said, 1
    if isinstance(error, MemoryError) or "allocate memory" in said or type(error).__name__ == "OutOfMemoryError":
        return "there is not enough memory for this; take a smaller --batch or --size, or fewer --images", 2
    with tempfile.NamedTemporaryFile(
        "w", prefix="latelier-", suffix=".txt", delete=False, encoding="utf-8", errors="replace"
    ) as file:
        traceback.print_exception(error, file=file)
    kind = type(error).__name__
    return f"a fault of latelier's own ({kind}: {said[:LONGEST]}); please report {file.name}, which says where", 1


def _sentence(error: CycloptsError) -> str:
    """What the parser found wrong, on one line, and where to read what is right."""
    verb = " ".join(error.command_chain or ())
    where = f"see latelier {verb} --help" if verb else "see latelier --help"
    unused = error.unused_tokens or [""]
    if isinstance(error, UnknownCommandError):
        return f'unknown verb "{unused[0]}"; {nearest(unused[0], list(VERBS))}'
    if isinstance(error, UnusedCliTokensError):
        return f"{verb} has no use for {' '.join(map(repr, unused))}; {where}"
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        name = error.argument.name
        if error.keyword:
            return f"{error.keyword} lacks a value; {where}"
        return f"{verb} lacks {name.lstrip('-').upper() if error.argument.field_info.is_positional else name}; {where}"
    said = " ".join(str(error).split()).rstrip(".")
    return f"{said[:1].lower()}{said[1:]} ({where})"


def _warn(message: Warning | str, *of: object, **more: object) -> None:
    """In place of Python's own, which prints what it is given: a library may repeat a name in it."""
    say(f"warning: {' '.join(str(message).split())}", error=True)


def _refuse(line: str, status: int = 2) -> None:
    say(f"latelier: {' '.join(line.split())}", error=True)  # a name that it repeats may hold ends of lines
    raise SystemExit(status)
