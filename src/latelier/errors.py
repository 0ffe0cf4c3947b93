"""How a command ends that cannot do what it was asked."""

LONGEST = 300  # characters of a library's error that are said


class Refusal(ValueError):
    """Bad input from the user, in one line: what was given, what was expected, what to do. The command exits 2."""


class Failed(RuntimeError):
    """A training whose model is of no use: what happened and what to do, in one line. The command exits 1."""


def in_words(error: BaseException) -> str:
    """A library's error on one line, as far as it is worth saying; its kind where it says nothing."""
    return " ".join(str(error).split())[:LONGEST] or type(error).__name__
