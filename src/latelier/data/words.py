"""Words of captions: how a text is taken apart, and the vocabulary that numbers its words.

A text is lower-cased and composed (NFC). Its words are runs of letters, marks, digits, and apostrophes and hyphens
between them; every other symbol (an emoji, a currency sign) is a word of its own; punctuation is left out.

Scripts that put no spaces between words are parted where Unicode parts text that no dictionary is at hand for (annexes
14 and 29): into Han and Hiragana characters, runs of Katakana, and letters with their marks of Thai, Lao, Khmer,
Myanmar and the Tai scripts. Such words are written back without spaces.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from latelier.core import END, PADDING, UNKNOWN

SPECIAL = ("<padding>", "<end>", "<unknown>")
JOINTS = "'\N{RIGHT SINGLE QUOTATION MARK}-"
# Characters that are words: Han and Hiragana, and scripts of line breaking class SA but for their digits.
SINGLE = (
    "\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
    "\u3041-\u309f\U0001b001-\U0001b11f\U0001b150-\U0001b152"
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecf\u0edc-\u0edf\u1000-\u103f\u104e-\u108f\u109a-\u109f\u1780-\u17d3\u17d7\u17dc\u17dd"
    "\u1950-\u19cf\u1a20-\u1a7f\ua9e0-\ua9ef\ua9fa-\ua9fe\uaa60-\uaadf\U00011700-\U0001172f"
)
KATAKANA = "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
UNSPACED, RUNNING = re.compile(f"[{SINGLE}{KATAKANA}]"), re.compile(f"[{KATAKANA}]")
LIKE_MARKS = (
    "\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3\u30fc\uff70"  # vowels that go on what is before, of Thai, Lao, kana
)
# What follows is written below it (Khmer, Myanmar, Tai Tham), or said before it (vowels of Thai and Lao).
JOINERS = "\u17d2\u1039\u1a60\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4"
SELECTORS = dict.fromkeys(range(0xFE00, 0xFE10))  # say how the symbol before them is drawn


def words_of(text: str) -> list[str]:
    """The words of a text, in order; empty where it has none."""
    return [word for run in runs(text) for word in parted(run)]


def runs(text: str) -> list[str]:
    """What spaces, punctuation and symbols part, in order."""
    spaced = "".join(map(_spaced, unicodedata.normalize("NFC", text.lower()).translate(SELECTORS)))
    return [word for part in spaced.split() if (word := part.strip(JOINTS))]


def parted(run: str) -> list[str]:
    """The words of a run: itself, but for scripts without spaces."""
    if not UNSPACED.search(run):
        return [run]
    words, before = list[str](), ""
    for c in run:
        kind = "katakana" if RUNNING.match(c) else "single" if UNSPACED.match(c) else "spaced"
        if words and (_goes_on(c) or words[-1][-1] in JOINERS or kind == before != "single"):
            words[-1] += c
        else:
            words.append(c)
            before = kind
    return [word for piece in words if (word := piece.strip(JOINTS))]


def joined(words: Iterable[str]) -> str:
    """Words as a text that is taken apart into them again: with spaces, but between those of scripts without."""
    text = ""
    for word in words:
        edge = text[-1:] + word[:1]
        close = len(edge) == 2 and all(map(UNSPACED.match, edge)) and not _goes_on(word[0]) and len(parted(edge)) == 2
        text += word if close or not text else f" {word}"
    return text


def _goes_on(c: str) -> bool:
    return c in LIKE_MARKS or unicodedata.category(c)[0] == "M"


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

    def words_in(self, text: str) -> list[str]:
        """As ``words_of``, but for runs that vocabularies of earlier versions have whole."""
        return [word for run in runs(text) for word in ([run] if run in self.number else parted(run))]

    def tokens(self, text: str, longest: int) -> list[int]:
        """Numbers of the text's words and of the end; of a longer text the first ``longest`` words, without an end.
        Empty for a text without words."""
        words = self.words_in(text)
        numbers = [self.number.get(word, UNKNOWN) for word in words[:longest]]
        return [*numbers, END] if 0 < len(words) <= longest else numbers

    def text(self, tokens: Iterable[int]) -> str:
        """The words up to the end."""
        said = []
        for token in tokens:
            if token in (PADDING, END):
                break
            said.append(self.words[token])
        return joined(said)
