"""The command line. Each verb is a function of the same name in ``latelier.verbs``, imported only when it is used."""

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

VERBS = {
    "demo": "demo:demo",
    "models": "listing:models",
    "data": "listing:data",
    "train": "train:train",
    "score": "score:score",
    "draw": "draw:draw",
    "encode": "encode:encode",
    "reconstruct": "reconstruct:reconstruct",
    "classify": "classify:classify",
    "compare": "compare:compare",
    "report": "report:report",
    "export": "export:export",
}


def app() -> App:
    """The parser, with every verb as a lazy command."""
    from latelier import __version__

    root = App(
        name="latelier",
        help="Learn the latent codes of images, see what they hold, and put them to use.",
        version=__version__,
        result_action="return_value",
    )
    for name, place in VERBS.items():
        root.command(f"latelier.verbs.{place}", name=name)
    return root


def main(tokens: Sequence[str] | None = None) -> None:
    """Runs one command. A refused one exits 2 with one line on stderr; an interrupted one exits 130."""
    try:
        app()(tokens, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        _refuse(" ".join(str(error).split()))
    except ValueError as error:
        from latelier.core import Refusal  # torch is loaded by now if a verb refused

        if not isinstance(error, Refusal) or os.environ.get("LATELIER_TRACEBACK"):
            raise
        _refuse(str(error))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of our output has gone away
        raise SystemExit(141) from None


def _refuse(line: str) -> None:
    print(f"latelier: {line}", file=sys.stderr)
    raise SystemExit(2)
