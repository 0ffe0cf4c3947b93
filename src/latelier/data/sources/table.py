"""A CSV file with a header, as people and spreadsheets save it."""

import codecs
import csv
import io
import re
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from latelier.errors import Refusal
from latelier.storage.files import armed
from latelier.terminal.say import HALVES

MOST = 4 << 30  # bytes of a table
MARKED = {"UTF-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE), "UTF-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)}
DELIMITERS = ",;\t"
DECLARED = re.compile(r"sep=([,;\t|])\r?\n")  # how Excel writes which delimiter follows
NAMELESS = re.compile(r"(Unnamed: [0-9]+)?")  # the column of row numbers that pandas writes, and calls so when it reads
SAVE = "save it as CSV in UTF-8, or: iconv -f WINDOWS-1252 -t UTF-8 OLD.csv > NEW.csv"


class Table:
    """Cells by row and column, as they stand there. Commas, semicolons or tabs part them, whichever finds the needed
    columns in the first line; text is UTF-8, or UTF-16 that says so at its beginning. Rows of nothing are left out."""

    def __init__(
        self,
        path: Path,
        needed: Sequence[str],
        header: Callable[[list[str]], list[str]] = lambda cells: cells,
        in_bytes: Collection[str] = ("file",),
    ):
        """``header`` gives the columns the names that they have here; ``in_bytes``: columns that may hold bytes that
        are not UTF-8, as names of files do. Raises Refusal for what is no such table."""
        self.path = path
        text, before = text_of(path), 0
        delimiters = DELIMITERS
        if declared := DECLARED.match(text):
            text, before, delimiters = text[declared.end() :], 1, declared[1]
        first = {one: header(self._first(text, one)) for one in delimiters}
        fitting = [one for one, columns in first.items() if {*needed} <= {*columns}]
        delimiter = fitting[0] if fitting else max(first, key=lambda one: len(first[one]))
        self.columns = first[delimiter]
        self.lines: list[tuple[int, list[str]]] = []  # place in the file, from 1, and cells
        for place, line in self._parsed(text, delimiter, before):
            cells = [armed(cell) for cell in line]
            while len(cells) > len(self.columns) and not cells[-1].strip():
                cells.pop()
            if any(map(str.strip, cells)):
                self.lines.append((place, cells))
        self.lines = self.lines[1:]
        self._check(needed, in_bytes)

    def column(self, name: str) -> list[str]:
        """One column's cells."""
        at = self.columns.index(name)
        return [cells[at] for _, cells in self.lines]

    @property
    def named(self) -> list[str]:
        """The columns but ``file`` and those without a name."""
        return [name for name in self.columns if name != "file" and not NAMELESS.fullmatch(name)]

    def row(self, i: int) -> int:
        """Where row i stands in the file, from 1."""
        return self.lines[i][0]

    def where(self, i: int) -> str:
        """The same in words."""
        return f"{self.path}, row {self.row(i)}"

    def encoded(self, i: int) -> str:
        """What is to be said where the name in row i is none, if it is not UTF-8."""
        return f"this is not UTF-8; {SAVE}" if HALVES.search("".join(self.lines[i][1])) else ""

    def _check(self, needed: Sequence[str], in_bytes: Collection[str]) -> None:
        if any(map(HALVES.search, self.columns)):
            raise Refusal(f"{self.path}: not a CSV file in UTF-8: its first line is not; {SAVE}")
        if missing := [name for name in needed if name not in self.columns]:
            raise Refusal(
                f"{self.path}: the first line must name the columns {','.join(needed)}; "
                f"{','.join(missing)} is missing from {','.join(self.columns) or 'an empty file'}"
            )
        named = [name for name in self.columns if name]
        if len(set(named)) < len(named):
            raise Refusal(f"{self.path}: a column name stands twice in {','.join(self.columns)}")
        strict = [i for i, name in enumerate(self.columns) if name not in in_bytes]
        for place, cells in self.lines:
            if len(cells) != len(self.columns):
                raise Refusal(
                    f"{self.path}, row {place}: {len(cells)} cells, expected {len(self.columns)}; text with commas "
                    "needs quotes"
                )
            if bad := [cells[i] for i in strict if HALVES.search(cells[i])]:
                raise Refusal(f"{self.path}: not a CSV file in UTF-8: row {place} has {bad[0][:60]!r}; {SAVE}")

    def _parsed(self, text: str, delimiter: str, before: int) -> Iterator[tuple[int, list[str]]]:
        """Each line's place in the file, from 1, and its cells; ``before``: lines that are not in the text."""
        place = before
        try:
            for place, line in enumerate(
                csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), before + 1
            ):
                yield place, line
        except csv.Error as error:
            raise Refusal(f"{self.path}, row {place + 1}: this is no CSV ({error}); mend it") from error

    def _first(self, text: str, delimiter: str) -> list[str]:
        """The cells of the first line that is not empty; none where it cannot be read so."""
        try:
            lines = (line for _, line in self._parsed(text, delimiter, 0))
            return [cell.strip() for cell in next((line for line in lines if any(map(str.strip, line))), [])]
        except Refusal:
            return []


def text_of(path: Path) -> str:
    """The text of a file in UTF-8, or in UTF-16 or UTF-32 that begins with its mark; bytes that are not UTF-8 are kept
    as halves of surrogate pairs. Raises Refusal."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > MOST:  # a pipe is waited for, a device has no end
            raise Refusal(f"{path} is no regular file, or has more than {MOST >> 30} GiB; give a CSV file")
        content = path.read_bytes()
    except OSError as error:
        raise Refusal(f"{path}: {error.strerror}; give a CSV file that can be read") from error
    if coding := next((name for name, marks in MARKED.items() if content.startswith(marks)), None):
        try:
            return content.decode(coding)
        except UnicodeDecodeError as error:
            raise Refusal(f"{path}: begins like {coding} and is not ({error.reason}); save it in UTF-8") from error
    if b"\0" in content[:1024]:
        raise Refusal(f"{path}: holds NUL, as UTF-16 without its mark does, or no text at all; save it as CSV in UTF-8")
    return content.removeprefix(codecs.BOM_UTF8).decode(errors="surrogateescape")
