"""PNG files with more text, or a larger colour profile, than Pillow accepts: read without them."""

import io
import struct
import zlib
from typing import BinaryIO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXT = frozenset({b"tEXt", b"zTXt", b"iTXt", b"iCCP"})
KEPT = 1 << 20  # bytes of text and profiles, unpacked, that stay; Pillow itself accepts no more of one
CHUNKS = 1 << 18  # that are looked through at most
COPIED = 1 << 28  # bytes of a file that are taken into memory to leave its text out


def without_long_text(file: BinaryIO) -> BinaryIO:
    """The same file at its beginning, or a copy without the texts and profiles that are beyond ``KEPT`` in all, of
    which no more than that is unpacked. Whatever else is wrong with it is left for Pillow to say."""
    left, spans, long, place = KEPT, list[tuple[int, int]](), False, len(SIGNATURE)
    is_png = file.read(len(SIGNATURE)) == SIGNATURE
    for _ in range(CHUNKS if is_png else 0):
        head = file.read(8)
        if len(head) < 8:
            break
        length, kind = struct.unpack(">I4s", head)
        size = _unpacked(kind, file.read(min(length, 2 * KEPT)), left + 1) if kind in TEXT else 0
        if size > left:
            long = True
        else:
            left -= size
            spans.append((place, length + 12))
        place += length + 12
        if kind == b"IEND":
            break
        file.seek(place)
    file.seek(0)
    if not long or sum(size for _, size in spans) > COPIED:
        return file
    copy = io.BytesIO()
    copy.write(SIGNATURE)
    for start, size in spans:
        file.seek(start)
        copy.write(file.read(size))
    copy.seek(0)
    return copy


def _unpacked(kind: bytes, chunk: bytes, most: int) -> int:
    """Bytes of a text chunk, of which up to ``most`` are unpacked."""
    _, _, rest = chunk.partition(b"\0")
    packed = b"" if kind == b"tEXt" else rest[1:]
    if kind == b"iTXt":  # flag, method, language, keyword in that language, text
        packed = rest[2:].split(b"\0", 2)[-1] if rest[:1] != b"\0" else b""
    if not packed:
        return len(chunk)
    try:
        return max(len(chunk), len(zlib.decompressobj().decompress(packed, most)))
    except zlib.error:
        return len(chunk)
