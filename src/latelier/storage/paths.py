"""Paths as a user gives them."""

import os
from pathlib import Path


def expanded(given: str) -> str:
    """The text, a user's home in place of a ``~`` at its beginning. Raises ValueError, in words for the user, for what
    can be no path."""
    if not given:
        raise ValueError("'' is no path; give one")
    if "\0" in given:
        raise ValueError(f"{given!r} is no path, since none holds a character of number 0; give another")
    if not given.startswith("~"):
        return given
    home, slash, rest = given.partition("/")
    found = os.path.expanduser(home)
    if not os.path.isdir(found):
        raise ValueError(
            f"{given}: there is no home folder {home} here; write it out, or ./{home} for what is called so"
        )
    return f"{found}{slash}{rest}"


def place(given: str | Path, option: str) -> Path:
    """The path that was given to an option or argument. Raises Refusal for what can be none."""
    found = Path(text(given, option))
    return found.absolute() if found.parts[:1] and found.parts[0].startswith("~") else found  # ./~x, asked twice


def text(given: str | Path, option: str) -> str:
    """As ``place``, as it was written."""
    from latelier.errors import Refusal

    if not isinstance(given, str | Path):
        raise Refusal(f"{option}: {given!r} is no path; give one")
    try:
        return expanded(str(given))
    except ValueError as error:
        raise Refusal(f"{option}: {error}") from None
