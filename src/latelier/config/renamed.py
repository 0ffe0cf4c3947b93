"""Values of options that were renamed: the former ones are read for one more version. Terms of logs that were."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, cast

from latelier.terminal.say import say

T = TypeVar("T")
TERMS = {  # of a log, once and now
    "strangers": "other images",
    "strangers embedded": "other images embedded",
    "fakes told apart": "fake accuracy",
    "told by words": "pseudo labels",
    "share of the likeliest": "pseudo confidence",
}
FORMER = {("as", "pictures"): "images", ("through", "picture"): "image"} | {  # (option, former value) -> value
    (option, once): now for option in ("monitor", "judge") for once, now in TERMS.items()
}


def today(option: str, value: T) -> T:
    """The value under its name of today."""
    now: Any = FORMER.get((option, value), value) if isinstance(value, str) else value
    return cast(T, now)


def tokens_of_today(tokens: Sequence[str]) -> list[str]:
    """The words of a command, with values under their names of today; each that was replaced is said on stderr."""
    return list(_replaced(tokens))


def _replaced(tokens: Sequence[str]) -> Iterator[str]:
    """One word after the other; a value follows its option, or stands in one word with it (``--as=pictures``)."""
    for before, token in zip(("", *tokens), tokens, strict=False):
        option, equals, value = token.partition("=") if token.startswith("--") else (before, "", token)
        new = today(option[2:], value) if option.startswith("--") else value
        if new != value:
            say(f"{option} {value} is called {option} {new} now; the next version will not take {value}", error=True)
            token = f"{option}={new}" if equals else new
        yield token
