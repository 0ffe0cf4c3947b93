"""latelier models, latelier data: what there is, a sentence each."""

from latelier.say import say


def models() -> list[tuple[str, str]]:
    """List the methods that `latelier train` knows. Returns (name, sentence) pairs."""
    from latelier.lookup import summaries

    return printed(list(summaries("latelier.models", "Model").items()))


def data() -> list[tuple[str, str]]:
    """List the built-in data, and what else --data takes. Returns (name, one line) pairs."""
    from latelier.data.sources import list_data

    return printed(list_data())


def printed(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Prints names beside their lines, which on a terminal go on below themselves and not below the names."""
    import shutil
    import sys
    import textwrap

    width = max(len(name) for name, _ in pairs)
    room = max(40, shutil.get_terminal_size().columns - width - 2) if sys.stdout.isatty() else 0
    for name, line in pairs:
        lines = textwrap.wrap(line, room) if room else [line]
        say(f"{name.ljust(width)}  {f'{chr(10)}{(width + 2) * chr(32)}'.join(lines)}")
    return pairs
