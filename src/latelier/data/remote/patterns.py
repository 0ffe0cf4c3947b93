"""What names many shards at once: braces and wildcards in a path, and addresses of object stores."""

import re
from collections.abc import Iterator
from itertools import product

from latelier.errors import Refusal
from latelier.storage.addresses import check_no_secret, is_address, scheme_of

READ_BY = {"s3": "s3fs", "gs": "gcsfs", "hf": "huggingface_hub", "https": "aiohttp", "http": "aiohttp"}  # with fsspec
BRACES = re.compile(r"\{([^{}]*)\}")
COUNTED = re.compile(r"(\d+)\.\.(\d+)")
WILD = re.compile(r"[*?\[]")
MOST = 1_000_000  # shards that braces may stand for


def is_pattern(text: str) -> bool:
    """Whether it names shards by an address, by braces or by wildcards."""
    return is_address(text) or bool(WILD.search(text) or BRACES.search(text))


def is_wild(text: str) -> bool:
    """Whether what it stands for must be looked up."""
    return bool(WILD.search(text))


def parted(text: str) -> tuple[str, str]:
    """A pattern, and the split behind its last colon or ""."""
    head, _, tail = text.rpartition(":")
    return (head, tail) if head and tail and not re.search(r"[/\\.{}*]", tail) and is_pattern(head) else (text, "")


def checked(text: str) -> str:
    """An address as it is. Raises Refusal for a scheme that is not read, and for one that holds a secret or might: it
    would be kept in the run and shown with it."""
    if not is_address(text):
        return text
    check_no_secret(text)
    if (scheme := scheme_of(text)) not in READ_BY:
        known = ", ".join(f"{name}://" for name in READ_BY)
        raise Refusal(f"{text}: {scheme}:// is not read; expected one of {known}")
    return text


def expanded(text: str) -> list[str]:
    """What the braces of a pattern stand for: ``{0000..1023}`` for numbers as wide as they are written, ``{a,b}`` for
    one of several texts. Raises Refusal for other braces, and for more than ``MOST`` names."""
    pieces, choices, at, total = list[str](), list[list[str]](), 0, 1
    for found in BRACES.finditer(text):
        choices.append(list(_choices(found[1], text)))
        total *= len(choices[-1])
        if total > MOST:
            raise Refusal(f"{text}: braces stand for more than {MOST:,} names; give fewer")
        pieces.append(text[at : found.start()])
        at = found.end()
    if "{" in text[at:] or "}" in text[at:] or any("{" in piece or "}" in piece for piece in pieces):
        raise Refusal(f"{text}: braces do not close, or hold others; expected {{0000..1023}} or {{a,b}}")
    return ["".join(map("".join, zip(pieces, chosen, strict=True))) + text[at:] for chosen in product(*choices)]


def _choices(inside: str, text: str) -> Iterator[str]:
    if found := COUNTED.fullmatch(inside):
        first, last = int(found[1]), int(found[2])
        if not 0 <= last - first < MOST:
            raise Refusal(
                f"{text}: {{{inside}}} counts from {first:,} to {last:,}; expected up to {MOST:,} numbers, rising"
            )
        width = len(found[1]) if found[1].startswith("0") or len(found[1]) == len(found[2]) else 0
        yield from (str(number).zfill(width) for number in range(first, last + 1))
    elif "," in inside:
        yield from inside.split(",")
    else:
        raise Refusal(f"{text}: {{{inside}}} is not understood; expected {{0000..1023}} or {{a,b}}")
