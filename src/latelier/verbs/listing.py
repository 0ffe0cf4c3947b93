"""latelier models, latelier data: what there is, one line each."""


def models() -> list[tuple[str, str]]:
    """List the methods that `latelier train` knows. Returns (name, one line) pairs."""
    from latelier.lookup import summaries

    return _printed(list(summaries("latelier.models", "Model").items()))


def data() -> list[tuple[str, str]]:
    """List the built-in data, and what else --data takes. Returns (name, one line) pairs."""
    from latelier.data.sources import list_data

    return _printed(list_data())


def _printed(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    width = max(len(name) for name, _ in pairs)
    for name, line in pairs:
        print(f"{name.ljust(width)}  {line}")
    return pairs
