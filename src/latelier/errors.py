"""How a command ends that cannot do what it was asked."""


class Refusal(ValueError):
    """Bad input from the user, in one line: what was given, what was expected, what to do. The command exits 2."""


class Failed(RuntimeError):
    """A training whose model is of no use: what happened and what to do, in one line. The command exits 1."""
