"""The fields of a configuration as ``latelier.bench.stated`` names them."""

from collections.abc import Iterator
from typing import Any


def leaves(config: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Dotted names, as ``stated`` has them."""
    for name, value in config.items():
        if not isinstance(value, dict):
            yield prefix + name
            continue
        rest = dict(value)
        kinds = not {"rate", "betas"} <= set(rest)  # an optimiser's kind is a field of its own
        if kinds and rest.pop("kind", None) is not None:
            yield prefix + name
        yield from leaves(rest, f"{prefix}{name}.")
