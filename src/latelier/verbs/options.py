"""Types of options that the command line parses with code of its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter, Token, validators

from latelier.storage.paths import expanded


def whole(kind: Any, tokens: Sequence[Token]) -> int:
    """A whole number. (cyclopts would round 1.5, and train with another seed than was given.)"""
    try:
        return int(tokens[0].value)
    except ValueError:
        raise ValueError(f"expected a whole number, got '{tokens[0].value}'") from None


def check_whole(option: str, value: int | None, most: int, least: int = 1) -> None:
    """Raises Refusal for a whole number out of bounds; None is an option that was not given."""
    from latelier.errors import Refusal

    if value is not None and not least <= value <= most:
        raise Refusal(f"{option} takes a whole number from {least} to {most:,}, but got {value}")


def path(kind: Any, tokens: Sequence[Token]) -> str:
    """A path as text, with a leading ``~`` expanded: a shell leaves it in --out=~/run."""
    return expanded(tokens[0].value)


def pair(kind: Any, tokens: Sequence[Token]) -> tuple[float, float]:
    """Two numbers, separated by a comma."""
    try:
        low, high = (float(number) for number in tokens[0].value.split(","))
    except ValueError:
        raise ValueError(
            f"expected two numbers with a comma between them, as 0,4095, got '{tokens[0].value}'"
        ) from None
    return low, high


def texts(kind: Any, tokens: Sequence[Token]) -> list[str]:
    """The words as they are."""
    return [token.value for token in tokens]


Whole = Annotated[int, Parameter(converter=whole)]
Precision = Literal["fp32", "bf16"]
Seed = Annotated[int, Parameter(converter=whole, validator=validators.Number(gte=0, lt=1 << 63))]
Names = Annotated[Sequence[str] | None, Parameter(consume_multiple=(1, 1000))]

if TYPE_CHECKING:  # what Python may give; the command line shows and takes words
    Place = str | Path
    Settings = Sequence[str] | Mapping[str, Any] | None
    Range = tuple[float, float]
else:
    Place = Annotated[str, Parameter(converter=path)]
    Range = Annotated[str, Parameter(converter=pair, allow_leading_hyphen=True)]
    Settings = Annotated[
        list[str] | None, Parameter(name="--set", consume_multiple=(1, 1000), converter=texts, n_tokens=-1)
    ]

As = Annotated[
    Literal["folder", "parquet", "tar", "classes", "splits", "images"] | None,
    Parameter(
        name="--as",
        help="How to read a source that allows several ways: as a folder of images, Parquet or tar; and its "
        "sub-folders: as classes, as splits or, with images, as neither.",
    ),
]
OptionalPlace = Annotated[Place, Parameter(show_default=False)]  # by ``given``, once the run can use it
