"""How large a JPEG XL image is, by its header: its plugin for Pillow decodes it before anyone has seen that."""

from typing import BinaryIO

BITS = (9, 13, 18, 30)  # of a side less one, by a selector of two bits
RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))  # width to height
BOXES = 64  # that may stand before the one with the pixels


def jxl_size(file: BinaryIO) -> tuple[int, int]:
    """(width, height) of the image as it is stored. Raises ValueError for a header that is none (ISO/IEC 18181-1,
    SizeHeader; 18181-2 for the boxes)."""
    head = file.read(12)
    if not head.startswith(b"\xff\x0a"):
        head = _in_box(file)
    if not head.startswith(b"\xff\x0a") or len(head) < 12:
        raise ValueError("no JPEG XL image in it")
    bits = _Bits(int.from_bytes(head[2:12], "little"))
    small = bits.take(1)
    height = 8 * (bits.take(5) + 1) if small else 1 + bits.take(BITS[bits.take(2)])
    ratio = bits.take(3)
    if ratio:
        across, down = RATIOS[ratio - 1]
        return height * across // down, height
    return 8 * (bits.take(5) + 1) if small else 1 + bits.take(BITS[bits.take(2)]), height


class _Bits:
    """Numbers out of a whole one, from its lowest bit on."""

    def __init__(self, left: int):
        self.left = left

    def take(self, count: int) -> int:
        value = self.left & ((1 << count) - 1)
        self.left >>= count
        return value


def _in_box(file: BinaryIO) -> bytes:
    """The first 12 bytes of the codestream in a container."""
    place = 0
    for _ in range(BOXES):
        file.seek(place)
        head = file.read(16)
        size, kind = int.from_bytes(head[:4], "big"), head[4:8]
        start = 16 if size == 1 else 8
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if kind in (b"jxlc", b"jxlp"):
            file.seek(place + start + (4 if kind == b"jxlp" else 0))  # of a part its number comes first
            return file.read(12)
        if size < start:
            break
        place += size
    return b""
