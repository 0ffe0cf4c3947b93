"""Words of captions: how a text is taken apart, and the vocabulary that numbers its words.

A text is lower-cased and composed (NFC). Its words are runs of letters, marks, digits, and apostrophes and hyphens
between them; every other symbol (an emoji, a currency sign) is a word of its own; punctuation is left out.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from latelier.core import END, PADDING, UNKNOWN

SPECIAL = ("<padding>", "<end>", "<unknown>")
JOINTS = "'\N{RIGHT SINGLE QUOTATION MARK}-"
SELECTORS = dict.fromkeys(range(0xFE00, 0xFE10))  # say how the symbol before them is drawn


def words_of(text: str) -> list[str]:
    """The words of a text, in order; empty where it has none."""
    spaced = "".join(map(_spaced, unicodedata.normalize("NFC", text.lower()).translate(SELECTORS)))
    return [word for part in spaced.split() if (word := part.strip(JOINTS))]


def _spaced(c: str) -> str:
    kind = unicodedata.category(c)[0]
    if kind in "LMN" or c in JOINTS:
        return c
    return f" {c} " if kind == "S" else " "


@dataclass(frozen=True)
class Vocabulary:
    """Words by token number, the special ones first."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, texts: Iterable[str], least: int = 1) -> "Vocabulary":
        """Of the words that occur ``least`` times or more, the most frequent first."""
        counts = Counter(chain.from_iterable(map(words_of, texts)))
        kept = (word for word, count in counts.items() if count >= least)
        return cls((*SPECIAL, *sorted(kept, key=lambda word: (-counts[word], word))))

    @cached_property
    def number(self) -> dict[str, int]:
        """Word -> token number."""
        return {word: number for number, word in enumerate(self.words)}

    def tokens(self, text: str, longest: int) -> list[int]:
        """Numbers of the text's words and of the end; of a longer text the first ``longest`` words, without an end.
        Empty for a text without words."""
        words = words_of(text)
        numbers = [self.number.get(word, UNKNOWN) for word in words[:longest]]
        return [*numbers, END] if 0 < len(words) <= longest else numbers

    def text(self, tokens: Iterable[int]) -> str:
        """The words up to the end."""
        said = []
        for token in tokens:
            if token in (PADDING, END):
                break
            said.append(self.words[token])
        return " ".join(said)
