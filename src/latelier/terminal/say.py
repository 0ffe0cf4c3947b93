"""Whatever is said on a terminal goes through here: a file's name or a class may hold codes that move the cursor, set
the window's title or turn the direction of what follows."""

import errno
import re
import sys

# Control characters but newline and tab, those of ISO 6429's second set, the directions of Unicode's annex 9, line and
# paragraph separators.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
HALVES = re.compile("[\ud800-\udfff]")  # of surrogate pairs: as U+DC80 to U+DCFF Python reads bytes that are not UTF-8


def escaped(text: str) -> str:
    r"""The text for what holds UTF-8 alone: bytes of file names that are not UTF-8 are written out, as ``\xe4``."""
    return HALVES.sub(_written_out, text)


def _written_out(half: "re.Match[str]") -> str:
    number = ord(half[0])
    return f"\\x{number - 0xDC00:02x}" if 0xDC80 <= number <= 0xDCFF else f"\\u{number:04x}"


def printable(text: str) -> str:
    r"""The text with everything written out that a terminal would not show but obey, as ``\x1b`` or ``\u202e``."""
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), escaped(text))


def say(text: object = "", *, error: bool = False) -> None:
    """Prints on stdout, or on stderr, at once. What stderr cannot take, of a terminal that was closed, is not said:
    nothing that is being done depends on it."""
    stream = sys.stderr if error else sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"  # of a file that Windows writes, a page of 256 characters
    try:
        print(printable(str(text)).encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)
    except OSError as fault:
        if not (error and fault.errno == errno.EIO):
            raise
